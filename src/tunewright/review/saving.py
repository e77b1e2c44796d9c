"""How much time the coach's draft saves, as a share, with the intervals of two questions.

Items are drawn at random to be shown with the coach's draft or without it, and the same people work in both
arms. People differ in speed by far more than a draft can save, and nothing makes each do as many pairs of
either arm, so times are compared within each person first. With pairs i of person p in arm a,

    time per pair m(a, p) = Σᵢ seconds / Σᵢ finished,
    T(a) = Σ_p n_p · m(a, p),     saving = 1 − T(with)/T(without),

where n_p is what p finished in both arms: the hours this team would need for the same pairs, shared out in
the same way, in either arm. Two questions need two intervals:

*This team, other pairs* (`Saving.interval`): people are fixed, pairs are drawn. ln T(with) − ln T(without) is
linearised; what one item adds is summed over the people who did it, since items overlap; its degrees of
freedom are Satterthwaite's (1946) over (person, arm).

*Other people* (`Saving.among_people`): one ln m(with, p)/m(without, p) per person, each counts alike,
Student's t with one degree of freedom less than people: wide with three people, as it must be. What items
that several people did add to all of them alike comes on top.

Both cover 93 to 97 % in simulations with 3, 5 and 10 people (`benchmarks/review_efficiency.py`). Two things
are not used. The bootstrap over people and their items counts the items' noise twice where a draft helps all
alike (97 to 99 %), and misses what people share where they do the same items (92 %). Welch's interval of all
pairs of either arm leaves the people's speeds in the noise, which makes it wider, and covers 89 to 92 % where
each item is done by two.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tunewright.evaluate.intervals import Interval
from tunewright.evaluate.student_t import point
from tunewright.review.model import Arm
from tunewright.review.timing import Timing

POINTS = 0.05  # an interval of ± this much is worth calling known
_TAIL = 0.025
_NORMAL_POINT = 1.959963984540054
_POWER_Z = _NORMAL_POINT + 0.8416212335729143  # finds the saving at 5 % in 80 of 100 experiments
_MANY = 100  # times the pairs there are: more than that is no plan


@dataclass(frozen=True, slots=True)
class Saving:
    """Shares of the time per pair; 0.18 is "18 % less", below 0 the draft costs time.

    `interval` speaks of this team and other pairs; `among_people` (None below three people) of other people,
    with its own centre `mean_of_people`. `more_to_tell` pairs would show a saving as large as this one in 80
    of 100 experiments: 0 when it shows now, None when no sensible number would. `more_to_know` pairs would
    bring the interval to ± 5 points.
    """

    share: float
    interval: Interval
    num_people: int
    num_pairs: int
    mean_of_people: float | None
    among_people: Interval | None
    more_to_tell: int | None
    more_to_know: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One person in one arm: seconds per finished pair, and how far each item moves its logarithm."""

    ratio: float
    moved: Mapping[int, float]

    @property
    def freedom(self) -> int:
        return len(self.moved) - 1


@dataclass(frozen=True, slots=True)
class Hours:
    """The team's time in one arm: `total` seconds for `pairs` pairs; `cells` and their `shares` of the total
    by person."""

    total: float
    pairs: float
    cells: Mapping[str, Cell]
    shares: Mapping[str, float]

    @property
    def variance(self) -> float:
        """Of ln(total), over other items for the same people."""
        return _variance([(cell.moved, self.shares[name]) for name, cell in self.cells.items()])

    @property
    def half_width(self) -> float:
        """Of the 95 % interval of ln(total)."""
        return math.sqrt(self.variance) * point(_TAIL, _freedom(self.parts()))

    def parts(self) -> list[tuple[float, int]]:
        """Each person's part in it with its degrees of freedom, as if no two shared an item."""
        return [
            (_variance([(cell.moved, self.shares[name])]), cell.freedom) for name, cell in self.cells.items()
        ]


def _variance(moves: Sequence[tuple[Mapping[int, float], float]]) -> float:
    """Of a weighted sum that independent items move; an item moves it once, be it through several people."""
    added: dict[int, float] = defaultdict(float)
    for moved, weight in moves:
        for item, value in moved.items():
            added[item] += weight * value
    return math.fsum(value * value for value in added.values())


