"""What stages that read their data more than once need for it."""

from __future__ import annotations

from collections.abc import Callable

from tunewright.records.reject import Reject
from tunewright.run.progress import Progress


def ignore(reject: Reject) -> None:
    """For every pass but the one that writes: a broken row is reported once."""


def advance_to(progress: Progress) -> Callable[[int], None]:
    """A function that is told how much is done so far and hands the difference on."""
    before = 0

    def advance(now: int) -> None:
        nonlocal before
        progress.advance(now - before)
        before = now

    return advance
