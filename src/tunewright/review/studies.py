"""A rating study between its folder and the page: ratings go from the database there, then the lock.

The folder (`evaluate.study`) is the study: what is locked, unblinded and counted lies there, so that results
need no database. The database takes the ratings while people rate, since many write at once; `sync_ratings`
carries them over as often as one likes, and the lock carries over the last ones.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from tunewright.errors import DataError, RunFolderError
from tunewright.evaluate.study.adjudicate import decide, decisions
from tunewright.evaluate.study.folder import StudyFolder
from tunewright.evaluate.study.lock import lock_study, unblind
from tunewright.evaluate.study.questions import QuestionSet
from tunewright.evaluate.study.ratings import Progress, add_ratings, progress_of, read_ratings
from tunewright.evaluate.study.results import write_results
from tunewright.review.model import Person, Queue, QueueKind
from tunewright.review.store import adjudications, people, queues, ratings
from tunewright.review.store.database import Database
from tunewright.review.store.study_queues import add_rate_queue


@dataclass(frozen=True, slots=True)
class Asking:
    """What raters of a queue are asked, and the instructions that come before ("" for none)."""

    questions: QuestionSet
    instructions: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a study is: each rater's progress, the time of the lock, how often the key was used before it,
    disagreements that nobody decided yet, raters who cannot log in.

    `num_left_behind` counts ratings that only the database has although the folder is locked: somebody locked
    it with `tunewright study lock` while people rated here.
    """

    progress: tuple[Progress, ...]
    locked_at: str | None
    num_opened_before_lock: int
    num_undecided: int
    without_account: tuple[str, ...]
    num_left_behind: int

    @property
    def num_missing(self) -> int:
        """Items of all raters together that are not done."""
        return sum(one.num_assigned - one.num_done for one in self.progress)


def add_study(db: Database, folder: StudyFolder, *, name: str = "", by: Person | None = None) -> Queue:
    """A queue of the study, for its raters to begin. `name`, else the folder's, is what raters read.

    DataError when that name tells a system, or the study has a queue already."""
    name = name or folder.path.resolve().name
    told = [
        system for system in _system_names(folder) if len(system) > 2 and system.casefold() in name.casefold()
    ]
    if told:
        raise DataError(
            f"the queue's name {name!r} tells raters of the system {told[0]!r}; give the queue another name"
        )
    return add_rate_queue(db, folder, name=name, by=by)


def folder_of(queue: Queue, *, key: Path | None = None) -> StudyFolder:
    """The folder of a rate queue's study. RunFolderError when it is gone."""
    if queue.kind is not QueueKind.RATE:
        raise DataError(f"the queue {queue.name!r} is no rating study")
    folder = StudyFolder(queue.study, key=key)
    _ = folder.design  # says at once when it is not there
    return folder


def asking(db: Database, queue: Queue) -> Asking:
    """The questions, and the instructions as the folder has them now; without a folder none."""
    try:
        instructions = str(folder_of(queue).design.get("instructions", ""))
    except RunFolderError:
        instructions = ""
    return Asking(ratings.questions(db, queue.id), instructions)


def sync_ratings(db: Database, queue: Queue) -> int:
    """Add to the folder what the database has and it has not; how many ratings that were.

    A second call adds nothing, also when two processes call at once. RunFolderError once it is locked."""
    folder = folder_of(queue)
    with _alone(folder):
        return _sync(db, queue, folder)


def lock(
    db: Database, queue: Queue, *, allow_missing: bool = False, by: Person | None = None
) -> dict[str, Any]:
    """End the rating for good: no save is taken any more, all ratings are in the folder, and it is locked.

    RunFolderError when items are missing (unless allowed) or it was locked; then rating goes on as before."""
    folder = folder_of(queue)
    with _alone(folder):
        queues.close_queue(db, queue.id, by=by)  # first, or a save between the last sync and the lock is lost
        try:
            _sync(db, queue, folder)
            return lock_study(folder, allow_missing=allow_missing)
        except RunFolderError:
            if queue.is_open and not folder.is_locked:
                queues.open_queue(db, queue.id, by=by)
            raise


