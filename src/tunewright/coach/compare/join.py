"""Which record of one set is which of the other: by id, or by place; what has no partner is named."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunewright.coach.revision import Revision
from tunewright.errors import DataError
from tunewright.records.digest import DataDigest
from tunewright.records.read import read_records
from tunewright.records.record import Record
from tunewright.records.reject import Reject
from tunewright.run.folder import STAGE_FILE, read_manifest

RECORDS_FILE = "records.jsonl"
_AGAIN = re.compile(r"(.+)~[0-9]+", re.DOTALL)  # the reader's name for an id that it met before


@dataclass(frozen=True)
class Side:
    """One set as read. `manifest` is that of the run folder it came from, None for plain data."""

    source: str
    records: tuple[Record, ...]
    rejects: Mapping[str, int]  # rows that could not be read, by reason
    digest: str
    folder: Path | None = None
    manifest: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Joined:
    """The pairs in the order of BEFORE. `after_ids` are the ids in AFTER, which differ by position only.

    `repeated` are ids that a set holds more than once: they are matched in order where both sets hold them
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
        str(source), tuple(records), dict(reasons.most_common()), digest.hexdigest(), folder, manifest
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
    old, new = _groups(before.records), _groups(after.records)
    repeated = [name for name in {**old, **new} if max(len(old.get(name, ())), len(new.get(name, ()))) > 1]
    both = [name for name in repeated if name in old and name in new]
    ambiguous = [name for name in both if len(old[name]) != len(new[name])]
    partner: dict[str, Record] = {}
    for name, records in old.items():
        if name in new and len(records) == len(new[name]):
            partner |= {one.id: other for one, other in zip(records, new[name], strict=True)}
    found = [(one, partner[one.id]) for one in before.records if one.id in partner]
    return Joined(
        before,
        after,
        pairs=tuple(Revision(one, replace(other, id=one.id)) for one, other in found),
        after_ids=tuple(other.id for _, other in found),
        only_before=tuple(one.id for name, group in old.items() if name not in new for one in group),
        only_after=tuple(one.id for name, group in new.items() if name not in old for one in group),
        repeated=tuple(repeated),
        ambiguous=tuple(ambiguous),
    )


def _groups(records: Sequence[Record]) -> dict[str, list[Record]]:
    """The records by the id they were given: `7` and `7~2`, the reader's name for the second 7, are one."""
    ids = {record.id for record in records}
    groups: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        again = _AGAIN.fullmatch(record.id)
        groups[again[1] if again is not None and again[1] in ids else record.id].append(record)
    return groups
