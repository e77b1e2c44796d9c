"""How far raters of the same items agree: every usual coefficient, its interval, the prevalence.

No single number will do. 96 % of equal ratings can go with a kappa of .31 and an AC1 of .96 when nearly all
items are of one kind, so a report shows percent, chance-corrected coefficients and prevalence together.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunewright.errors import DataError
from tunewright.rate.agreement import coefficients as of
from tunewright.rate.agreement.coefficients import Patterns, closeness
from tunewright.rate.agreement.cohen import PairKappa, mean_kappas, pair_kappas
from tunewright.rate.agreement.resample import (
    REPLICATES,
    accelerated_interval,
    pattern_weights,
    weights_without_each,
)
from tunewright.rate.agreement.table import ABSENT, RatingTable, Value
from tunewright.rate.summary import Interval, wilson

Floats = NDArray[np.float64]

NO_VARIATION = "undefined: no variation"
ONE_CATEGORY = "undefined: one category; give the whole scale"
MOST_RATERS_IN_PAIRS = 12  # 66 pairs; beyond, a mean over pairs says less than alpha and costs more
MOST_CATEGORIES = 101  # a scale from 0 to 100; with more, equal ratings are a matter of chance
_MOST_UNDEFINED = 0.05  # of the replicates; an interval over the rest would be of other data


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One measure of agreement. `value` is None where it is undefined, `interval` where there is none;
    `problem` says why."""

    name: str  # percent, cohen, fleiss, alpha, ac1, ac2
    weighting: str  # nominal, linear, quadratic; for alpha nominal, ordinal, interval
    value: float | None
    interval: Interval | None
    method: str  # of the interval
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RaterAgreement:
    """What several raters' ratings of the same items say about their agreement."""

    num_items: int
    num_pairable: int  # items with two ratings or more; the others show no agreement
    num_ratings: int
    num_raters: int
    num_clusters: int
    categories: tuple[Value, ...]
    prevalence: tuple[float, ...]  # the share of all ratings in each category
    prevalence_by_rater: Mapping[str, tuple[float, ...]]
    coefficients: tuple[Coefficient, ...]
    pairs: tuple[PairKappa, ...]
    notes: tuple[str, ...]

    def get(self, name: str, weighting: str = "nominal") -> Coefficient:
        """The coefficient of that name and weighting; KeyError when it was not computed."""
        for one in self.coefficients:
            if (one.name, one.weighting) == (name, weighting):
                return one
        raise KeyError(f"{name} {weighting}")


def measure_agreement(
    table: RatingTable, *, replicates: int = REPLICATES, seed: int = 0, where: str = "ratings"
) -> RaterAgreement:
    """All coefficients of a table: percent, Cohen (mean over pairs), Fleiss, Krippendorff's alpha, Gwet.

    Weighted and ordered ones are left out where categories are texts, all but alpha's where there are more
    than `MOST_CATEGORIES` numbers. Missing ratings are left out, never
    filled in. Ratings that are all equal give percent 1 and, for chance-corrected measures, "undefined: no
    variation"; AC1 is 1 then if the scale has other categories. Intervals are of a bootstrap over clusters
    (bias-corrected and accelerated), Wilson's for a percentage of 100. DataError when no item has two
    ratings.
    """
    counts_NK = table.counts()
    pairable_N = counts_NK.sum(axis=1) >= 2
    if not pairable_N.any():
        raise DataError(
            f"{where}: none of {len(table.items):,} items has ratings by two raters: there is no agreement "
            f"to measure; {'there is only one rater' if len(table.raters) == 1 else 'let raters overlap'}"
        )
    coefficients = [*_pooled(table, counts_NK, replicates, seed), *_cohen(table, replicates, seed)]
    order = {name: place for place, name in enumerate(("percent", "cohen", "fleiss", "alpha", "ac1", "ac2"))}
    coefficients.sort(key=lambda one: order[one.name])
    totals_K = counts_NK.sum(axis=0)
    return RaterAgreement(
        num_items=len(table.items),
        num_pairable=int(pairable_N.sum()),
        num_ratings=int(totals_K.sum()),
        num_raters=len(table.raters),
        num_clusters=int(table.cluster_N.max()) + 1,
        categories=table.categories,
        prevalence=tuple((totals_K / totals_K.sum()).tolist()),
        prevalence_by_rater=_by_rater(table),
        coefficients=tuple(coefficients),
        pairs=tuple(itertools.chain.from_iterable(_pairs(table))),
        notes=_notes(table, int(pairable_N.sum())),
    )


def _weightings(table: RatingTable) -> tuple[str, ...]:
    if _is_fine(table):
        return ()
    return ("nominal", "linear", "quadratic") if table.is_numeric else ("nominal",)


def _is_fine(table: RatingTable) -> bool:
    """Whether ratings are measurements rather than choices, so that only distances between them say much."""
    return table.is_numeric and len(table.categories) > MOST_CATEGORIES


def _scores(table: RatingTable) -> Floats:
    if table.is_numeric:
        return np.array(table.categories, dtype=np.float64)
    return np.arange(len(table.categories), dtype=np.float64)


