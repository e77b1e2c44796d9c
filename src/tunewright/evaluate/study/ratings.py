"""Ratings: one row per (item, blind system, rater, question, value, time), checked before it is kept.

The review page writes these rows, `import_ratings` takes them from any other tool. Rows are only ever added;
a rater who changes an answer before the lock adds a row, and the latest by time counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tunewright.errors import DataError, RunFolderError
from tunewright.evaluate.study.folder import StudyFolder
from tunewright.rate.agreement.rows import file_rows, said
from tunewright.records.row import RowError
from tunewright.run.files import JsonlLog, read_jsonl

COLUMNS = ("item", "system", "rater", "question", "value", "time", "seconds")


@dataclass(frozen=True, slots=True)
class Rating:
    """`system` is the blind code of the answer rated, "" for a question about a pair. `time` is ISO 8601 with
    a time zone; `seconds` the active time on the item, None when not measured."""

    item: str
    system: str
    rater: str
    question: str
    value: Any
    time: str
    seconds: float | None = None

    def row(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in COLUMNS}


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file's rows. `rejected` has the line and why."""

    num_added: int
    num_known: int  # the same row was there already
    rejected: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one rater is; an item is done when every required question about it is answered."""

    rater: str
    num_assigned: int
    num_done: int
    num_begun: int
    seconds: float


def parse_rating(row: Mapping[str, Any], folder: StudyFolder) -> Rating:
    """The rating in a row. DataError, without a place, when it is none of this study's."""
    missing = [name for name in ("item", "rater", "question", "value", "time") if name not in row]
    if missing:
        raise DataError(f"the column {missing[0]!r} is missing; a row has {', '.join(COLUMNS)}")
    item, rater, system = row["item"], row["rater"], row.get("system") or ""
    wrong = next((one for one in (item, rater, system) if not isinstance(one, str)), None)
    if wrong is not None:
        raise DataError(f"item, rater and system are texts, not {wrong!r}")
    if rater not in folder.raters:
        raise DataError(f"{rater!r} is not a rater of this study")
    if item not in _codes_of_rater(folder, rater):
        raise DataError(f"item {item!r} is not assigned to rater {rater!r}")
    question = folder.questions.get(row["question"])
    if question is None:
        raise DataError(f"no question is called {row['question']!r}")
    answers = tuple(answer["answer"] for answer in folder.items[item]["answers"])
    if question.about == "answer" and not system and len(answers) == 1:
        system = answers[0]
    if (question.about == "answer") != (system in answers) or (question.about == "pair" and system):
        raise DataError(
            f"question {question.id!r} is about {'an answer' if question.about == 'answer' else 'the pair'}: "
            f"{system!r} is not what 'system' must be"
        )
    value = row["value"]
    if question.kind == "choice" and not isinstance(question.scale()[0], str):
        value = _number(value)
    refusal = question.refusal(value, answers)
    if refusal:
        raise DataError(f"question {question.id!r}, value {value!r}: {refusal}")
    seconds = None if row.get("seconds") == "" else _number(row.get("seconds"))
    if seconds is not None and (
        not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or not 0 <= seconds < math.inf
    ):
        raise DataError(f"seconds {seconds!r}: a number from 0 on, or nothing")
    value = float(value) if isinstance(value, int) else value
    return Rating(item, system, rater, question.id, value, _time(row["time"]), seconds)


def add_ratings(folder: StudyFolder, ratings: Iterable[Rating]) -> int:
    """Append ratings to their raters' files and wait until they are on disk; how many were new.

    For several processes at once: each waits for the other. RunFolderError once the study is locked."""
    by_rater: dict[str, list[Rating]] = {}
    for rating in ratings:
        by_rater.setdefault(rating.rater, []).append(rating)
    with folder.alone():
        if folder.is_locked:
            raise RunFolderError(f"{folder.path}: the study is locked; no rating is taken any more")
        return _append(folder, by_rater)


def _append(folder: StudyFolder, by_rater: Mapping[str, Sequence[Rating]]) -> int:
    num_added = 0
    for rater, own in by_rater.items():
        there = set(map(_identity, read_ratings(folder, rater)))
        with JsonlLog(folder.ratings_path(rater)) as log:
            for rating in own:
                if _identity(rating) not in there:
                    log.append(rating.row())
                    there.add(_identity(rating))
                    num_added += 1
            log.sync()
    return num_added


def import_ratings(folder: StudyFolder, path: Path) -> Imported:
    """Take over a JSON, JSONL or CSV file of rating rows; what does not fit is reported, the rest goes in.

    Importing a file twice adds nothing the second time. DataError when the file cannot be read at all."""
    good, rejected = [], []
    for row in file_rows(path):
        try:
            if isinstance(row.values, RowError):
                raise DataError(said(row.values))
            good.append(parse_rating(row.values, folder))
        except DataError as error:
            rejected.append((row.line, str(error)))
    num_added = add_ratings(folder, good)
    return Imported(num_added, len(good) - num_added, tuple(rejected))


def read_ratings(folder: StudyFolder, rater: str) -> list[Rating]:
    """All rows of a rater, in the order they came."""
    path = folder.ratings_path(rater)
    return [Rating(**row) for row in read_jsonl(path)] if path.exists() else []


def counting_ratings(folder: StudyFolder) -> list[Rating]:
    """The ratings that count: of each rater, item, answer and question the latest by time, then by place."""
    latest: dict[tuple[str, ...], Rating] = {}
    for rater in folder.raters:
        rows = read_ratings(folder, rater)
        for rating in sorted(rows, key=lambda one: datetime.fromisoformat(one.time)):
            latest[rater, rating.item, rating.system, rating.question] = rating
    return list(latest.values())


def progress_of(folder: StudyFolder) -> list[Progress]:
    """How far every rater is."""
    required = [question for question in folder.questions.questions if question.required]
    per_item: dict[tuple[str, str], set[tuple[str, str]]] = {}
    seconds: dict[tuple[str, str], float] = {}
    for rating in counting_ratings(folder):
        place = rating.rater, rating.item
        per_item.setdefault(place, set()).add((rating.question, rating.system))
        seconds[place] = max(seconds.get(place, 0.0), rating.seconds or 0.0)
    rows = []
    for rater, assigned in folder.assignments.items():
        done = begun = 0
        for row in assigned:
            given = per_item.get((rater, row["item"]), set())
            wanted = {
                (question.id, system)
                for question in required
                for system in (row["answers"] if question.about == "answer" else [""])
            }
            done += wanted <= given
            begun += bool(given)
        total = sum(value for (own, _), value in seconds.items() if own == rater)
        rows.append(Progress(rater, len(assigned), done, begun, total))
    return rows


def _codes_of_rater(folder: StudyFolder, rater: str) -> set[str]:
    found: dict[str, set[str]] = folder.__dict__.setdefault("_codes_of_rater", {})
    if rater not in found:
        found[rater] = {row["item"] for row in folder.assignments[rater]}
    return found[rater]


def _identity(rating: Rating) -> tuple[Any, ...]:
    return rating.item, rating.system, rating.question, rating.value, rating.time


def _number(value: Any) -> Any:
    """The number that a cell of a spreadsheet holds as text; anything else as it is."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _time(text: Any) -> str:
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise DataError(f"time {text!r}: write it as 2026-05-04T09:30:00+00:00") from None
    if time.tzinfo is None:
        raise DataError(f"time {text!r}: the time zone is missing, such as +00:00")
    return str(text)
