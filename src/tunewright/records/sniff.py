"""What kind of file this is, from its first bytes; the name only decides where the content leaves it open."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tunewright.errors import DataError
from tunewright.records.formats import container_of

HEAD_BYTES = 1 << 16
UTF8_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"

# First bytes, and what a message calls such a file.
_NOT_DATA = {
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "a zip archive (perhaps an Excel or Word file)",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"\x28\xb5\x2f\xfd": "compressed with Zstandard (of compressed files only .gz is read)",
    b"BZh": "compressed with bzip2 (of compressed files only .gz is read)",
    b"\xfd7zXZ": "compressed with xz (of compressed files only .gz is read)",
    b"SQLite format 3": "an SQLite database",
    b"\x7fELF": "a program",
    b"\x89HDF": "an HDF5 file",
    b"\xff\xfe": "text in UTF-16 or UTF-32, not UTF-8 (save it as UTF-8)",
    b"\xfe\xff": "text in UTF-16, not UTF-8 (save it as UTF-8)",
}


def sniff(path: Path) -> str:
    """The container of a file (json, jsonl, csv, parquet, arrow); `DataError` when it is none of these."""
    with guarded(str(path)):
        with path.open("rb") as stream:
            magic = stream.read(6)
        if magic[:4] == b"PAR1":
            return "parquet"
        if magic == b"ARROW1" or (magic[:4] == b"\xff\xff\xff\xff" and path.suffix == ".arrow"):
            return "arrow"
        with open_bytes(path) as stream:
            head = _head(stream)
    if not head:
        raise DataError(f"{path}: the file is empty; expected at least one row")
    for first_bytes, kind in _NOT_DATA.items():
        if head.startswith(first_bytes):
            raise DataError(f"{path}: is {kind}; expected JSON, JSON Lines, CSV or Parquet")
    if b"\0" in head.partition(b"\n")[0]:  # later a NUL may be a character of a CSV cell
        raise DataError(
            f"{path}: is a binary file or UTF-16 text; expected JSON, JSON Lines, CSV or Parquet in UTF-8"
        )
    return _text_container(path, head)


def open_bytes(path: Path) -> BinaryIO:
    """The file's bytes without a UTF-8 mark, decompressed when they are gzip, whatever its name."""
    with path.open("rb") as probe:
        is_gzip = probe.read(2) == _GZIP
    stream: BinaryIO = io.BufferedReader(gzip.open(path)) if is_gzip else path.open("rb", 1 << 20)  # noqa: SIM115
    if stream.read(3) != UTF8_BOM:
        stream.seek(0)
    return stream


@contextmanager
def guarded(name: str) -> Iterator[None]:
    """Turn what reading a damaged or forbidden file raises into a `DataError`."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{name}: the gzip data is damaged or cut off: {error}") from error
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{name}: cannot be read: {error.strerror or error}") from error


def _head(stream: BinaryIO) -> bytes:
    """The beginning of the text from its first byte that is not white space."""
    while block := stream.read(HEAD_BYTES):
        if head := block.lstrip(b" \t\r\n"):
            return head
    return b""


def _text_container(path: Path, head: bytes) -> str:
    promised, _ = container_of(path)
    first_line, _, rest = head.partition(b"\n")
    if head[:1] == b"[":
        # In JSON Lines a row that is a list is a broken row, not the start of an array.
        lines = promised == "jsonl" and rest.strip() and _is_json(first_line)
        return "jsonl" if lines else "json"
    if head[:1] == b"{":
        if first_line.strip() == b"{" and promised != "jsonl":
            raise DataError(
                f"{path}: is one JSON object over several lines; expected an array or one row per line"
            )
        return "jsonl"
    if promised == "jsonl":
        return "jsonl"
    try:
        first_line.decode("utf-8")
    except UnicodeDecodeError as error:
        cut_inside = not rest and error.start > len(first_line) - 4
        if not cut_inside:
            raise DataError(f"{path}:1: is not UTF-8 text (byte 0x{first_line[error.start]:02x})") from None
    if promised == "json":
        raise DataError(f"{path}: is not JSON; expected an array of rows")
    return "csv"


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
