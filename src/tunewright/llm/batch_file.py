"""Asking through files: requests go into a folder in OpenAI's batch format, replies are read back from it.

The folder holds `requests-0001.jsonl`, `requests-0002.jsonl`, …, written here and never changed, and the
replies: any other `*.jsonl`, under whatever name the service gave it. A request is known by its key, the
`custom_id`, so files may come back in any order, in pieces, or with something missing.
"""

from __future__ import annotations

import itertools
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tunewright.errors import ModelError
from tunewright.llm.batch_replies import ReplyFiles, answer_of_row
from tunewright.llm.chat_api import body_of, encoded
from tunewright.llm.reply import Answer, Broken, Busy
from tunewright.llm.request import Request
from tunewright.run.files import disk_errors, read_jsonl, sync_folder

MOST_ROWS = 50_000  # of one file: OpenAI's limit
MOST_BYTES = 190_000_000  # OpenAI's limit is 200 MB

_OUR_FILE = re.compile(r"requests-(\d+)\.jsonl")
_MOST_TIMES = 3  # that a request is sent when what comes back is no reply


class BatchPending(ModelError):
    """Some replies are yet to come. `answers` has those that are there, None for the others.

    The message is about all that waits in the folder so far, not only about one call: the last is the whole.
    """

    def __init__(self, message: str, answers: list[Answer | None]) -> None:
        super().__init__(message)
        self.answers = answers


class BatchFileBackend:
    """Answers from the reply files in `folder`; what has no reply yet is written there, to be sent.

    `model_name` is the model that the service shall ask. It names the backend too (`batch:NAME`), and not the
    folder, so that the folder may be moved. A request that failed for a reason that may pass (expired, a
    server error) is written again, until it was sent three times. `notes` says, after the first call, what is
    odd about the reply files. Replies that come while this object lives are not seen.
    """

    batch_size = MOST_ROWS
    max_concurrency: int | None = 1

    def __init__(
        self, folder: str | Path, *, model_name: str, revision: str = "", most_bytes: int = MOST_BYTES
    ) -> None:
        if not model_name.strip():
            raise ModelError(f"batch:{folder} needs the name of the model to ask: --batch-model NAME")
        self.model = f"batch:{model_name}"
        self.revision = revision
        self.notes: list[str] = []
        self._folder = Path(folder)
        self._model_name = model_name
        self._most_bytes = most_bytes
        self._replies: ReplyFiles | None = None
        self._num_sent: Counter[bytes] = Counter()  # how often each request stands in our files
        self._file_of: dict[bytes, str] = {}  # the last of our files that has it
        self._waiting: dict[bytes, str] = {}  # those of the requests asked for that have no reply yet

    async def answer(self, requests: Sequence[Request]) -> list[Answer]:
        """All answers; raises BatchPending, with those that are there, when some are not."""
        answers = self.answered(requests)
        open_requests = {
            self._key(request): request
            for request, answer in zip(requests, answers, strict=True)
            if answer is None
        }
        if not open_requests:
            return [answer for answer in answers if answer is not None]
        self._send(open_requests)
        self._waiting |= {key: self._file_of[key] for key in open_requests}
        raise BatchPending(self._what_to_do(), answers)

    async def close(self) -> None:
        """Nothing is open."""

    def answered(self, requests: Sequence[Request]) -> list[Answer | None]:
        """The answers that the folder holds, None where there is none yet. Writes nothing."""
        with self._reply_files() as replies:
            return [self._answer(request, replies) for request in requests]

    def _answer(self, request: Request, replies: ReplyFiles) -> Answer | None:
        key = self._key(request)
        row = replies.row(key)
        if row is None:
            return None
        answer = answer_of_row(row, request.messages)
        if not isinstance(answer, Busy | Broken):
            return answer
        num_failed = replies.num_failed[key]
        if num_failed < _MOST_TIMES:
            return None
        return Broken(f"sent {num_failed} times, the last time: {answer.problem}")

    def _send(self, requests: Mapping[bytes, Request]) -> None:
        """Write those that are not on their way: each was sent as often as it failed."""
        replies = self._reply_files()
        unsent = {
            key: request
            for key, request in requests.items()
            if self._num_sent[key] <= replies.num_failed[key]
        }
        rows = (
            {
                "custom_id": key.hex(),
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": body_of(request, self._model_name),
            }
            for key, request in unsent.items()
        )
        lines = (encoded(row) + b"\n" for row in rows)
        keys = iter(unsent)
        for name, num_rows in self._write(lines):
            for key in itertools.islice(keys, num_rows):
                self._num_sent[key] += 1
                self._file_of[key] = name

    def _write(self, lines: Iterable[bytes]) -> Iterator[tuple[str, int]]:
        """Write the lines into as many new files as the limits ask for; gives each one's name and rows.

        A file appears under its name only when it is whole.
        """
        number = max((int(found[1]) for found in map(_OUR_FILE.fullmatch, self._names()) if found), default=0)
        lines = iter(lines)
        line = next(lines, None)
        while line is not None:
            number += 1
            path = self._folder / f"requests-{number:04d}.jsonl"
            temporary = path.with_name(f".{path.name}.tmp")
            num_rows = num_bytes = 0
            with disk_errors(path):
                with temporary.open("wb") as file:
                    while line is not None and num_rows < MOST_ROWS:
                        if num_rows and num_bytes + len(line) > self._most_bytes:
                            break
                        file.write(line)
                        num_rows, num_bytes = num_rows + 1, num_bytes + len(line)
                        line = next(lines, None)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(path)
                sync_folder(self._folder)
            yield path.name, num_rows

    def _reply_files(self) -> ReplyFiles:
        """Read once, at the first call, together with what our own files hold."""
        if self._replies is None:
            with disk_errors(self._folder):
                self._folder.mkdir(parents=True, exist_ok=True)
            ours = [name for name in self._names() if _OUR_FILE.fullmatch(name)]
            for name in ours:
                for row in read_jsonl(self._folder / name):
                    key = bytes.fromhex(row["custom_id"])
                    self._num_sent[key] += 1
                    self._file_of[key] = name
            self._replies = ReplyFiles([self._folder / name for name in self._names() if name not in ours])
            self.notes += self._replies.notes
            num_unknown = len(self._replies.keys - self._num_sent.keys())
            if num_unknown:
                self.notes.append(f"{self._folder}: {num_unknown:,} replies to what was never asked here")
        return self._replies

    def _names(self) -> list[str]:
        return sorted(path.name for path in self._folder.glob("*.jsonl") if not path.name.startswith("."))

    def _key(self, request: Request) -> bytes:
        return bytes.fromhex(request.key(model=self.model, revision=self.revision))

    def _what_to_do(self) -> str:
        per_file = sorted(Counter(self._waiting.values()).items())
        files = ", ".join(f"{name} ({num:,})" for name, num in per_file)
        notes = "".join(f" Note: {note}." for note in self.notes)
        return (
            f"{len(self._waiting):,} requests wait for their replies, in {self._folder}: {files}. Send each "
            "file to a batch service (OpenAI's batches with the endpoint /v1/chat/completions, or `vllm "
            f"run-batch -i FILE -o OUTPUT --model {self._model_name}`), put what comes back into "
            f"{self._folder} as another .jsonl file, and run the same command again: it goes on from "
            f"there.{notes}"
        )
