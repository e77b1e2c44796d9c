"""Bootstrap intervals over examples and seeds.

Losses of one example under two seeds are not independent, nor are two examples under one seed, so both
are resampled: a replicate draws seeds with replacement and examples with replacement, and takes the mean
over the chosen block. With one seed this is the plain bootstrap over examples, and says nothing about
other seeds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

REPLICATES = 2000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A percentile bootstrap interval at `LEVEL`."""

    low: float
    high: float

    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of zero."""
        return self.low > 0 or self.high < 0


def mean_interval(values_SN: ArrayLike, *, seed: int = 0) -> Interval:
    """The interval of the mean of a [seeds, examples] table (a vector is one seed). Empty: ValueError."""
    table_SN: NDArray[np.float64] = np.atleast_2d(np.asarray(values_SN, dtype=np.float64))
    num_seeds, num_examples = table_SN.shape
    if num_seeds == 0 or num_examples == 0:
        raise ValueError("the mean of nothing has no interval")
    rng = np.random.default_rng(seed)
    means = np.empty(REPLICATES)
    for replicate in range(REPLICATES):
        seeds = rng.integers(num_seeds, size=num_seeds)
        examples = rng.integers(num_examples, size=num_examples)
        # the mean of a block of rows and columns, without copying the block
        means[replicate] = table_SN[seeds].mean(axis=0)[examples].mean()
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(means, [tail, 100 - tail])
    return Interval(float(low), float(high))
