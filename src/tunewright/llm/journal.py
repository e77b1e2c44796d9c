"""The journal: every finished call with its request, in one SQLite file; cache, record and budget in one.

A reply is committed the moment it arrives, the replies of one batch together. So a killed run finds all its
finished calls again, and a batch is there as a whole or not at all. WAL with synchronous=NORMAL survives a
kill of the process at any moment; after a power cut the last calls may have to be made again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tunewright.errors import RunFolderError
from tunewright.llm.reply import Refused, Reply
from tunewright.llm.request import Request

FORMAT = "1"
JOURNAL_FILE = "replies.sqlite"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS calls (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    model TEXT NOT NULL,
    subject TEXT NOT NULL,
    request TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('reply', 'refused')),
    answer TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    seconds REAL NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Call:
    """A finished call as the journal keeps it. `number` counts them in the order in which they came."""

    number: int
    key: str
    model: str
    request: Request
    answer: Reply | Refused


@dataclass(frozen=True, slots=True)
class Spent:
    """What the calls of a journal used so far."""

    num_calls: int
    prompt_tokens: int
    output_tokens: int


class Journal:
    """Finished calls by key. Use it in a `with`; one process writes at a time (SQLite sees to it)."""

    def __init__(self, path: str | Path, *, read_only: bool = False) -> None:
        """Open the journal, or make it. Raises RunFolderError for a file that is no journal of ours."""
        self.path = Path(path)
        if read_only and not self.path.exists():
            raise RunFolderError(f"{self.path} does not exist: no model was asked there; check the folder")
        is_new = not self.path.exists() or self.path.stat().st_size == 0
        try:
            self._db = self._open_read_only() if read_only else self._open_to_write()
        except (sqlite3.Error, OSError) as error:
            raise RunFolderError(f"{self.path} cannot be opened: {error}; check the path") from None
        try:
            self._db.execute("PRAGMA synchronous=NORMAL")
            if is_new and not read_only:
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.executescript(_SCHEMA)
                self.set_fact("format", FORMAT)
            self._check()
        except sqlite3.Error as error:
            self._db.close()
            raise RunFolderError(
                f"{self.path} cannot be used as a journal of replies: {error}; restore it, or move it away "
                "to ask everything again"
            ) from None
        except RunFolderError:
            self._db.close()
            raise

    def _open_to_write(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # the loop works in a thread of its own, while the thread that opened the journal waits
        return sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=30.0)

    def _open_read_only(self) -> sqlite3.Connection:
        """Also where nothing may be written beside it, which SQLite otherwise wants for its log."""
        uri = f"{self.path.resolve().as_uri()}?mode=ro"
        database = sqlite3.connect(uri, uri=True, isolation_level=None)
        try:
            database.execute("PRAGMA schema_version").fetchone()
        except sqlite3.OperationalError:  # a folder that cannot be written
            database.close()
            database = sqlite3.connect(f"{uri}&immutable=1", uri=True, isolation_level=None)
        return database

    def _check(self) -> None:
        version = self.fact("format")
        if version != FORMAT:
            raise RunFolderError(
                f"{self.path} was written by another version of Tunewright (format {version}, this one reads "
                f"{FORMAT}); use that version, or another journal"
            )

    def get(self, key: str) -> Reply | Refused | None:
        """The finished call of this key; None when it was never made."""
        row = self._db.execute("SELECT status, answer FROM calls WHERE key = ?", (key,)).fetchone()
        return None if row is None else _answer(*row)

    def put(self, calls: Sequence[tuple[str, str, Request, Reply | Refused]]) -> None:
        """Keep finished calls (key, model, request, answer): all of them or, after a kill, none.

        A key that is there already keeps its first answer.
        """
        rows = [_row(*call) for call in calls]
        try:
            self._put(rows)
        except sqlite3.Error as error:
            raise RunFolderError(f"{self.path} cannot be written: {error}; make room and go on") from error

    def _put(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany(
                "INSERT OR IGNORE INTO calls (key, model, subject, request, status, answer, prompt_tokens, "
                "output_tokens, seconds) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # a full disk has ended it already
                self._db.execute("ROLLBACK")
            raise

    def calls(self, *, containing: str = "") -> Iterator[Call]:
        """All calls in the order in which they were finished; with `containing`, those whose subject, request
        or answer has that text."""
        rows = self._db.execute(
            "SELECT number, key, model, subject, request, status, answer FROM calls ORDER BY number"
        )
        for number, key, model, subject, request, status, answer in rows:
            # as people see them: in JSON every character beyond ASCII is escaped
            shown = [subject, json.dumps(json.loads(request), ensure_ascii=False)] if containing else []
            found = _answer(status, answer)
            text = found.text if isinstance(found, Reply) else found.problem
            if containing and not any(containing in one for one in (*shown, text)):
                continue
            yield Call(number, key, model, Request.from_row(json.loads(request)), found)

    def spent_on(self, model: str) -> Spent:
        """The finished calls of one model and their tokens; of calls that came to nothing it is not known
        whose they were."""
        found = self._db.execute(
            "SELECT COUNT(*), COALESCE(SUM(prompt_tokens), 0), COALESCE(SUM(output_tokens), 0) FROM calls "
            "WHERE model = ?",
            (model,),
        ).fetchone()
        return Spent(*found)

    def spent(self) -> Spent:
        """The calls of the journal and their tokens, with the tokens of calls that came to nothing."""
        num_calls, prompt_tokens, output_tokens = self._db.execute(
            "SELECT COUNT(*), COALESCE(SUM(prompt_tokens), 0), COALESCE(SUM(output_tokens), 0) FROM calls"
        ).fetchone()
        lost_prompt, lost_output = self._lost()
        return Spent(num_calls, prompt_tokens + lost_prompt, output_tokens + lost_output)

    def add_lost(self, prompt_tokens: int, output_tokens: int) -> None:
        """Count tokens that may have been charged for without a reply."""
        lost_prompt, lost_output = self._lost()
        self.set_fact("lost tokens", f"{lost_prompt + prompt_tokens} {lost_output + output_tokens}")

    def forget_refused(self) -> int:
        """Take out the calls that were refused, so that they are asked again; gives how many."""
        return self._db.execute("DELETE FROM calls WHERE status = 'refused'").rowcount

    def _lost(self) -> tuple[int, int]:
        prompt_tokens, _, output_tokens = (self.fact("lost tokens") or "0 0").partition(" ")
        return int(prompt_tokens), int(output_tokens)

    def fact(self, name: str) -> str | None:
        """A text kept beside the calls, such as what an endpoint was found to honour."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_fact(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _row(key: str, model: str, request: Request, answer: Reply | Refused) -> tuple[Any, ...]:
    asked = json.dumps(request.to_row())
    if isinstance(answer, Refused):
        kept = json.dumps({"problem": answer.problem, "raw": answer.raw})
        return (key, model, request.subject, asked, "refused", kept, 0, 0, 0.0)
    usage = answer.usage
    kept = json.dumps(answer.to_row())
    return (
        key, model, request.subject, asked, "reply", kept,
        usage.prompt_tokens, usage.output_tokens, answer.seconds,
    )  # fmt: skip


def _answer(status: str, answer: str) -> Reply | Refused:
    row = json.loads(answer)
    return Refused(row["problem"], row["raw"]) if status == "refused" else Reply.from_row(row)
