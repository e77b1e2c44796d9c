"""Rows that cannot be used, for `rejects.jsonl`: which one, what is wrong with it, and its beginning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

import orjson

from tunewright.errors import RunFolderError

MAX_ROW_CHARS = 500


@dataclass(frozen=True, slots=True)
class Reject:
    """`line` counts from 1 (rows in Parquet and data sets); `field` is '' when the row as a whole is broken.

    `row` is the text of the row, or its JSON, cut to `MAX_ROW_CHARS`.
    """

    file: str
    line: int
    field: str
    reason: str
    row: str

    def __str__(self) -> str:
        subject = f"'{self.field}' " if self.field else ""
        return f"{self.file}:{self.line}: {subject}{self.reason}"


class RejectWriter:
    """Writes each reject it is called with to a JSON Lines file; `count` says how many.

    with RejectWriter(path) as rejects:
        records = list(read_records(data, on_reject=rejects))
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.count = 0
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = self.path.open("wb")
        except OSError as error:
            raise RunFolderError(f"{self.path}: rejects cannot be written here: {error.strerror}") from error

    def __call__(self, reject: Reject, **more: object) -> None:
        """Write the reject; `more` are further columns, such as the whole record that a stage dropped."""
        try:
            self._stream.write(orjson.dumps(asdict(reject) | more) + b"\n")
        except OSError as error:
            raise RunFolderError(f"{self.path}: rejects cannot be written: {error.strerror}") from error
        self.count += 1

    def __enter__(self) -> RejectWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Flush and close the file; calling it again does nothing."""
        try:
            self._stream.close()
        except OSError as error:
            raise RunFolderError(f"{self.path}: rejects cannot be written: {error.strerror}") from error


def write_rejects(path: str | Path, rejects: Iterable[Reject]) -> int:
    """Write all rejects to `path` as JSON Lines; return how many."""
    with RejectWriter(path) as write:
        for reject in rejects:
            write(reject)
    return write.count


def cut(raw: bytes | str | None) -> str:
    """The beginning of a row as text that any JSON writer takes, with … where it was cut."""
    if raw is None:
        return ""
    if isinstance(raw, bytes):
        raw = raw[: 4 * MAX_ROW_CHARS].decode("utf-8", "replace")
    raw = raw[: MAX_ROW_CHARS + 1].encode("utf-8", "replace").decode()
    return raw if len(raw) <= MAX_ROW_CHARS else raw[:MAX_ROW_CHARS] + "…"
