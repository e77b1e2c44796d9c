"""What other tools show of an item: its texts, its draft, earlier turns and findings, as plain texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunewright.records.row import optional_text
from tunewright.review.exchange.result import Note
from tunewright.review.model import TEXT_FIELDS, Finding, Texts
from tunewright.review.store.queues import NewItem

DRAFT = "draft_"


def draft_fields(draft: Texts | None) -> dict[str, str]:
    """The draft's texts under names of their own; nothing where there is none."""
    return {} if draft is None else {DRAFT + name: draft.get(name, "") for name in TEXT_FIELDS}


def split_fields(row: Mapping[str, Any], note: Note) -> NewItem:
    """The item whose texts stand in a row's fields and everything else in its note. An absent text is ""."""
    return NewItem(
        key=note.key,
        original={name: optional_text(dict(row), name) for name in TEXT_FIELDS},
        draft={name: optional_text(dict(row), DRAFT + name) for name in TEXT_FIELDS}
        if note.has_draft
        else None,
        draft_reason=note.draft_reason,
        findings=note.findings,
        history=note.history,
        meta=note.meta,
        lineage=note.lineage,
    )


def history_text(history: Sequence[tuple[str, str]]) -> str:
    return "\n\n".join(f"{speaker}: {text}" for speaker, text in history)


def findings_text(findings: Sequence[Finding]) -> str:
    return "\n".join(f"{one.label} ({one.field}): {one.message}" for one in findings)
