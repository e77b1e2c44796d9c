"""The results of a queue as one CSV table, for spreadsheets: one row for each person's word on each item.

`seconds` are those of the save that counts, `active_seconds` of all saves of this person on the item, empty
where one came from another tool; with `arm` they are what the experiment is measured on.

Cells are inert: what begins like a formula has an apostrophe in front, and loses it when it is read. The file
is UTF-8 with a byte order mark, because Excel takes anything else for its own code page, and every cell is
in quotes. A spreadsheet shows at most 32,767 characters of a cell; the file holds them all.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from tunewright.records.csv_rows import csv_rows
from tunewright.records.row import Row, RowError
from tunewright.records.sniff import guarded, open_bytes
from tunewright.review.exchange.entries import Entry
from tunewright.review.exchange.inert import inert, plain
from tunewright.review.exchange.result import (
    Result,
    iso_time,
    parse_seconds,
    parse_time,
    shown_draft_of,
)
from tunewright.review.model import TEXT_FIELDS, Decision

BYTE_ORDER_MARK = "\ufeff"
_SAID = (
    "item",
    "person",
    "decision",
    "final",
    "state",
    "at",
    "seconds",
    "seconds_open",
    "active_seconds",
    "arm",
    "shown_draft",
    "version",
    "reason",
)
COLUMNS = (
    *_SAID,
    *(f"text_{name}" for name in TEXT_FIELDS),
    *(f"original_{name}" for name in TEXT_FIELDS),
    *(f"draft_{name}" for name in TEXT_FIELDS),
)


def write_table(rows: Iterable[dict[str, str]], stream: TextIO, columns: Iterable[str] = COLUMNS) -> int:
    """Write a header and the rows, every cell inert; how many rows."""
    writer = csv.writer(stream, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    names = list(columns)
    stream.write(BYTE_ORDER_MARK)
    writer.writerow(names)
    count = 0
    for row in rows:
        writer.writerow([inert(row.get(name, "")) for name in names])
        count += 1
    return count


def rows_of_entry(entry: Entry) -> Iterator[dict[str, str]]:
    """A row for each result; an item that nobody has worked on has one row without a person."""
    item = entry.item
    draft = shown_draft_of(item)
    shown = {"item": item.key, "state": entry.final.how} | {
        f"original_{name}": item.original.get(name, "") for name in TEXT_FIELDS
    }
    if draft is not None:
        shown |= {f"draft_{name}": draft.get(name, "") for name in TEXT_FIELDS}
    if not entry.results:
        yield shown
    for result in entry.results:
        is_final = entry.final.result is result
        yield shown | {
            "person": result.person,
            "decision": result.decision.value,
            "final": entry.final.how if is_final else "",
            "at": iso_time(result.at),
            "seconds": _number(result.seconds),
            "seconds_open": _number(result.seconds_open),
            "active_seconds": _number(result.active_seconds),
            "arm": result.arm or "",
            "shown_draft": "yes" if result.shown_draft else "no",
            "version": str(result.version),
            "reason": result.reason,
            **{f"text_{name}": result.texts.get(name, "") for name in TEXT_FIELDS},
        }


def read_table(path: Path) -> Iterator[tuple[Row, Result | RowError]]:
    """The results in a table, each with its row; rows without a person are left out."""
    with guarded(str(path)), open_bytes(path) as stream:
        for row in csv_rows(stream, str(path), _problem):
            if not isinstance(row.values, dict):
                error = row.values if isinstance(row.values, RowError) else RowError("", "is no row")
                yield row, error
                continue
            cells = {name: plain(cell) for name, cell in row.values.items()}
            if not cells["person"]:
                continue
            try:
                yield row, _result(cells)
            except RowError as error:
                yield row, error


def _problem(columns: Any) -> str:
    missing = [name for name in ("item", "person", "decision", *_TEXTS) if name not in columns]
    return f"the columns {', '.join(missing)} are missing; it is no table of reviews" if missing else ""


_TEXTS = tuple(f"text_{name}" for name in TEXT_FIELDS)


def _result(cells: dict[str, str]) -> Result:
    try:
        decision = Decision(cells["decision"])
    except ValueError:
        raise RowError("decision", f"is {cells['decision']!r}, not one of {', '.join(Decision)}") from None
    version = cells.get("version") or "1"
    if not version.isdecimal():
        raise RowError("version", f"is {version!r}, not a number")
    return Result(
        cells["item"],
        cells["person"],
        decision,
        {name: cells[f"text_{name}"] for name in TEXT_FIELDS},
        cells.get("reason", ""),
        parse_time(cells.get("at"), "at"),
        parse_seconds(cells.get("seconds"), "seconds"),
        parse_seconds(cells.get("seconds_open"), "seconds_open"),
        cells.get("shown_draft") == "yes",
        int(version),
    )


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)
