"""Records as short texts that are equal when what they hold is equal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

from tunewright.records.native import native_row
from tunewright.records.record import Record
from tunewright.records.reject import Reject
from tunewright.records.row import RowError, encode_json


def prompt_digest(record: Record) -> bytes:
    """16 bytes that are equal for records with the same system text, history, instruction and input."""
    turns = "\0".join(f"{turn.speaker}:{turn.text}" for turn in record.history)
    texts = (record.system, turns, record.instruction, record.input)
    return hashlib.sha256(repr(texts).encode("utf-8", "surrogatepass")).digest()[:16]


def records_digest(records: Iterable[Record]) -> str:
    """SHA-256 over everything that tuning reads from the records, in their order."""
    digest = hashlib.sha256()
    for record in records:
        texts = (
            record.id,
            record.system,
            record.instruction,
            record.input,
            record.output,
            record.explanation,
        )
        turns = [f"{turn.speaker}:{turn.text}" for turn in record.history]
        digest.update(repr((texts, turns)).encode())
    return digest.hexdigest()


class DataDigest:
    """SHA-256 over all that a data set holds: its records and its broken rows, each in their order.

    Where the data lies and in which format does not count, so a copy has the same digest. Feed it while
    reading: `digest.add(record)`, and `digest.reject` as `on_reject`.
    """

    def __init__(self) -> None:
        self._records, self._rejects = hashlib.sha256(), hashlib.sha256()
        self._num_rejects = 0

    def add(self, record: Record) -> None:
        bare = replace(record, origin=None)
        try:
            row = encode_json(native_row(bare, as_text=False))
        except RowError:  # a column that JSON cannot hold; who writes the record will say so
            row = repr(bare).encode("utf-8", "surrogatepass")
        self._records.update(row + b"\n")

    def reject(self, reject: Reject) -> None:
        known = (reject.line, reject.field, reject.reason, reject.row)
        self._rejects.update(repr(known).encode("utf-8", "surrogatepass") + b"\n")
        self._num_rejects += 1

    def hexdigest(self) -> str:
        whole = self._records.copy()
        if self._num_rejects:
            whole.update(self._rejects.digest())
        return whole.hexdigest()
