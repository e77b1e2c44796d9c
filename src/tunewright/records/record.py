"""The record: one instruction with its input, output and explanation, and all else its file carried.

Every stage reads and writes records. What a stage learns about one is added under a name of its own in
`meta`; the fields below are never overwritten silently.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Speaker = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier message of a conversation, before the final instruction."""

    speaker: Speaker
    text: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record came from, and what its file's format needs to write the same row again.

    `shape` belongs to the reader of that format alone: key order, absent keys, nulls, extra message keys.
    """

    format: str
    file: str = ""
    line: int = 0
    shape: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """⟨instruction, input, output, explanation⟩ with optional system message and earlier turns.

    `id` stays the same through every stage. Absent texts are empty strings. `meta` holds every column
    that is not one of the fields, unchanged, in the order of the file.
    """

    id: str
    instruction: str
    output: str
    input: str = ""
    explanation: str = ""
    system: str = ""
    history: tuple[Turn, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin | None = field(default=None, compare=False)


def content_id(
    *, instruction: str, input: str, output: str, explanation: str, system: str, turns: str
) -> str:
    """A stable id from the record's texts: 16 hexadecimal digits of SHA-256 over the length-prefixed fields.

    The same texts give the same id in any file, row order or format.
    """
    digest = hashlib.sha256()
    for text in (instruction, input, output, explanation, system, turns):
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.hexdigest()[:16]
