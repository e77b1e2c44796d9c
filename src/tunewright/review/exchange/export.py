"""A queue into a file: our records, revisions to train a coach on, ratings, other tools' projects, a table.

What no UTF-8 file can hold (half of a surrogate pair) is left out and named: one such item must not hold up
the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tunewright.coach.write_revisions import write_revisions
from tunewright.errors import DataError
from tunewright.records.row import check_surrogates, encode_json
from tunewright.records.write import write_records
from tunewright.review.exchange import argilla, label_studio, potato
from tunewright.review.exchange.counted import Count, Exported
from tunewright.review.exchange.entries import Entry, entries
from tunewright.review.exchange.replacing import replacing, write_rows
from tunewright.review.exchange.result import Result
from tunewright.review.exchange.table import write_table
from tunewright.review.model import Item, Queue, QueueKind
from tunewright.review.store.database import Database
from tunewright.review.store.queues import queue as queue_with_id
from tunewright.review.store.ratings import rating_rows
from tunewright.run.files import disk_errors

FORMATS: Mapping[str, QueueKind] = {
    "records": QueueKind.REVISE,
    "revisions": QueueKind.REVISE,
    "pairs": QueueKind.REVISE,
    "label-studio": QueueKind.REVISE,
    "argilla": QueueKind.REVISE,
    "potato": QueueKind.REVISE,
    "csv": QueueKind.REVISE,
    "ratings": QueueKind.RATE,
}
_RATING_COLUMNS = ("item", "system", "rater", "question", "value", "time", "seconds")


def export(
    db: Database,
    queue_id: int,
    path: str | Path,
    *,
    format: str,
    people: Mapping[str, str] | None = None,
    only_decided: bool = False,
    overwrite: bool = False,
) -> Exported:
    """Write a queue to `path` in one of `FORMATS`.

    records leaves out rejected pairs, withheld ones (`final.WITHHELD`), and with `only_decided` those that
    nobody has decided on, which else go out as they were. revisions (the published form) and pairs (whole
    records) hold the final versions alone. Other tools and csv get every item with everybody's results, to
    work on. `people` maps names here to those in a tool: e-mail addresses for Label Studio, user ids for
    Argilla. argilla and potato write a folder; argilla also the records alone, when the name ends in .json.
    Written over, a folder is moved aside and kept.

    DataError: no such queue, a format for the other kind of queue, a pair that the published form cannot
    hold; a name that is taken without `overwrite`. RunFolderError: the disk.
    """
    target = Path(path)
    queue = _checked(db, queue_id, format)
    if target.exists() and not overwrite:
        raise DataError(f"{target}: is there already; choose another name, or write over it with --overwrite")
    count = Count()
    if format == "ratings":
        return _ratings(db, queue, target)
    found = count.watched(entries(db, queue.id))
    people = people or {}
    if format == "records":
        num = write_records(count.records(found, only_decided), target, format=_records_format(target))
    elif format in ("revisions", "pairs"):
        is_plain = format == "revisions"
        form = "published" if is_plain else "pairs"
        kept = count.revisions(found, plain=is_plain)
        with disk_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        num = write_revisions(kept, target, format=form)  # type: ignore[arg-type]
    elif format == "csv":
        with replacing(target) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
            num = write_table(count.table(found), stream)
    elif format == "label-studio":
        rows = count.rows(found, lambda entry: label_studio.task(entry.item, entry.results, people=people))
        num = write_rows(rows, target)
        with replacing(config_of(target)) as temporary:
            temporary.write_text(label_studio.LABEL_CONFIG, encoding="utf-8")
    elif format == "argilla":
        rows = count.rows(found, lambda entry: argilla.record(entry.item, entry.results, people=people))
        num = _argilla(rows, queue, target)
    else:
        num = _potato(count, found, queue, target)
    return count.exported(target, format, num)


def config_of(target: Path) -> Path:
    """Where the labelling interface of a Label Studio file is put: beside it."""
    return target.with_name(f"{target.stem}.label-config.xml")


def _checked(db: Database, queue_id: int, format: str) -> Queue:
    queue = queue_with_id(db, queue_id)
    if queue is None:
        raise DataError(f"there is no queue {queue_id}")
    if format not in FORMATS:
        raise DataError(f"unknown format '{format}'; it is one of {', '.join(FORMATS)}")
    if FORMATS[format] is not queue.kind:
        good = ", ".join(name for name, kind in FORMATS.items() if kind is queue.kind)
        raise DataError(
            f"the queue {queue.name!r} is to {queue.kind.value}, which '{format}' cannot hold; choose {good}"
        )
    return queue


def _records_format(target: Path) -> str | None:
    """Native for files of lines, as between stages; else what the name says, in the layout they came in.

    DataError for CSV: as records its cells must be the texts themselves, and a spreadsheet would run some."""
    if ".csv" in target.suffixes:
        raise DataError(
            f"{target}: no records as CSV: a spreadsheet runs texts that begin with '='; "
            "take --format csv for people, and .jsonl, .json or .parquet for programs"
        )
    return "native" if target.suffix == ".jsonl" else None


def _ratings(db: Database, queue: Queue, target: Path) -> Exported:
    """One row for each rating, by blind code: JSON Lines, or a table when the name ends in .csv."""
    rows = (rating.row() for rating in rating_rows(db, queue.id))
    if target.suffix == ".csv":
        cells = ({name: _cell(row[name]) for name in _RATING_COLUMNS} for row in rows)
        with replacing(target) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
            num = write_table(cells, stream, _RATING_COLUMNS)
    else:
        num = write_rows(rows, target, as_lines=True)
    return Exported(target, "ratings", queue.num_items, num, 0, 0, {})


def _cell(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else encode_json(value).decode()


def _argilla(rows: Iterable[dict[str, Any]], queue: Queue, target: Path) -> int:
    if target.suffix == ".json":
        return write_rows(rows, target)
    with replacing(target) as folder:
        (folder / ".argilla").mkdir(parents=True)
        (folder / ".argilla" / "settings.json").write_text(
            argilla.settings(queue.name, queue.overlap), "utf-8"
        )
        (folder / ".argilla" / "dataset.json").write_text(argilla.dataset(queue.name), "utf-8")
        return write_rows(rows, folder / "records.json")


def _potato(count: Count, found: Iterable[Entry], queue: Queue, target: Path) -> int:
    said: dict[str, list[tuple[Item, Result]]] = {}

    def row_of(entry: Entry) -> dict[str, Any]:
        row = potato.instance(entry.item, entry.results)
        check_surrogates([entry.item.key])
        for result in entry.results:
            said.setdefault(result.person, []).append((entry.item, result))
        return row

    with replacing(target) as folder:
        folder.mkdir()
        (folder / "config.yaml").write_text(potato.config(queue.name, queue.overlap), "utf-8")
        num = 0
        (folder / potato.ITEMS_FILE).parent.mkdir()
        with (folder / potato.ITEMS_FILE).open("w", encoding="ascii") as stream:
            for row in count.rows(found, row_of):
                # Potato takes U+2028, U+0085 and the like for ends of lines, so nothing but ASCII goes in
                stream.write(json.dumps(row) + "\n")
                num += 1
        unwritable = {key for key, _ in count.unwritable}
        taken: set[str] = set()
        for person, own in said.items():
            name, number = potato.folder_name(person), 1
            while name.casefold() in taken:
                number += 1
                name = f"{potato.folder_name(person)}~{number}"
            taken.add(name.casefold())
            good = [(item, result) for item, result in own if item.key not in unwritable]
            state = folder / potato.OUTPUT / name / potato.STATE_FILE
            state.parent.mkdir(parents=True)
            state.write_bytes(encode_json(potato.state(person, good)))
        return num
