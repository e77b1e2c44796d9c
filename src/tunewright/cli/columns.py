"""Plain columns for the terminal, which stay columns when they are piped or pasted."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells side by side: the first column to the left, the others, which are numbers, to the right."""
    shown = [[printable(cell) for cell in row] for row in [head, *rows]]
    widths = [max(_width(row[place]) for row in shown) for place in range(len(head))]
    return "\n".join("  ".join(_padded(row, widths)).rstrip() for row in shown)


def printable(text: str) -> str:
    """The text on one line, with escapes for what a terminal would obey instead of show."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _padded(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    gaps = [" " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
    return [row[0] + gaps[0], *(gap + cell for gap, cell in zip(gaps[1:], row[1:], strict=True))]


def _width(text: str) -> int:
    """Columns of a terminal: Chinese, Japanese and Korean characters take two, marks over others none."""
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
    )
