"""Items to revise from everything that holds pairs: one generator, whatever the file is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunewright.coach.read_revisions import read_revisions
from tunewright.errors import DataError
from tunewright.records.ids import OnRepeat, Repeat, SeenIds
from tunewright.records.read import OnReject, read_records
from tunewright.records.reject import Reject, cut
from tunewright.records.row import Row, RowError, kind_of
from tunewright.review.exchange import argilla, label_studio, potato, potato_results
from tunewright.review.exchange.foreign import item_of_record, texts_of
from tunewright.review.exchange.joined import (
    drafts_of,
    findings_in,
    with_drafts,
    with_findings,
    with_found,
)
from tunewright.review.exchange.kinds import Kind, rows_of, what_is
from tunewright.review.exchange.result import Note
from tunewright.review.exchange.runs import (
    RECORDS,
    data_of_check,
    findings_of_check,
    findings_of_rating,
    lineage_of_run,
    revised_items,
)
from tunewright.review.store.queues import NewItem

ItemOf = Callable[[Mapping[str, Any]], tuple[NewItem, Note | None]]
ITEM_OF: Mapping[Kind, ItemOf] = {
    Kind.LABEL_STUDIO: label_studio.item_of,
    Kind.ARGILLA: argilla.item_of,
    Kind.POTATO: potato_results.item_of,
}


def read_items(
    path: str | Path,
    *,
    format: str | None = None,
    drafts: str | Path | None = None,
    findings: str | Path | Sequence[str | Path] = (),
    on_reject: OnReject | None = None,
    on_repeat: OnRepeat | None = None,
) -> Iterator[NewItem]:
    """The items of a file, a run folder or another tool's project, one at a time, in order.

    What it is follows from the content (`what_is`) unless `format` names it: a kind, or a format of records.
    Records that a coach or an expert revised are shown as they were, what was made of them is the draft.
    `drafts` (a revise run, or data with the same ids) and `findings` (check and rate runs) are joined by id;
    DataError when no id fits, and when two records share the id that a draft has. A broken row goes to
    `on_reject`; without it it is a `DataError`. A record whose id is met again is told to `on_repeat`.
    """
    kind, record_format = _kind(path, format)
    repeats: dict[str, Repeat] = {}

    def note_repeat(repeat: Repeat) -> None:
        repeats[repeat.kept] = repeat
        if on_repeat is not None:
            on_repeat(repeat)

    found = _read(Path(path), str(path), kind, record_format, on_reject, note_repeat)
    if drafts is not None:
        found = with_drafts(found, drafts_of(drafts, on_reject), repeats)
    for one in [findings] if isinstance(findings, str | Path) else findings:
        found = with_findings(found, findings_in(Path(one)), str(one))
    return found


def _kind(path: str | Path, format: str | None) -> tuple[Kind, str | None]:
    if format is not None and format not in {kind.value for kind in Kind}:
        return Kind.RECORDS, format
    kind = Kind(format) if format is not None else what_is(path)
    if kind is Kind.STUDY:
        raise DataError(f"{path}: is a rating study, and becomes a queue as a whole")
    if kind is Kind.TABLE:
        raise DataError(
            f"{path}: is our own table, which holds no whole pairs; import it as results of its queue"
        )
    return kind, None


def _read(
    path: Path,
    name: str,
    kind: Kind,
    format: str | None,
    on_reject: OnReject | None,
    on_repeat: OnRepeat,
) -> Iterator[NewItem]:
    if kind is Kind.REVISE_RUN:
        return revised_items(path, on_reject=on_reject)
    if kind is Kind.CHECK_RUN:
        return _checked(path, on_reject, on_repeat)
    if kind is Kind.RATE_RUN:
        return _rated(path, on_reject)
    if kind is Kind.REVISIONS:
        return _revisions(path, on_reject, on_repeat)
    if kind in ITEM_OF:
        files = files_of(path, kind)
        return (item for item, _ in tool_items(files, ITEM_OF[kind], name, on_reject, on_repeat))
    records = read_records(name, format=format, on_reject=on_reject, on_repeat=on_repeat)
    return (item_of_record(record) for record in records)


def files_of(path: Path, kind: Kind) -> list[Path]:
    """The files of a tool's project that hold its items. DataError when there are none."""
    if not path.is_dir():
        if kind is Kind.POTATO and path.name == potato.STATE_FILE:
            raise DataError(f"{path}: holds one person's answers and no items; name the project's folder")
        return [path]
    if kind is Kind.ARGILLA:
        files = [path / "records.json"]
    elif kind is Kind.POTATO:
        files = [
            one for one in sorted((path / "data").glob("*")) if one.suffix in (".json", ".jsonl", ".csv")
        ]
    else:
        files = sorted(path.glob("*.json"))
    files = [one for one in files if one.is_file()]
    if not files:
        raise DataError(f"{path}: holds no items of {kind.value}; name the file itself")
    return files


