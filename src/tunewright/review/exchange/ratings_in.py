"""Ratings into a study's queue: one row for each item, blind system, rater, question, value and time.

The rows are those that `export` writes and `tunewright study import-ratings` reads, by the same rules. There
they go into the study's folder, here into the database, where raters go on with what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tunewright.errors import DataError
from tunewright.evaluate.study.folder import StudyFolder
from tunewright.evaluate.study.ratings import Rating, parse_rating
from tunewright.rate.agreement.rows import file_rows
from tunewright.records.read import OnReject
from tunewright.records.row import Row, RowError
from tunewright.records.sniff import sniff
from tunewright.review.exchange.inert import plain
from tunewright.review.exchange.items import refuse
from tunewright.review.model import Person, Queue, QueueKind
from tunewright.review.store.database import Database
from tunewright.review.store.outside_ratings import RatingOutcome, add_outside_ratings
from tunewright.review.studies import folder_of

_NEEDED = ("item", "rater", "question", "value", "time")
_WHY = {
    RatingOutcome.OTHER_VALUE: "the rater gave another value here, which stays",
    RatingOutcome.NOT_ASSIGNED: "the item is not assigned to this rater in the queue",
    RatingOutcome.ADJUDICATED: "the item was adjudicated; its first ratings stay as they are",
}


@dataclass(frozen=True, slots=True)
class RatingsTaken:
    """What became of a file's good rows. `num_known` were there already with this value; `num_overtaken` have
    a later row about the same thing in the file."""

    num_added: int
    num_known: int
    num_overtaken: int


def add_ratings(
    db: Database,
    queue: Queue,
    path: str | Path,
    *,
    people: Mapping[str, str] | None = None,
    on_reject: OnReject | None = None,
    by: Person | None = None,
) -> RatingsTaken:
    """Take over a JSON, JSONL or CSV file of ratings, each as its rater's own; a second time adds nothing.

    Of two rows about one thing the later by time counts, as in a study's folder. `people` maps the file's
    raters to those here. A row that is broken, that is nobody's task, or that says something else than its
    rater here, goes to `on_reject`; without it DataError. DataError for a queue of pairs, after the lock, and
    when no row is a rating of this study; RunFolderError when the study's folder is gone.
    """
    if queue.kind is not QueueKind.RATE:
        raise DataError(f"ratings go into a rating study, and {queue.name!r} is a queue of pairs")
    folder = folder_of(queue)
    if folder.is_locked or not queue.is_open:
        raise DataError(
            f"the study {queue.name!r} is closed or locked; no rating is taken any more, what was saved "
            "before counts"
        )
    file = Path(path)
    read = list(_read(file, folder, people or {}, on_reject))
    if not read:
        raise DataError(f"{file}: no row is a rating of the study {queue.name!r}; nothing was changed")
    latest: dict[tuple[str, str, str, str], tuple[Row, Rating]] = {}
    for row, rating in sorted(read, key=lambda one: datetime.fromisoformat(one[1].time)):
        latest[rating.item, rating.system, rating.rater, rating.question] = (row, rating)
    kept = list(latest.values())
    outcomes = add_outside_ratings(db, queue.id, [rating for _, rating in kept], by=by)
    for (row, _), outcome in zip(kept, outcomes, strict=True):
        if outcome in _WHY:
            refuse(file, row, RowError("", _WHY[outcome]), on_reject)
    return RatingsTaken(
        outcomes.count(RatingOutcome.ADDED), outcomes.count(RatingOutcome.KNOWN), len(read) - len(kept)
    )


def _read(
    file: Path, folder: StudyFolder, people: Mapping[str, str], on_reject: OnReject | None
) -> Iterator[tuple[Row, Rating]]:
    is_table = file.is_file() and sniff(file) == "csv"
    for row in file_rows(file, needed=_NEEDED):
        if isinstance(row.values, RowError):
            refuse(file, row, row.values, on_reject)
            continue
        values = _cells(row.values) if is_table else dict(row.values)
        name = values.get("rater")
        if isinstance(name, str):
            values["rater"] = people.get(name, name)
        try:
            rating = parse_rating(values, folder)
        except DataError as error:
            refuse(file, row, RowError("", str(error)), on_reject)
        else:
            yield row, rating


def _cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """Of a table, with the apostrophe away that `export` puts before what a spreadsheet would run."""
    return {name: plain(value) if isinstance(value, str) else value for name, value in row.items()}
