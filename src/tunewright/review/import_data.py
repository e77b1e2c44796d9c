"""Bringing in what `--data` names: a rating study becomes a queue to rate, all else a queue to revise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tunewright.errors import DataError, RecipeError
from tunewright.evaluate.study.folder import StudyFolder
from tunewright.records.ids import OnRepeat
from tunewright.records.read import OnReject
from tunewright.review.exchange import Kind, read_items, what_is
from tunewright.review.model import Queue, QueueKind, Role
from tunewright.review.same_data import Options, differences
from tunewright.review.store import people, queues
from tunewright.review.store.database import Database
from tunewright.review.store.names import checked_name
from tunewright.review.store.queue_rows import MAX_NAME_CHARS
from tunewright.review.store.study_queues import is_as_drawn
from tunewright.review.studies import add_study


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
    overlap: int | None = None,
    experiment: bool | None = None,
    criteria: Sequence[str] | None = None,
    seed: int | None = None,
    on_reject: OnReject | None = None,
    on_repeat: OnRepeat | None = None,
    progress: Callable[[int], None] | None = None,
) -> Imported:
    """The queue of `data`, made now, or found when the database has it: the same name and the same records.

    `name` is the file's or folder's unless given. A new queue has an overlap of 1, no experiment (seed 7) and
    no criteria unless they are given; of one that is there, only what is given is compared. DataError when
    the queue of that name differs, and says in what; RecipeError for a setting that a study has of its own.
    """
    path = Path(data)
    options = Options(
        None if drafts is None else str(drafts),
        tuple(map(str, findings)),
        overlap,
        experiment,
        None if criteria is None else tuple(criteria),
        seed,
    )
    if name is not None:
        name = _checked(name)
    if (format is None or format == Kind.STUDY) and what_is(path) is Kind.STUDY:
        return _import_study(db, path, name, options)
    title = name if name is not None else _checked(path.resolve().name.split(".")[0] or path.name)
    there = next((queue for queue in queues.queues(db) if queue.name == title), None)

    def items() -> Iterator[queues.NewItem]:
        return read_items(
            path, format=format, drafts=drafts, findings=findings, on_reject=on_reject, on_repeat=on_repeat
        )

    if there is not None:
        _check_same(db, there, items, options)
        return Imported(there, is_new=False)
    queue = queues.add_revise_queue(
        db,
        title,
        items(),
        overlap=1 if overlap is None else overlap,
        experiment=bool(experiment),
        criteria=criteria or (),
        seed=7 if seed is None else seed,
        source=options.source(str(data)),
        progress=progress,
    )
    return Imported(queue, is_new=True)


def _checked(name: str) -> str:
    return checked_name(name, "a queue's name (--name)", most_chars=MAX_NAME_CHARS)


def _check_same(
    db: Database, queue: Queue, items: Callable[[], Iterator[queues.NewItem]], options: Options
) -> None:
    if queue.kind is not QueueKind.REVISE:
        raise DataError(
            f"the queue {queue.name!r} is there already, and is a rating study; give this one another --name"
        )
    found = differences(db, queue, items(), options)
    if words := found.words():
        raise DataError(
            f"the queue {queue.name!r} is there already, and differs: {words}. Nothing was changed; an "
            "import changes no queue that is there. For a new one give --name NAME"
            + ("; to go on with that one leave these options out" if found.is_of_options() else "")
        )


def _import_study(db: Database, path: Path, name: str | None, options: Options) -> Imported:
    given = [f"--{key}" for key, value in asdict(options).items() if value not in (None, ())]
    if given:
        raise RecipeError(
            f"{path}: is a rating study, which was designed before; leave out {', '.join(given)}"
        )
    folder = StudyFolder(path)
    place = str(path.resolve())
    there = next((queue for queue in queues.queues(db) if queue.study == place), None)
    if there is not None and not is_as_drawn(db, there, folder):
        raise DataError(
            f"{path}: the study was made anew since the queue {there.name!r} was made of it, and has other "
            "items or questions; put the new study into a folder of its own"
        )
    queue = there or add_study(db, folder, name=name or "")
    # Also for a queue that is there: whoever was killed between the two finds them added the next time.
    missing = [rater for rater in folder.raters if people.person_named(db, rater) is None]
    for rater in missing:
        people.add_person(db, rater, Role.RATER, None)
    return Imported(queue, is_new=there is None, new_raters=tuple(missing))
