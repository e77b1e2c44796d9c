"""How often the revised version wins: three rates, their intervals, and the rate at equal length.

Judges like length, and revising makes responses longer: "the longer side is the revised one" is right for
three quarters of published revision pairs. So no rate stands without the one that length cannot explain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tunewright.coach.judge import Result, Verdict, is_consistent
from tunewright.rate.summary import LEVEL, Interval, Share, share_of

REPLICATES = 2000
LOGISTIC_REPLICATES = 500  # each is a fit; the ends move by about 0.3 points from seed to seed
RIDGE = 0.1  # so weak that 20 wins of 20 still give 97 %, but there always is a solution
NEAR = 0.1  # lengths within 10 % count as about equal
_POINTS: dict[Result, float] = {"win": 1.0, "tie": 0.5, "loss": 0.0}

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate with its 95 % bootstrap interval over pairs; None where it is undefined."""

    value: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class WinRates:
    """Of the revised version. N are pairs with two readable verdicts, T the ties among them.

    WR1 = (W + T/2)/N, WR2 = W/(N − T), QS = (W + T)/N (Liu et al., CoachLM, ICDE 2024).
    """

    num_pairs: int
    wins: int
    ties: int
    losses: int
    wr1: Rate
    wr2: Rate
    qs: Rate


@dataclass(frozen=True, slots=True)
class LengthControlled:
    """The win rate at equal length. `num_near` pairs have nearly equal lengths: without such pairs the rate
    is a line drawn into the empty. `longer_wins` is the share of decided pairs that the longer side won."""

    rate: Rate
    slope: float
    num_near: int
    num_pairs: int
    longer_wins: Share


@dataclass(frozen=True, slots=True)
class Position:
    """How much the judge looks at the place: pairs whose two verdicts agree, decided verdicts for A."""

    consistent: Share
    first_shown: Share


def win_rates(results: Sequence[Result], *, seed: int = 0) -> WinRates:
    """The three rates. Without any result all are None: the mean of nothing is no rate."""
    wins, ties, losses = (results.count(one) for one in ("win", "tie", "loss"))
    total = len(results)
    if not total:
        none = Rate(None, None)
        return WinRates(0, 0, 0, 0, none, none, none)
    rng = np.random.default_rng(seed)
    counts = np.array([wins, ties, losses], dtype=np.float64)
    # how often each result occurs in a replicate: the same bootstrap as drawing pairs
    drawn = rng.multinomial(total, counts / total, size=REPLICATES).astype(np.float64)
    w, t = drawn[:, 0], drawn[:, 1]
    decided = total - t
    wr2 = w[decided > 0] / decided[decided > 0]
    return WinRates(
        num_pairs=total,
        wins=wins,
        ties=ties,
        losses=losses,
        wr1=Rate((wins + ties / 2) / total, _percentiles((w + t / 2) / total)),
        wr2=Rate(wins / (total - ties), _percentiles(wr2)) if total > ties else Rate(None, None),
        qs=Rate((wins + ties) / total, _percentiles((w + t) / total)),
    )


def length_controlled(
    results: Sequence[Result], before_chars: Sequence[int], after_chars: Sequence[int], *, seed: int = 0
) -> LengthControlled | None:
    """The preference for the revised version by logistic regression on tanh(d / sd), read at d = 0.

    d is the difference of the outputs' lengths in characters (revised − original), sd its standard deviation.
    The idea, tanh and soft targets are AlpacaEval 2's (Dubois et al. 2024); ours has no term for the
    difficulty of an instruction, targets 1, ½ and 0 and a weak ridge (`RIDGE`). None below ten pairs, and
    where equal length lies outside the data (every revision longer, or every one shorter).
    """
    d = np.asarray(after_chars, dtype=np.float64) - np.asarray(before_chars, dtype=np.float64)
    if len(results) < 10 or np.ptp(d) == 0 or not d.min() <= 0 <= d.max():
        return None
    x = np.tanh(d / d.std(ddof=1))
    y = np.array([_POINTS[one] for one in results])
    intercept, slope = fit_logistic(x, y, np.ones_like(y))
    rng = np.random.default_rng(seed)
    rates = np.empty(LOGISTIC_REPLICATES)
    for replicate in range(LOGISTIC_REPLICATES):
        weights = rng.multinomial(y.size, np.full(y.size, 1 / y.size)).astype(np.float64)
        rates[replicate] = _sigmoid(fit_logistic(x, y, weights)[0])
    decided = (y != 0.5) & (d != 0)
    longer = int(np.count_nonzero((y == 1.0)[decided] == (d > 0)[decided]))
    old, new = np.asarray(before_chars), np.asarray(after_chars)
    return LengthControlled(
        rate=Rate(float(_sigmoid(intercept)), _percentiles(rates)),
        slope=slope,
        num_near=int(np.count_nonzero(np.abs(new - old) <= NEAR * np.maximum(old, new))),
        num_pairs=len(results),
        longer_wins=share_of(longer, int(np.count_nonzero(decided))),
    )


def fit_logistic(x: Floats, y: Floats, weights: Floats) -> tuple[float, float]:
    """Intercept and slope that minimise weighted cross-entropy + `RIDGE`/2·(a² + b²), by Newton's method."""
    theta = np.zeros(2)
    design = np.stack([np.ones_like(x), x])  # [2, pairs]
    for _ in range(50):
        p = _sigmoid(theta @ design)
        gradient = design @ (weights * (p - y)) + RIDGE * theta
        curvature = (design * (weights * p * (1 - p))) @ design.T + RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        theta -= np.clip(step, -4, 4)  # a first step from far off must not overshoot
        if np.abs(step).max() < 1e-9:
            break
    return float(theta[0]), float(theta[1])


def position(verdicts: Sequence[tuple[Verdict, Verdict]]) -> Position:
    """Of pairs with two readable verdicts: does the judge stay with a version, and does it favour A?"""
    consistent = sum(is_consistent(first, second) for first, second in verdicts)
    decided = [one for pair in verdicts for one in pair if one != "tie"]
    return Position(share_of(consistent, len(verdicts)), share_of(decided.count("a"), len(decided)))


def _sigmoid(values: ArrayLike) -> Floats:
    result: Floats = 1 / (1 + np.exp(-np.clip(np.asarray(values, dtype=np.float64), -40, 40)))
    return result


def _percentiles(values: Floats) -> Interval | None:
    if values.size < 2:
        return None
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return Interval(float(low), float(high))
