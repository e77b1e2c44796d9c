"""Student's t for any degrees of freedom, without another dependency: its upper tail and its points.

The tail is the regularised incomplete beta function (Abramowitz & Stegun 26.7.1), computed by its continued
fraction (26.5.8); the point inverts it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

_TINY = 1e-300


def upper_tail(t: float, freedom: float) -> float:
    """P(T > t) for t ≥ 0: 0.025 at t = 12.706 with 1 degree of freedom, at 2.262 with 9."""
    assert t >= 0
    if math.isinf(t):
        return 0.0
    a, b = freedom / 2, 0.5
    square = t * t
    x, rest = freedom / (freedom + square), square / (freedom + square)
    if rest == 0:
        return 0.5
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(rest)
    # the fraction converges fast on one side only; the other is its mirror image
    if x < (a + 1) / (a + b + 2):
        return 0.5 * math.exp(log_front) * _fraction(x, a, b) / a
    return 0.5 * (1 - math.exp(log_front) * _fraction(rest, b, a) / b)


@lru_cache(maxsize=4096)
def point(tail: float, freedom: float) -> float:
    """The t whose upper tail is `tail`, in (0, 0.5]; to ten digits."""
    assert 0 < tail <= 0.5
    if tail == 0.5:
        return 0.0
    # ln(tail) is concave in ln(t): from the second step on Newton's method comes from one side
    t = max(-NormalDist().inv_cdf(tail), 0.1)
    for _ in range(200):
        found = max(upper_tail(t, freedom), _TINY)
        step = (math.log(found) - math.log(tail)) * found / (t * _density(t, freedom))
        t *= math.exp(max(-3.0, min(3.0, step)))
        if abs(step) < 1e-11:
            break
    return t


def _density(t: float, freedom: float) -> float:
    log_front = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - 0.5 * math.log(freedom * math.pi)
    return max(math.exp(log_front - (freedom + 1) / 2 * math.log1p(t * t / freedom)), _TINY)


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method."""
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 10_000):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _not_zero(1 + term * d)
            c = _not_zero(1 + term / c)
            value *= d * c
        if abs(d * c - 1) < 1e-14:
            break
    return value


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
