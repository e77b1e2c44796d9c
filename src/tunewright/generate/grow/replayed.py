"""A log that a resumed run writes again from its beginning without ever making it shorter.

A resumed run goes through its rounds anew, from the replies in the journal, and comes to the same rows. The
rows that are there already are compared instead of written; the first that differs (after a change of the
program, or by hand) and all behind it are replaced.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import orjson

from tunewright.run.files import JsonlLog, disk_errors


class ReplayedLog:
    """Rows in order, from the first. Use it in a `with`; call `finish` after the last row."""

    def __init__(self, path: str | Path) -> None:
        self._log = JsonlLog(path)  # drops a torn last line
        self._old: Generator[bytes, None, None] | None = _lines(Path(path))
        self.num_rows = 0

    def append(self, row: Mapping[str, Any]) -> None:
        if self._old is not None:
            line = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
            if next(self._old, None) == line:
                self.num_rows += 1
                return
            self._leave_old()
        self._log.append(row)
        self.num_rows += 1

    def sync(self) -> None:
        """Wait until every row is on the disk itself."""
        self._log.sync()

    def finish(self) -> None:
        """Drop what an earlier process wrote beyond the last row; called when the last row is written."""
        self._leave_old()
        self._log.sync()

    def close(self) -> None:
        """Close the file; rows of an earlier process that were not reached stay."""
        if self._old is not None:
            self._old.close()
        self._log.close()

    def __enter__(self) -> ReplayedLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _leave_old(self) -> None:
        if self._old is not None:
            self._old.close()
            self._old = None
            self._log.keep(self.num_rows)


def _lines(path: Path) -> Generator[bytes, None, None]:
    with disk_errors(path), path.open("rb") as file:
        yield from file