def unblinded(queue: Queue, *, key: Path | None = None) -> Path:
    """The ratings with the systems' names, as a file in the folder; only of a locked study."""
    return unblind(folder_of(queue, key=key))


def results(queue: Queue, *, key: Path | None = None) -> Path:
    """The results page of a locked study, computed from the folder."""
    return write_results(folder_of(queue, key=key))


def standing(db: Database, queue: Queue) -> Standing:
    """Where the study is, after carrying over the newest ratings."""
    folder = folder_of(queue)
    if not folder.is_locked:
        sync_ratings(db, queue)
    opened = folder.times_opened()
    known = {person.name for person in people.people(db) if person.is_active}
    return Standing(
        progress=tuple(progress_of(folder)),
        locked_at=str(folder.verify_lock()["time"]) if folder.is_locked else None,
        num_opened_before_lock=sum(not one["locked"] for one in opened),
        num_undecided=len(adjudications.disagreements(db, queue.id)),
        without_account=tuple(rater for rater in folder.raters if rater not in known),
        num_left_behind=_num_left_behind(db, queue, folder) if folder.is_locked else 0,
    )


def sync_adjudications(db: Database, queue: Queue) -> int:
    """Write decisions that only the database has into the folder's `adjudications.jsonl`; how many.

    Needs the lock, as `evaluate.study` asks. A second call adds nothing."""
    folder = folder_of(queue)
    with _alone(folder):
        there = {
            (row["item"], row["system"], row["question"]): (row["value"], row["adjudicator"], row["reason"])
            for row in decisions(folder)
        }
        rows = [
            row
            for row in _decided(db, queue)
            if there.get((row["item"], row["system"], row["question"]))
            != (row["value"], row["adjudicator"], row["reason"])
        ]
        if not rows:
            return 0
        with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
            file.write(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))
            file.flush()
            return decide(folder, Path(file.name))


def without_path(error: Exception, queue: Queue) -> str:
    """The message with the study's name for its folder: paths are no business of the page."""
    return str(error).replace(queue.study, Path(queue.study).name)


def _sync(db: Database, queue: Queue, folder: StudyFolder) -> int:
    # 0 seconds is what the form sends without its script: not measured
    rows = (replace(row, seconds=row.seconds or None) for row in ratings.rating_rows(db, queue.id))
    return add_ratings(folder, rows)


def _num_left_behind(db: Database, queue: Queue, folder: StudyFolder) -> int:
    there = {
        (one.rater, one.item, one.system, one.question, one.time)
        for rater in folder.raters
        for one in read_ratings(folder, rater)
    }
    rows = ratings.rating_rows(db, queue.id)
    return sum((one.rater, one.item, one.system, one.question, one.time) not in there for one in rows)


def _decided(db: Database, queue: Queue) -> list[dict[str, Any]]:
    """The decisions that count, as rows of the study."""
    latest = {(one.item, one.answer, one.question): one for one in adjudications.decisions(db, queue.id)}
    return [
        {
            "item": one.item,
            "system": one.answer,
            "question": one.question,
            "value": one.value,
            "adjudicator": one.person,
            "reason": one.reason,
        }
        for one in latest.values()
    ]


def _system_names(folder: StudyFolder) -> list[str]:
    """The names alone, without what stands behind which code: reading them opens no key."""
    if not folder.key_path.is_file():
        return []
    return list(json.loads(folder.key_path.read_text(encoding="utf-8"))["systems"])


@contextlib.contextmanager
def _alone(folder: StudyFolder) -> Iterator[None]:
    """No other process carries over into this folder meanwhile: its logs are made for one writer."""
    with (folder.path / "study.json").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
