"""Held-out records, chosen by a hash and not by position: the same ones however the file is sorted."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import orjson

from tunewright.errors import DataError
from tunewright.records.record import Record


def holdout(
    records: Sequence[Record], n: int, *, seed: int, group_by: str | None = None
) -> tuple[list[Record], list[Record]]:
    """The records to train on and the n held out, each in their original order.

    Held out are the n with the smallest SHA-256 of seed and id, so a record added later moves at most one
    other. With `group_by`, the column of meta whose equal values must not be parted, whole groups are taken
    in the order of their hash while they fit: then there may be fewer than n.

    `DataError` when n is not between 1 and len(records) - 1, when a record lacks the column, or when every
    group is larger than n.
    """
    if not 0 < n < len(records):
        raise DataError(f"cannot hold out {n} of {len(records)} records; at least one must be on each side")
    groups: dict[bytes, list[int]] = {}
    for index, record in enumerate(records):
        groups.setdefault(_key(record, seed, group_by), []).append(index)
    held: set[int] = set()
    for key in sorted(groups):
        members = groups[key]
        # Records with the same id share a hash; without groups they may still be parted.
        if group_by is None:
            held.update(members[: n - len(held)])
        elif len(held) + len(members) <= n:
            held.update(members)
    if not held:
        smallest = min(len(members) for members in groups.values())
        raise DataError(f"no group of '{group_by}' fits into {n} records; the smallest has {smallest}")
    return (
        [record for index, record in enumerate(records) if index not in held],
        [record for index, record in enumerate(records) if index in held],
    )


def _key(record: Record, seed: int, group_by: str | None) -> bytes:
    if group_by is None:
        subject = record.id.encode("utf-8", "surrogatepass")
    elif group_by in record.meta:
        subject = orjson.dumps(record.meta[group_by], default=str, option=orjson.OPT_SORT_KEYS)
    else:
        raise DataError(f"record {record.id} has no column '{group_by}' to group by")
    return hashlib.sha256(f"{seed}\n".encode() + subject).digest()
