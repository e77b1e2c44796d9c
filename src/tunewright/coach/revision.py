"""A revision: a record as it was, and as somebody made it.

Both sides carry the same id. A revision may change nothing: a good record that an expert left as it is
teaches as much as one that was mended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from tunewright.records.record import Record

Field = Literal["instruction", "input", "output", "explanation"]
FIELDS: tuple[Field, ...] = get_args(Field)


@dataclass(frozen=True, slots=True)
class Revision:
    """`original` and `revised` are records of one id. `meta` holds what the file said about the revision
    itself (who made it, how long it took, its stored distance, ratings before and after), unchanged."""

    original: Record
    revised: Record
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.original.id == self.revised.id, "a revision is of one record"

    @property
    def id(self) -> str:
        return self.original.id

    @property
    def changed(self) -> tuple[Field, ...]:
        """The fields whose text differs, in their usual order; empty when nothing was revised."""
        return changed_fields(self.original, self.revised)


def changed_fields(before: Record, after: Record) -> tuple[Field, ...]:
    """The fields whose text differs, in their usual order."""
    return tuple(name for name in FIELDS if getattr(before, name) != getattr(after, name))


def with_texts(record: Record, texts: Mapping[Field, str]) -> Record:
    """The record with these fields' texts instead of its own; all else of it stays."""
    named: dict[str, Any] = {str(name): text for name, text in texts.items()}
    return replace(record, **named)
