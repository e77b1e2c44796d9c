"""Intervals and p-values of means over examples and seeds, and a bootstrap for what is no mean.

A table of losses is [seeds, examples], and its rows and columns are crossed: each seed meets every example.
Loss = mean + seed + example + rest, all three drawn at random, so the mean of the table varies by

    σ²_seed/S + σ²_example/N + σ²_rest/(S·N),

estimated from mean squares (crossed random effects without replication: Searle, Casella & McCulloch 1992,
Variance Components, ch. 4). The rest counts with the seeds: MS_seed/(S·N) is what seeds and rest add, with
S − 1 degrees of freedom. (MS_example − MS_rest)/(S·N), set to 0 where it is negative, is what the examples
add, with N − 1.

Each part has its own t point, and the half-widths add as squares (Howe 1974, JASA 69:789–794). One t with
pooled degrees of freedom (Satterthwaite 1946, Biometrics 2:110–114) is the usual choice, and is wrong for few
seeds: where three happen to agree their part is small, and that only two degrees of freedom stand behind it
no longer counts. In simulations with 3 seeds its intervals covered 92 to 96 %, and 4 to 11 % of families of
three comparisons held a false claim; those here cover 95 to 98 %, and it is 1 to 5 %: too wide where the
seeds hardly differ (`benchmarks/compare_coverage.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tunewright.evaluate.student_t import point, upper_tail

REPLICATES = 2000
LEVEL = 0.95
_AT_A_TIME = 250  # replicates counted in double precision at once: 20 MB with 10,000 examples
_SMALLEST = 1e-300

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval at `LEVEL`."""

    low: float
    high: float

    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of zero."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Part:
    """What one source adds to the variance of a mean, and the degrees of freedom it is known with."""

    variance: float
    freedom: int


def mean_interval(values_SN: ArrayLike) -> Interval:
    """The interval of the mean of a [seeds, examples] table (a vector is one seed). Empty: ValueError.

    With one seed it speaks of other examples only, with one example of other seeds only; one value alone
    shows no spread, and its interval is that value.
    """
    table_SN = _table(values_SN)
    return around(float(table_SN.mean()), parts_of(table_SN))


def mean_p(values_SN: ArrayLike) -> float:
    """The two-sided p of "the mean is 0", below 1 − `LEVEL` exactly where `mean_interval` excludes zero.

    1 where there is one value only, or nothing but zeros; 0 where all are the same other value.
    """
    table_SN = _table(values_SN)
    return p_of(float(table_SN.mean()), parts_of(table_SN)) if table_SN.size > 1 else 1.0


def parts_of(table_SN: Floats) -> list[Part]:
    """The seeds' and the examples' part in the variance of a table's mean."""
    num_seeds, num_examples = table_SN.shape
    seeds, examples = variances_of_mean(table_SN)
    return [Part(float(seeds), num_seeds - 1), Part(float(examples), num_examples - 1)]


def variances_of_mean(tables_XSN: Floats) -> tuple[Floats, Floats]:
    """The seeds' part (with the rest) and the examples' part of each table's variance, both [X].

    What has one seed, or one example, has no part of that.
    """
    *many, num_seeds, num_examples = tables_XSN.shape
    cells, none = num_seeds * num_examples, np.zeros(many)
    seed_XS, example_XN = tables_XSN.mean(axis=-1), tables_XSN.mean(axis=-2)
    if num_seeds == 1 or num_examples == 1:
        seeds = seed_XS.var(axis=-1, ddof=1) / num_seeds if num_seeds > 1 else none
        examples = example_XN.var(axis=-1, ddof=1) / num_examples if num_examples > 1 else none
        return seeds, examples
    rest_XSN = tables_XSN - seed_XS[..., :, None] - example_XN[..., None, :]
    rest_XSN += seed_XS.mean(axis=-1)[..., None, None]
    ms_seed = num_examples * seed_XS.var(axis=-1, ddof=1)
    ms_example = num_seeds * example_XN.var(axis=-1, ddof=1)
    ms_rest = (rest_XSN**2).sum(axis=(-2, -1)) / ((num_seeds - 1) * (num_examples - 1))
    return ms_seed / cells, np.maximum(ms_example - ms_rest, 0) / cells


