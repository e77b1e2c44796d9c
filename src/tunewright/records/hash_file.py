"""What a manifest says of a file it has read or written."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tunewright.errors import DataError


def hash_file(path: str | Path) -> str:
    """SHA-256 of the file's bytes, 64 hexadecimal digits; `DataError` when it cannot be read."""
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
