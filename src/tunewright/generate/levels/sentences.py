"""Where a text's sentences end, by punctuation and lines; good enough to average over them."""

from __future__ import annotations

import re
from collections.abc import Iterator

# A stop, its closing quotes and brackets, space, and then no lower-case letter.
_STOP = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?![a-z\s])")
_NO_END = ("mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "no.", "vs.", "etc.", "e.g.", "i.e.")


def sentences_of(text: str) -> list[str]:
    """The sentences of a text, none of them empty; lines of a list or a dialogue are on their own."""
    return [sentence for line in _lines(text) for sentence in _sentences_of_line(line)]


def _lines(text: str) -> Iterator[str]:
    """The lines that are not blank; one that opens in lower case, as if wrapped, is joined to the last."""
    held: list[str] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        if held and not line[0].islower():
            yield " ".join(held)
            held = []
        held.append(line)
    if held:
        yield " ".join(held)


def _sentences_of_line(line: str) -> Iterator[str]:
    held: list[str] = []
    for piece in filter(None, _STOP.split(line)):
        held.append(piece)
        last = piece.rsplit(maxsplit=1)[-1].lstrip("(\"'“‘")
        is_initial = len(last) == 2 and last[0].isupper() and last[1] == "." and last != "I."
        if not (is_initial or last.lower() in _NO_END):
            yield " ".join(held)
            held = []
    if held:
        yield " ".join(held)
