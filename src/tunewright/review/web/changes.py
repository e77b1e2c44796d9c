"""Two versions of a pair, field by field, for pages where they are only read."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from tunewright.review.diff import compare
from tunewright.review.marked import diff_html
from tunewright.review.model import FIELD_TITLES, TEXT_FIELDS, Texts
from tunewright.review.text import shown

MOST_CHARS = 20_000  # of a field; a page of lives must not grow with a 1 MB text


@dataclass(frozen=True, slots=True)
class Change:
    """A field that has a text on either side. `html` marks what changed; `is_cut`: not all of it is here."""

    title: str
    html: Markup
    is_changed: bool
    is_cut: bool


def changes(before: Texts, after: Texts) -> tuple[Change, ...]:
    """All fields with a text, in their order."""
    found = []
    for name in TEXT_FIELDS:
        old, new = before.get(name, ""), after.get(name, "")
        if not old and not new:
            continue
        is_cut = max(len(old), len(new)) > MOST_CHARS
        html = diff_html(compare(old[:MOST_CHARS], new[:MOST_CHARS]).spans)
        found.append(Change(FIELD_TITLES[name], html, old != new, is_cut))
    return tuple(found)


def plain(texts: Texts) -> tuple[Change, ...]:
    """The texts as they are."""
    return tuple(
        Change(
            FIELD_TITLES[name],
            shown(texts[name][:MOST_CHARS]),
            is_changed=False,
            is_cut=len(texts[name]) > MOST_CHARS,
        )
        for name in TEXT_FIELDS
        if texts.get(name)
    )
