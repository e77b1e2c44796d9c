"""Agreement of any number of raters from how many of them put each item into each category.

Axes: B blocks of resampled items (or one row: the items themselves), M patterns, K categories. A pattern is a
distinct row of category counts; `weights_BM` says how often it occurs. Items with one rating count where the
literature lets them (category shares), never as agreement.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Patterns:
    """Distinct category counts of items, and what every coefficient needs of them.

    What a pattern cannot tell is 0, so that it adds nothing to a sum over patterns.
    """

    def __init__(self, counts_MK: Floats) -> None:
        self.counts_MK = counts_MK
        self.ratings_M: Floats = counts_MK.sum(axis=1)
        self.is_rated_M = (self.ratings_M >= 1).astype(np.float64)
        self.is_pairable_M = (self.ratings_M >= 2).astype(np.float64)
        self.pairable_MK = counts_MK * self.is_pairable_M[:, None]
        self.shares_MK = counts_MK / np.maximum(self.ratings_M, 1)[:, None]
        self.others_M = np.maximum(self.ratings_M - 1, 1)  # how many ratings each rating is compared with

    def shares(self, weights_BM: Floats) -> Floats:
        """Mean over items with any rating of the share of its ratings in each category (Gwet 2014, π)."""
        with np.errstate(invalid="ignore"):  # without its only item a table is empty
            shares: Floats = weights_BM @ self.shares_MK / (weights_BM @ self.is_rated_M)[:, None]
        return shares

    def agreement(self, weights_BM: Floats, closeness_KK: Floats) -> Floats:
        """Mean over pairable items of the closeness of two different raters' categories."""
        counts = self.pairable_MK
        close = (counts * (counts @ closeness_KK - np.diag(closeness_KK))).sum(axis=1)
        per_item_M = close / (np.maximum(self.ratings_M, 1) * self.others_M)
        with np.errstate(invalid="ignore"):  # a replicate may have drawn no pairable item
            agreement: Floats = weights_BM @ per_item_M / (weights_BM @ self.is_pairable_M)
        return agreement


def closeness(scores_K: Floats, weighting: str) -> Floats:
    """How close two categories are, from 0 (the ends of the scale) to 1 (the same) [K, K].

    `nominal`: 1 on the diagonal only; `linear`: 1 − |difference| / range; `quadratic`: 1 − its square
    (Cohen 1968; Fleiss and Cohen 1973). Distances are between the scores, not between their places.
    """
    if weighting == "nominal" or len(scores_K) == 1:
        return np.eye(len(scores_K))
    distance = np.abs(scores_K[:, None] - scores_K[None, :]) / (scores_K.max() - scores_K.min())
    result: Floats = 1 - (distance if weighting == "linear" else distance**2)
    return result


def percent(patterns: Patterns, weights_BM: Floats) -> Floats:
    """The share of pairs of ratings of one item that are equal, averaged over items."""
    return patterns.agreement(weights_BM, np.eye(patterns.counts_MK.shape[1]))


def fleiss(patterns: Patterns, weights_BM: Floats) -> Floats:
    """Fleiss' kappa (1971); with unequal numbers of ratings in the form of Gwet (2014, eq. 2.14)."""
    shares_BK = patterns.shares(weights_BM)
    by_chance_B = (shares_BK**2).sum(axis=1)
    kappa = _beyond_chance(percent(patterns, weights_BM), by_chance_B)
    return np.where((shares_BK > 0).sum(axis=1) > 1, kappa, np.nan)


def gwet(patterns: Patterns, weights_BM: Floats, closeness_KK: Floats) -> Floats:
    """Gwet's AC1 (nominal closeness; 2008) or AC2 (Gwet 2014, eq. 4.25).

    Chance agreement is T/(K(K−1)) · Σ π(1−π), T the sum of all closeness: it depends on how many categories
    raters could choose from. Undefined only with one category.
    """
    size = len(closeness_KK)
    if size == 1:
        return np.full(len(weights_BM), np.nan)
    shares_BK = patterns.shares(weights_BM)
    by_chance_B = closeness_KK.sum() / (size * (size - 1)) * (shares_BK * (1 - shares_BK)).sum(axis=1)
    return _beyond_chance(patterns.agreement(weights_BM, closeness_KK), by_chance_B)


def alpha(patterns: Patterns, weights_BM: Floats, scores_K: Floats, metric: str) -> Floats:
    """Krippendorff's alpha, 1 − observed / expected disagreement (Krippendorff 2019, ch. 12).

    Only pairable items count. Ordinal distance is the difference of the categories' middle ranks among
    the ratings, so it is the interval metric on ranks: no K × K table of coincidences is needed, and scales
    of a hundred points cost no more than five.
    """
    counts, ratings, others = patterns.pairable_MK, patterns.ratings_M, patterns.others_M
    totals_BK = weights_BM @ counts
    num_B = totals_BK.sum(axis=1)
    if metric == "nominal":
        observed_B = weights_BM @ ((ratings**2 - (counts**2).sum(axis=1)) * patterns.is_pairable_M / others)
        expected_B = num_B**2 - (totals_BK**2).sum(axis=1)
    elif metric == "interval":
        centred_K = scores_K - scores_K.mean()
        sums, squares = counts @ centred_K, counts @ centred_K**2
        observed_B = weights_BM @ (2 * (ratings * squares - sums**2) / others)
        expected_B = 2 * (num_B * (totals_BK @ centred_K**2) - (totals_BK @ centred_K) ** 2)
    else:
        assert metric == "ordinal", metric
        # middle ranks as shares around 0: nothing large is subtracted from large
        with np.errstate(invalid="ignore"):
            ranks_BK = (np.cumsum(totals_BK, axis=1) - totals_BK / 2) / num_B[:, None] - 0.5
        squares_B = ((weights_BM @ (counts * (ratings / others)[:, None])) * ranks_BK**2).sum(axis=1)
        sums_BM = ranks_BK @ counts.T
        observed_B = 2 * (squares_B - np.einsum("bm,bm,bm->b", weights_BM, sums_BM, sums_BM / others))
        totals_of_ranks_B = (totals_BK * ranks_BK).sum(axis=1)
        expected_B = 2 * (num_B * (totals_BK * ranks_BK**2).sum(axis=1) - totals_of_ranks_B**2)
    with np.errstate(invalid="ignore", divide="ignore"):
        alpha = 1 - (num_B - 1) * observed_B / expected_B
    return np.where((totals_BK > 0).sum(axis=1) > 1, alpha, np.nan)


def _beyond_chance(observed_B: Floats, by_chance_B: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        result: Floats = (observed_B - by_chance_B) / (1 - by_chance_B)
    return result
