"""How often the revised version wins: three rates, their intervals, and the rate at equal length.

Judges like length, and revising makes responses longer: "the longer side is the revised one" is right for
three quarters of published revision pairs. So no rate stands without the one that length cannot explain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunewright.coach.judge import Result, Verdict, is_consistent
from tunewright.coach.length_control import REPORT_PRIOR, Lengths, fit_length, has_both_sides
from tunewright.rate.summary import REPLICATES, Interval, Share, percentile_interval, share_of

LOGISTIC_REPLICATES = 500  # each is a fit; the ends move by about 0.3 points from seed to seed
_LEAST_PAIRS = 10  # for a curve through them
_POINTS: dict[Result, float] = {"win": 1.0, "tie": 0.5, "loss": 0.0}


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
    """The win rate at equal length. `worth_of_longer` is what the curve adds to it for a revision that is
    `longer_by_chars` longer. `num_near` pairs have nearly equal lengths: without such pairs the rate is a
    line drawn into the empty. `longer_wins` is the share of decided pairs that the longer side won."""

    rate: Rate
    longer_by_chars: float
    worth_of_longer: float
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
        wr1=Rate((wins + ties / 2) / total, percentile_interval((w + t / 2) / total)),
        wr2=Rate(wins / (total - ties), percentile_interval(wr2)) if total > ties else Rate(None, None),
        qs=Rate((wins + ties) / total, percentile_interval((w + t) / total)),
    )


def length_controlled(
    results: Sequence[Result], chars: Sequence[Lengths], *, seed: int = 0
) -> LengthControlled | None:
    """The preference for the revised version where both are equally long, by `length_control`'s model.

    The idea, tanh and soft targets are AlpacaEval 2's (Dubois et al. 2024); ours has a step for the longer
    side, no term for the difficulty of an instruction, targets 1, ½ and 0 and weak priors. None below ten
    pairs, and where equal length lies outside the data (every revision longer, or every one shorter).
    """
    d = np.array([one.difference for one in chars], dtype=np.float64)
    if len(results) < _LEAST_PAIRS or not has_both_sides(d):
        return None
    y = np.array([_POINTS[one] for one in results])
    effect = fit_length(y, d, quality_prior=REPORT_PRIOR)
    rng = np.random.default_rng(seed)
    even = np.full(y.size, 1 / y.size)
    rates = [
        fit_length(y, d, quality_prior=REPORT_PRIOR, weights=rng.multinomial(y.size, even)).rate
        for _ in range(LOGISTIC_REPLICATES)
    ]
    decided = (y != 0.5) & (d != 0)
    longer = int(np.count_nonzero((y == 1.0)[decided] == (d > 0)[decided]))
    return LengthControlled(
        rate=Rate(effect.rate, percentile_interval(rates)),
        longer_by_chars=effect.scale_chars,
        worth_of_longer=effect.of(effect.scale_chars),
        num_near=sum(one.is_near for one in chars),
        num_pairs=len(results),
        longer_wins=share_of(longer, int(np.count_nonzero(decided))),
    )


def position(verdicts: Sequence[tuple[Verdict, Verdict]]) -> Position:
    """Of pairs with two readable verdicts: does the judge stay with a version, and does it favour A?"""
    consistent = sum(is_consistent(first, second) for first, second in verdicts)
    decided = [one for pair in verdicts for one in pair if one != "tie"]
    return Position(share_of(consistent, len(verdicts)), share_of(decided.count("a"), len(decided)))
