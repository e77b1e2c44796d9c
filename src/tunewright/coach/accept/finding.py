"""What one policy finds about one revision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from tunewright.coach.revision import Revision
from tunewright.records.record import Record

Proposals = Callable[[], Iterable[Revision]]  # gives the same revisions each time it is called


@dataclass(frozen=True, slots=True)
class Finding:
    """`reason` is empty when the policy accepts; the reasons are few and fixed, so that they can be counted.
    `scores` are what it was found by, under names within the policy."""

    reason: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)


def question_of(record: Record) -> str:
    """Instruction and input as one text."""
    return "\n\n".join(text for text in (record.instruction, record.input) if text)


def response_of(record: Record) -> str:
    """Output and explanation as one text: what a student learns to write."""
    return "\n\n".join(text for text in (record.output, record.explanation) if text)
