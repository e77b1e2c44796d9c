"""What people did in other tools, read from their files and brought into a queue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunewright.coach.read_revisions import read_revisions
from tunewright.errors import DataError
from tunewright.records.read import OnReject
from tunewright.records.row import Row, RowError, decode_json
from tunewright.review.exchange import argilla, label_studio, potato, potato_results
from tunewright.review.exchange.foreign import texts_of
from tunewright.review.exchange.items import ITEM_OF, files_of, object_of, refuse, tool_items
from tunewright.review.exchange.kinds import Kind, rows_of, what_is
from tunewright.review.exchange.result import Note, Result, decision_of, parse_seconds, parse_time
from tunewright.review.exchange.table import read_table
from tunewright.review.model import Person, QueueKind, Role
from tunewright.review.store.database import Database
from tunewright.review.store.outside import Outcome, Outside, add_outside, item_ids
from tunewright.review.store.people import add_person, person_named
from tunewright.review.store.queues import NewItem
from tunewright.review.store.queues import queue as queue_with_id

ResultsOf = Callable[..., Iterator[Result]]
_RESULTS_OF: Mapping[Kind, ResultsOf] = {
    Kind.LABEL_STUDIO: label_studio.results_of,
    Kind.ARGILLA: argilla.results_of,
}

_WITH_RESULTS = (*_RESULTS_OF, Kind.POTATO, Kind.REVISIONS, Kind.TABLE)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of results. `num_known` were there already, or had been overtaken here.

    `unknown_items` are keys that the queue does not have, `without_place` those of items on which as many
    people have worked as the queue asks for: these results were not taken."""

    num_added: int
    num_known: int
    unknown_items: tuple[str, ...]
    people_added: tuple[str, ...]
    without_place: tuple[str, ...] = ()


def read_results(
    path: str | Path,
    *,
    format: str | None = None,
    people: Mapping[str, str] | None = None,
    on_reject: OnReject | None = None,
) -> Iterator[Result]:
    """The results in a file or project of Label Studio, Argilla or Potato, in our table, or in revisions.

    `people` maps a tool's names, e-mail addresses or ids to names here. What we exported and nobody changed
    comes back with its person and time; else `at` and `seconds` are the tool's, None where it has none. In
    revisions the reviewer is the column `reviewer`. A broken row goes to `on_reject`; without it DataError.
    """
    place = Path(path)
    if format is not None and format not in set(Kind):
        raise DataError(f"unknown format '{format}'; results come in one of {', '.join(_WITH_RESULTS)}")
    kind = Kind(format) if format is not None else what_is(path)
    names = people or {}
    if kind is Kind.TABLE:
        return _of_table(place, names, on_reject)
    if kind is Kind.REVISIONS:
        return _of_revisions(place, names, on_reject)
    if kind is Kind.POTATO:
        return _of_potato(place, names, on_reject)
    if kind in _RESULTS_OF:
        return _of_tool(place, kind, names, on_reject)
    raise DataError(
        f"{path}: is {kind.value}, which holds no results; they come from Label Studio, Argilla, Potato, "
        "revisions or our table"
    )


def add_results(
    db: Database,
    queue_id: int,
    results: Iterable[Result],
    *,
    tool: str,
    role: Role = Role.EXPERT,
    by: Person | None = None,
) -> Taken:
    """Bring results into a queue, each with its own person and time; people we don't know are added as
    `role`, without a password. Bringing the same file in twice adds nothing the second time."""
    queue = queue_with_id(db, queue_id)
    if queue is None or queue.kind is not QueueKind.REVISE:
        raise DataError(
            f"results go into a queue of pairs, and {queue.name!r} is a rating study; "
            "`add_ratings` takes ratings"
            if queue
            else f"there is no queue {queue_id}"
        )
    ids = item_ids(db, queue_id)
    known: dict[str, Person] = {}
    added: list[str] = []
    unknown: dict[str, None] = {}
    asked: list[str] = []  # keys, in the order in which their outcomes come

    def person(name: str) -> Person:
        if name not in known:
            there = person_named(db, name)
            if there is None:
                there = add_person(db, name, role, None, by=by)
                added.append(there.name)
            known[name] = there
        return known[name]

    def outside() -> Iterator[Outside]:
        for result in results:
            if result.key not in ids:
                unknown[result.key] = None
                continue
            asked.append(result.key)
            seconds = result.seconds or 0.0
            yield Outside(
                ids[result.key],
                person(result.person),
                result.decision,
                result.texts,
                result.reason,
                result.at,
                seconds,
                max(seconds, result.seconds_open or 0.0),
                result.shown_draft,
            )

    outcomes = list(add_outside(db, outside(), tool=tool, by=by))
    left = (key for key, one in zip(asked, outcomes, strict=True) if one is Outcome.NO_PLACE)
    return Taken(
        outcomes.count(Outcome.ADDED),
        outcomes.count(Outcome.KNOWN),
        tuple(unknown),
        tuple(added),
        tuple(dict.fromkeys(left)),
    )


