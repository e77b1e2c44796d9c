"""The merge of two saves of one pair: what another window saved, what was typed here, field by field."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from tunewright.review.diff import compare
from tunewright.review.marked import diff_html
from tunewright.review.model import FIELD_TITLES, TEXT_FIELDS, Revision, Texts, Work
from tunewright.review.text import shown
from tunewright.review.web import reasons
from tunewright.review.web.revise_fields import num_rows, texts_shown
from tunewright.review.web.revise_page import Entered


@dataclass(frozen=True, slots=True)
class MergeField:
    """A field whose three versions differ: the original, what was saved meanwhile, what was typed here."""

    name: str
    title: str
    original: Markup
    theirs: Markup
    yours: Markup
    text: str

    @property
    def num_rows(self) -> int:
        return num_rows(self.text)


@dataclass(frozen=True, slots=True)
class MergePage:
    """Two saves of one pair: somebody (the same person in another window) was quicker.

    `version` is the one to save over; `saved` is None where the other window took its save back.
    """

    item_id: int
    queue_id: int
    key: str
    version: int
    saved: Revision | None
    decision: str
    groups: tuple[reasons.Group, ...]
    reason_picked: frozenset[str]
    own_words: str
    fields: tuple[MergeField, ...]
    hidden: Texts
    seconds: str
    opened: str


def merge_page(
    work: Work, saved: Revision | None, version: int, yours: Texts, *, decision: str, entered: Entered,
    seconds: str, opened: str,
) -> MergePage:  # fmt: skip
    """The merge of `yours` with what is saved (where it was taken back: with what is shown)."""
    theirs = texts_shown(work) if saved is None else {**texts_shown(work), **saved.texts}
    fields, hidden = [], {}
    for name in TEXT_FIELDS:
        original, other, own = (side.get(name, "") for side in (work.item.original, theirs, yours))
        if not (original or other or own):
            continue
        if other == own:
            hidden[name] = own
            continue
        fields.append(
            MergeField(
                name=name,
                title=FIELD_TITLES[name],
                original=shown(original),
                theirs=diff_html(compare(original, other).spans),
                yours=diff_html(compare(original, own).spans),
                text=own,
            )
        )
    return MergePage(
        item_id=work.item.id,
        queue_id=work.item.queue_id,
        key=work.item.key,
        version=version,
        saved=saved,
        decision=decision,
        groups=reasons.groups(with_draft=work.item.draft is not None),
        reason_picked=entered.picked,
        own_words=entered.own_words,
        fields=tuple(fields),
        hidden=hidden,
        seconds=seconds,
        opened=opened,
    )
