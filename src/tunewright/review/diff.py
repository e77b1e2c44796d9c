"""Two texts as one run of spans that are equal, removed or added, for people to read.

The words are compared by `coach.compare.worddiff`, as on the page that compares data sets. Added here: texts
of any length (lines are compared first, then sentences, then words; what is still too long is shown as a
whole), and borders that never stand inside a word of a script with marks, a composed letter or an emoji.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate, pairwise

from rapidfuzz.distance import Postfix, Prefix

from tunewright.coach.alignment import Change, fewest_changes
from tunewright.coach.compare.worddiff import Stretch, word_diff

# Characters of a side that are compared word by word at once: 20 ms. It is below the 30,000 parts up to which
# `fewest_changes` looks for the fewest, where every character is a part (Chinese).
_MOST_CHARS = 20_000
_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_SENTENCES = re.compile(r"[^.!?。！？؟।\n]*[.!?。！？؟।\n]+[ \t]*|[^.!?。！？؟।\n]+")

_SPACELESS = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]"
)
_EXTENDS = re.compile(r"[\u200c\u200d\u0e33\u0eb3\uff9e\uff9f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_LEADS_ON = re.compile(r"[\u200c\u200d\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd]")
_REGIONAL = re.compile(r"[\U0001f1e6-\U0001f1ff]")  # two of them are a flag


class Kind(StrEnum):
    EQUAL = "equal"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the first text (removed), of the second (added) or of both (equal); never empty."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Diff:
    """In reading order; of a change, what was removed stands before what was added.

    `is_coarse`: somewhere the texts were too long to be compared by words, and a whole block is shown as
    removed and added.
    """

    spans: tuple[Span, ...]
    is_coarse: bool = False

    @property
    def is_equal(self) -> bool:
        return all(span.kind is Kind.EQUAL for span in self.spans)

    @property
    def before(self) -> tuple[Span, ...]:
        """The spans that, joined, are the first text."""
        return tuple(span for span in self.spans if span.kind is not Kind.ADDED)

    @property
    def after(self) -> tuple[Span, ...]:
        """The spans that, joined, are the second text."""
        return tuple(span for span in self.spans if span.kind is not Kind.REMOVED)


def compare(before: str, after: str) -> Diff:
    """The diff of two texts. No border splits a word, a letter and its marks, or an emoji.

    Scripts without spaces (Chinese, Japanese, Thai, Khmer, Burmese) are compared letter by letter.
    """
    changes: list[Change] = []
    is_coarse = False
    for change, is_fine in _changes(before, after):
        is_coarse |= not is_fine
        changes.append(change)
    return Diff(tuple(_spans(before, after, _at_whole_words(before, after, changes))), is_coarse)


def _changes(before: str, after: str) -> Iterator[tuple[Change, bool]]:
    """The changes in characters, in order, and whether each was compared by words."""
    if max(len(before), len(after)) <= _MOST_CHARS:
        yield from _by_words(before, after, 0, 0)
        return
    begin = _whole_words(before, after, Prefix.similarity(before, after))
    end = min(Postfix.similarity(before, after), min(len(before), len(after)) - begin)
    old, new = before[begin : len(before) - end], after[begin : len(after) - end]
    yield from _by_parts(old, new, begin, begin, (_LINES, _SENTENCES))


def _by_parts(
    old: str, new: str, start: int, new_start: int, levels: tuple[re.Pattern[str], ...]
) -> Iterator[tuple[Change, bool]]:
    """Long texts part by part, of the first of `levels`; each changed block then by the next level.

    A block with as many parts before as after is taken part against part: every line may have changed.
    """
    if not (old and new) or max(len(old), len(new)) <= _MOST_CHARS:
        yield from _by_words(old, new, start, new_start)
        return
    if not levels:
        yield Change(start, start + len(old), new_start, new_start + len(new)), False
        return
    parts, new_parts = levels[0].findall(old), levels[0].findall(new)
    at = [start, *(start + length for length in accumulate(map(len, parts)))]
    new_at = [new_start, *(new_start + length for length in accumulate(map(len, new_parts)))]
    for a, b, c, d in fewest_changes(parts, new_parts):
        is_alike = b - a == d - c
        steps = [(n, n + 1, n + c - a, n + c - a + 1) for n in range(a, b)] if is_alike else [(a, b, c, d)]
        for e, f, g, h in steps:
            block, new_block = "".join(parts[e:f]), "".join(new_parts[g:h])
            if block != new_block:
                yield from _by_parts(block, new_block, at[e], new_at[g], levels[1:])


def _by_words(old: str, new: str, start: int, new_start: int) -> Iterator[tuple[Change, bool]]:
    first, second = word_diff(old, new)
    gone, come = _places(first), _places(second)
    num_gone = num_come = 0
    for place in sorted(gone.keys() | come.keys()):
        a, c = start + place + num_gone, new_start + place + num_come
        num_gone += gone[place]
        num_come += come[place]
        yield Change(a, a + gone[place], c, c + come[place]), True


def _places(stretches: tuple[Stretch, ...]) -> Counter[int]:
    """How many characters are of this side alone, by how many of both sides stand before them."""
    found: Counter[int] = Counter()
    num_same = 0
    for one in stretches:
        if one.kind == "same":
            num_same += len(one.text)
        else:
            found[num_same] += len(one.text)
    return found


def _at_whole_words(before: str, after: str, changes: list[Change]) -> list[Change]:
    """The changes made so wide that none begins or ends inside a word."""
    first, last = Change(0, 0, 0, 0), Change(len(before), len(before), len(after), len(after))
    borders = [first, *changes, last]
    equals = []
    for left, right in pairwise(borders):
        start, stop, shift = left.stop, right.start, left.new_stop - left.stop
        while start < stop and (_splits(before, start) or _splits(after, start + shift)):
            start += 1
        while start < stop and (_splits(before, stop) or _splits(after, stop + shift)):
            stop -= 1
        if start < stop:
            equals.append((start, stop, shift))
    found = []
    at = new_at = 0
    for start, stop, shift in [*equals, (len(before), len(before), len(after) - len(before))]:
        if (at, new_at) != (start, start + shift):
            found.append(Change(at, start, new_at, start + shift))
        at, new_at = stop, stop + shift
    return found


def _spans(before: str, after: str, changes: list[Change]) -> Iterator[Span]:
    at = 0
    for start, stop, new_start, new_stop in changes:
        for kind, text in (
            (Kind.EQUAL, before[at:start]),
            (Kind.REMOVED, before[start:stop]),
            (Kind.ADDED, after[new_start:new_stop]),
        ):
            if text:
                yield Span(kind, text)
        at = stop
    if before[at:]:
        yield Span(Kind.EQUAL, before[at:])


def _whole_words(before: str, after: str, length: int) -> int:
    """`length` characters that both begin with, less those of a word that goes on."""
    while length and (_splits(before, length) or _splits(after, length)):
        length -= 1
    return length


def _splits(text: str, place: int) -> bool:
    """Whether a border before character `place` would tear apart what is read as one."""
    if not 0 < place < len(text):
        return False
    left, right = text[place - 1], text[place]
    if left.isascii() and right.isascii():
        return (left.isalnum() and right.isalnum()) or left + right == "\r\n"
    if unicodedata.category(right)[0] == "M" or _EXTENDS.match(right) or _LEADS_ON.match(left):
        return True
    if _REGIONAL.match(left) and _REGIONAL.match(right):
        return _num_regional(text, place) % 2 == 1
    return _is_of_word(left) and _is_of_word(right)


def _is_of_word(character: str) -> bool:
    is_letter = character.isalnum() or unicodedata.category(character)[0] == "M"
    return is_letter and not _SPACELESS.match(character)


def _num_regional(text: str, place: int) -> int:
    """How many of them stand together before `place`."""
    start = place
    while start and _REGIONAL.match(text[start - 1]):
        start -= 1
    return place - start
