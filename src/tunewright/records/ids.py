"""Ids that are unique in one source: the second record with an id becomes `id~2`, the third `id~3`.

A million ids of 16 characters take 99 MB as a set of texts. Here each is 64 bits of BLAKE2b in an
open-addressed table: 18 MB, and 44 for the moment in which the table grows (tracemalloc). Two different ids
meet there once in some ten million sources of that size, and then the later one gets a suffix.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable
from dataclasses import dataclass

_START_SLOTS = 1 << 10


@dataclass(frozen=True, slots=True)
class Repeat:
    """A record whose own id an earlier record of its source has, and the id that it is kept under."""

    id: str
    kept: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: the id {self.id!r} is an earlier record's; kept as {self.kept!r}"


OnRepeat = Callable[[Repeat], None]


class SeenIds:
    """Remembers ids; `unique(id)` returns the id, or the id with the first free suffix."""

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * _START_SLOTS))
        self._count = 0
        self._last_suffix: dict[str, int] = {}  # of ids met twice only

    def unique(self, wanted: str) -> str:
        """`wanted` the first time it is asked for, then `wanted~2`, `wanted~3` and so on."""
        if self._add(wanted):
            return wanted
        suffix = self._last_suffix.get(wanted, 1) + 1
        while not self._add(f"{wanted}~{suffix}"):
            suffix += 1
        self._last_suffix[wanted] = suffix
        return f"{wanted}~{suffix}"

    def _add(self, text: str) -> bool:
        """Whether the id is new; it is known from now on."""
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        key = int.from_bytes(digest, "little") or 1  # 0 marks a free slot
        slots = self._slots
        mask = len(slots) - 1
        at = key & mask
        while slots[at]:
            if slots[at] == key:
                return False
            at = (at + 1) & mask
        slots[at] = key
        self._count += 1
        if self._count * 3 > len(slots) * 2:
            self._grow()
        return True

    def _grow(self) -> None:
        old = self._slots
        slots = array("Q", bytes(16 * len(old)))
        mask = len(slots) - 1
        for key in old:
            if key:
                at = key & mask
                while slots[at]:
                    at = (at + 1) & mask
                slots[at] = key
        self._slots = slots
