"""A layout: which columns of a row mean what. The law: what `parse` takes apart, `columns` puts together
again.

`parse` takes the columns that a layout knows; every other column becomes `meta`. `arrange` puts the columns
of one row back in their order. What the texts alone do not say (order of keys, null against '', the
original id) goes into `Origin.shape`, which only the same layout reads again:

    keys    the names of the row's columns in order
    id      the value of the id column, when it is not the record's id
    nulls   the optional columns that were null
    cells   CSV only: the JSON in a cell, when we would write it differently
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunewright.records.record import Record, Turn
from tunewright.records.row import RowError, optional_text


@dataclass(slots=True)
class Content:
    """The texts of one record as a layout found them. `used` names the columns that are not meta."""

    instruction: str
    output: str
    input: str = ""
    explanation: str = ""
    system: str = ""
    history: tuple[Turn, ...] = ()
    used: tuple[str, ...] = ()
    shape: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layout:
    """One way to lay out a record in columns.

    `fits` decides from the names of a row's columns; `parse` gives the records of a row (one, save in
    Self-Instruct files); `columns` gives the named values for records of one row, with '' or () for an
    optional one that is empty; `always` are the columns of a new row, even when empty; `structured` hold
    JSON where a file knows only text.
    """

    name: str
    accepts: str
    fits: Callable[[Sequence[str]], bool]
    parse: Callable[[dict[str, Any]], list[Content]]
    columns: Callable[[list[Record], Mapping[str, Any]], dict[str, Any]]
    always: tuple[str, ...]
    structured: tuple[str, ...] = ()


def shape_for(record: Record, layout: Layout) -> Mapping[str, Any]:
    """The record's shape if it came in this layout, else an empty one."""
    if record.origin is not None and record.origin.format == layout.name:
        return record.origin.shape
    return {}


def arrange(records: list[Record], layout: Layout) -> dict[str, Any]:
    """The row for records that share one: original columns in their order, then what has been added since.

    `RowError` when a column of `meta` has the name of a column the layout needs for something else.
    """
    record = records[0]
    shape = shape_for(record, layout)
    columns = layout.columns(records, shape)
    keys: Sequence[str] = shape.get("keys", ())
    taken = next((name for name in (*columns, "id") if name in record.meta), None)
    if taken is not None and (taken == "id" or not _empty(columns[taken]) or taken in layout.always):
        raise RowError(taken, f"is a column of its own, but {layout.name} needs that name; rename or drop it")
    row: dict[str, Any] = {}
    if not keys and (identity := _column_id(record)) is not None:
        row["id"] = identity
    for key in keys or layout.always:
        if key == "id" and keys:
            row["id"] = shape.get("id", record.id)
        elif key in record.meta:
            row[key] = record.meta[key]
        elif key in columns:
            value = columns[key]
            row[key] = None if _empty(value) and key in shape.get("nulls", ()) else _listed(value)
    for key, value in columns.items():
        if key not in row and not _empty(value):
            row[key] = _listed(value)
    for key, value in record.meta.items():
        row.setdefault(key, value)
    return row


def common_texts(row: dict[str, Any], *names: str) -> tuple[dict[str, str], list[str]]:
    """The optional texts under `names`, and which of them are null."""
    texts = {name: optional_text(row, name) for name in names if name in row}
    return texts, [name for name in names if name in row and row[name] is None]


def check_texts(content: Content, output_field: str, instruction_field: str) -> None:
    """`RowError` when there is nothing to answer or no answer."""
    if not content.output.strip():
        raise RowError(output_field, "is empty")
    if not content.instruction.strip() and not content.input.strip() and not content.history:
        raise RowError(instruction_field, "is empty")


def _column_id(record: Record) -> Any:
    """The id column of a row in a new layout: the original value, none where the original had none."""
    if record.origin is None:
        return record.id
    if "id" in record.origin.shape.get("keys", ()):
        return record.origin.shape.get("id", record.id)
    return None


def _empty(value: Any) -> bool:
    return value == "" or value == () or value is None


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