def tool_items(
    files: Sequence[Path],
    item_of: ItemOf,
    name: str,
    on_reject: OnReject | None,
    on_repeat: OnRepeat | None = None,
) -> Iterator[tuple[NewItem, Mapping[str, Any]]]:
    """The items in a tool's files, each with its row; keys are made unique as those of records are."""
    seen = SeenIds()
    num_good = num_bad = 0
    for file in files:
        for row in rows_of(file):
            try:
                item, _ = item_of(object_of(row))
            except RowError as error:
                num_bad += 1
                refuse(file, row, error, on_reject)
                continue
            num_good += 1
            kept = seen.unique(item.key)
            if kept != item.key and on_repeat is not None:
                on_repeat(Repeat(item.key, kept, str(file), row.line))
            yield replace(item, key=kept), row.values
    if not num_good:
        raise DataError(
            f"{name}: " + (f"none of its {num_bad:,} rows can be used" if num_bad else "holds no rows")
        )


def object_of(row: Row) -> dict[str, Any]:
    """The row's object; RowError when it is broken or something else."""
    if isinstance(row.values, RowError):
        raise row.values
    if not isinstance(row.values, dict):
        raise RowError("", f"is {kind_of(row.values)}, not an object")
    return row.values


def refuse(file: Path, row: Row, error: RowError, on_reject: OnReject | None) -> None:
    """Hand a broken row on; DataError when nobody takes it."""
    field, reason = (text.encode("utf-8", "replace").decode() for text in (error.field, error.reason))
    reject = Reject(
        str(file), row.line, field, reason, cut(row.raw if row.raw is not None else repr(row.values))
    )
    if on_reject is None:
        raise DataError(str(reject))
    on_reject(reject)


def _checked(folder: Path, on_reject: OnReject | None, on_repeat: OnRepeat) -> Iterator[NewItem]:
    known = findings_of_check(folder)
    lineage = lineage_of_run(folder)
    for record in read_records(data_of_check(folder), on_reject=on_reject, on_repeat=on_repeat):
        item = item_of_record(record, lineage=lineage)
        yield with_found(item, known.get(item.key, ()))


def _rated(folder: Path, on_reject: OnReject | None) -> Iterator[NewItem]:
    known = findings_of_rating(folder)
    lineage = lineage_of_run(folder)
    for record in read_records(folder / RECORDS, on_reject=on_reject):
        item = item_of_record(record, lineage=lineage)
        yield with_found(item, known.get(item.key, ()))


def _revisions(path: Path, on_reject: OnReject | None, on_repeat: OnRepeat) -> Iterator[NewItem]:
    for revision in read_revisions(path, on_reject=on_reject, on_repeat=on_repeat):
        item = item_of_record(revision.original)
        lineage = {**item.lineage, "revision": dict(revision.meta)} if revision.meta else item.lineage
        yield replace(item, draft=texts_of(revision.revised), lineage=lineage)
