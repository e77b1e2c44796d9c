"""over_long: a field many times as long as it was, and long in itself.

Both must hold: experts made answers of one word 588 times as long, and rightly so, but none longer than 3,534
characters; answers that were long already grew three times at most.
"""

from __future__ import annotations

from tunewright.coach.after.config import AfterConfig
from tunewright.coach.after.problem import Problem
from tunewright.coach.revision import FIELDS
from tunewright.records.record import Record


def over_long(original: Record, revised: Record, config: AfterConfig) -> Problem | None:
    """The first field that is too long. Text that went over from another field of the prompt is no growth."""
    prompt = len(original.instruction) + len(original.input)
    for field in FIELDS:
        after = len(getattr(revised, field))
        if after <= config.never_too_long_chars:
            continue
        before = prompt if field in ("instruction", "input") else len(getattr(original, field))
        if after > config.most_times_longer * before:
            return Problem("over_long", field, f"{after:,} characters, where there were {before:,}")
    return None
