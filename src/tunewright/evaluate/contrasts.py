"""Arms against the baseline in what is not a loss: standard tasks and judges, paired by unit and seed.

A contrast is one row of such a family. Its p is corrected for the family (Holm 1979), and what could not be
shown says how many more seeds or units would show it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tunewright.evaluate.intervals import LEVEL, Interval, mean_interval, mean_p
from tunewright.evaluate.paired_values import paired_values, shares_interval
from tunewright.evaluate.settle import Needed, needed
from tunewright.rate.paired_tests import holm, mcnemar

Floats = NDArray[np.float64]
Claim = Literal["better", "worse", "no difference found"]
EQUAL = 1e-9  # differences nearer than that are the same but for rounding


@dataclass(frozen=True, slots=True)
class Contrast:
    """`second` minus `first` (the baseline) on the same units with the same seeds, in the measure's own unit.

    `units` names what is counted: documents or prompts. The means are of each arm alone. `p_holm` is `p`
    corrected for its family, `claim` what that and the interval allow; `needed` is None where it is settled.
    `num_left_out` units had no value in every seed.
    """

    measure: str
    units: str
    first: str
    second: str
    num_seeds: int
    num_units: int
    num_left_out: int
    first_mean: float
    second_mean: float
    difference: float
    interval: Interval
    p: float
    p_holm: float
    claim: Claim
    needed: Needed | None
    higher_is_better: bool
    is_limited: bool = False

    def row(self) -> dict[str, Any]:
        return asdict(self)


def contrast_from_row(row: Mapping[str, Any]) -> Contrast:
    """The inverse of `row`."""
    settled = row["needed"]
    return Contrast(
        **{
            **row,
            "interval": Interval(**row["interval"]),
            "needed": None if settled is None else _needed_from(settled),
        }
    )


def _needed_from(row: Mapping[str, Any]) -> Needed:
    both = row["both"]
    return Needed(row["seeds"], row["examples"], None if both is None else (both[0], both[1]))


@dataclass(frozen=True, slots=True)
class Pairing:
    """What a contrast is made of: both arms' values, [seeds, units], and how to read them."""

    measure: str
    units: str
    first: str
    second: str
    first_SN: Floats
    second_SN: Floats
    largest: float = math.inf  # that a difference can be, in size
    num_left_out: int = 0
    higher_is_better: bool = True
    is_limited: bool = False


def family(pairings: Sequence[Pairing]) -> list[Contrast]:
    """The contrasts of one family, their p-values corrected for its size, in the order given."""
    drafts = [_draft(one) for one in pairings]
    if not drafts:
        return []
    alpha = (1 - LEVEL) / len(drafts)  # Holm's first step; the later ones ask for less
    found = []
    for one, draft, p in zip(pairings, drafts, holm([draft.p for draft in drafts]), strict=True):
        claim = _claim(draft, p)
        open_ = claim == "no difference found"
        settles = needed(one.second_SN - one.first_SN, alpha=alpha) if open_ else None
        found.append(replace(draft, p_holm=p, claim=claim, needed=settles))
    return found


def _draft(one: Pairing) -> Contrast:
    differences_SN = one.second_SN - one.first_SN
    interval, p = _tested(one)
    return Contrast(
        measure=one.measure,
        units=one.units,
        first=one.first,
        second=one.second,
        num_seeds=differences_SN.shape[0],
        num_units=differences_SN.shape[1],
        num_left_out=one.num_left_out,
        first_mean=float(one.first_SN.mean()),
        second_mean=float(one.second_SN.mean()),
        difference=float(differences_SN.mean()),
        interval=interval,
        p=p,
        p_holm=p,
        claim="no difference found",
        needed=None,
        higher_is_better=one.higher_is_better,
        is_limited=one.is_limited,
    )


def _tested(one: Pairing) -> tuple[Interval, float]:
    """Interval and p: of the mean over units and seeds, or McNemar's where one seed is right or wrong.

    Where every unit says the same the variance found is 0, which is not to be believed of so few: interval
    and p are then those of shares, all units gained, lost or even. Where only the seeds' means are equal, as
    counts can be, every value counts as one of its own. No interval goes beyond what a difference can be.
    """
    differences_SN = one.second_SN - one.first_SN
    _, interval, _, p, _, _ = paired_values(one.first_SN, one.second_SN)
    if math.isfinite(one.largest):
        if np.ptp(differences_SN) < EQUAL:
            interval, p = _unanimous(float(differences_SN.mean()), differences_SN.shape[1])
        elif interval.high - interval.low < EQUAL:
            every_value = differences_SN.reshape(1, -1)
            interval, p = mean_interval(every_value), mean_p(every_value)
    bounded = [max(-one.largest, min(one.largest, limit)) for limit in (interval.low, interval.high)]
    return Interval(*bounded), p


def _unanimous(difference: float, num_units: int) -> tuple[Interval, float]:
    """Interval and p (of the sign test) where this is the difference of every unit."""
    gained, lost = (num_units if difference > 0 else 0), (num_units if difference < 0 else 0)
    shares = shares_interval(gained, lost, num_units)
    size = abs(difference) or 1.0
    return Interval(size * shares.low, size * shares.high), mcnemar(lost, gained)


def _claim(draft: Contrast, p: float) -> Claim:
    if p >= 1 - LEVEL or not draft.interval.excludes_zero():
        return "no difference found"
    return "better" if (draft.difference > 0) == draft.higher_is_better else "worse"
