"""Tests of two ways on the same records: whether what one gains and the other loses can be chance."""

from __future__ import annotations

import math
from collections.abc import Sequence


def mcnemar(gone: int, new: int) -> float:
    """The exact two-sided p that a finding is as likely to go as to come; 1 when no pair differs.

    `gone` and `new` count the pairs that have it on one side only (McNemar 1947, with the binomial
    distribution instead of its normal approximation).
    """
    total = gone + new
    if total == 0:
        return 1.0
    # by logarithms: the binomial coefficients of ten thousand pairs are too long to add up one by one
    tail = math.fsum(
        math.exp(
            math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1) - total * math.log(2)
        )
        for k in range(min(gone, new) + 1)
    )
    return min(1.0, 2 * tail)


def holm(ps: Sequence[float]) -> list[float]:
    """The p-values adjusted for their number (Holm 1979), in the order given."""
    adjusted = [0.0] * len(ps)
    most = 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=lambda place: ps[place])):
        most = max(most, min(1.0, (len(ps) - rank) * ps[place]))
        adjusted[place] = most
    return adjusted
