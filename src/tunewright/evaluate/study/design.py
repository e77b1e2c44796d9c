"""Who sees what, and in which order: overlap exact, loads and positions balanced.

The raters of a prompt rate every system on it, so a rater's severity falls out of each paired difference.
A *treatment* is what is shown of a prompt: one system's answer, or one pair of systems.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Sequence


def raters_of_prompts(
    num_prompts: int, num_raters: int, overlap: int, rng: random.Random
) -> list[tuple[int, ...]]:
    """For each prompt its `overlap` raters. Numbers of prompts per rater differ by at most one, and raters
    share prompts with one another about equally often."""
    assert 1 <= overlap <= num_raters
    loads = [0] * num_raters
    together = [[0] * num_raters for _ in range(num_raters)]
    chosen_of: list[tuple[int, ...]] = []
    for _ in range(num_prompts):
        chosen: list[int] = []
        while len(chosen) < overlap:
            rest = [rater for rater in range(num_raters) if rater not in chosen]
            cost = {
                rater: (loads[rater], sum(together[rater][other] for other in chosen), rng.random())
                for rater in rest
            }
            chosen.append(min(rest, key=cost.__getitem__))
        for rater in chosen:
            loads[rater] += 1
            for other in chosen:
                together[rater][other] += rater != other
        chosen_of.append(tuple(sorted(chosen)))
    return chosen_of


def order_of_rater(prompts: Sequence[int], num_treatments: int, rng: random.Random) -> list[tuple[int, int]]:
    """A rater's (prompt, treatment) pairs in the order shown.

    As many blocks as treatments; in each block every prompt comes once, in random order, and the treatments
    occur equally often to within one. So no system comes early or late more than another, and a prompt comes
    back only in the next block.
    """
    shuffled = list(prompts)
    rng.shuffle(shuffled)
    treatments: dict[int, list[int]] = {}
    base: list[int] = []
    for place, prompt in enumerate(shuffled):
        shift = place % num_treatments
        if shift == 0:  # a new random order for each group, turned by one from prompt to prompt in it
            base = rng.sample(range(num_treatments), num_treatments)
        treatments[prompt] = base[shift:] + base[:shift]
    order: list[tuple[int, int]] = []
    for block in range(num_treatments):
        rng.shuffle(shuffled)
        if order and len(shuffled) > 1 and order[-1][0] == shuffled[0]:
            shuffled[0], shuffled[-1] = shuffled[-1], shuffled[0]
        order += [(prompt, treatments[prompt][block]) for prompt in shuffled]
    return order


def balanced_orders(edges: Sequence[tuple[int, int]], rng: random.Random) -> list[bool]:
    """For each (rater, prompt) whether the pair is shown turned round, so that of each rater's and of each
    prompt's showings half are turned, to within one.

    The edges of the bipartite graph are coloured alternately along closed walks (Euler); walks in such a
    graph have even length, so every corner has as many of one colour as of the other. Odd corners are first
    joined to an extra one on the other side.
    """
    neighbours: dict[tuple[str, int], list[tuple[tuple[str, int], int]]] = defaultdict(list)

    def join(left: tuple[str, int], right: tuple[str, int], number: int) -> None:
        neighbours[left].append((right, number))
        neighbours[right].append((left, number))

    for number, (rater, prompt) in enumerate(edges):
        join(("rater", rater), ("prompt", prompt), number)
    extra = len(edges)
    for side, other in (("rater", "prompt"), ("prompt", "rater")):
        for corner in [c for c in list(neighbours) if c[0] == side and c[1] >= 0 and len(neighbours[c]) % 2]:
            join(corner, (other, -1), extra)
            extra += 1
    if len(neighbours[("rater", -1)]) % 2:
        join(("rater", -1), ("prompt", -1), extra)
        extra += 1
    used = [False] * extra
    turned = [False] * extra
    for links in neighbours.values():
        rng.shuffle(links)
    for start in list(neighbours):
        walk = _closed_walk(start, neighbours, used)
        first = rng.random() < 0.5
        for step, number in enumerate(walk):
            turned[number] = first == bool(step % 2)
    return turned[: len(edges)]


def _closed_walk(
    start: tuple[str, int],
    neighbours: dict[tuple[str, int], list[tuple[tuple[str, int], int]]],
    used: list[bool],
) -> list[int]:
    """The edges of a walk from `start` until it is stuck, which in an even graph is at `start` again."""
    walk: list[int] = []
    here = start
    while True:
        links = neighbours[here]
        while links and used[links[-1][1]]:
            links.pop()
        if not links:
            return walk
        here, number = links.pop()
        used[number] = True
        walk.append(number)


def repeated_places(
    order: Sequence[tuple[int, int]], share: float, num_treatments: int, rng: random.Random
) -> list[int]:
    """Which places of a rater's order are shown a second time: ⌈share · items⌉ of the first half, from every
    treatment about equally often. None when there are fewer than four items."""
    if share == 0 or len(order) < 4:
        return []
    half = list(range(len(order) // 2))
    rng.shuffle(half)
    wanted = min(math.ceil(share * len(order)), len(half))
    by_treatment = {
        treatment: [place for place in half if order[place][1] == treatment]
        for treatment in rng.sample(range(num_treatments), num_treatments)
    }
    places: list[int] = []
    while len(places) < wanted:
        for waiting in by_treatment.values():
            if waiting and len(places) < wanted:
                places.append(waiting.pop())
    return places
