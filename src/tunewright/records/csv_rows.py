"""Rows of CSV (RFC 4180), streamed. Every value is text: CSV knows no types, no nulls and no absent cells.

Written: comma, CRLF, quotes only where needed, structured values as JSON in a cell. Read: comma, semicolon
or tab (whichever makes the header fit), cells with line breaks and NUL, cells of any length.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, BinaryIO

from tunewright.errors import DataError
from tunewright.records.row import Row, RowError, encode_json

DELIMITERS = (",", ";", "\t")
_LONGEST_CELL = 2**31 - 1  # the largest limit the csv module takes on every platform


def csv_rows(stream: BinaryIO, name: str, problem: Callable[[Sequence[str]], str]) -> Iterator[Row]:
    """One row per record below the header. `problem` says what is wrong with column names, '' if nothing.

    The delimiter is the first with which nothing is; when there is none, it is a `DataError`. A row with
    too few or too many cells, or bytes that are not UTF-8, is a row with an error. A quote that is never
    closed is a `DataError`, as it swallows all rows after it.
    """
    csv.field_size_limit(_LONGEST_CELL)
    text = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="")
    try:
        yield from _rows(_Lines(text), name, problem)
    finally:
        text.detach()  # the stream is the caller's to close


def write_csv(rows: Iterable[dict[str, Any]], stream: BinaryIO) -> int:
    """Write a header and the rows; return how many. A column first met in a late row makes a second pass,
    to widen.

    `stream` must be seekable and readable for that pass.
    """
    columns: dict[str, int] = {}
    count, first_width = 0, 0
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\r\n")
    for count, row in enumerate(rows, start=1):
        for column in row:
            columns.setdefault(column, len(columns))
        if count == 1:
            writer.writerow(list(columns))
            first_width = len(columns)
        writer.writerow([_cell(row.get(column), column) for column in columns])
    text.flush()
    if count and len(columns) != first_width:
        _widen(stream, list(columns))
    text.detach()
    return count


class _Lines:
    """The lines of a text with their count, one of which can be pushed back."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._pushed = ""
        self.count = 0
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line, self._pushed = self._pushed or self._text.readline(), ""
        if not line:
            self.ended = True
            raise StopIteration
        self.count += 1
        return line

    def push(self, line: str) -> None:
        self._pushed = line
        self.count -= bool(line)


def _rows(lines: _Lines, name: str, problem: Callable[[Sequence[str]], str]) -> Iterator[Row]:
    header_line = next((line for line in lines if line.strip()), "")
    delimiter = next((mark for mark in DELIMITERS if not problem(_cells(header_line, mark))), ",")
    lines.push(header_line)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    header = _header(reader, name)
    if wrong := problem(header):
        raise DataError(f"{name}:1: {wrong}")
    while True:
        first_line = lines.count + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if lines.ended:
                raise DataError(
                    f"{name}:{first_line}: a quote opened in this row is never closed, "
                    "so no row after it can be read; close it or double the quotes inside cells"
                ) from None
            yield Row(first_line, RowError("", f"not CSV: {error}"), None)
            continue
        if len(cells) > 1 or any(cell.strip() for cell in cells):  # else an empty line
            raw = delimiter.join(cells).encode("utf-8", "surrogateescape")
            yield Row(first_line, _row(header, cells), raw)


def _header(reader: Iterator[list[str]], name: str) -> list[str]:
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise DataError(f"{name}:1: the header is not CSV: {error}") from None
    twice = next((column for column in header if header.count(column) > 1), None)
    if twice is not None:
        raise DataError(f"{name}:1: column '{twice}' appears twice in the header; rename one")
    return header


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _row(header: list[str], cells: list[str]) -> dict[str, str] | RowError:
    if len(cells) != len(header):
        return RowError("", f"has {len(cells)} cells where the header has {len(header)}")
    for column, cell in zip(header, cells, strict=True):
        if not cell.isascii() and any("\udc80" <= char <= "\udcff" for char in cell):
            return RowError(column, "is not UTF-8")
    return dict(zip(header, cells, strict=True))


def _cell(value: Any, column: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return repr(value)  # NaN and infinities too
    try:
        encoded = encode_json(value).decode()
    except RowError as error:
        raise RowError(error.field or column, error.reason) from None
    # dates and decimals encode as JSON texts, which in a cell would carry quotes
    return encoded[1:-1] if encoded.startswith('"') else encoded


def _widen(stream: BinaryIO, columns: list[str]) -> None:
    """Copy through a second temporary file, so that every row has as many cells as the header."""
    import shutil
    import tempfile

    with tempfile.TemporaryFile() as copy:
        stream.seek(0)
        shutil.copyfileobj(stream, copy)
        copy.seek(0)
        stream.seek(0)
        stream.truncate()
        source = io.TextIOWrapper(copy, encoding="utf-8", newline="")
        target = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
        reader, writer = csv.reader(source), csv.writer(target, lineterminator="\r\n")
        next(reader)
        writer.writerow(columns)
        writer.writerows(row + [""] * (len(columns) - len(row)) for row in reader)
        target.flush()
        target.detach()
        source.detach()
