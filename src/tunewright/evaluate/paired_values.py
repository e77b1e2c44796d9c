"""Two systems on the same units under the same seeds: right or wrong, or any value."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from tunewright.evaluate.intervals import LEVEL, Interval, mean_interval, mean_p
from tunewright.rate.paired_tests import mcnemar


def paired_values(
    first_SN: NDArray[np.float64], second_SN: NDArray[np.float64]
) -> tuple[float, Interval, str, float, int | None, int | None]:
    """Difference, interval, test, p, gained and lost of two [seeds, documents] tables of the same shape."""
    differences_SN = second_SN - first_SN
    difference = float(differences_SN.mean())
    is_binary = bool(np.isin(first_SN, (0, 1)).all() and np.isin(second_SN, (0, 1)).all())
    if is_binary and len(differences_SN) == 1:
        gained, lost = int((differences_SN > 0).sum()), int((differences_SN < 0).sum())
        interval = shares_interval(gained, lost, differences_SN.size)
        return difference, interval, "McNemar, exact", mcnemar(lost, gained), gained, lost
    return difference, mean_interval(differences_SN), "paired t", mean_p(differences_SN), None, None


def shares_interval(gained: int, lost: int, num_documents: int) -> Interval:
    """The interval of a difference of two shares on the same documents: (gained − lost) / n.

    The hull of two: that of Agresti and Min (2005, Statistics in Medicine 24:729), half a document added to
    each of the four cells, without which two arms that never differ would have an interval of width 0; and
    the exact one given how many documents differ, which excludes zero just where McNemar's test does.
    """
    n, up, down = num_documents + 2, gained + 0.5, lost + 0.5
    middle = (up - down) / n
    half = NormalDist().inv_cdf((1 + LEVEL) / 2) * math.sqrt(up + down - (up - down) ** 2 / n) / n
    differing = gained + lost
    low = differing * (2 * _least_share(gained, differing) - 1) / num_documents
    high = -differing * (2 * _least_share(lost, differing) - 1) / num_documents
    return Interval(min(low, middle - half), max(high, middle + half))


def _least_share(num: int, of: int) -> float:
    """The lower limit of a binomial share at half of 1 − `LEVEL` (Clopper & Pearson 1934), by bisection."""
    if num == 0:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(50):
        share = (low + high) / 2
        if _upper_tail(num, of, share) < (1 - LEVEL) / 2:
            low = share
        else:
            high = share
    return low


def _upper_tail(num: int, of: int, share: float) -> float:
    """P(X ≥ num) of a binomial; by logarithms, for thousands of documents."""
    return math.fsum(
        math.exp(
            math.lgamma(of + 1)
            - math.lgamma(k + 1)
            - math.lgamma(of - k + 1)
            + k * math.log(share)
            + (of - k) * math.log1p(-share)
        )
        for k in range(num, of + 1)
    )
