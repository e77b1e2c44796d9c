"""Rows of a file that a person or another tool wrote: JSON lines, a JSON array, or CSV with , ; or tab.

Unlike a log of our own, such a file may be cut off or wrong in any line, so no line is left out in silence.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from tunewright.errors import DataError
from tunewright.records.csv_rows import csv_rows
from tunewright.records.json_rows import array_rows, jsonl_rows
from tunewright.records.row import Row, RowError, kind_of
from tunewright.records.sniff import guarded, open_bytes, sniff


def file_rows(path: Path, *, needed: Sequence[str] = ()) -> Generator[Row, None, None]:
    """Every row with its line; its `values` are a dict, or the RowError that says what is wrong with it.

    DataError when the file cannot be read at all, is empty, or is CSV without one of the columns `needed`.
    """
    if not path.is_file():
        raise DataError(f"{path}: there is no such file; check the path")
    container = sniff(path)
    if container in ("parquet", "arrow"):
        raise DataError(f"{path}: is {container}; write it as JSON lines or CSV")

    def problem(columns: Sequence[str]) -> str:
        missing = next((name for name in needed if name not in columns), None)
        return f"the column {missing!r} is missing; there are: {', '.join(columns)}" if missing else ""

    def rows_of(stream: BinaryIO) -> Generator[Row, None, None]:
        if container == "csv":
            yield from csv_rows(stream, str(path), problem)
        else:
            yield from jsonl_rows(stream) if container == "jsonl" else array_rows(stream, str(path))

    # the rows are closed before the file, also when a reader stops early
    with guarded(str(path)), open_bytes(path) as stream, contextlib.closing(rows_of(stream)) as rows:
        for row in rows:
            if isinstance(row.values, dict | RowError):
                yield row
            else:
                yield row._replace(values=RowError("", f"is {kind_of(row.values)}, not an object"))


def whole_rows(
    path: Path, *, needed: Sequence[str] = ()
) -> Generator[tuple[int, dict[str, Any]], None, None]:
    """Every row with its line, where nothing may be wrong: DataError names the first line that is."""
    with contextlib.closing(file_rows(path, needed=needed)) as rows:
        for row in rows:
            if isinstance(row.values, RowError):
                raise DataError(f"{path}:{row.line}: {said(row.values)}; mend the line or leave it out")
            yield row.line, row.values


def said(error: RowError) -> str:
    """What is wrong with a row, in words."""
    return f"{error.field!r} {error.reason}" if error.field else error.reason
