"""Revisions to a file, as pairs of records or in the published form; reading them back gives the same."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from tunewright.coach.damage import DISTANCE
from tunewright.coach.distance import flat_distance
from tunewright.coach.read_revisions import (
    AFTER_NAMES,
    BEFORE_NAMES,
    PUBLISHED_COLUMNS,
    PUBLISHED_FIELDS,
    RAW,
    REVISED,
    content_id_of,
)
from tunewright.coach.revision import Revision
from tunewright.errors import DataError
from tunewright.records.native import native_row
from tunewright.records.record import Record
from tunewright.records.row import RowError, encode_json
from tunewright.run.files import write_text_atomic

_INDENT = 4  # of the release, which comes back byte for byte


def write_revisions(
    revisions: Iterable[Revision], path: str | Path, *, format: Literal["pairs", "published"] = "pairs"
) -> int:
    """Write revisions to `path`, replacing what is there whole or not at all; return how many.

    "pairs" is JSON Lines: id, original and revised as native rows, then what `meta` holds. "published" has
    the release's seven columns, as one array, or as lines when the name ends in .jsonl; `Distance` is the
    stored one, else the computed one; an `id` and further columns of `meta` come after.

    `DataError` names the revision and the field when the form cannot hold it: in the published one an
    explanation, a system message, history or columns of the records; in both a column of `meta` whose name
    the form needs.
    """
    path = Path(path)
    row_of = published_row if format == "published" else pair_row
    rows = []
    for revision in revisions:
        try:
            rows.append(encode_json(row_of(revision)))
        except RowError as error:
            raise DataError(f"{path}: revision {revision.id}: '{error.field}' {error.reason}") from None
    if format == "published" and path.suffix != ".jsonl":
        array = [json.loads(row) for row in rows]
        write_text_atomic(path, json.dumps(array, indent=_INDENT))
    else:
        write_text_atomic(path, b"".join(row + b"\n" for row in rows).decode())
    return len(rows)


def pair_row(revision: Revision) -> dict[str, Any]:
    """The row of a revision in the form "pairs"."""
    _check_names(revision, {"id", BEFORE_NAMES[0], AFTER_NAMES[0]}, "pairs")
    return {
        "id": revision.id,
        BEFORE_NAMES[0]: native_row(revision.original, as_text=False),
        AFTER_NAMES[0]: native_row(revision.revised, as_text=False),
        **revision.meta,
    }


def published_row(revision: Revision) -> dict[str, Any]:
    """The row of a revision in the published form; `RowError` when it cannot hold the revision."""
    _check_names(revision, {"id", *PUBLISHED_COLUMNS}, "published")
    row: dict[str, Any] = {}
    for side, name, record in ((RAW, "original", revision.original), (REVISED, "revised", revision.revised)):
        _check_fits(record, name)
        row |= {side + column: getattr(record, field) for field, column in PUBLISHED_FIELDS.items()}
    row[DISTANCE] = revision.meta[DISTANCE] if DISTANCE in revision.meta else flat_distance(revision)
    if revision.id != content_id_of(revision.original):
        row["id"] = revision.id
    return row | {name: value for name, value in revision.meta.items() if name != DISTANCE}


def _check_fits(record: Record, side: str) -> None:
    for name in ("explanation", "system", "history", "meta"):
        if getattr(record, name):
            raise RowError(
                f"{side}.{name}", "is not empty, and the published form has no place for it; write pairs"
            )


def _check_names(revision: Revision, taken: set[str], form: str) -> None:
    clash = next((name for name in revision.meta if name in taken), None)
    if clash is not None:
        raise RowError(clash, f"is a column of its own, but the form '{form}' needs that name; rename it")