def hours_of(cells: Mapping[tuple[str, Arm], Sequence[Timing]], team: Mapping[str, float], arm: Arm) -> Hours:
    own = {name: _cell(cells[name, arm]) for name in team}
    total = math.fsum(team[name] * own[name].ratio for name in team)
    shares = {name: team[name] * own[name].ratio / total for name in team}
    return Hours(total, math.fsum(team.values()), own, shares)


def _cell(rows: Sequence[Timing]) -> Cell:
    num = sum(row.is_finished for row in rows)
    ratio = math.fsum(row.seconds for row in rows) / num
    # residuals of a ratio estimator; n/(n − 1) because its own mean was taken off
    scale = math.sqrt(len(rows) / (len(rows) - 1)) / (num * ratio)
    moved: dict[int, float] = defaultdict(float)
    for row in rows:
        moved[row.item] += scale * (row.seconds - ratio * row.is_finished)
    return Cell(ratio, moved)


def saving_of(hours: Mapping[Arm, Hours], num_pairs: int) -> Saving:
    with_draft, without = hours[Arm.WITH_DRAFT], hours[Arm.WITHOUT_DRAFT]
    log_ratio = math.log(with_draft.total / without.total)
    error = math.sqrt(with_draft.variance + without.variance)
    half = error * point(_TAIL, _freedom([*with_draft.parts(), *without.parts()]))
    interval = _saved(log_ratio, half)
    centre, among_people = _among_people(with_draft.cells, without.cells)
    return Saving(
        share=1 - math.exp(log_ratio),
        interval=interval,
        num_people=len(with_draft.cells),
        num_pairs=num_pairs,
        mean_of_people=centre,
        among_people=among_people,
        more_to_tell=0 if interval.excludes_zero() else _more(num_pairs, _POWER_Z * error, abs(log_ratio)),
        more_to_know=_more(num_pairs, (interval.high - interval.low) / 2, POINTS) or 0,
    )


def _among_people(
    with_draft: Mapping[str, Cell], without: Mapping[str, Cell]
) -> tuple[float | None, Interval | None]:
    """The people's mean saving (of logarithms of ratios) and its interval; nothing below three people.

    Two people's ratios are alike by chance where they did the same items: that their spread cannot show, so
    what shared items add to the mean's variance comes on top (Howe's sum of squares, as in
    `evaluate.intervals`).
    """
    num = len(with_draft)
    if num < 3:
        return None, None
    logs = np.array([math.log(with_draft[name].ratio / without[name].ratio) for name in with_draft])
    shared = 0.0
    for cells in (with_draft, without):
        moves = [(cell.moved, 1 / num) for cell in cells.values()]
        shared += _variance(moves) - math.fsum(_variance([move]) for move in moves)
    spread = point(_TAIL, num - 1) ** 2 * float(logs.var(ddof=1)) / num
    beside = _NORMAL_POINT**2 * max(shared, 0.0)
    centre = float(logs.mean())
    return 1 - math.exp(centre), _saved(centre, math.sqrt(spread + beside))


def _saved(log_ratio: float, half: float) -> Interval:
    return Interval(1 - math.exp(log_ratio + half), 1 - math.exp(log_ratio - half))


def _freedom(parts: Sequence[tuple[float, int]]) -> float:
    """Satterthwaite's degrees of freedom of a sum of variances."""
    total = math.fsum(variance for variance, _ in parts)
    below = math.fsum(variance**2 / freedom for variance, freedom in parts)
    return total**2 / below if below > 0 else float(sum(freedom for _, freedom in parts))


def _more(num_pairs: int, found: float, wanted: float) -> int | None:
    """How many more pairs bring an error from `found` to `wanted`, to two digits; errors fall as 1/√pairs."""
    if wanted <= 0 or found / wanted > math.sqrt(_MANY):
        return None
    more = num_pairs * ((found / wanted) ** 2 - 1)
    if more <= 0:
        return 0
    step: int = 10 ** max(0, math.floor(math.log10(more)) - 1)
    return int(math.ceil(more / step) * step)
