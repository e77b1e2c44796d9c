"""The pieces of a text that a revision may not lose unseen: its words, numbers, names, quotes and code."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable
from functools import cache
from typing import TypeVar

T = TypeVar("T", bound=Hashable)

# Scripts that put no spaces between words: each letter counts as a word.
_UNSPACED = "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
UNSPACED = re.compile(f"[{_UNSPACED}]")
_WORD = re.compile(rf"\d+|[{_UNSPACED}]|[^\W\d_{_UNSPACED}]+")
# "2019,510" are two numbers, a row of a table; "2,5" and "1,200,000" are one.
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+|,\d{1,2}(?!\d))?")
_THOUSANDS = re.compile(r",(?=\d{3}(?!\d))")
_QUOTED = re.compile(
    r"\"([^\"\n]{1,500})\"|“([^“”\n]{1,500})”|«([^«»\n]{1,500})»|「([^「」\n]{1,500})」|„([^„“”\n]{1,500})[“”]"
)
_FENCED = re.compile(r"```[^\n`]*\n(.*?)(?:```|\Z)", re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`\n]{1,300})`(?!`)")
# A line of code without a fence. Each alternative is anchored at its line and bounded.
_CODE_LINE = re.compile(
    r"^[ \t]{0,40}(?:(?:def|class|for|while|if|elif|else|import|from|return|function|const|let|var"
    r"|public|private|static|void|int|float|SELECT|INSERT|UPDATE|#include)\b[^\n]{0,300}[:;{})>]"
    r"|[^\n]{0,300}[;{}]|\w[\w.\[\]]{0,60} ?[-+*/]?= ?\S[^\n]{0,200}|print ?\([^\n]{0,200}\)"
    r"|</?\w[^\n>]{0,200}>[^\n]{0,200})[ \t]{0,20}$",
    re.MULTILINE,
)
_NAME = re.compile(r"(?<=[\w,;] )[A-ZÀ-ÖØ-Þ][\w’'-]*(?: [A-ZÀ-ÖØ-Þ][\w’'-]*){0,5}")
_LOOKED_UP = 4  # words of a piece
_NO_NAMES = frozenset(["I", "I'm", "I’m", "I've", "I’ve", "I'll", "I’ll", "I'd", "I’d"])


def words(text: str) -> list[str]:
    """Words in small letters, runs of digits, and the single letters of scripts without spaces."""
    return _WORD.findall(text.casefold())


def share_kept(before: str, after: str) -> float:
    """The share of the words of `before`, each as often as it is there, that `after` has; 1.0 for none."""
    return share_of(Counter(words(before)), Counter(words(after)))


def share_spelt(before: str, after: str) -> float:
    """The share of the character trigrams of `before` that `after` has: high where spelling was mended."""
    return share_of(trigrams(before), trigrams(after))


def share_of(wanted: Counter[T], there: Counter[T]) -> float:
    """The share of what is wanted, each as often as it is wanted, that is there; 1.0 for nothing wanted.

    It takes the time of the wanted ones, however much there is.
    """
    total = wanted.total()
    return sum(min(num, there[one]) for one, num in wanted.items()) / total if total else 1.0


def trigrams(text: str) -> Counter[tuple[str, str, str]]:
    small = text.casefold()
    return Counter(zip(small, small[1:], small[2:], strict=False))


def numbers(text: str) -> list[str]:
    """Numbers in their order; "1,200" and "1200" are one number, "6/3" are two."""
    return [_THOUSANDS.sub("", found) for found in _NUMBER.findall(text)]


def names(text: str) -> list[str]:
    """Runs of capitalised words behind another word: those that open a sentence or a line may be no names."""
    found = (one.group() for one in _NAME.finditer(text))
    return [name for name in found if name not in _NO_NAMES]


def quotes(text: str) -> list[str]:
    """What stands in quotation marks on one line, without them."""
    return [next(filter(None, groups), "") for groups in _QUOTED.findall(text)]


def code(text: str) -> list[str]:
    """Fenced blocks and spans of code; a text without either as a whole, if most lines look like code."""
    if "`" in text:
        return _FENCED.findall(text) + _SPAN.findall(_FENCED.sub(" ", text))
    lines = text.strip().count("\n") + 1 - text.strip().count("\n\n")
    num_code = sum(1 for _ in _CODE_LINE.finditer(text)) if text.strip() else 0
    return [text] if num_code >= 2 and 2 * num_code > lines else []


def missing(pieces: Iterable[str], text: str) -> list[str]:
    """The pieces whose words `text` has not in this order, each once; one without words is in any text.

    Each is looked for where its first four words stand, so that many pieces take no longer than the text.
    """
    inside = words(text)
    index = cache(lambda num: _places(inside, num))
    gone = []
    for piece in dict.fromkeys(pieces):
        said = words(piece)
        begin = tuple(said[:_LOOKED_UP])
        places = index(len(begin)).get(begin, ()) if said else ()
        if said and not any(inside[place : place + len(said)] == said for place in places):
            gone.append(piece)
    return gone


def _places(inside: list[str], num: int) -> dict[tuple[str, ...], list[int]]:
    """Where each `num` words in a row stand."""
    places: dict[tuple[str, ...], list[int]] = {}
    for place, row in enumerate(zip(*(inside[ahead:] for ahead in range(num)), strict=False)):
        places.setdefault(row, []).append(place)
    return places
