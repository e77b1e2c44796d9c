"""Wins, draws and losses of one model against the baseline, and the rates that papers make of them.

The names differ between papers, so each rate has its formula here (W wins, T draws, N judged pairs). Pairs
without a preference are in none of them; how many they are stands beside.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunewright.errors import DataError
from tunewright.evaluate.intervals import Interval, bootstrap_means, interval_of
from tunewright.evaluate.winrate.preference import Annotation
from tunewright.rate.summary import wilson

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares are in percent. `num_judged` is AlpacaEval's n_total.

    `win_rate` is 100·mean(p − 1), with the standard error 100·sd/√n (ddof 1; None for a single pair), and
    `interval` a bootstrap over instructions (Wilson's, where all are won or all lost: resampling what is all
    the same would give an interval without width). `discrete_win_rate` counts a preference as whole:
    (W + T/2)/N, which is also WR1. `wr2` = W/(N − T) is None where all are draws, and `quality_score` is
    (W + T)/N.
    """

    generator: str
    num_judged: int
    num_wins: int
    num_losses: int
    num_draws: int
    num_unparsed: int
    num_errors: int
    num_missing: int
    num_instructions: int
    win_rate: float
    standard_error: float | None
    interval: Interval
    discrete_win_rate: float
    wr2: float | None
    quality_score: float
    mean_length_chars: float | None

    @property
    def num_dropped(self) -> int:
        """Pairs without a preference."""
        return self.num_unparsed + self.num_errors + self.num_missing

    @property
    def wr1(self) -> float:
        """(W + T/2)/N: the discrete win rate by its other name."""
        return self.discrete_win_rate


def rates(annotations: Sequence[Annotation], *, seed: int = 0) -> Rates:
    """The rates of one model (answer 2). No readable preference at all is a DataError: the mean of
    nothing."""
    generators = sorted({one.generator_2 for one in annotations})
    assert len(generators) <= 1, "rates are of one model"
    name = generators[0] if generators else "the model"
    judged = [one for one in annotations if one.preference is not None]
    statuses = Counter(one.status for one in annotations)
    if not judged:
        what = ", ".join(f"{count} {status}" for status, count in statuses.items()) or "no comparison at all"
        raise DataError(f"{name}: no preference can be read ({what}), so there is no win rate")
    gains_N: Floats = np.array([one.gain for one in judged])
    wins = int((gains_N > 0.5).sum())
    losses = int((gains_N < 0.5).sum())
    total = len(judged)
    draws = total - wins - losses
    # AlpacaEval's mean is over all answers, also of pairs that were not judged
    lengths = [one.len_2 for one in annotations if one.len_2 is not None]
    return Rates(
        generator=name,
        num_judged=total,
        num_wins=wins,
        num_losses=losses,
        num_draws=draws,
        num_unparsed=statuses["unparsed"],
        num_errors=statuses["error"],
        num_missing=statuses["missing"],
        num_instructions=len({one.unit for one in judged}),
        win_rate=100 * float(gains_N.mean()),
        standard_error=100 * float(gains_N.std(ddof=1)) / math.sqrt(total) if total > 1 else None,
        interval=_interval(gains_N, [one.unit for one in judged], seed),
        discrete_win_rate=100 * (wins + draws / 2) / total,
        wr2=100 * wins / (total - draws) if total > draws else None,
        quality_score=100 * (wins + draws) / total,
        mean_length_chars=float(np.mean(lengths)) if lengths else None,
    )


def _interval(gains_N: Floats, instructions: Sequence[str], seed: int) -> Interval:
    first = float(gains_N[0])
    if first in (0, 1) and bool((gains_N == first).all()):
        num = len(set(instructions))
        share = wilson(num if first else 0, num)
        return Interval(100 * share.low, 100 * share.high)
    return interval_over_instructions(100 * gains_N, instructions, seed=seed)


def interval_over_instructions(values_N: Floats, instructions: Sequence[str], *, seed: int = 0) -> Interval:
    """The 95 % interval of the mean: a replicate draws instructions, and takes all values of each it drew, so
    that orders, turns and judges of one instruction stay together."""
    return interval_of(means_over_instructions(values_N, instructions, seed=seed))


def means_over_instructions(values_N: Floats, instructions: Sequence[str], *, seed: int = 0) -> Floats:
    """The means of as many resampled sets of instructions as `intervals` draws. Nothing at all:
    ValueError."""
    if not len(values_N):
        raise ValueError("the mean of nothing has no interval")
    _, group_N = np.unique(np.asarray(instructions), return_inverse=True)
    sums_K = np.bincount(group_N, weights=values_N)
    sizes_K = np.bincount(group_N)
    # tables of one shape are resampled alike, so this is the ratio within each replicate
    means_R: Floats = bootstrap_means(sums_K, seed=seed) / bootstrap_means(sizes_K, seed=seed)
    return means_R
