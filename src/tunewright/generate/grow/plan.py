"""The plan: what is still missing, and so what the next round asks for."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from tunewright.generate.grow.cells import Cell, Group
from tunewright.run.seeds import derive_seed


@dataclass(frozen=True, slots=True)
class Order:
    """One call: so many items of one group, each about its topic. `round` and `number` tell calls apart."""

    round: int
    number: int
    group: Group
    topics: tuple[str, ...]


class Plan:
    """Targets by cell, what was asked for and what was accepted. The same history gives the same orders."""

    def __init__(self, targets: Mapping[Cell, int], *, seed: int) -> None:
        self.targets = {cell: target for cell, target in targets.items() if target}
        self.accepted: Counter[Cell] = Counter()
        self._asked: Counter[Group] = Counter()
        self._targets_of_groups: Counter[Group] = Counter()
        self._cells: dict[Group, list[Cell]] = {}
        for cell, target in self.targets.items():
            self._targets_of_groups[cell.group] += target
            self._cells.setdefault(cell.group, []).append(cell)
        self._seed = seed

    @property
    def n(self) -> int:
        return sum(self.targets.values())

    @property
    def num_accepted(self) -> int:
        return self.accepted.total()

    @property
    def num_filled(self) -> int:
        """How many cells have all they should get."""
        return sum(self.accepted[cell] >= target for cell, target in self.targets.items())

    def missing(self, cell: Cell) -> int:
        return self.targets.get(cell, 0) - self.accepted[cell]

    def accept(self, cell: Cell) -> None:
        """Count one more item; a cell is never filled beyond its target."""
        assert self.missing(cell) > 0, f"{cell.name()} is full"
        self.accepted[cell] += 1

    def num_calls(self, per_call: int) -> int:
        """How many calls would ask for all that is missing."""
        missing = (sum(max(self.missing(cell), 0) for cell in cells) for cells in self._cells.values())
        return sum(-(-number // per_call) for number in missing)

    def next_round(self, round: int, *, num_calls: int, per_call: int) -> list[Order]:
        """The orders of a round: exactly what is missing, as far as `num_calls` go.

        The group that was asked least for its size comes first. Going by what is missing instead would
        let a group whose items are always rejected take up every call.
        """
        waiting = {group: self._topics(group, round) for group in self._cells}
        left = {group: sum(max(self.missing(c), 0) for c in cells) for group, cells in self._cells.items()}
        queue = [self._place(group, round) for group, number in left.items() if number]
        heapq.heapify(queue)
        orders: list[Order] = []
        while queue and len(orders) < num_calls:
            group = heapq.heappop(queue)[2]
            topics = tuple(itertools.islice(waiting[group], per_call))
            orders.append(Order(round, len(orders), group, topics))
            self._asked[group] += len(topics)
            left[group] -= len(topics)
            if left[group]:
                heapq.heappush(queue, self._place(group, round))
        return orders

    def _topics(self, group: Group, round: int) -> Iterator[str]:
        """A topic for each missing item: first one of every cell, then a second, …; each pass shuffled. They
        are made as they are taken: a plan may have millions."""
        rng = random.Random(derive_seed(self._seed, "order", round, group.skill, group.level, group.task))
        return self._passes([(cell.topic, self.missing(cell)) for cell in self._cells[group]], rng)

    def _passes(self, missing: list[tuple[str, int]], rng: random.Random) -> Iterator[str]:
        while missing := [(topic, number) for topic, number in missing if number > 0]:
            rng.shuffle(missing)
            yield from (topic for topic, _ in missing)
            missing = [(topic, number - 1) for topic, number in missing]

    def _place(self, group: Group, round: int) -> tuple[Fraction, int, Group]:
        tie = derive_seed(self._seed, "turn", round, group.skill, group.level, group.task, group.form)
        return Fraction(self._asked[group], self._targets_of_groups[group]), tie, group
