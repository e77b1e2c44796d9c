"""A log that a resumed run goes through again from its beginning and never makes shorter.

A resumed run goes through its rounds anew, from the replies in the journal, and comes to the same rows. The
rows that are there already are compared instead of written; behind the last of them it goes on. A row that
differs, or rows left over at the end, mean that these are not the replies the run was made from (another
journal, a lost one) or that the program or the file was changed. That is an error, and what is on the disk
stays as it is: it was paid for.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import orjson

from tunewright.errors import RunFolderError
from tunewright.run.files import JsonlLog, disk_errors


class RowsDiffer(RunFolderError):
    """What a resumed run comes to is not what its folder holds; the folder is left as it is."""


class ReplayedLog:
    """Rows in order, from the first. Use it in a `with`; call `finish` after the last row."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._log = JsonlLog(path)  # drops a torn last line
        self._old: Generator[bytes, None, None] = _lines(self.path)
        self._next = next(self._old, None)
        self.num_rows = 0

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row, or pass over it where it is on the disk. RowsDiffer where another one is there."""
        if self._next is None:
            self._log.append(row)
        elif self._next == orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE):
            self._next = next(self._old, None)
        else:
            raise self._differs()
        self.num_rows += 1

    def sync(self) -> None:
        """Wait until every row is on the disk itself."""
        self._log.sync()

    def finish(self) -> None:
        """Called when the last row is written. RowsDiffer when the disk holds rows beyond it."""
        self.refuse_old()
        self._log.sync()

    def refuse_old(self) -> None:
        """RowsDiffer when rows of an earlier process have not been reached."""
        if self._next is not None:
            raise self._differs()

    def close(self) -> None:
        """Close the file; rows of an earlier process that were not reached stay."""
        self._old.close()
        self._log.close()

    def __enter__(self) -> ReplayedLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _differs(self) -> RowsDiffer:
        return RowsDiffer(
            f"{self.path} has {self._log.num_rows:,} rows, and row {self.num_rows + 1:,} is not what the "
            "kept replies give: they are not the ones this run was made from, or the file or the program was "
            "changed. Nothing was asked for it and nothing was changed. Give the journal that the run began "
            "with (its replies.sqlite, or the same --replies); where the file itself was changed, move it "
            "elsewhere and run again; or add --again, which moves the whole folder aside and begins anew"
        )


def _lines(path: Path) -> Generator[bytes, None, None]:
    with disk_errors(path), path.open("rb") as file:
        yield from file
