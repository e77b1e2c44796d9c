"""Bringing in what `--data` names: a rating study becomes a queue to rate, all else a queue to revise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunewright.errors import DataError
from tunewright.evaluate.study.folder import StudyFolder
from tunewright.records.read import OnReject
from tunewright.review.exchange import Kind, read_items, what_is
from tunewright.review.model import Queue, QueueKind, Role
from tunewright.review.store import people, queues
from tunewright.review.store.database import Database
from tunewright.review.store.study_queues import add_rate_queue


@dataclass(frozen=True, slots=True)
class Imported:
    """`is_new` is False when the database had the data already; `new_raters` got an account without a
    password."""

    queue: Queue
    is_new: bool
    new_raters: tuple[str, ...] = ()


def import_data(
    db: Database,
    data: str | Path,
    *,
    name: str | None = None,
    format: str | None = None,
    drafts: Path | None = None,
    findings: Sequence[Path] = (),
    overlap: int = 1,
    experiment: bool = False,
    criteria: Sequence[str] = (),
    seed: int = 7,
    on_reject: OnReject | None = None,
    progress: Callable[[int], None] | None = None,
) -> Imported:
    """The queue of `data`, made now or found: the same study, or the same name and the same first record.

    `name` is the file's or folder's unless given. DataError when that name is of other data.
    """
    path = Path(data)
    if (format is None or format == Kind.STUDY) and what_is(path) is Kind.STUDY:
        return _import_study(db, path, name)
    title = name or path.resolve().name.split(".")[0] or path.name
    there = next((queue for queue in queues.queues(db) if queue.name == title), None)

    def items() -> Iterator[queues.NewItem]:
        return read_items(path, format=format, drafts=drafts, findings=findings, on_reject=on_reject)

    if there is not None:
        first = next(items(), None)
        known = first and [one for one in queues.items_with_key(db, first.key) if one.queue_id == there.id]
        if (
            there.kind is QueueKind.REVISE
            and first
            and known
            and dict(known[0].original) == dict(first.original)
        ):
            return Imported(there, is_new=False)
        raise DataError(f"a queue called {title!r} is there with other data; give this one another --name")
    queue = queues.add_revise_queue(
        db,
        title,
        items(),
        overlap=overlap,
        experiment=experiment,
        criteria=criteria,
        seed=seed,
        progress=progress,
    )
    return Imported(queue, is_new=True)


def _import_study(db: Database, path: Path, name: str | None) -> Imported:
    place = str(path.resolve())
    there = next((queue for queue in queues.queues(db) if queue.study == place), None)
    if there is not None:
        return Imported(there, is_new=False)
    folder = StudyFolder(path)
    queue = add_rate_queue(db, folder, name=name or "")
    missing = [rater for rater in folder.raters if people.person_named(db, rater) is None]
    for rater in missing:
        people.add_person(db, rater, Role.RATER, None)
    return Imported(queue, is_new=True, new_raters=tuple(missing))
