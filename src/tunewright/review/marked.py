"""Diffs and findings as HTML: what was removed and added, and what a detector points at, in the text itself.

Neither says anything by colour alone: `<del>` is struck through, `<ins>` underlined, a finding carries the
number under which it is explained beside the field.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from markupsafe import Markup, escape

from tunewright.review.diff import Kind, Span
from tunewright.review.model import Finding
from tunewright.review.text import shown

_ELEMENTS = {Kind.REMOVED: "del", Kind.ADDED: "ins"}
_SPACES = str.maketrans({"\n": "↵\n", "\t": "⇥", " ": "·", "\xa0": "⍽", "\r": ""})


def diff_html(spans: Iterable[Span], findings: Sequence[tuple[int, Finding]] = ()) -> Markup:
    """The spans in their order. `findings`, with their numbers, point into the spans' joined text."""
    placed = [(number, one) for number, one in findings if one.start < one.end]
    borders = sorted({border for _, one in placed for border in (one.start, one.end)})
    parts: list[str] = []  # every part is HTML already; Markup's own joining is slow at 50,000 spans
    start = 0
    for span in spans:
        stop = start + len(span.text)
        element = _ELEMENTS.get(span.kind)
        cuts = [start, *(border for border in borders if start < border < stop), stop]
        parts.append(f"<{element}>" if element else "")
        for left, right in pairwise(cuts):
            text = span.text[left - start : right - start]
            html = _change(text) if element else shown(text)
            parts.append(_with_findings(html, left, right, placed) if placed else html)
        parts.append(f"</{element}>" if element else "")
        start = stop
    return Markup("".join(parts))


def _change(text: str) -> Markup:
    """A change of nothing but white space is made of signs, or it would not be seen."""
    return shown(text) if text.strip() else shown(text.translate(_SPACES))


def _with_findings(html: Markup, left: int, right: int, placed: Sequence[tuple[int, Finding]]) -> str:
    """A stretch that no finding begins or ends inside of; the numbers stand where their findings end."""
    around = [(number, one) for number, one in placed if one.start <= left and right <= one.end]
    if not around:
        return html
    title = escape("; ".join(f"{number}: {one.label}" for number, one in around))
    ending = (f'<sup class="finding-number">{number}</sup>' for number, one in around if one.end == right)
    return f'<mark class="found" title="{title}">{html}</mark>{"".join(ending)}'
