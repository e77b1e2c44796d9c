"""What is compared with what: two models' answers joined by instruction, turn by turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tunewright.errors import DataError
from tunewright.evaluate.outputs.answered import Answered

Order = Literal["ab", "ba"]  # which model's answer is shown first
_MOST_NAMED = 5
_NAMED_CHARS = 60


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answers of two models to one turn, counted from 1; those to earlier turns are shown before.

    `number` counts the joined instructions from 0, in A's order.
    """

    number: int
    turn: int
    a: Answered
    b: Answered

    @property
    def is_same(self) -> bool:
        """Whether a judge would see the same twice: a tie without a call."""
        return self.a.answers[: self.turn] == self.b.answers[: self.turn]

    @property
    def reference(self) -> str:
        return self.a.reference(self.turn)


@dataclass(frozen=True, slots=True)
class Joined:
    """The pairs in A's order, and how many answers found no partner, with the beginnings of the first ones.

    `num_repeated` counts instructions that come several times: the n-th in A is paired with the n-th in B.
    """

    pairs: tuple[tuple[Answered, Answered], ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    num_only_a: int
    num_only_b: int
    num_repeated: int


def join(a: Sequence[Answered], b: Sequence[Answered]) -> Joined:
    """The answers to the same instructions; white space around them is not looked at.

    DataError when no instruction is in both.
    """
    waiting: dict[tuple[str, ...], list[Answered]] = defaultdict(list)
    for one in reversed(b):
        waiting[key_of(one)].append(one)
    repeated = sum(len(of_key) > 1 for of_key in waiting.values())
    pairs, alone = [], []
    for one in a:
        partners = waiting[key_of(one)]
        if partners:
            pairs.append((one, partners.pop()))
        else:
            alone.append(one)
    if not pairs:
        raise DataError(
            f"no instruction is in both: {a[0].generator} begins with {_name(a[0])!r}, {b[0].generator} with "
            f"{_name(b[0])!r}; only answers to the same prompts can be compared"
        )
    left = [one for one in b if any(one is other for other in waiting[key_of(one)])]
    return Joined(
        pairs=tuple(pairs),
        only_a=tuple(map(_name, alone[:_MOST_NAMED])),
        only_b=tuple(map(_name, left[:_MOST_NAMED])),
        num_only_a=len(alone),
        num_only_b=len(left),
        num_repeated=repeated,
    )


def comparisons(joined: Joined) -> Iterator[Comparison]:
    """One per pair and turn, in order."""
    for number, (a, b) in enumerate(joined.pairs):
        for turn in range(1, len(a.prompts) + 1):
            yield Comparison(number, turn, a, b)


def with_references(
    answered: Sequence[Answered], references: Mapping[tuple[str, ...], Sequence[str]]
) -> tuple[list[Answered], int]:
    """The answers with the references to their instructions, and how many got one; own ones are replaced."""
    found, num_found = [], 0
    for one in answered:
        texts = references.get(key_of(one))
        num_found += texts is not None
        found.append(one if texts is None else replace(one, references=tuple(texts)))
    return found, num_found


def key_of(one: Answered) -> tuple[str, ...]:
    """What the answers of two models are joined by."""
    before = (f"{message.role}: {message.text}".strip() for message in one.before)
    return (one.question_id, *before, *(text.strip() for text in one.prompts))


def _name(one: Answered) -> str:
    return one.question_id or " ".join(one.prompts[0].split())[:_NAMED_CHARS]
