"""The replies that came back for a batch file: where each stands, and what it says.

Only places are kept in memory, so the files may be large. A file that was cut, a line that is no reply, or
a reply to something never asked is noted and passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import orjson

from tunewright.llm.chat_api import Complaint, reply_of_body
from tunewright.llm.reply import Answer, Broken, Reply
from tunewright.llm.request import Message

_OFFSET_BITS = 48


class ReplyFiles:
    """The rows of some files by key. Opens them as needed: use it in a `with`.

    Of several rows for one key the first with a reply counts, else the last. `num_failed` says how many
    rows of a key have no reply in them; `notes` what was odd, a sentence for each kind and file.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        self._open: dict[int, BinaryIO] = {}
        self._places: dict[bytes, int] = {}  # file and offset in one number
        self._succeeded: set[bytes] = set()
        self.num_failed: Counter[bytes] = Counter()
        self.notes: list[str] = []
        for number, file in enumerate(files):
            self._index(number, file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._open:
            self._open.popitem()[1].close()

    @property
    def keys(self) -> set[bytes]:
        return set(self._places)

    def row(self, key: bytes) -> dict[str, Any] | None:
        place = self._places.get(key)
        if place is None:
            return None
        number, offset = place >> _OFFSET_BITS, place & ((1 << _OFFSET_BITS) - 1)
        if number not in self._open:
            self._open[number] = self._files[number].open("rb")
        self._open[number].seek(offset)
        row = _row(self._open[number].readline())
        assert row is not None, "the file was changed while it was read"
        return row

    def _index(self, number: int, file: Path) -> None:
        offset, num_twice = 0, 0
        bad_lines: list[int] = []
        with file.open("rb") as lines:
            for line_number, line in enumerate(lines, start=1):
                row = _row(line)
                key = None if row is None else _key_of(row)
                if row is None or key is None:
                    if line.strip():
                        bad_lines.append(line_number)
                elif not isinstance(answer_of_row(row, ()), Reply):
                    self.num_failed[key] += 1
                    if key not in self._succeeded:
                        self._places[key] = number << _OFFSET_BITS | offset
                elif key in self._succeeded:
                    num_twice += 1
                else:
                    self._succeeded.add(key)
                    self._places[key] = number << _OFFSET_BITS | offset
                offset += len(line)
        if bad_lines:
            others = f", nor are {len(bad_lines) - 1:,} others" if bad_lines[1:] else ""
            self.notes.append(
                f"{file}:{bad_lines[0]} is no whole row with an id of ours{others}; is the file complete?"
            )
        if num_twice:
            self.notes.append(f"{file}: {num_twice:,} replies are there a second time, the first ones count")


def answer_of_row(row: Mapping[str, Any], messages: Sequence[Message]) -> Answer:
    """What one row of a reply file says, by the same rules as an endpoint's response."""
    response = row.get("response")
    response = response if isinstance(response, Mapping) else {}
    body, status = response.get("body"), response.get("status_code")
    if not row.get("error") and isinstance(status, int) and 200 <= status < 300:
        return reply_of_body(body if isinstance(body, Mapping) else {}, messages, seconds=0.0)
    said = orjson.dumps(body if isinstance(body, Mapping) and body else row.get("error"))
    if not isinstance(status, int):  # the service itself failed, e.g. the batch expired
        return Broken(Complaint.of(0, said).message, said.decode())
    return Complaint.of(status, said).answer()


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return None
    return row if isinstance(row, dict) else None


def _key_of(row: Mapping[str, Any]) -> bytes | None:
    """The request's key; None when the row is no reply or its id is none of ours (64 hexadecimal digits)."""
    if not ("response" in row or "error" in row):
        return None
    try:
        key = bytes.fromhex(str(row.get("custom_id")))
    except ValueError:
        return None
    return key if len(key) == 32 else None
