"""Two texts as stretches that are the same, gone or new: whole words, so that a change can be read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["same", "gone", "new"]
Code = tuple[str, int, int, int, int]  # as difflib has them: what, from and to in the one, in the other

# Words with the marks inside them; runs of space; each sign by itself. Scripts written without spaces are
# taken character by character: as "words" their sentences would change as a whole.
_PARTS = re.compile(
    r"[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]|[^\W_]+(?:['’-][^\W_]+)*|\s+|.", re.DOTALL
)
_MOST_PARTS = 3000  # of either text: difflib takes the square of it in the worst case

_MOST_ISLAND_CHARS = 12


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of one text. `same` is in both, `gone` in the first alone, `new` in the second alone."""

    kind: Kind
    text: str


def word_diff(before: str, after: str) -> tuple[tuple[Stretch, ...], tuple[Stretch, ...]]:
    """Both texts in stretches; each side's stretches joined are that text, whatever it holds.

    Texts too long to compare are shown as gone and new as a whole but for what begins and ends alike.
    """
    old, new = _PARTS.findall(before), _PARTS.findall(after)
    if max(len(old), len(new)) > _MOST_PARTS:
        codes: Sequence[Code] = _ends_alike(old, new)
    else:
        codes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    first: list[Stretch] = []
    second: list[Stretch] = []
    for name, a, b, c, d in _without_islands(codes, old, new):
        kind_old: Kind = "same" if name == "equal" else "gone"
        kind_new: Kind = "same" if name == "equal" else "new"
        _add(first, kind_old, "".join(old[a:b]))
        _add(second, kind_new, "".join(new[c:d]))
    return tuple(first), tuple(second)


def _without_islands(codes: Sequence[Code], old: Sequence[str], new: Sequence[str]) -> list[Code]:
    """A few letters that stay the same between two larger changes belong to the change: a rewritten sentence
    is read as one, not as a chain of every "the" that it shares with the old one."""

    def is_space(equal: Code, before: Code, after: Code) -> bool:
        return not _text(old, equal).strip()

    def is_small(equal: Code, before: Code, after: Code) -> bool:
        is_short = len(_text(old, equal).strip()) <= _MOST_ISLAND_CHARS
        of_words = all((_text(old, one) + "".join(new[one[3] : one[4]])).strip() for one in (before, after))
        return is_short and of_words and _size(equal) <= min(_size(before), _size(after))

    # first the spaces, for only then is it seen how large the changes around a word are
    return _merged(_merged(codes, is_space), is_small)


def _merged(codes: Sequence[Code], is_island: Callable[[Code, Code, Code], bool]) -> list[Code]:
    """The codes with islands made part of the changes around them, and changes side by side made one."""
    found: list[Code] = []
    for place, code in enumerate(codes):
        name, a, b, c, d = code
        is_inside = name == "equal" and 0 < place < len(codes) - 1
        if is_inside and is_island(code, codes[place - 1], codes[place + 1]):
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


def _ends_alike(old: Sequence[str], new: Sequence[str]) -> list[Code]:
    most = min(len(old), len(new))
    begin = next((n for n in range(most) if old[n] != new[n]), most)
    end = next((n for n in range(most - begin) if old[-1 - n] != new[-1 - n]), most - begin)
    return [
        ("equal", 0, begin, 0, begin),
        ("replace", begin, len(old) - end, begin, len(new) - end),
        ("equal", len(old) - end, len(old), len(new) - end, len(new)),
    ]


def _add(stretches: list[Stretch], kind: Kind, text: str) -> None:
    if not text:
        return
    if stretches and stretches[-1].kind == kind:
        text = stretches.pop().text + text
    stretches.append(Stretch(kind, text))
