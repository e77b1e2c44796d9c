"""Two texts as stretches that are the same, gone or new: whole words, so that a change can be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from tunewright.coach.alignment import fewest_changes
from tunewright.coach.edits import words_and_signs

Kind = Literal["same", "gone", "new"]
Code = tuple[str, int, int, int, int]  # as difflib has them: what, from and to in the one, in the other

_MOST_ISLAND_CHARS = 12
_ISLAND_SHARE = 3  # an island has at most a third of the words that were rewritten around it


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of one text. `same` is in both, `gone` in the first alone, `new` in the second alone."""

    kind: Kind
    text: str


def word_diff(before: str, after: str) -> tuple[tuple[Stretch, ...], tuple[Stretch, ...]]:
    """Both texts in stretches; each side's stretches joined are that text, whatever it holds.

    Texts too long to compare are shown as gone and new as a whole but for what begins and ends alike.
    """
    old, new = words_and_signs(before), words_and_signs(after)
    codes = _codes(old, new)
    first: list[Stretch] = []
    second: list[Stretch] = []
    for name, a, b, c, d in _without_islands(codes, old, new):
        kind_old: Kind = "same" if name == "equal" else "gone"
        kind_new: Kind = "same" if name == "equal" else "new"
        _add(first, kind_old, "".join(old[a:b]))
        _add(second, kind_new, "".join(new[c:d]))
    return tuple(first), tuple(second)


def _codes(old: Sequence[str], new: Sequence[str]) -> list[Code]:
    """The changes and what is equal around them, from beginning to end."""
    codes: list[Code] = []
    a = c = 0
    for start, stop, new_start, new_stop in fewest_changes(old, new):
        codes.append(("equal", a, start, c, new_start))
        codes.append(("replace", start, stop, new_start, new_stop))
        a, c = stop, new_stop
    codes.append(("equal", a, len(old), c, len(new)))
    return [one for one in codes if _size(one)]


def _without_islands(codes: Sequence[Code], old: Sequence[str], new: Sequence[str]) -> list[Code]:
    """A few letters that stay the same between two larger changes belong to the change: a rewritten sentence
    is read as one, not as a chain of every "the" that it shares with the old one."""

    def is_space(equal: Code, before: Code, after: Code) -> bool:
        return not _text(old, equal).strip()

    def is_small(equal: Code, before: Code, after: Code) -> bool:
        if len(_text(old, equal).strip()) > _MOST_ISLAND_CHARS:
            return False
        sizes = [_num_words(old, new, one) for one in (before, after)]
        num_same = min(_num_words(old, new, equal))
        # what was only added leaves the words around it as they were, however much it is
        num_rewritten = sum(map(min, sizes))
        return num_same <= min(map(max, sizes)) and _ISLAND_SHARE * num_same <= num_rewritten

    # first the spaces, for only then is it seen how large the changes around a word are
    found = _merged(codes, is_space)
    while len(grown := _merged(found, is_small)) < len(found):  # a change that grew may reach the next island
        found = grown
    return found


def _merged(codes: Sequence[Code], is_island: Callable[[Code, Code, Code], bool]) -> list[Code]:
    """The codes with islands made part of the changes around them, and changes side by side made one."""
    found: list[Code] = []
    for place, code in enumerate(codes):
        name, a, b, c, d = code
        is_inside = name == "equal" and 0 < place < len(codes) - 1
        if is_inside and is_island(code, found[-1], codes[place + 1]):
            name = "replace"
        if found and name != "equal" and found[-1][0] != "equal":
            _, a, _, c, _ = found.pop()
            name = "replace"
        found.append((name, a, b, c, d))
    return found


def _text(old: Sequence[str], code: Code) -> str:
    return "".join(old[code[1] : code[2]])


def _size(code: Code) -> int:
    return max(code[2] - code[1], code[4] - code[3])


def _num_words(old: Sequence[str], new: Sequence[str], code: Code) -> tuple[int, int]:
    """Words and signs of both sides; spaces are none."""
    _, a, b, c, d = code
    return sum(not word.isspace() for word in old[a:b]), sum(not word.isspace() for word in new[c:d])


def _add(stretches: list[Stretch], kind: Kind, text: str) -> None:
    if not text:
        return
    if stretches and stretches[-1].kind == kind:
        text = stretches.pop().text + text
    stretches.append(Stretch(kind, text))
