"""Our own rows: every field of a record, its meta as one object, and where it came from.

They are what stages hand to each other. `tunewright` holds the version of this layout, which also marks the
rows. Empty fields are left out. In CSV and Parquet the structured columns hold JSON, so nothing changes
there either.
"""

from __future__ import annotations

from typing import Any

from tunewright.records.record import Origin, Record, Turn
from tunewright.records.row import RowError, decode_json, encode_json, kind_of, optional_text, required_text

VERSION = 1
NAME = "native"
_TEXTS = ("input", "explanation", "system")
_STRUCTURED = ("history", "meta", "origin")
_COLUMNS = ("tunewright", "id", "instruction", "output", *_TEXTS, *_STRUCTURED)


def is_native(names: Any) -> bool:
    """Whether the columns are those of a native row."""
    return "tunewright" in names


def parse_native(row: dict[str, Any], file: str, line: int) -> Record:
    """The record in a native row, with the origin it was first read from."""
    if str(row.get("tunewright")) != str(VERSION):
        raise RowError(
            "tunewright", f"is {row.get('tunewright')!r}; this version reads rows of version {VERSION}"
        )
    unknown = next((name for name in row if name not in _COLUMNS), None)
    if unknown is not None:
        raise RowError(unknown, "is not a column of a native row; columns of your own belong into 'meta'")
    record_id, output = required_text(row, "id"), required_text(row, "output")
    if not record_id.strip():
        raise RowError("id", "is empty")
    if not output.strip():
        raise RowError("output", "is empty")
    meta = _object(row, "meta")
    return Record(
        id=record_id,
        instruction=required_text(row, "instruction"),
        output=output,
        input=optional_text(row, "input"),
        explanation=optional_text(row, "explanation"),
        system=optional_text(row, "system"),
        history=_history(_decoded(row, "history")),
        meta=meta,
        origin=_origin(_object(row, "origin"), file, line),
    )


def native_row(record: Record, *, as_text: bool) -> dict[str, Any]:
    """The native row of a record; `as_text` makes structured columns JSON texts, and keeps every column."""
    origin = record.origin
    row: dict[str, Any] = {
        "tunewright": VERSION,
        "id": record.id,
        "instruction": record.instruction,
        "input": record.input,
        "output": record.output,
        "explanation": record.explanation,
        "system": record.system,
        "history": [{"speaker": turn.speaker, "text": turn.text} for turn in record.history],
        "meta": dict(record.meta),
        "origin": {},
    }
    if origin is not None and origin.format != NAME:
        row["origin"] = {"format": origin.format, "file": origin.file, "line": origin.line}
        if origin.shape:
            row["origin"]["shape"] = dict(origin.shape)
    if as_text:
        return row | {name: encode_json(row[name]).decode() if row[name] else "" for name in _STRUCTURED}
    return {key: value for key, value in row.items() if value or key in ("instruction", "output")}


def _decoded(row: dict[str, Any], column: str) -> Any:
    value = row.get(column)
    if not isinstance(value, str):
        return value
    try:
        return decode_json(value.encode()) if value.strip() else None
    except RowError as error:
        raise RowError(column, error.reason) from None


def _object(row: dict[str, Any], column: str) -> dict[str, Any]:
    value = _decoded(row, column)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RowError(column, f"is {kind_of(value)}, not an object")
    return value


def _history(value: Any) -> tuple[Turn, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise RowError("history", f"is {kind_of(value)}, not a list of turns")
    turns = []
    for index, turn in enumerate(value):
        good = isinstance(turn, dict) and turn.keys() == {"speaker", "text"} and isinstance(turn["text"], str)
        if not good or turn["speaker"] not in ("user", "assistant"):
            raise RowError(f"history[{index}]", 'is not {"speaker": user or assistant, "text": text}')
        turns.append(Turn(turn["speaker"], turn["text"]))
    return tuple(turns)


def _origin(value: dict[str, Any], file: str, line: int) -> Origin:
    if not value:
        return Origin(NAME, file, line)
    try:
        return Origin(**value)
    except TypeError:
        raise RowError(
            "origin", f"has other members than format, file, line, shape: {', '.join(value)}"
        ) from None
