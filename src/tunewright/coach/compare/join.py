"""Which record of one set is which of the other: by id, or by place; what has no partner is named."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunewright.coach.join_sets import as_given, ids_given_twice
from tunewright.coach.revision import Revision
from tunewright.errors import DataError
from tunewright.records.digest import DataDigest
from tunewright.records.read import read_records
from tunewright.records.record import Record
from tunewright.records.reject import Reject
from tunewright.run.folder import STAGE_FILE, read_manifest

RECORDS_FILE = "records.jsonl"


@dataclass(frozen=True)
class Side:
    """One set as read. `manifest` is that of the run folder it came from, None for plain data. `twice` are
    the ids that more than one row gives; the reader calls the second 7 `7~2`."""

    source: str
    records: tuple[Record, ...]
    rejects: Mapping[str, int]  # rows that could not be read, by reason
    digest: str
    twice: frozenset[str] = frozenset()
    folder: Path | None = None
    manifest: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Joined:
    """The pairs in the order of BEFORE. `after_ids` are the ids in AFTER, which differ by position only.

    `repeated` are ids that a set gives more than once: they are matched in order where both sets hold them
    equally often, else they stand in `ambiguous` and are left out.
    """

    before: Side
    after: Side
    pairs: tuple[Revision, ...]
    after_ids: tuple[str, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    repeated: tuple[str, ...]
    ambiguous: tuple[str, ...]


def read_side(source: str | Path, *, format: str | None = None) -> Side:
    """The records of a data set, or of a run folder: its `records.jsonl`, or the data that it looked at."""
    folder, manifest, data = None, None, str(source)
    if (Path(source) / STAGE_FILE).is_file():
        folder, manifest = Path(source), read_manifest(source)
        data = _data_of(folder, str(manifest["stage"]))
        format = None
    digest = DataDigest()
    reasons: Counter[str] = Counter()

    def reject(row: Reject) -> None:
        digest.reject(row)
        reasons[f"'{row.field}' {row.reason}" if row.field else row.reason] += 1

    records = []
    for record in read_records(data, format=format, on_reject=reject):
        digest.add(record)
        records.append(record)
    return Side(
        source=str(source),
        records=tuple(records),
        rejects=dict(reasons.most_common()),
        digest=digest.hexdigest(),
        twice=_twice(data, format, records),
        folder=folder,
        manifest=manifest,
    )


def join(before: Side, after: Side, *, match: str = "id") -> Joined:
    """The pairs of two sets. DataError when nothing can be matched."""
    joined = _by_position(before, after) if match == "position" else _by_id(before, after)
    if not joined.pairs:
        raise DataError(
            f"no record of {after.source} has the id of one in {before.source}. Records without an 'id' "
            "column are known by their texts, so changed ones match nothing: give both sets ids, or match "
            "the n-th to the n-th with --by-position"
        )
    return joined


def _twice(data: str, format: str | None, records: Sequence[Record]) -> frozenset[str]:
    """The ids given twice. Only where an id looks like the reader's own is the source looked at again."""
    ids = {record.id for record in records}
    if all(as_given(one, ids) == one for one in ids):
        return frozenset()
    return frozenset(ids_given_twice(data, format))


def _data_of(folder: Path, stage: str) -> str:
    if (folder / RECORDS_FILE).is_file():
        return str(folder / RECORDS_FILE)
    summary = folder / "summary.json"  # a check without --fix writes no records, but says what it read
    if summary.is_file():
        data = json.loads(summary.read_text(encoding="utf-8")).get("data")
        if isinstance(data, str) and Path(data).exists():
            return data
    raise DataError(
        f"{folder}: this '{stage}' run holds no {RECORDS_FILE}; name the data set itself, or the folder of a "
        "run that writes records"
    )


def _by_position(before: Side, after: Side) -> Joined:
    for side in (before, after):
        if side.rejects:
            raise DataError(
                f"{side.source}: {sum(side.rejects.values())} rows cannot be read, so places do not tell "
                "which records belong together; mend the rows or match by id"
            )
    if len(before.records) != len(after.records):
        raise DataError(
            f"{before.source} has {len(before.records):,} records and {after.source} {len(after.records):,}: "
            "places do not tell which belong together; match by id"
        )
    pairs = tuple(
        Revision(old, replace(new, id=old.id)) for old, new in zip(before.records, after.records, strict=True)
    )
    return Joined(before, after, pairs, tuple(one.id for one in after.records), (), (), (), ())


def _by_id(before: Side, after: Side) -> Joined:
    """Equal ids belong together. Where a set gives an id twice, its records are a group with those of the
    other set that may be meant, and are matched only if both groups have the same names: 7, 7~2, …
    """
    twice = before.twice | after.twice
    old, new = _groups(before.records, twice), _groups(after.records, twice)
    repeated = [name for name in {**old, **new} if name in twice]
    ambiguous = [
        name for name in repeated if name in old and name in new and old[name].keys() != new[name].keys()
    ]
    partner: dict[str, Record] = {}
    for name in (old.keys() & new.keys()).difference(ambiguous):
        partner |= new[name]
    found = [(one, partner[one.id]) for one in before.records if one.id in partner]
    return Joined(
        before,
        after,
        pairs=tuple(Revision(one, other) for one, other in found),
        after_ids=tuple(other.id for _, other in found),
        only_before=tuple(id for name, group in old.items() if name not in new for id in group),
        only_after=tuple(id for name, group in new.items() if name not in old for id in group),
        repeated=tuple(repeated),
        ambiguous=tuple(ambiguous),
    )


def _groups(records: Sequence[Record], twice: frozenset[str]) -> dict[str, dict[str, Record]]:
    """The records by the id they were given, then by their own: groups of one, but for ids given twice."""
    groups: dict[str, dict[str, Record]] = defaultdict(dict)
    for record in records:
        groups[as_given(record.id, twice)][record.id] = record
    return groups
