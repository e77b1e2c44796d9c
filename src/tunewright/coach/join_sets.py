"""Two parallel data sets, as they were and as they are now, joined by the ids of their records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

from tunewright.coach.revision import Revision
from tunewright.errors import DataError
from tunewright.records import formats
from tunewright.records.read import OnReject, read_records
from tunewright.records.record import Record
from tunewright.records.reject import Reject, cut
from tunewright.records.source import open_parts


def join_sets(
    before: str | Path,
    after: str | Path,
    *,
    format: str | None = None,
    on_reject: OnReject | None = None,
) -> Iterator[Revision]:
    """The revisions that two data sets make, by id, in the order of the first. The second is held in memory.

    Ids without a partner, and those that occur more than once in either, go to `on_reject`; without it they
    are a `DataError`.
    """
    twice_before, twice_after = ids_given_twice(before, format), ids_given_twice(after, format)
    twice = twice_before | twice_after
    revised = {}
    for record in read_records(after, format=format, on_reject=on_reject):
        if as_given(record.id, twice) in twice:
            hand_on(
                _id_reject(record, str(after), _reason_twice(record, twice_after, after, before)), on_reject
            )
        else:
            revised[record.id] = record
    num_joined = 0
    for record in read_records(before, format=format, on_reject=on_reject):
        if as_given(record.id, twice) in twice:
            hand_on(
                _id_reject(record, str(before), _reason_twice(record, twice_before, before, after)), on_reject
            )
            continue
        partner = revised.pop(record.id, None)
        if partner is None:
            hand_on(_id_reject(record, str(before), f"'{record.id}' is not in {after}"), on_reject)
            continue
        num_joined += 1
        yield Revision(record, partner)
    for record in revised.values():
        hand_on(_id_reject(record, str(after), f"'{record.id}' is not in {before}"), on_reject)
    if num_joined == 0:
        raise DataError(
            f"{before} and {after}: no id is in both; give the records of both the same ids, in a column 'id'"
        )


def ids_given_twice(source: str | Path, format: str | None) -> set[str]:
    """Ids that more than one row of a source gives; `read_records` gives a suffix from the second on."""
    _, container = formats.parse_format(format)
    counts: Counter[str] = Counter()
    for part in open_parts(source, split=None, container=container):
        for row in part.rows:
            given = given_id(row.values.get("id")) if isinstance(row.values, dict) else None
            if given is not None:
                counts[given] += 1
    return {given for given, count in counts.items() if count > 1}


def as_given(record_id: str, twice: Set[str]) -> str:
    """The id without the suffix that `read_records` gives to one met again. `twice` are ids that were given
    more than once: `7~2` may be a name of the second 7 only where there is one, else it is its own."""
    stem, mark, suffix = record_id.rpartition("~")
    return stem if mark and suffix.isdigit() and stem in twice else record_id


def _reason_twice(record: Record, own: Set[str], here: str | Path, other: str | Path) -> str:
    given = as_given(record.id, own)
    where = here if given in own else other
    return f"'{given}' occurs more than once in {where}; which record is meant cannot be told"


def _id_reject(record: Record, source: str, reason: str) -> Reject:
    origin = record.origin
    file, line = (origin.file or source, origin.line) if origin is not None else (source, 0)
    return Reject(file, line, "id", reason, cut(record.instruction))


def given_id(value: Any) -> str | None:
    """The id in a column, by the rule of `read_records`: a text that is not blank, or an integer."""
    if isinstance(value, str):
        return value if value.strip() else None
    return str(value) if type(value) is int else None


def hand_on(reject: Reject, on_reject: OnReject | None) -> None:
    """To who asked for rejects; without one a reject is a `DataError`."""
    if on_reject is None:
        raise DataError(f"{reject}; row begins: {reject.row[:80]}")
    on_reject(reject)
