"""Reviewed items as records and as revisions: the final texts, with what they were beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tunewright.coach.revision import Revision
from tunewright.records.record import Origin, Record, Turn
from tunewright.review.exchange.entries import Entry
from tunewright.review.exchange.result import Result, iso_time
from tunewright.review.model import TEXT_FIELDS, Item, Texts

META_KEY = "review"


def original_record(item: Item) -> Record:
    """The item as the record it was, with its columns, turns and origin."""
    return _record(item, item.original)


def reviewed_record(entry: Entry) -> Record:
    """The record as it goes on: with the final texts, or as it was where nobody has decided.

    `meta` gets the note of the review, under `review` or, where a column is called so, `review~2`. It holds
    the status, the texts as they were of the fields that changed, who decided what and when.
    """
    item, final = entry.item, entry.final
    note: dict[str, Any] = {"status": final.how, "changed": [], "original": {}}
    texts: Texts = item.original
    if final.result is not None:
        texts = final.result.texts
        changed = [name for name in TEXT_FIELDS if texts.get(name, "") != item.original.get(name, "")]
        note = {
            "status": "revised" if changed else "unchanged",
            "changed": changed,
            "original": {name: item.original.get(name, "") for name in changed},
            "how": final.how,
            **said(final.result),
        }
    others = [said(result) for result in entry.results if result is not final.result]
    if others:
        note["others"] = others
    record = _record(item, texts)
    return replace(record, meta={**record.meta, _free_key(record.meta): note})


def revision_of(entry: Entry, *, plain: bool) -> Revision:
    """The original and the final version, with who made it in `meta`. `plain` leaves out the record's
    columns, for which the published form has no place. Only for an entry whose final version is kept."""
    result = entry.final.result
    assert result is not None, "asked for what has a final version"
    before, after = original_record(entry.item), _record(entry.item, result.texts)
    if plain:
        before, after = (replace(record, meta={}, origin=None) for record in (before, after))
    return Revision(before, after, {**said(result), "how": entry.final.how})


def said(result: Result) -> dict[str, Any]:
    """Who made a result and how, for a note; in an experiment with what it is measured on."""
    measured = {"arm": result.arm.value, "active_seconds": result.active_seconds} if result.arm else {}
    return {
        "reviewer": result.person,
        "decision": result.decision.value,
        "reason": result.reason,
        "at": iso_time(result.at),
        "seconds": result.seconds,
        "shown_draft": result.shown_draft,
        **measured,
    }


def _record(item: Item, texts: Texts) -> Record:
    return Record(
        id=item.key,
        **{name: texts.get(name, "") for name in TEXT_FIELDS},
        history=tuple(
            Turn("assistant" if speaker == "assistant" else "user", text) for speaker, text in item.history
        ),
        meta=item.meta,
        origin=_origin(item.lineage.get("origin")),
    )


def _origin(value: Any) -> Origin | None:
    """Where the record came from, when that was kept with it."""
    if not isinstance(value, Mapping) or not {"format", "file", "line", "shape"} <= set(value):
        return None
    return Origin(value["format"], value["file"], value["line"], value["shape"])


def _free_key(taken: Mapping[str, Any]) -> str:
    key, number = META_KEY, 1
    while key in taken:
        number += 1
        key = f"{META_KEY}~{number}"
    return key
