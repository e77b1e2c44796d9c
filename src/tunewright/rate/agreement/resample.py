"""Bootstrap of statistics of rated items: how often each distinct row of a table is drawn.

Items with the same ratings are one *pattern*; every coefficient depends on how often each pattern occurs and
on nothing else, so 1,000 replicates cost as much as there are patterns, not items.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from tunewright.rate.summary import LEVEL, Interval

REPLICATES = 1000
MOST_LEFT_OUT = 1000  # with more clusters the skewness of a statistic is too small to correct for
_AT_A_TIME_NUMBERS = 4_000_000  # 32 MB of weights


def pattern_weights(
    pattern_N: NDArray[np.int64], cluster_N: NDArray[np.int64], *, replicates: int, seed: int
) -> Iterator[NDArray[np.float64]]:
    """Blocks [replicates, patterns] of how often each pattern occurs when clusters are drawn with
    replacement. `pattern_N` and `cluster_N` number each item's pattern and cluster from 0."""
    rng = np.random.default_rng(seed)
    num_items, num_patterns = len(pattern_N), int(pattern_N.max()) + 1
    num_clusters = int(cluster_N.max()) + 1
    block = max(1, min(replicates, _AT_A_TIME_NUMBERS // num_patterns))
    share_M = np.bincount(pattern_N, minlength=num_patterns) / num_items
    for start in range(0, replicates, block):
        size = min(block, replicates - start)
        if num_clusters == num_items and 4 * num_patterns < num_items:
            # a multinomial draw of patterns is the same bootstrap, and cheaper when they are few
            yield rng.multinomial(num_items, share_M, size=size).astype(np.float64)
            continue
        weights = np.empty((size, num_patterns))
        for row in range(size):
            times = np.bincount(rng.integers(num_clusters, size=num_clusters), minlength=num_clusters)
            weights[row] = np.bincount(pattern_N, weights=times[cluster_N], minlength=num_patterns)
        yield weights


def weights_without_each(
    pattern_N: NDArray[np.int64], cluster_N: NDArray[np.int64]
) -> NDArray[np.float64] | None:
    """How often each pattern occurs when one cluster is left out [clusters, patterns]: the jackknife.

    None with more than `MOST_LEFT_OUT` clusters."""
    num_clusters, num_patterns = int(cluster_N.max()) + 1, int(pattern_N.max()) + 1
    if num_clusters > MOST_LEFT_OUT:
        return None
    flat = np.bincount(cluster_N * num_patterns + pattern_N, minlength=num_clusters * num_patterns)
    own = flat.reshape(num_clusters, num_patterns).astype(np.float64)
    without: NDArray[np.float64] = own.sum(axis=0) - own
    return without


def accelerated_interval(
    value: float, replicates: NDArray[np.float64], left_out: NDArray[np.float64] | None, num_clusters: int
) -> Interval:
    """The bias-corrected and accelerated bootstrap interval (Efron 1987) of a statistic.

    `replicates` are its bootstrap values, `left_out` its values without each cluster (for the acceleration,
    0 when None). The normal points are Student's times √(n/(n−1)), without which intervals of few clusters
    are too narrow (Hesterberg 2015, section 4.5.3: "expanded percentile").
    """
    normal = NormalDist()
    below = (np.count_nonzero(replicates < value) + np.count_nonzero(replicates == value) / 2) / len(
        replicates
    )
    edge = 0.5 / len(replicates)
    bias = normal.inv_cdf(min(max(below, edge), 1 - edge))
    acceleration = 0.0
    if left_out is not None:
        apart = np.nanmean(left_out) - left_out
        apart = apart[~np.isnan(apart)]
        square = float((apart**2).sum())
        acceleration = float((apart**3).sum()) / (6 * square**1.5) if square > 0 else 0.0
    point = student_point(num_clusters - 1) * math.sqrt(num_clusters / max(num_clusters - 1, 1))
    ends = []
    for z in (-point, point):
        shifted = bias + z
        ends.append(100 * normal.cdf(bias + shifted / (1 - acceleration * shifted)))
    low, high = np.percentile(replicates, ends)
    return Interval(float(low), float(high))


def student_point(freedom: int, level: float = LEVEL) -> float:
    """The two-sided point of Student's t, such as 2.262 for 9 degrees of freedom and 95 %.

    By the expansion of Abramowitz and Stegun (26.7.5): exact to .001 from 5 degrees of freedom on; below, 5
    are taken, where no interval deserves trust.
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    n = max(freedom, 5)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / n ** (power + 1) for power, term in enumerate(terms))
