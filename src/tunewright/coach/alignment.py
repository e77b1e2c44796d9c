"""Where one sequence of texts became the other: lines for a coach's edits, words for counted ones.

rapidfuzz aligns by bits, 64 cells of the table at a time; difflib takes the cube of the length where lines
repeat (blank lines do). Two alignments are to be had, for neither is always the shorter to write down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import NamedTuple

from rapidfuzz.distance import LCSseq, Levenshtein, Opcodes

_MOST_PARTS = 30_000  # between the ends that are alike: a tenth of a second
_MOST_CELLS = 100_000_000  # of the table that the second alignment keeps, a bit each


class Change(NamedTuple):
    """The parts `start` to `stop` of the first became the parts `new_start` to `new_stop` of the second."""

    start: int
    stop: int
    new_start: int
    new_stop: int


def fewest_changes(before: Sequence[str], after: Sequence[str]) -> list[Change]:
    """The changes that replace, put in and take out the fewest parts (Levenshtein 1965), in their order.

    Parts are kept between any two of them. Beyond 30,000 parts all from the first difference to the last is
    one change.
    """
    return _changes(before, after, Levenshtein.opcodes, lambda old, new: max(old, new) <= _MOST_PARTS)


def most_kept(before: Sequence[str], after: Sequence[str]) -> list[Change]:
    """The changes that leave the longest common subsequence; beyond 10^8 pairs of parts it is one change."""
    return _changes(before, after, LCSseq.opcodes, lambda old, new: old * new <= _MOST_CELLS)


def _changes(
    before: Sequence[str],
    after: Sequence[str],
    align: Callable[[Sequence[int], Sequence[int]], Opcodes],
    is_small: Callable[[int, int], bool],
) -> list[Change]:
    begin = _num_alike(before, after)
    end = _num_alike(before[begin:][::-1], after[begin:][::-1])
    old, new = before[begin : len(before) - end], after[begin : len(after) - end]
    if not (old and new) or not is_small(len(old), len(new)):
        whole = Change(begin, begin + len(old), begin, begin + len(new))
        return [whole] if old or new else []
    numbers: dict[str, int] = {}  # rapidfuzz compares hashes, and those of numbers are never equal by chance
    codes = align(
        [numbers.setdefault(part, len(numbers)) for part in old],
        [numbers.setdefault(part, len(numbers)) for part in new],
    )
    found: list[Change] = []
    for code in codes:
        if code.tag == "equal":
            continue
        change = Change(
            begin + code.src_start, begin + code.src_end, begin + code.dest_start, begin + code.dest_end
        )
        if found and (found[-1].stop, found[-1].new_stop) == (change.start, change.new_start):
            first = found.pop()  # side by side, such as a part replaced and one put in behind it
            change = Change(first.start, change.stop, first.new_start, change.new_stop)
        found.append(change)
    return found


def _num_alike(before: Sequence[str], after: Sequence[str]) -> int:
    """How many parts the two have in common at their beginning."""
    pairs = zip(before, after, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
