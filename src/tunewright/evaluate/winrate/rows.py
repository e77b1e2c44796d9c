"""The rows of a file of judgements or of a table of numbers: a JSON array, JSON lines or CSV, also .gz.

This is not how records are read: judgements may hold NaN where there is no preference, a table's columns are
nobody's format, and one broken row is an error, for a rate without it would be another rate.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewright.errors import DataError
from tunewright.records.row import RowError, check_surrogates

Row = Mapping[str, Any]
ANNOTATIONS_FILE = "annotations.json"
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")  # half of a pair or a whole one: looking closer is slow


def read_rows(path: str | Path) -> list[dict[str, Any]]:
    """The rows of a file, or of the annotations in the folder of a judging.

    An object with a list of rows under `data` is those rows. DataError names the file, and where it can the
    line or the row, of what is wrong.
    """
    path = _file_of(Path(path))
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except OSError as problem:
        raise DataError(f"{path} cannot be read: {problem.strerror or problem}; check the path") from problem
    except (UnicodeDecodeError, EOFError, zlib.error) as problem:
        raise DataError(
            f"{path} cannot be read: {problem}; it must be UTF-8 text, gzipped where it ends in .gz"
        ) from problem
    if path.name.removesuffix(".gz").endswith(".csv"):
        return _csv_rows(text, path)
    return _json_rows(text, path)


def _file_of(path: Path) -> Path:
    if not path.is_dir():
        return path
    if (path / ANNOTATIONS_FILE).is_file():
        return path / ANNOTATIONS_FILE
    raise DataError(
        f"{path}: is a folder without {ANNOTATIONS_FILE}; name a file, or the folder of 'tunewright evaluate "
        "judge'"
    )


def _csv_rows(text: str, path: Path) -> list[dict[str, Any]]:
    usual = csv.field_size_limit(len(text) + 1)  # an answer may be longer than the 128 KB that are usual
    try:
        rows: list[dict[Any, Any]] = list(csv.DictReader(io.StringIO(text, newline="")))
    except csv.Error as problem:
        raise DataError(f"{path} is no CSV: {problem}") from problem
    finally:
        csv.field_size_limit(usual)
    for number, row in enumerate(rows, start=1):
        if None in row:  # where DictReader keeps what has no column
            raise DataError(f"{path}: row {number} has more cells than the head has columns")
    return rows


def _json_rows(text: str, path: Path) -> list[dict[str, Any]]:
    rows = _whole_json(text, path) if text.lstrip()[:1] in ("[", "{") else None
    if isinstance(rows, dict):
        rows = rows["data"] if isinstance(rows.get("data"), list) else [rows]
    if rows is None:
        rows = [
            _decoded(line, f"{path}:{number}: not a JSON object")
            for number, line in enumerate(text.split("\n"), start=1)
            if line.strip()
        ]
    has_halves = _SURROGATE.search(text) is not None
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise DataError(f"{path}: row {number} is not an object; a row has named columns")
        try:
            if has_halves:
                check_surrogates(row)
        except RowError as problem:
            raise DataError(f"{path}: row {number}: '{problem.field}' {problem.reason}") from None
    return list(rows)


def _whole_json(text: str, path: Path) -> Any:
    """The value of the whole file; None for JSON lines, which are more than one."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as problem:
        if text.lstrip().startswith("{"):
            return None
        raise DataError(f"{path}:{problem.lineno}: not JSON ({problem.msg})") from problem
    except (ValueError, RecursionError) as problem:  # a number of thousands of digits; endless nesting
        raise DataError(f"{path}: not JSON that can be read ({problem})") from problem


def _decoded(line: str, what: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as problem:
        raise DataError(f"{what} ({problem.msg})") from problem
    except (ValueError, RecursionError) as problem:
        raise DataError(f"{what} that can be read ({problem})") from problem


def text_of(value: Any) -> str:
    """The text that a file holds. An answer "true" that some tool wrote as JSON's true is a text again."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def number_of(value: Any, where: str) -> float | None:
    """A finite number, None for what is empty or NaN; DataError begins with `where`."""
    if value is None or value == "":
        return None
    try:
        number = math.inf if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.inf
    if math.isinf(number):
        raise DataError(f"{where}: {value!r} is no number")
    return None if math.isnan(number) else number


def count_of(value: Any, where: str) -> int | None:
    """A whole number from 0, also as "17" or 17.0, as tables with gaps have them."""
    number = number_of(value, where)
    if number is None:
        return None
    if number != int(number) or number < 0:
        raise DataError(f"{where}: {value!r} is no whole number from 0")
    return int(number)


def name_of(value: Any, where: str, column: str) -> str:
    """The name of a model or a judge, "" where there is none; DataError for what is no text or number."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise DataError(f"{where}: '{column}' is {value!r}; it must be a name")
    return str(value)
