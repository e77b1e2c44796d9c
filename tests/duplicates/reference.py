"""The rule as slowly and plainly as it can be written, and texts to try it on."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Sequence

from tunewright.duplicates import Duplicate

Score = Callable[[list[str], list[str]], float]
IsAbove = Callable[[float], bool]


def lcs_length(first: Sequence[str], second: Sequence[str]) -> int:
    """The table of every textbook."""
    row = [0] * (len(second) + 1)
    for one in first:
        above = row
        row = [0]
        for j, other in enumerate(second):
            row.append(above[j] + 1 if one == other else max(above[j + 1], row[j]))
    return row[-1]


def rouge_l(first: list[str], second: list[str]) -> float:
    """F1 with the operations of `rouge_score`, in their order."""
    if not first or not second:
        return 0.0
    length = lcs_length(first, second)
    precision, recall = length / len(second), length / len(first)
    return 2 * precision * recall / (precision + recall) if length else 0.0


def one_by_one(
    words: Sequence[list[str]],
    *,
    threshold: float,
    cells: Sequence[Hashable] | None = None,
    against: Sequence[list[str]] = (),
    score: Score = rouge_l,
) -> list[Duplicate | None]:
    """Every text against every kept one."""
    kept: list[int] = []
    found: list[Duplicate | None] = []
    for i, text in enumerate(words):
        partners = [Duplicate(j, score(other, text), against=True) for j, other in enumerate(against)]
        alike = [partner for partner in partners if partner.score > threshold]
        if not alike:
            here = [j for j in kept if cells is None or cells[j] == cells[i]]
            partners = [Duplicate(j, score(words[j], text)) for j in here]
            alike = [partner for partner in partners if partner.score > threshold]
        found.append(max(alike, key=lambda partner: partner.score) if alike else None)
        if not alike:
            kept.append(i)
    return found


def stress(num: int, *, seed: int, vocabulary: int = 30) -> list[str]:
    """Sentences of 0 to 25 words; three in five are an earlier one after some edits: near the threshold."""
    rng = random.Random(seed)
    texts: list[list[str]] = []
    for _ in range(num):
        if texts and rng.random() < 0.6:
            words = list(rng.choice(texts))
            for _ in range(rng.randint(0, 1 + len(words) // 3)):
                if words and rng.random() < 0.5:
                    words.pop(rng.randrange(len(words)))
                else:
                    words.insert(rng.randint(0, len(words)), f"w{rng.randrange(vocabulary)}")
        else:
            words = [f"w{rng.randrange(vocabulary)}" for _ in range(rng.randint(0, 25))]
        texts.append(words)
    return [" ".join(words) for words in texts]