def difference_interval(first_SN: Floats, second_SM: Floats) -> Interval:
    """The interval of mean(first) − mean(second), on the same seeds and on different examples.

    The seeds' part is that of the difference of the two means under one seed; each set of examples has its
    own part.
    """
    assert first_SN.shape[0] == second_SM.shape[0], "both tables have the same seeds"
    by_seed_S = first_SN.mean(axis=1) - second_SM.mean(axis=1)
    parts = [parts_of(first_SN)[1], parts_of(second_SM)[1], *parts_of(by_seed_S[:, None])]
    return around(float(by_seed_S.mean()), parts)


def around(mean: float, parts: Sequence[Part]) -> Interval:
    """The interval of a mean whose variance has these parts."""
    half = half_width(parts, tail=(1 - LEVEL) / 2)
    return Interval(mean - half, mean + half)


def half_width(parts: Sequence[Part], *, tail: float) -> float:
    """√Σ t²·variance, with each part's own t at this upper tail."""
    return math.sqrt(math.fsum(part.variance * point(tail, part.freedom) ** 2 for part in _known(parts)))


def p_of(mean: float, parts: Sequence[Part]) -> float:
    """The p at which the interval would just touch zero."""
    known = _known(parts)
    if mean == 0 or not known:
        return 1.0 if mean == 0 else 0.0
    # at equal t the fewest degrees of freedom have the largest tail: with one part only, both are the same
    t = abs(mean) / math.sqrt(math.fsum(part.variance for part in known))
    tails = [upper_tail(t, freedom) for freedom in {part.freedom for part in known}]
    low, high = (math.log(max(tail, _SMALLEST)) for tail in (min(tails), max(tails)))
    while high - low > 1e-7:
        middle = (low + high) / 2
        too_wide = half_width(known, tail=math.exp(middle)) > abs(mean)
        low, high = (middle, high) if too_wide else (low, middle)
    return min(1.0, 2 * math.exp(high))


def _known(parts: Sequence[Part]) -> list[Part]:
    return [part for part in parts if part.variance > 0 and part.freedom > 0]


def _table(values_SN: ArrayLike) -> Floats:
    table_SN: Floats = np.atleast_2d(np.asarray(values_SN, dtype=np.float64))
    if 0 in table_SN.shape:
        raise ValueError("the mean of nothing has no interval")
    return table_SN


def bootstrap_means(values_SN: ArrayLike, *, seed: int = 0) -> Floats:
    """The means of `REPLICATES` resampled tables. Tables of one shape are resampled alike.

    For ratios and the like over many examples. A replicate draws seeds and examples with replacement; with
    few seeds that is far too narrow, so intervals of means are not made of it.
    """
    table_SN = _table(values_SN)
    num_seeds, num_examples = table_SN.shape
    # how often each row and column was drawn gives the mean of the block without copying the block
    seeds_RS, examples_RN = _drawn(num_seeds, num_examples, seed)
    sums = [
        (seeds_RS[rows] * (examples_RN[rows].astype(np.float64) @ table_SN.T)).sum(axis=1)
        for rows in (slice(start, start + _AT_A_TIME) for start in range(0, REPLICATES, _AT_A_TIME))
    ]
    means: Floats = np.concatenate(sums) / (num_seeds * num_examples)
    return means


def interval_of(means: Floats) -> Interval:
    """The percentile interval of resampled means."""
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(means, [tail, 100 - tail])
    return Interval(float(low), float(high))


@lru_cache(maxsize=8)
def _drawn(num_seeds: int, num_examples: int, seed: int) -> tuple[Floats, NDArray[np.float32]]:
    """How often each replicate draws each seed [R, S] and each example [R, N]."""
    rng = np.random.default_rng(seed)
    seeds_RS = np.empty((REPLICATES, num_seeds))
    examples_RN = np.empty((REPLICATES, num_examples), dtype=np.float32)
    for replicate in range(REPLICATES):
        seeds_RS[replicate] = np.bincount(rng.integers(num_seeds, size=num_seeds), minlength=num_seeds)
        drawn = rng.integers(num_examples, size=num_examples)
        examples_RN[replicate] = np.bincount(drawn, minlength=num_examples)
    return seeds_RS, examples_RN
