"""A claim that can be checked: its words, whether they are true, and the fact where they are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["right", "wrong", "not_checkable"]


@dataclass(frozen=True, slots=True)
class Claim:
    """`fact` says what is so, or why it cannot be said; empty for a claim that is right."""

    words: str
    status: Status
    fact: str = ""
