"""Held-out records, chosen by a hash and not by position: the same ones however the file is sorted."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import orjson

from tunewright.errors import DataError
from tunewright.records.digest import prompt_digest
from tunewright.records.record import Record


def holdout(
    records: Sequence[Record], n: int, *, seed: int, group_by: str | None = None
) -> tuple[list[Record], list[Record]]:
    """The records to train on and the n held out, each in their original order.

    Records with the same prompt (system, history, instruction and input) are never parted: a held-out row
    that was trained on would measure memory. With `group_by`, whole groups of equal values in that column of
    meta stay together instead. A group's place is the smallest SHA-256 of seed and id among its records, so
    a record added later moves few others; groups are held out in that order while they fit. There may be
    fewer than n when the last groups do not fit.

    `DataError` when n is not between 1 and len(records) - 1, when a record lacks the column, or when every
    group is larger than n.
    """
    if not 0 < n < len(records):
        raise DataError(f"cannot hold out {n} of {len(records)} records; at least one must be on each side")
    groups: dict[bytes, list[int]] = {}
    for index, record in enumerate(records):
        groups.setdefault(_group(record, group_by), []).append(index)
    held: set[int] = set()
    for members in sorted(
        groups.values(), key=lambda of: min(_place(records[i], seed, group_by) for i in of)
    ):
        if len(held) + len(members) <= n:
            held.update(members)
    if not held:
        smallest = min(len(members) for members in groups.values())
        subject = f"group of '{group_by}'" if group_by is not None else "group of equal prompts"
        raise DataError(f"no {subject} fits into {n} records; the smallest has {smallest}")
    return (
        [record for index, record in enumerate(records) if index not in held],
        [record for index, record in enumerate(records) if index in held],
    )


def _group(record: Record, group_by: str | None) -> bytes:
    if group_by is None:
        return prompt_digest(record)
    if group_by not in record.meta:
        raise DataError(f"record {record.id} has no column '{group_by}' to group by")
    return orjson.dumps(record.meta[group_by], default=str, option=orjson.OPT_SORT_KEYS)


def _place(record: Record, seed: int, group_by: str | None) -> bytes:
    subject = record.id.encode("utf-8", "surrogatepass") if group_by is None else _group(record, group_by)
    return hashlib.sha256(f"{seed}\n".encode() + subject).digest()
