"""Records as short texts that are equal when what they hold is equal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from tunewright.records.record import Record


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
