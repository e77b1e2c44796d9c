"""Files of a run that survive a kill at any moment and a full disk.

Whole files are replaced at once, never half written. Logs of rows (`records.jsonl`, `metrics.jsonl`) grow
by whole lines; a line torn by a kill is dropped when the log is opened again.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import orjson

from tunewright.errors import RunFolderError

_CHUNK_BYTES = 1 << 20


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turns what the system says while `path` is written into a RunFolderError that says what to do."""
    try:
        yield
    except RunFolderError:
        raise
    except OSError as error:
        raise RunFolderError(_disk_sentence(path, error)) from error


def _disk_sentence(path: Path, error: OSError) -> str:
    folder = path.parent
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"no space left in {folder} for {path.name}: free some or choose another --out; "
            "nothing finished is lost, the same command resumes"
        )
    if error.errno == errno.EROFS:
        return f"{folder} is read-only, {path.name} cannot be written: choose another --out"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"no permission to write {path}: change the permissions or choose another --out"
    return f"cannot write {path}: {error.strerror or error}; mend that or choose another --out"


def write_text_atomic(path: str | Path, text: str) -> None:
    """Put `text` into `path` as UTF-8; a kill or power cut leaves the old file or the new one, whole.

    The text is on disk before the name changes, and the name before this returns.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with disk_errors(path):
        try:
            with temporary.open("wb") as file:
                file.write(text.encode("utf-8", "surrogatepass"))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)  # noqa: PTH105 - tests replace os.replace to inject faults
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def write_json_atomic(path: str | Path, value: Any) -> None:
    """`value` as indented JSON, written like `write_text_atomic`; a NaN or infinity is a ValueError."""
    write_text_atomic(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def sync_folder(folder: Path) -> None:
    """Make new names in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_sha256(path: str | Path) -> str:
    """The SHA-256 of a file's bytes in hexadecimal: an input's hash in a fingerprint."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_jsonl(path: str | Path) -> Iterator[dict[str, Any]]:
    """The rows of a log, also while another process writes it: a torn last line is left out.

    Raises RunFolderError with the line's number when any other line is not a JSON object.
    """
    with Path(path).open("rb") as file:
        for number, line in enumerate(file, start=1):
            row = _row(line)
            if row is not None:
                yield row
            elif line.endswith(b"\n"):
                raise RunFolderError(
                    f"{path}:{number}: not a JSON object; the file was changed by another program, "
                    "restore it or run the stage again with --again"
                )


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return row if isinstance(row, dict) else None


class JsonlLog:
    """A file of JSON objects, one a line, that only grows; for one writer, as the folder's lock ensures.

    Every `append` is handed to the system whole, so a killed process loses nothing it appended; `sync`
    makes it survive a power cut too. Opening drops a torn last line. JSON has no NaN and no infinity:
    they are written as null.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with disk_errors(self.path):
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
            self.num_rows, self._end_bytes = self._mend()

    def append(self, row: Mapping[str, Any]) -> None:
        """Add one row. On a full disk the row is taken back whole and RunFolderError is raised."""
        line = memoryview(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY))
        with disk_errors(self.path):
            self._write(line)
        self._end_bytes += len(line)
        self.num_rows += 1

    def sync(self) -> None:
        """Wait until every row is on the disk itself."""
        with disk_errors(self.path):
            os.fsync(self._descriptor)

    def keep(self, rows: int) -> None:
        """Cut the log back to its first `rows` rows, as a checkpoint asks on resume.

        Raises RunFolderError when it has fewer: then rows the checkpoint counts on are lost.
        """
        if rows > self.num_rows:
            raise RunFolderError(
                f"{self.path} has {self.num_rows} rows, but {rows} were written before the checkpoint; "
                "restore the file or run the stage again with --again"
            )
        if rows < self.num_rows:
            self._cut(self._end_of_row(rows), rows)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, line: memoryview) -> None:
        written = 0
        try:
            while written < len(line):
                written += os.write(self._descriptor, line[written:])
        except OSError:
            if written:  # part of the row is there: take it back, which needs no space
                os.ftruncate(self._descriptor, self._end_bytes)
            raise

    def _mend(self) -> tuple[int, int]:
        """The number of whole rows and the byte where they end; what a kill left after them is cut off.

        A last row that is whole but for its newline is kept and completed.
        """
        size = os.fstat(self._descriptor).st_size
        num_rows, end = 0, 0
        for start in range(0, size, _CHUNK_BYTES):
            chunk = os.pread(self._descriptor, _CHUNK_BYTES, start)
            num_rows += chunk.count(b"\n")
            if b"\n" in chunk:
                end = start + chunk.rindex(b"\n") + 1
        if end == size:
            return num_rows, end
        if _row(os.pread(self._descriptor, size - end, end)) is not None:
            os.write(self._descriptor, b"\n")
            return num_rows + 1, size + 1
        os.ftruncate(self._descriptor, end)
        return num_rows, end

    def _end_of_row(self, rows: int) -> int:
        end = 0
        with self.path.open("rb") as file:
            for _ in range(rows):
                end += len(file.readline())
        return end

    def _cut(self, end_bytes: int, rows: int) -> None:
        with disk_errors(self.path):
            os.ftruncate(self._descriptor, end_bytes)
        self._end_bytes, self.num_rows = end_bytes, rows
