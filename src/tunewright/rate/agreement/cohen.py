"""Cohen's kappa of each pair of raters, plain and weighted, with intervals."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunewright.rate.agreement.resample import pattern_weights, weights_without_each
from tunewright.rate.agreement.table import ABSENT, RatingTable
from tunewright.rate.summary import Interval, Z

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PairKappa:
    """Two raters over the items both rated. `kappa` is None where it is undefined; `problem` says why."""

    first: str
    second: str
    weighting: str
    num_items: int
    percent: float | None
    kappa: float | None
    interval: Interval | None
    problem: str


def pair_kappas(table: RatingTable, closeness_KK: Floats, weighting: str) -> Iterator[PairKappa]:
    """Kappa of every pair of raters, with the interval of its large-sample standard error.

    Fleiss, Cohen and Everitt (1969, eq. 14); for small numbers of items it is too narrow.
    """
    for first, second in itertools.combinations(range(len(table.raters)), 2):
        cells_KK = joint_counts(table, first, second)
        total = cells_KK.sum()
        names = table.raters[first], table.raters[second]
        if total == 0:
            yield PairKappa(*names, weighting, 0, None, None, None, "undefined: no item in common")
            continue
        percent = float(np.trace(cells_KK) / total)
        kappa = float(kappas_of(cells_KK[None], closeness_KK)[0])
        if math.isnan(kappa):
            problem = "undefined: no variation"
            yield PairKappa(*names, weighting, int(total), percent, None, None, problem)
            continue
        half = Z * _standard_error(cells_KK, closeness_KK)
        interval = Interval(max(-1.0, kappa - half), min(1.0, kappa + half)) if half > 0 else None
        problem = "" if interval else "no interval: its standard error is 0"
        yield PairKappa(*names, weighting, int(total), percent, kappa, interval, problem)


def mean_kappas(
    table: RatingTable, close: Mapping[str, Floats], *, replicates: int, seed: int
) -> dict[str, tuple[float, Floats, Floats | None]]:
    """For each closeness by name: the mean kappa over pairs of raters who share an item (Light 1971), its
    bootstrap replicates, and its values without each cluster (None where there are too many)."""
    size = len(table.categories)
    distinct, pattern_N = np.unique(table.codes_NR, axis=0, return_inverse=True)
    pattern_N = pattern_N.reshape(-1)
    pairs = [
        (first, second)
        for first, second in itertools.combinations(range(len(table.raters)), 2)
        if joint_counts(table, first, second).sum() > 0
    ]

    def means(weights_BM: Floats) -> dict[str, Floats]:
        kappas: dict[str, list[Floats]] = {weighting: [] for weighting in close}
        for first, second in pairs:
            cells = _cells(weights_BM, distinct[:, first], distinct[:, second], size)
            for weighting, closeness_KK in close.items():
                kappas[weighting].append(kappas_of(cells, closeness_KK))
        return {weighting: np.mean(found, axis=0) for weighting, found in kappas.items()}

    whole = np.bincount(pattern_N, minlength=len(distinct)).astype(np.float64)[None]
    values = means(whole)
    drawn: dict[str, list[Floats]] = {weighting: [] for weighting in close}
    for weights in pattern_weights(pattern_N, table.cluster_N, replicates=replicates, seed=seed):
        for weighting, found in means(weights).items():
            drawn[weighting].append(found)
    without = weights_without_each(pattern_N, table.cluster_N)
    left_out = None if without is None else means(without)
    return {
        weighting: (
            float(values[weighting][0]),
            np.concatenate(drawn[weighting]),
            left_out[weighting] if left_out else None,
        )
        for weighting in close
    }


def _cells(weights_BM: Floats, a_M: NDArray[np.int64], b_M: NDArray[np.int64], size: int) -> Floats:
    """The joint counts of two raters in each replicate [B, K, K]."""
    both = (a_M != ABSENT) & (b_M != ABSENT)
    cells_M = a_M[both] * size + b_M[both]
    used, place = np.unique(cells_M, return_inverse=True)
    cells = np.zeros((len(weights_BM), size * size))
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(len(used)))
    cells[:, used] = np.add.reduceat(weights_BM[:, both][:, order], starts, axis=1)
    return cells.reshape(-1, size, size)


def joint_counts(table: RatingTable, first: int, second: int) -> Floats:
    """How often the two raters chose each pair of categories [K, K]; items that one left out do not count."""
    a, b = table.codes_NR[:, first], table.codes_NR[:, second]
    both = (a != ABSENT) & (b != ABSENT)
    size = len(table.categories)
    cells = np.bincount(a[both] * size + b[both], minlength=size * size)
    return cells.reshape(size, size).astype(np.float64)


def kappas_of(cells_BKK: Floats, closeness_KK: Floats) -> Floats:
    """Cohen's kappa (1960; weighted 1968) of tables of two raters; NaN where both use one category only."""
    total_B = cells_BKK.sum(axis=(1, 2))
    rows_BK, columns_BK = cells_BKK.sum(axis=2), cells_BKK.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        observed_B = (cells_BKK * closeness_KK).sum(axis=(1, 2)) / total_B
        by_chance_B = ((rows_BK @ closeness_KK) * columns_BK).sum(axis=1) / total_B**2
        kappa = (observed_B - by_chance_B) / (1 - by_chance_B)
    return np.where(((rows_BK + columns_BK) > 0).sum(axis=1) > 1, kappa, np.nan)


def _standard_error(cells_KK: Floats, closeness_KK: Floats) -> float:
    total = cells_KK.sum()
    shares_KK = cells_KK / total
    rows_K, columns_K = shares_KK.sum(axis=1), shares_KK.sum(axis=0)
    observed = (shares_KK * closeness_KK).sum()
    by_chance = rows_K @ closeness_KK @ columns_K
    mean_by_row_K, mean_by_column_K = closeness_KK @ columns_K, rows_K @ closeness_KK
    spread_KK = closeness_KK * (1 - by_chance) - (mean_by_row_K[:, None] + mean_by_column_K) * (1 - observed)
    square = (shares_KK * spread_KK**2).sum() - (observed * by_chance - 2 * by_chance + observed) ** 2
    # rounding may leave a perfect table a little below zero
    return math.sqrt(max(0.0, float(square)) / total) / (1 - float(by_chance)) ** 2
