"""What came of all candidates: every one is counted once, as accepted or under the reason that refused it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tunewright.generate.grow.gate import Rejection

STEPS = ("tuple", "plan", "detectors", "near-duplicate", "item", "level", "language")


@dataclass
class Tally:
    """Counts of one round, or of a whole run."""

    num_accepted: int = 0
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)  # by step and reason

    @property
    def num_rejected(self) -> int:
        return self.rejected.total()

    @property
    def num_candidates(self) -> int:
        return self.num_accepted + self.num_rejected

    def add(self, rejection: Rejection | None) -> None:
        """Count one candidate."""
        if rejection is None:
            self.num_accepted += 1
        else:
            self.rejected[rejection.step, rejection.reason] += 1

    def reasons(self) -> list[dict[str, Any]]:
        """The rejection table, in the order of the gate's steps, then by number."""
        rows = [
            {"step": step, "reason": reason, "rejected": number}
            for (step, reason), number in self.rejected.items()
        ]
        return sorted(rows, key=lambda row: (STEPS.index(row["step"]), -row["rejected"], row["reason"]))

    def first_reason(self) -> str:
        """The commonest reason with its count, for the progress line; "" when nothing was rejected."""
        if not self.rejected:
            return ""
        (_, reason), number = max(self.rejected.items(), key=lambda one: (one[1], one[0]))
        return f"{reason} {number:,}"
