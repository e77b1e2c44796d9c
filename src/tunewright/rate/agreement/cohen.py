"""Cohen's kappa of each pair of raters, plain and weighted, with intervals."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