def _pooled(
    table: RatingTable, counts_NK: NDArray[np.int64], replicates: int, seed: int
) -> Iterator[Coefficient]:
    """The coefficients that only ask how many raters chose each category."""
    scores_K = _scores(table)
    distinct, pattern_N = np.unique(counts_NK, axis=0, return_inverse=True)
    patterns = Patterns(distinct.astype(np.float64))
    measures: dict[tuple[str, str], Callable[[Floats], Floats]] = {}
    metrics = ["ordinal", "interval"] if table.is_numeric else []
    if not _is_fine(table):
        metrics = ["nominal", *metrics]
        measures["percent", "nominal"] = lambda weights: of.percent(patterns, weights)
        measures["fleiss", "nominal"] = lambda weights: of.fleiss(patterns, weights)
    for metric in metrics:
        measures["alpha", metric] = lambda weights, metric=metric: of.alpha(  # type: ignore[misc]
            patterns, weights, scores_K, metric
        )
    for weighting in _weightings(table):
        close = closeness(scores_K, weighting)
        name = "ac1" if weighting == "nominal" else "ac2"
        measures[name, weighting] = lambda weights, close=close: of.gwet(  # type: ignore[misc]
            patterns, weights, close
        )
    pattern_N = pattern_N.reshape(-1)
    whole = np.bincount(pattern_N, minlength=len(distinct)).astype(np.float64)[None]
    drawn: dict[tuple[str, str], list[Floats]] = {key: [] for key in measures}
    for weights in pattern_weights(pattern_N, table.cluster_N, replicates=replicates, seed=seed):
        for key, measure in measures.items():
            drawn[key].append(measure(weights))
    without = weights_without_each(pattern_N, table.cluster_N)
    num_pairable = int((whole @ patterns.is_pairable_M)[0])
    for key, measure in measures.items():
        value = float(measure(whole)[0])
        left_out = None if without is None else measure(without)
        yield _coefficient(*key, value, np.concatenate(drawn[key]), left_out, table, num_pairable)


def _cohen(table: RatingTable, replicates: int, seed: int) -> Iterator[Coefficient]:
    """The mean kappa over pairs of raters (Light 1971): with two raters, Cohen's kappa itself."""
    if _has_pairs(table):
        close = {weighting: closeness(_scores(table), weighting) for weighting in _weightings(table)}
        for weighting, means in mean_kappas(table, close, replicates=replicates, seed=seed).items():
            value, drawn, left_out = means
            yield _coefficient("cohen", weighting, value, drawn, left_out, table, len(table.items))


def _has_pairs(table: RatingTable) -> bool:
    """Whether a table of two raters' categories is worth its room."""
    return 2 <= len(table.raters) <= MOST_RATERS_IN_PAIRS and len(table.categories) <= MOST_CATEGORIES


def _coefficient(
    name: str,
    weighting: str,
    value: float,
    replicated: Floats,
    left_out: Floats | None,
    table: RatingTable,
    num_pairable: int,
) -> Coefficient:
    if np.isnan(value):
        problem = ONE_CATEGORY if name in ("ac1", "ac2") else NO_VARIATION
        return Coefficient(name, weighting, None, None, "", problem)
    defined = replicated[~np.isnan(replicated)]
    if name == "percent" and value == 1:
        return Coefficient(name, weighting, value, wilson(num_pairable, num_pairable), "Wilson over items")
    if len(defined) < (1 - _MOST_UNDEFINED) * len(replicated):
        share = 1 - len(defined) / len(replicated)
        problem = f"no interval: {share:.0%} of the resamples have no variation"
        return Coefficient(name, weighting, value, None, "", problem)
    if np.ptp(defined) == 0:
        return Coefficient(name, weighting, value, None, "", "no interval: no resample differs")
    interval = accelerated_interval(value, defined, left_out, int(table.cluster_N.max()) + 1)
    return Coefficient(name, weighting, value, interval, "bootstrap, bias-corrected and accelerated")


def _pairs(table: RatingTable) -> Iterator[Iterator[PairKappa]]:
    if _has_pairs(table):
        for weighting in _weightings(table):
            yield pair_kappas(table, closeness(_scores(table), weighting), weighting)


def _by_rater(table: RatingTable) -> dict[str, tuple[float, ...]]:
    size = len(table.categories)
    shares = {}
    for column, rater in enumerate(table.raters):
        codes = table.codes_NR[:, column]
        counts = np.bincount(codes[codes != ABSENT], minlength=size)
        shares[rater] = tuple((counts / counts.sum()).tolist())
    return shares


def _notes(table: RatingTable, num_pairable: int) -> tuple[str, ...]:
    notes = []
    if num_pairable < len(table.items):
        notes.append(
            f"{len(table.items) - num_pairable:,} of {len(table.items):,} items have one rating only: they "
            "show prevalence, not agreement"
        )
    for rater, shares in _by_rater(table).items():
        if max(shares) == 1 and len(table.categories) > 1:
            value = table.categories[shares.index(1.0)]
            value = value if isinstance(value, str) else f"{value:g}"
            notes.append(f"rater {rater} gave {value} to every item: kappa with that rater is 0 or undefined")
    if _is_fine(table):
        notes.append(f"more than {MOST_CATEGORIES} values: only what counts their distances is given")
    if len(table.raters) > MOST_RATERS_IN_PAIRS:
        notes.append(f"more than {MOST_RATERS_IN_PAIRS} raters: Cohen's kappa of pairs is not given")
    return tuple(notes)
