"""The efficiency experiment: the same people revise pairs with the coach's draft and without, at random.

What counts: accepted, edited and rejected pairs are finished. Skipped and flagged ones are not, but the time
they took is counted in their arm: a draft that makes people give up is no saving.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median

from tunewright.evaluate.intervals import Interval
from tunewright.rate.summary import Share, share_of
from tunewright.review.model import Arm, Decision
from tunewright.review.saving import Hours, Saving, hours_of, saving_of
from tunewright.review.timing import Timing

ENOUGH = 5  # finished pairs in each arm, below which a person's own ratio is mostly noise
PUBLISHED = (0.15, 0.20)  # the saving claimed for the coach (CoachLM, ICDE 2024, section on deployment)


@dataclass(frozen=True, slots=True)
class ArmSummary:
    """One arm. `per_hour` is pairs per person-hour, of the people who worked enough in both arms and with
    the same share of each in either; None (and no interval) where there is nobody."""

    arm: Arm
    num_people: int
    num_finished: int
    num_rejected: int
    num_skipped: int
    num_flagged: int
    hours: float
    per_hour: float | None
    per_hour_interval: Interval | None
    accepted: Share  # of the finished: taken exactly as shown
    mean_chars: float | None
    median_chars: float | None
    mean_words: float | None
    mean_typed_words: float | None


@dataclass(frozen=True, slots=True)
class PersonRatio:
    """One person's time per finished pair, in seconds. `counts` says whether both arms have `ENOUGH`."""

    person: str
    num_with: int
    num_without: int
    seconds_with: float | None
    seconds_without: float | None
    counts: bool

    @property
    def saving(self) -> float | None:
        if not self.seconds_with or not self.seconds_without:
            return None
        return 1 - self.seconds_with / self.seconds_without


@dataclass(frozen=True, slots=True)
class Experiment:
    """`saving` is None while nobody has finished `ENOUGH` pairs in each arm."""

    arms: tuple[ArmSummary, ArmSummary]  # with, without
    people: tuple[PersonRatio, ...]
    saving: Saving | None


def measure(timings: Iterable[Timing]) -> Experiment:
    """What the timings show; of nothing, an experiment with empty arms."""
    rows = list(timings)
    cells: dict[tuple[str, Arm], list[Timing]] = defaultdict(list)
    for row in rows:
        cells[row.person, row.arm].append(row)
    people = tuple(_person(name, cells) for name in sorted({row.person for row in rows}))
    team = {
        one.person: float(one.num_with + one.num_without)
        for one in people
        if one.counts and one.seconds_with and one.seconds_without
    }
    hours = {arm: hours_of(cells, team, arm) for arm in Arm} if team else {}
    arms = tuple(_arm(arm, rows, hours.get(arm)) for arm in (Arm.WITH_DRAFT, Arm.WITHOUT_DRAFT))
    assert len(arms) == 2
    num_pairs = sum(one.num_with + one.num_without for one in people if one.person in team)
    return Experiment(arms, people, saving_of(hours, num_pairs) if team else None)


def _person(name: str, cells: Mapping[tuple[str, Arm], Sequence[Timing]]) -> PersonRatio:
    found = []
    for arm in (Arm.WITH_DRAFT, Arm.WITHOUT_DRAFT):
        rows = cells.get((name, arm), ())
        num = sum(row.is_finished for row in rows)
        found.append((num, math.fsum(row.seconds for row in rows) / num if num else None))
    (num_with, with_draft), (num_without, without) = found
    return PersonRatio(
        name, num_with, num_without, with_draft, without, counts=min(num_with, num_without) >= ENOUGH
    )


def _arm(arm: Arm, rows: Sequence[Timing], hours: Hours | None) -> ArmSummary:
    own = [row for row in rows if row.arm is arm]
    finished = [row for row in own if row.is_finished]
    decided = {decision: sum(row.decision is decision for row in own) for decision in Decision}
    per_hour, interval = None, None
    if hours is not None:
        per_hour = 3600 * hours.pairs / hours.total
        half = hours.half_width
        interval = Interval(per_hour * math.exp(-half), per_hour * math.exp(half))
    return ArmSummary(
        arm=arm,
        num_people=len({row.person for row in own}),
        num_finished=len(finished),
        num_rejected=decided[Decision.REJECT],
        num_skipped=decided[Decision.SKIP],
        num_flagged=decided[Decision.FLAG],
        hours=math.fsum(row.seconds for row in own) / 3600,
        per_hour=per_hour,
        per_hour_interval=interval,
        accepted=share_of(decided[Decision.ACCEPT], len(finished)),
        mean_chars=mean(row.chars for row in finished) if finished else None,
        median_chars=median(row.chars for row in finished) if finished else None,
        mean_words=mean(row.words for row in finished) if finished else None,
        mean_typed_words=mean(row.typed_words for row in finished) if finished else None,
    )
