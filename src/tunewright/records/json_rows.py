"""Rows of JSON Lines and of one JSON array, both streamed, with the line each row starts on.

An array is cut into its elements by following only quotes and brackets through chunks of bytes; each element
is then decoded alone. So memory holds one row, a broken row does not take the next one with it, and a
row of 200 MB costs time in proportion to its length, however it falls across chunks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any, BinaryIO

from tunewright.errors import DataError
from tunewright.records.row import Row, RowError, decode_json, encode_json

CHUNK_BYTES = 1 << 20
_SPACE = b" \t\r\n"

# Possessive quantifiers: no backtracking, so each call is linear and needs no stack.
_TO_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_TO_SCALAR_END = re.compile(rb'(?:[^",\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_TO_QUOTE = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_SPACES = re.compile(rb"[ \t\r\n]*+")
_SPACES_AND_COMMAS = re.compile(rb"[ \t\r\n,]*+")


def jsonl_rows(stream: BinaryIO) -> Iterator[Row]:
    """One row per line that is not blank; a line ends at a line feed, with or without a carriage return."""
    for line, raw in enumerate(stream, start=1):
        text = raw.strip(_SPACE)
        if text:
            yield Row(line, _decoded(text), text)


def array_rows(stream: BinaryIO, name: str) -> Iterator[Row]:
    """One row per element of the array; `DataError` when the array never closes or text follows it."""
    for line, raw in _elements(stream, name):
        yield Row(line, _decoded(raw), raw)


def write_jsonl(rows: Iterable[dict[str, Any]], stream: BinaryIO) -> int:
    """Write one object per line; return how many."""
    count = 0
    for row in rows:
        stream.write(encode_json(row) + b"\n")
        count += 1
    return count


def write_array(rows: Iterable[dict[str, Any]], stream: BinaryIO) -> int:
    """Write one array with one object per line, which differs well; return how many."""
    count = 0
    for count, row in enumerate(rows, start=1):
        stream.write((b"[\n" if count == 1 else b",\n") + encode_json(row))
    stream.write(b"\n]\n" if count else b"[]\n")
    return count


def _decoded(raw: bytes) -> Any:
    try:
        return decode_json(raw)
    except RowError as error:
        return error


class _At(Enum):
    START = "before the array"
    GAP = "between elements"
    ELEMENT = "in an element"
    STRING = "in a string of an element"
    END = "after the array"


def _elements(stream: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    """Each element's first line and its bytes. Commas are not checked: what lies between them matters."""
    at, depth, line, first_line = _At.START, 0, 1, 1
    parts: list[bytes] = []  # of the element that began in an earlier chunk
    held = b""  # a backslash whose escaped byte comes with the next chunk
    while chunk := stream.read(CHUNK_BYTES):
        chunk, held = held + chunk, b""
        pos, begin, counted = 0, 0, 0  # begin: of the part of the element in this chunk
        while pos < len(chunk):
            if at is _At.GAP:
                pos = _skip(_SPACES_AND_COMMAS, chunk, pos)
                if chunk[pos : pos + 1] == b"]":
                    at, pos = _At.END, pos + 1
                elif pos < len(chunk):
                    line, counted = line + chunk.count(b"\n", counted, pos), pos
                    at, depth, begin, first_line = _At.ELEMENT, 0, pos, line
            elif at is _At.ELEMENT:
                pos = _skip(_TO_BRACKET if depth else _TO_SCALAR_END, chunk, pos)
                mark = chunk[pos : pos + 1]
                closes = mark in (b"]", b"}") and depth <= 1
                if mark == b'"':
                    at = _At.STRING
                elif mark in (b"[", b"{"):
                    depth += 1
                elif mark in (b"]", b"}"):
                    depth -= 1
                if mark == b"," or (closes and depth < 0):  # the end of a scalar, not part of it
                    pos -= 1
                pos += 1
                if mark == b"," or closes:
                    parts.append(chunk[begin:pos])
                    yield first_line, b"".join(parts).strip(_SPACE)
                    at, parts = _At.GAP, []
                    if mark == b"}" and depth < 0:  # a stray brace would hold us here for ever
                        pos += 1
            elif at is _At.STRING:
                pos = _skip(_TO_QUOTE, chunk, pos)
                if chunk[pos : pos + 1] == b"\\":
                    chunk, held = chunk[:pos], chunk[pos:]
                elif pos < len(chunk):
                    at, pos = _At.ELEMENT, pos + 1
            else:
                pos = _skip(_SPACES, chunk, pos)
                if pos < len(chunk):
                    if at is _At.END or chunk[pos] != ord("["):
                        place = line + chunk.count(b"\n", counted, pos)
                        raise DataError(
                            f"{name}:{place}: text {at.value}; a JSON file holds one array of rows"
                        )
                    at, pos = _At.GAP, pos + 1
        if at in (_At.ELEMENT, _At.STRING):
            parts.append(chunk[begin:])
        line += chunk.count(b"\n", counted)
    if at is not _At.END:
        where = f"in the row that begins at line {first_line}" if parts else f"after line {line}"
        raise DataError(f"{name}: the file ends {where}, before its array is closed; it may be cut off")


def _skip(pattern: re.Pattern[bytes], chunk: bytes, pos: int) -> int:
    found = pattern.match(chunk, pos)
    assert found is not None, "every pattern here matches the empty text"
    return found.end()
