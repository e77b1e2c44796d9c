"""Why a revision is not taken: the reasons by name, in the order in which they are looked for."""

from __future__ import annotations

from dataclasses import dataclass

from tunewright.coach.revision import Field

# These two are about the model's reply, not about the record it stands for: the stage that asks finds them.
OF_THE_REPLY = ("unparsable", "cut")
RULES = (
    "empty_field",
    "foreign_script",
    "repetition",
    "over_long",
    "changed_task_data",
    "dropped_constraint",
)
FALLBACK_REASONS: tuple[str, ...] = (*OF_THE_REPLY, *RULES)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the original is kept: one of `FALLBACK_REASONS`, the field it shows in, and words for people."""

    reason: str
    field: Field | None
    detail: str
