"""Rows of other people's projects: a record by the columns it has, as everywhere else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tunewright.records import formats
from tunewright.records.layout import Content
from tunewright.records.native import NAME as NATIVE
from tunewright.records.native import parse_native
from tunewright.records.record import Record, content_id
from tunewright.records.row import RowError
from tunewright.review.store.queues import NewItem


def texts_of_row(row: dict[str, Any], *, fallback_id: Any) -> NewItem:
    """The item in a row with a record's columns. Its key is the row's `id`, else the tool's, else a hash of
    the texts. RowError when the columns fit no layout."""
    layout = formats.layout_name(list(row))
    if layout is None:
        raise RowError("", formats.no_layout(list(row)))
    if layout == NATIVE:
        return item_of_record(parse_native(row, "", 0))
    contents = formats.BY_NAME[layout].parse(row)
    if len(contents) != 1:
        raise RowError("", f"holds {len(contents)} records; a task is one")
    content = contents[0]
    key = next((str(one) for one in (row.get("id"), fallback_id) if one not in (None, "")), None)
    return NewItem(
        key=key or _id_of(content),
        original=texts_of(content),
        history=tuple((turn.speaker, turn.text) for turn in content.history),
        meta={name: value for name, value in row.items() if name not in content.used and name != "id"},
    )


def item_of_record(record: Record, *, lineage: Mapping[str, Any] | None = None) -> NewItem:
    """The item of a record. Where it came from goes into the lineage, so that the same row can be written."""
    origin = record.origin
    came_from: dict[str, Any] = {}
    if origin is not None and (origin.file or origin.shape):
        came_from["origin"] = {
            "format": origin.format,
            "file": origin.file,
            "line": origin.line,
            "shape": dict(origin.shape),
        }
    return NewItem(
        key=record.id,
        original=texts_of(record),
        history=tuple((turn.speaker, turn.text) for turn in record.history),
        meta=record.meta if origin is None or "schema" not in origin.shape else _as_json(record.meta),
        lineage={**came_from, **(lineage or {})},
    )


def texts_of(side: Record | Content) -> dict[str, str]:
    """The five texts."""
    return {
        "system": side.system,
        "instruction": side.instruction,
        "input": side.input,
        "output": side.output,
        "explanation": side.explanation,
    }


def _as_json(value: Any) -> Any:
    """A value of a typed file (Parquet, Arrow) made of JSON's kinds: dates as ISO texts, decimals as texts,
    what is not a number as null, bytes as how many they are."""
    if isinstance(value, Mapping):
        return {str(name): _as_json(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, bytes):
        return f"({len(value):,} bytes)"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _id_of(content: Content) -> str:
    turns = "\0".join(f"{turn.speaker}\0{turn.text}" for turn in content.history)
    return content_id(
        instruction=content.instruction,
        input=content.input,
        output=content.output,
        explanation=content.explanation,
        system=content.system,
        turns=turns,
    )
