"""Intervals and tests over prompts: what raters say of one prompt is one observation, however many they are.

All means are over per-prompt means, so a prompt counts once. They say how results would vary with other
prompts of this kind and these raters; with other raters they would vary more.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunewright.rate.agreement.resample import student_point
from tunewright.rate.paired_tests import mcnemar
from tunewright.rate.summary import Interval, Z

REPLICATES = 20_000
_MOST_EXACT = 14  # differences that are not 0; 2^14 signs are all tried
_AT_A_TIME = 2_000_000


@dataclass(frozen=True, slots=True)
class Difference:
    """A paired comparison; `p` is two-sided. `interval` is None below two prompts."""

    mean: float
    interval: Interval | None
    p: float
    num_prompts: int
    num_better: int
    num_same: int
    num_worse: int


def mean_interval(per_prompt: Sequence[float]) -> Interval | None:
    """Student's interval of the mean of per-prompt means; None below two prompts."""
    values = np.asarray(per_prompt, dtype=np.float64)
    if len(values) < 2:
        return None
    half = student_point(len(values) - 1) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return Interval(float(values.mean()) - half, float(values.mean()) + half)


def share_interval(per_prompt: Sequence[float], num_ratings: int) -> Interval | None:
    """Wilson's interval of a share whose ratings come in prompts; None without prompts.

    The number of observations is the effective one, p(1−p)/se² with the standard error over prompts (Franco
    et al. 2019), between the numbers of prompts' worth and of ratings: raters who always agree add nothing,
    and a share of 0 or 1 counts prompts.
    """
    values = np.asarray(per_prompt, dtype=np.float64)
    if not len(values):
        return None
    share, num = float(values.mean()), float(len(values))
    if 0 < share < 1 and len(values) > 1:
        error = float(values.std(ddof=1)) / math.sqrt(len(values))
        num = min(share * (1 - share) / error**2, num_ratings) if error > 0 else float(num_ratings)
        # the spread is itself estimated from few prompts
        num *= (Z / student_point(len(values) - 1)) ** 2
    centre = (share + Z**2 / (2 * num)) / (1 + Z**2 / num)
    half = Z * math.sqrt(share * (1 - share) / num + Z**2 / (4 * num**2)) / (1 + Z**2 / num)
    return Interval(0.0 if share == 0 else centre - half, 1.0 if share == 1 else centre + half)


def paired_difference(differences: Sequence[float], *, seed: int = 0) -> Difference:
    """The mean of per-prompt differences, its interval, and the sign-flip test of "no difference".

    ValueError for no difference at all: the mean of nothing is an error.
    """
    if not len(differences):
        raise ValueError("the mean of nothing; leave the comparison out")
    values = np.asarray(differences, dtype=np.float64)
    near = np.abs(values) < 1e-12
    return Difference(
        mean=float(values.mean()),
        interval=mean_interval(list(values)),
        p=sign_flip(values, seed=seed),
        num_prompts=len(values),
        num_better=int(((values > 0) & ~near).sum()),
        num_same=int(near.sum()),
        num_worse=int(((values < 0) & ~near).sum()),
    )


def sign_flip(differences: NDArray[np.float64], *, seed: int = 0, replicates: int = REPLICATES) -> float:
    """The two-sided p of "each difference could as well have had the other sign" (Fisher 1935).

    Differences of one size give the exact sign test, which for shares is McNemar's; few differences are
    tried with all signs; else signs are drawn, and p = (1 + as extreme) / (1 + drawn), never 0.
    """
    sizes = np.abs(differences[np.abs(differences) > 1e-12])
    if not len(sizes):
        return 1.0
    if np.ptp(sizes) < 1e-9:
        return mcnemar(int((differences < -1e-12).sum()), int((differences > 1e-12).sum()))
    observed = abs(float(differences.sum())) - 1e-9
    if len(sizes) <= _MOST_EXACT:
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=len(sizes))))
        return float((np.abs(signs @ sizes) >= observed).mean())
    rng = np.random.default_rng(seed)
    extreme, block = 0, max(1, _AT_A_TIME // len(sizes))
    for start in range(0, replicates, block):
        size = min(block, replicates - start)
        signs = rng.integers(0, 2, size=(size, len(sizes)), dtype=np.int8) * 2.0 - 1.0
        extreme += int((np.abs(signs @ sizes) >= observed).sum())
    return (1 + extreme) / (1 + replicates)
