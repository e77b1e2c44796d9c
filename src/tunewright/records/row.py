"""One row of a file, before it is a record: its values, its place, and what can be wrong with it.

JSON is decoded strictly, because a lenient reader changes data without a word: `NaN` is not JSON, the
second of two equal keys would win, half of a surrogate pair fits no UTF-8 text, and a very deep nest breaks
the writer.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

MAX_DEPTH = 100  # orjson writes at most 254 levels; instruction data has five


class RowError(Exception):
    """One row is broken: `field` names the column ('' for the row as a whole), `reason` says how."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason


class Row(NamedTuple):
    """`line` is the first line of the row in its file from 1 (the row number in Parquet and data sets).

    `values` is what the row holds, or the error found while decoding it; `raw` is its text where there is
    one.
    """

    line: int
    values: Any
    raw: bytes | str | None


def decode_json(raw: bytes) -> Any:
    """The JSON value in `raw`; `RowError` for anything that could not be written back the same."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RowError("", f"not UTF-8: byte 0x{raw[error.start]:02x} at offset {error.start}") from None
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_reject_constant, parse_float=_finite
        )
    except json.JSONDecodeError as error:
        raise RowError("", f"not JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise RowError("", f"nested deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:  # an integer of more than 4300 digits
        raise RowError("", f"not JSON we can read: {error}") from None
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        _check_depth(value)
    if b"\\ud" in raw or b"\\uD" in raw:
        check_surrogates(value)
    return value


def encode_json(value: Any) -> bytes:
    """`value` as UTF-8 JSON. Dates become ISO text, decimals text; `RowError` for what JSON cannot hold."""
    try:
        encoded = orjson.dumps(value, default=_plain)
    except TypeError as error:
        if isinstance(error.__cause__, RowError):
            raise error.__cause__ from None
        encoded = _encode_slowly(value, error)
    if b"null" in encoded:  # orjson writes NaN and infinities as null
        _check_finite(value)
    return encoded


def text_of(value: Any, field: str) -> str:
    """`value` itself when it is text, else `RowError`."""
    if isinstance(value, str):
        return value
    if value is None:
        raise RowError(field, "is null")
    raise RowError(field, f"is {kind_of(value)}, not text")


def required_text(row: dict[str, Any], field: str) -> str:
    """The text in column `field`; `RowError` when it is missing, null, or something else."""
    if field not in row:
        raise RowError(field, "is missing")
    return text_of(row[field], field)


def optional_text(row: dict[str, Any], field: str) -> str:
    """The text in column `field`, '' when it is absent or null."""
    value = row.get(field)
    return "" if value is None else text_of(value, field)


def kind_of(value: Any) -> str:
    """What a JSON value is, in the words of a message: 'the number 5', 'a list'."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}" if abs(value) < 1e15 else "a number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, list | tuple):
        return "a list"
    return "an object" if isinstance(value, dict) else f"a {type(value).__name__}"


def check_surrogates(value: Any) -> None:
    """Raise `RowError` when a text in `value` holds half of a surrogate pair."""
    for path, text in _texts(value):
        for char in text:
            if "\ud800" <= char <= "\udfff":
                reason = f"holds \\u{ord(char):04x}, half of a surrogate pair, which no UTF-8 text can hold"
                raise RowError(path, reason)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RowError(twice, "appears twice in one object")
    return made


def _reject_constant(name: str) -> float:
    raise RowError("", f"holds {name}, which is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise RowError("", f"holds {digits}, which is too large for a number")
    return value


def _encode_slowly(value: Any, error: TypeError) -> bytes:
    """The standard encoder takes integers past 64 bits, which orjson does not."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError):
        raise RowError("", f"cannot be written as JSON: {error}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):  # a subclass of it, as nanoseconds come in
        return value.isoformat()
    raise RowError("", f"holds {kind_of(value)}, which JSON cannot hold; write Parquet")


def _check_finite(value: Any) -> None:
    for path, leaf in _leaves(value, ""):
        if isinstance(leaf, float) and not math.isfinite(leaf):
            raise RowError(path, f"is {leaf}, which JSON cannot hold; write Parquet")


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise RowError("", f"nested deeper than {MAX_DEPTH} levels")


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _texts(value: Any) -> Iterator[tuple[str, str]]:
    for path, leaf in _leaves(value, ""):
        if isinstance(leaf, str):
            yield path, leaf


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every scalar with its path, keys of objects included as texts of their own."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield path, key
            yield from _leaves(child, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for index, child in enumerate(value):
            yield from _leaves(child, f"{path}[{index}]")
    else:
        yield path, value
