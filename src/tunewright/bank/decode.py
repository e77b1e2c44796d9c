"""A text file that is UTF-8, or says what to do."""

from __future__ import annotations

from pathlib import Path

from tunewright.errors import DataError


def decoded(path: Path) -> str:
    """The file's text without a byte order mark; DataError at the first byte that is not UTF-8."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DataError(f"{path}:{line}: is not UTF-8; save the file as UTF-8 and try again") from None
