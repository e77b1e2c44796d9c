"""Cells that a spreadsheet cannot take for a formula, and back.

A spreadsheet runs what begins with = + - @, also after a tab or a carriage return, and some its full-width
forms. Such a text gets an apostrophe in front, and so does one that begins with an apostrophe itself: reading
takes exactly one away, so every text comes back as it was.
"""

from __future__ import annotations

from tunewright.evaluate.study.lock import FORMULA_STARTS

MARK = "'"
_DANGEROUS = (*FORMULA_STARTS, MARK)


def inert(text: str) -> str:
    """The text as a cell that is shown and never run."""
    return MARK + text if text.startswith(_DANGEROUS) else text


def plain(cell: str) -> str:
    """The text of a cell that `inert` made."""
    return cell.removeprefix(MARK)
