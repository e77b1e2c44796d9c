"""What the lead's pages show, as plain values: the queues, and one queue with its people and days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunewright.rate.summary import Share, share_of
from tunewright.review.model import Pace, Queue, QueueKind
from tunewright.review.store.database import Database
from tunewright.review.store.overview import DAY, Sampled, Totals
from tunewright.review.studies import Standing
from tunewright.review.web.assignment import AssignmentView
from tunewright.review.web.live_agreement import QuestionAgreement, RevisionAgreement

_WEEK = 7
_FARTHEST_DAYS = 3650  # an end beyond ten years is no forecast


@dataclass(frozen=True, slots=True)
class Forecast:
    """When a queue ends (seconds since 1970) at the pace of the last week, in revisions or rated items a
    day."""

    per_day: float
    ends: float

    @property
    def pace(self) -> str:
        """ "43" or, where it is slow, "1.5" """
        return f"{self.per_day:,.0f}" if self.per_day >= 10 else f"{self.per_day:.1f}"


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A queue in the list."""

    queue: Queue
    totals: Totals
    forecast: Forecast | None

    @property
    def kind(self) -> str:
        return "Rate blind" if self.queue.kind is QueueKind.RATE else "Revise"

    @property
    def is_done(self) -> bool:
        return self.totals.num_places > 0 and self.totals.num_done == self.totals.num_places


@dataclass(frozen=True, slots=True)
class LeadPage:
    rows: tuple[QueueRow, ...]
    num_waiting_for_owner: int


@dataclass(frozen=True, slots=True)
class Bar:
    """A day of the little chart, in its units: 100 is the tallest."""

    x: int
    height: int
    num: int
    days_ago: int


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The owner's word on one expert's drawn items."""

    sampled: Sampled
    good: Share


@dataclass(frozen=True, slots=True)
class StudyView:
    """The rating study behind a queue. `problem` says why its folder cannot be read; then there is no
    standing."""

    standing: Standing | None
    agreements: tuple[QuestionAgreement, ...]
    has_results: bool
    problem: str = ""
    lock_sha256: str = ""  # of lock.json, once it is there; noted elsewhere it shows that nothing was changed


@dataclass(frozen=True, slots=True)
class QueuePage:
    """One queue. `num_for_owner` counts drawn and flagged items without a verdict, `num_drawn` the drawn
    ones."""

    row: QueueRow
    paces: tuple[Pace, ...]
    days: tuple[Bar, ...]
    verdicts: tuple[Verdicts, ...]
    num_for_owner: int
    num_drawn: int
    study: StudyView | None
    result: str  # of the experiment, in a sentence; "" where there is none
    said: str = ""
    assignment: AssignmentView | None = None  # of a queue of pairs
    agreement: RevisionAgreement | None = None  # of a queue of pairs with several people each


def forecast(days: Sequence[int], left: int, now: float) -> Forecast | None:
    """At the mean of the last week, counted from its first day with work: a queue begun yesterday has no
    week."""
    week = list(days)[-_WEEK:]
    first = next((place for place, num in enumerate(week) if num), None)
    if first is None or left <= 0:
        return None
    per_day = sum(week[first:]) / (len(week) - first)
    if left / per_day > _FARTHEST_DAYS:
        return None
    return Forecast(per_day, now + DAY * left / per_day)


def queue_row(db: Database, queue: Queue, totals: Totals, days: Sequence[int]) -> QueueRow:
    left = totals.num_places - totals.num_done
    return QueueRow(queue, totals, forecast(days, left, db.clock()) if queue.is_open else None)


def bars(days: Sequence[int]) -> tuple[Bar, ...]:
    most = max([*days, 1])
    return tuple(
        Bar(12 * place, max(round(100 * num / most), 3 if num else 0), num, len(days) - 1 - place)
        for place, num in enumerate(days)
    )


def verdicts(found: Sequence[Sampled]) -> tuple[Verdicts, ...]:
    return tuple(Verdicts(one, share_of(one.num_good, one.num_seen)) for one in found)
