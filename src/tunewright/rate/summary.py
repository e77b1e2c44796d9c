"""What a set of scores says: bins, shares with both denominators, means with intervals, and warning signs.

Records without a rating are never counted as zero nor left out silently: every share is given over all
records and over the rated ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tunewright.rate.criteria import CriteriaSet
from tunewright.rate.scores import bin_edges, bin_labels

REPLICATES = 2000
LEVEL = 0.95
CONSTANT_SHARE = 0.9  # so many records within half a step: the rater hardly tells them apart
MISSING_SHARE = 0.05  # more records without a score are worth a warning
Z = 1.959963984540054  # the 97.5 % point of the normal distribution
_MOST_BARS = 21


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `of`, with a Wilson interval; share and interval are None when `of` is 0."""

    count: int
    of: int
    share: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Bar:
    """A bin or a column of a histogram with its count; shares are over all records and over the rated."""

    label: str
    count: int
    of_all: float
    of_rated: float | None


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """One side or criterion over all records. What has no value (no rating at all) is None."""

    key: str
    num_records: int
    num_rated: int
    without: Mapping[str, int]  # why the others have no score: unparsable, refused, unanswered, absent
    mean: float | None
    mean_interval: Interval | None
    deviation: float | None  # ddof 1
    median: float | None
    bins: tuple[Bar, ...]
    histogram: tuple[Bar, ...]
    high_from: float
    high_of_all: Share
    high_of_rated: Share
    num_distinct: int
    most_common: float | None
    most_common_share: float | None
    entropy_bits: float | None
    flags: tuple[str, ...]


def summarise(
    key: str, scores: ArrayLike, criteria: CriteriaSet, *, without: Mapping[str, int]
) -> ScoreSummary:
    """The summary of one score; NaN stands for a record without one. No record at all is a ValueError."""
    all_scores: NDArray[np.float64] = np.asarray(scores, dtype=np.float64)
    if all_scores.size == 0:
        raise ValueError("a summary of no records says nothing")
    rated = all_scores[~np.isnan(all_scores)]
    num_high = int(np.count_nonzero(rated >= criteria.high_from))
    values, counts = np.unique(rated, return_counts=True)
    most = int(np.argmax(counts)) if rated.size else 0
    return ScoreSummary(
        key=key,
        num_records=int(all_scores.size),
        num_rated=int(rated.size),
        without={name: count for name, count in without.items() if count},
        mean=float(rated.mean()) if rated.size else None,
        mean_interval=mean_interval(rated),
        deviation=float(rated.std(ddof=1)) if rated.size > 1 else None,
        median=float(np.median(rated)) if rated.size else None,
        bins=_bars(rated, all_scores.size, bin_edges(criteria), bin_labels(bin_edges(criteria))),
        histogram=_histogram(rated, all_scores.size, criteria),
        high_from=criteria.high_from,
        high_of_all=share_of(num_high, int(all_scores.size)),
        high_of_rated=share_of(num_high, int(rated.size)),
        num_distinct=int(values.size),
        most_common=float(values[most]) if rated.size else None,
        most_common_share=float(counts[most] / rated.size) if rated.size else None,
        entropy_bits=_entropy(counts) if rated.size else None,
        flags=_flags(rated, int(all_scores.size), criteria.scale.step),
    )


def share_of(count: int, of: int) -> Share:
    """The share with its 95 % Wilson interval (Wilson 1927), which holds up near 0 and 1."""
    return Share(count, of, count / of if of else None, wilson(count, of) if of else None)


def wilson(count: int, of: int) -> Interval:
    """The 95 % score interval of a proportion; `of` 0 is a ValueError."""
    if of == 0:
        raise ValueError("a share of nothing has no interval")
    share = count / of
    centre = share + Z**2 / (2 * of)
    half = Z * math.sqrt(share * (1 - share) / of + Z**2 / (4 * of**2))
    scale = 1 + Z**2 / of
    # at 0 and at all the end is exact; rounding must not push the interval off the share
    low = 0.0 if count == 0 else (centre - half) / scale
    high = 1.0 if count == of else (centre + half) / scale
    return Interval(low, high)


def mean_interval(values: ArrayLike, *, seed: int = 0) -> Interval | None:
    """The percentile bootstrap interval of the mean; None below two values, where it would have no width.

    Scores take few different values, so a replicate draws how often each occurs (a multinomial draw, which is
    the same bootstrap): its cost does not grow with the number of records. With few records it is too
    narrow, as every percentile bootstrap is.
    """
    table: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    if table.size < 2:
        return None
    distinct, counts = np.unique(table, return_counts=True)
    rng = np.random.default_rng(seed)
    means = np.empty(REPLICATES)
    for replicate in range(REPLICATES):
        means[replicate] = rng.multinomial(table.size, counts / table.size) @ distinct / table.size
    return percentile_interval(means)


def percentile_interval(replicates: ArrayLike) -> Interval | None:
    """The 95 % interval that a bootstrap's replicates span, by their percentiles; None below two of them."""
    values: NDArray[np.float64] = np.asarray(replicates, dtype=np.float64)
    if values.size < 2:
        return None
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return Interval(float(low), float(high))


def _bars(
    rated: NDArray[np.float64], num_records: int, edges: Sequence[float], labels: Sequence[str]
) -> tuple[Bar, ...]:
    """Counts between the edges, half-open but for the last: what `numpy.histogram` does too."""
    counts, _ = np.histogram(rated, bins=np.asarray(edges))
    assert int(counts.sum()) == rated.size, "every score lies on the scale"
    return tuple(
        Bar(label, int(count), int(count) / num_records, int(count) / rated.size if rated.size else None)
        for label, count in zip(labels, counts, strict=True)
    )


def _histogram(rated: NDArray[np.float64], num_records: int, criteria: CriteriaSet) -> tuple[Bar, ...]:
    """A column per score of the scale, or twenty equal ones for a long scale."""
    scale = criteria.scale
    if scale.num_scores <= _MOST_BARS:
        scores = scale.scores()
        half = scale.step / 2
        edges = [scale.low - half, *(score + half for score in scores)]
        return _bars(rated, num_records, edges, [f"{score:g}" for score in scores])
    edges = [float(edge) for edge in np.linspace(scale.low, scale.high, _MOST_BARS)]
    return _bars(rated, num_records, edges, bin_labels(edges))


def _entropy(counts: NDArray[np.int64]) -> float:
    shares = counts / counts.sum()
    return abs(float(-(shares * np.log2(shares)).sum()))  # abs: one value gives −0.0


def _flags(rated: NDArray[np.float64], num_records: int, step: float) -> tuple[str, ...]:
    if not rated.size:
        return ("no record has this score",)
    flags = []
    middle = float(np.median(rated))
    num_near = int(np.count_nonzero(np.abs(rated - middle) <= step / 2 + 1e-9))
    if rated.size > 1 and num_near / rated.size >= CONSTANT_SHARE:
        num_equal = int(np.count_nonzero(rated == middle))
        said = f"{num_near:,} of {rated.size:,} scores lie within {step / 2:g} of {middle:.4g}"
        if num_equal == num_near:
            said = f"{num_equal:,} of {rated.size:,} scores are {middle:g}"
        flags.append(f"{said}: the rater hardly tells these records apart")
    missing = num_records - rated.size
    if missing / num_records > MISSING_SHARE:
        flags.append(
            f"{missing:,} of {num_records:,} records have no score: shares over the rated may mislead"
        )
    return tuple(flags)
