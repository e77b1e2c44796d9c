"""What a file or folder is, from its content: what can be brought in, and by which reader."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

from tunewright.coach.read_revisions import form_of
from tunewright.errors import DataError
from tunewright.records.csv_rows import csv_rows
from tunewright.records.row import Row
from tunewright.records.sniff import guarded, open_bytes, sniff
from tunewright.records.source import open_parts
from tunewright.review.exchange.result import NOTE
from tunewright.run.folder import MANIFEST_FILE, STAGE_FILE, read_manifest

_PROBE_ROWS = 20
TABLE_COLUMNS = {"item", "person", "decision", "text_instruction", "text_output"}


class Kind(StrEnum):
    """What may be brought in. The value is the name that `format` takes."""

    RECORDS = "records"
    REVISE_RUN = "revise-run"
    CHECK_RUN = "check-run"
    RATE_RUN = "rate-run"
    REVISIONS = "revisions"
    LABEL_STUDIO = "label-studio"
    ARGILLA = "argilla"
    POTATO = "potato"
    TABLE = "review-csv"  # our own table for spreadsheets
    STUDY = "study"


_STAGES = {"revise": Kind.REVISE_RUN, "check": Kind.CHECK_RUN, "rate": Kind.RATE_RUN}


def what_is(path: str | Path) -> Kind:
    """The kind of a file or folder; of what is neither (an id on the hub) records.

    DataError when it holds no rows or is no file we read, RunFolderError when it is a run not finished.
    """
    place = Path(path)
    if place.is_dir():
        return _of_folder(place)
    if not place.exists():
        return Kind.RECORDS  # `read_records` knows the hub, and has the words for what is not there
    if place.name == "user_state.json":
        return Kind.POTATO  # one object over many lines, which is no file of rows
    if sniff(place) == "csv":
        return Kind.TABLE if set(_header(place)) >= TABLE_COLUMNS else Kind.RECORDS
    for row in islice(rows_of(place), _PROBE_ROWS):
        if isinstance(row.values, dict):
            return _of_row(row.values)
    return Kind.RECORDS


def rows_of(path: Path) -> Iterator[Row]:
    """The rows of a file of JSON, JSON Lines, Parquet or CSV."""
    for part in open_parts(path, split=None, container=None):
        yield from part.rows


def table_rows(path: Path) -> Iterator[Row]:
    """The rows of a CSV file with any columns."""
    with guarded(str(path)), open_bytes(path) as stream:
        yield from csv_rows(
            stream, str(path), lambda names: "" if len(names) > 1 else "has one column; is it a table?"
        )


def _header(path: Path) -> list[str]:
    try:
        first = next(table_rows(path), None)
    except DataError:
        return []
    return list(first.values) if first is not None and isinstance(first.values, dict) else []


def _of_folder(folder: Path) -> Kind:
    if (folder / "study.json").is_file():
        return Kind.STUDY
    if (folder / MANIFEST_FILE).is_file() or (folder / STAGE_FILE).is_file():
        return _STAGES.get(str(read_manifest(folder)["stage"]), Kind.RECORDS)
    if (folder / ".argilla").is_dir():
        return Kind.ARGILLA
    if (folder / "annotation_output").is_dir() or any(folder.glob("*/user_state.json")):
        return Kind.POTATO
    if (folder / "config.yaml").is_file() and (folder / "data").is_dir():
        return Kind.POTATO
    return Kind.RECORDS


def _of_row(row: dict[str, Any]) -> Kind:
    if isinstance(row.get("fields"), dict) and {"responses", "suggestions", "metadata"} & set(row):
        return Kind.ARGILLA
    if isinstance(row.get("data"), dict):
        return Kind.LABEL_STUDIO
    if NOTE in row or "label_annotations" in row or {"instance_id", "annotations"} <= set(row):
        return Kind.POTATO
    if "tunewright" not in row and form_of(row) is not None:
        return Kind.REVISIONS
    return Kind.RECORDS