def _of_tool(
    path: Path, kind: Kind, people: Mapping[str, str], on_reject: OnReject | None
) -> Iterator[Result]:
    for file in files_of(path, kind):
        for row in rows_of(file):
            try:
                values = object_of(row)
                item, note = ITEM_OF[kind](values)
                results = list(_RESULTS_OF[kind](values, item, note, people=people))
            except RowError as error:
                refuse(file, row, error, on_reject)
                continue
            yield from results


def _of_potato(path: Path, people: Mapping[str, str], on_reject: OnReject | None) -> Iterator[Result]:
    """The states in a project's output, then rows that were exported into it."""
    project = path if path.is_dir() else _project_of(path)
    items = _potato_items(project, on_reject)
    found = [path] if not path.is_dir() else sorted(path.rglob(potato.STATE_FILE))
    exported = sorted((path / potato.OUTPUT).glob("*.json*")) if path.is_dir() else []
    for file in found + exported:
        if file.name == potato.STATE_FILE:
            yield from _of_state(file, items, people, on_reject)
            continue
        for row in rows_of(file):
            try:
                yield potato_results.row_result(object_of(row), items, people=people)
            except RowError as error:
                refuse(file, row, error, on_reject)


def _project_of(path: Path) -> Path:
    """The folder with the items that a file of results is about."""
    for folder in path.parents[:4]:
        if (folder / "data").is_dir():
            return folder
    raise DataError(f"{path}: the project's data folder is not above it; name the project's folder")


def _potato_items(project: Path, on_reject: OnReject | None) -> dict[str, tuple[NewItem, Note | None]]:
    files = files_of(project, Kind.POTATO)
    found = {}
    for item, row in tool_items(files, potato_results.item_of, str(project), on_reject):
        found[str(row.get("id", item.key))] = (item, potato_results.item_of(row)[1])
    return found


def _of_state(
    file: Path,
    items: Mapping[str, tuple[NewItem, Note | None]],
    people: Mapping[str, str],
    on_reject: OnReject | None,
) -> Iterator[Result]:
    row = _whole_file(file)
    try:
        for found in potato_results.states_results(object_of(row), items, people=people):
            if isinstance(found, RowError):
                refuse(file, row, found, on_reject)
            else:
                yield found
    except RowError as error:
        refuse(file, row, error, on_reject)


def _whole_file(file: Path) -> Row:
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror or error}") from error
    try:
        values: Any = decode_json(raw)
    except RowError as error:
        values = error
    return Row(1, values, raw)


def _of_table(path: Path, people: Mapping[str, str], on_reject: OnReject | None) -> Iterator[Result]:
    for row, found in read_table(path):
        if isinstance(found, RowError):
            refuse(path, row, found, on_reject)
        else:
            yield replace(found, person=people.get(found.person, found.person))


def _of_revisions(path: Path, people: Mapping[str, str], on_reject: OnReject | None) -> Iterator[Result]:
    for revision in read_revisions(path, on_reject=on_reject):
        meta = revision.meta
        name = str(meta.get("reviewer") or "")
        if not name:
            raise DataError(
                f"{path}: revision {revision.id} has no column 'reviewer', so nobody can tell whose it is; "
                "import the file as items, or add the column"
            )
        texts = texts_of(revision.revised)
        try:
            yield Result(
                revision.id,
                people.get(name, name),
                decision_of(_decision(meta), texts, texts_of(revision.original)),
                texts,
                str(meta.get("reason", "")),
                parse_time(meta.get("at"), "at"),
                parse_seconds(meta.get("seconds"), "seconds"),
                parse_seconds(meta.get("seconds"), "seconds"),
                bool(meta.get("shown_draft", False)),
            )
        except RowError as error:
            raise DataError(f"{path}: revision {revision.id}: '{error.field}' {error.reason}") from None


def _decision(meta: Mapping[str, Any]) -> str | None:
    """What the reviewer said. The draft is not in this file: accepting it can't be told from editing."""
    said = meta.get("decision")
    return None if said in (None, "", "accept") else str(said)
