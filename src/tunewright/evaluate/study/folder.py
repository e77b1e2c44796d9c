"""The folder of a study, and who may see which part of it.

study.json                  the design: seed, counts, questions, hashes; no system name
for-raters/items.jsonl      what is shown, by blind code, in random order
for-raters/questions.json   what is asked
for-raters/training.jsonl   the expected answers of training items, shown after each
for-raters/assignments/R.jsonl   rater R's items in order, and the order of answers in each
ratings/R.jsonl             what R said, rows only ever added
lead/key.json               which system is behind which code; mode 0600
lead/opened.jsonl           every time the key was used, and whether before the lock
lock.json                   hashes of all the above at the lock
adjudications.jsonl         decisions on disagreements; first ratings stay as they are
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from tunewright.errors import RunFolderError
from tunewright.evaluate.study.questions import QuestionSet
from tunewright.run.config import parse_config
from tunewright.run.files import JsonlLog, disk_errors, file_sha256, read_jsonl

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Key:
    """What codes stand for. `items[code]` has kind (main, repeat, gold, training), prompt, the system of each
    answer code, for repeats the item repeated, for gold and training the expected values."""

    systems: tuple[str, ...]
    items: Mapping[str, Mapping[str, Any]]


class StudyFolder:
    """A study on disk; what it reads is read once."""

    def __init__(self, path: str | Path, *, key: Path | None = None) -> None:
        self.path = Path(path)
        self.for_raters = self.path / "for-raters"
        self.key_path = key or self.path / "lead" / "key.json"
        self.lock_path = self.path / "lock.json"
        self.adjudications_path = self.path / "adjudications.jsonl"
        self.opened_path = self.path / "lead" / "opened.jsonl"

    @cached_property
    def design(self) -> dict[str, Any]:
        file = self.path / "study.json"
        if not file.is_file():
            raise RunFolderError(
                f"{self.path}: no study (study.json is missing); make one: tunewright study new"
            )
        design = _read_json(file, "key_sha256")
        if design.get("format") != FORMAT:
            raise RunFolderError(f"{file}: format {design.get('format')!r}; this version reads {FORMAT}")
        return design

    @cached_property
    def questions(self) -> QuestionSet:
        return parse_config(
            QuestionSet, {"questions": self.design["questions"]}, where=str(self.path / "study.json")
        )

    @property
    def raters(self) -> list[str]:
        return list(self.design["raters"])

    @property
    def is_pairwise(self) -> bool:
        return bool(self.design["pairwise"])

    @property
    def is_locked(self) -> bool:
        return self.lock_path.exists()

    @cached_property
    def items(self) -> dict[str, dict[str, Any]]:
        """What is shown, by item code."""
        return {row["item"]: row for row in read_jsonl(self.for_raters / "items.jsonl")}

    @cached_property
    def assignments(self) -> dict[str, list[dict[str, Any]]]:
        """Each rater's rows in the order shown: place (from 1), item, answers (codes as shown), part."""
        folder = self.for_raters / "assignments"
        return {rater: list(read_jsonl(folder / f"{rater}.jsonl")) for rater in self.raters}

    def ratings_path(self, rater: str) -> Path:
        return self.path / "ratings" / f"{rater}.jsonl"

    def kinds(self) -> dict[str, str]:
        """Each item's kind: main, repeat, gold or training. Tells nobody a system, so it opens nothing."""
        return {item: entry["kind"] for item, entry in self._read_key().items.items()}

    def open_key(self, purpose: str) -> Key:
        """The key, after this use of it was written down in `opened.jsonl`.

        RunFolderError when it is missing or not the one this study was made with."""
        key = self._read_key()
        self.opened_path.parent.mkdir(exist_ok=True)
        with self.alone(), JsonlLog(self.opened_path) as log:
            log.append({"time": now(), "purpose": purpose, "locked": self.is_locked})
            log.sync()
        return key

    def _read_key(self) -> Key:
        if not self.key_path.is_file():
            raise RunFolderError(f"{self.key_path}: the key is missing; name it with --key, or restore it")
        if file_sha256(self.key_path) != self.design["key_sha256"]:
            raise RunFolderError(f"{self.key_path}: not the key of this study; restore the one made with it")
        key = json.loads(self.key_path.read_text(encoding="utf-8"))
        return Key(tuple(key["systems"]), key["items"])

    def times_opened(self) -> list[dict[str, Any]]:
        return list(read_jsonl(self.opened_path)) if self.opened_path.exists() else []

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """One writer at a time: waits while another process adds ratings to this study or locks it."""
        file = self.path / ".lock"
        with disk_errors(file):
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def locked_files(self) -> dict[str, str]:
        """The hash of every file that a lock holds still, by its path in the folder."""
        files = [self.path / "study.json", *sorted(self.for_raters.rglob("*.json*"))]
        files += sorted((self.path / "ratings").glob("*.jsonl"))
        return {file.relative_to(self.path).as_posix(): file_sha256(file) for file in files}

    def verify_lock(self) -> dict[str, Any]:
        """The lock, after checking that nothing it covers has changed. RunFolderError otherwise."""
        if not self.is_locked:
            raise RunFolderError(f"{self.path}: the study is not locked yet; lock it: tunewright study lock")
        lock = _read_json(self.lock_path, "files")
        there = self.locked_files()
        changed = sorted(
            name for name in lock["files"].keys() | there.keys() if lock["files"].get(name) != there.get(name)
        )
        if changed:
            raise RunFolderError(
                f"{self.path}: changed after the lock: {', '.join(changed[:5])}; restore the files as locked"
            )
        return lock


def write_private(path: Path, value: Any) -> None:
    """`value` as JSON in a file that only its owner may read (0600)."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with disk_errors(path):
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(value, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)


def _read_json(path: Path, needed: str) -> dict[str, Any]:
    """The object in a file of ours. RunFolderError when it is none, or lacks what it must have."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict) or needed not in found:
        raise RunFolderError(f"{path}: damaged or changed by hand; restore the file as the study wrote it")
    return found


def now() -> str:
    """The time in UTC, to the millisecond: a rater may change an answer twice in a second."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
