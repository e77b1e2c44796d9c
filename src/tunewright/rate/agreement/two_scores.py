"""Two scores of the same records: a model's beside people's, and before beside after."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tunewright.rate.criteria import CriteriaSet
from tunewright.rate.scores import bin_edges, bin_labels, bin_of
from tunewright.rate.summary import Interval, Share, Z, mean_interval, share_of

UNDEFINED = "undefined: no variation"


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a model's scores agree with people's on the records that have both.

    Coefficients are None where they are undefined; `problem` says why. `exact`, `close` and
    `quadratic_kappa` need both on one scale and are None where people scored outside the criteria's.
    """

    key: str
    num_pairs: int
    num_model_only: int
    num_human_only: int
    pearson: float | None
    pearson_interval: Interval | None
    spearman: float | None
    spearman_interval: Interval | None
    exact: Share | None
    close: Share | None
    close_within: float
    quadratic_kappa: float | None
    model_mean: float | None
    human_mean: float | None
    problem: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The scores of the same records before and after a change.

    `transitions[i][j]` counts records that went from row i to row j; rows are the bins and, last, "no
    score". The mean difference (after − before) is over records with both scores, the high-quality shares are
    over all matched records.
    """

    key: str
    num_matched: int
    num_only_before: int
    num_only_after: int
    num_both: int
    labels: tuple[str, ...]
    transitions: tuple[tuple[int, ...], ...]
    mean_before: float | None
    mean_after: float | None
    mean_difference: float | None
    mean_difference_interval: Interval | None
    num_better: int
    num_same: int
    num_worse: int
    high_before: Share
    high_after: Share


def agreement(
    key: str, model: Mapping[str, float | None], human: Mapping[str, float], criteria: CriteriaSet
) -> Agreement:
    """Agreement over the ids that both scored. `close` means at most a point apart, on scales longer than ten
    points a tenth of the scale."""
    scored = {id: score for id, score in model.items() if score is not None}
    ids = [id for id in scored if id in human]
    x = np.array([scored[id] for id in ids], dtype=np.float64)
    y = np.array([human[id] for id in ids], dtype=np.float64)
    length = criteria.scale.high - criteria.scale.low
    within = 1.0 if length <= 10 else length / 10
    on_scale = bool(((y >= criteria.scale.low) & (y <= criteria.scale.high)).all())
    apart = np.abs(x - y)
    r, rho = pearson(x, y), spearman(x, y)
    return Agreement(
        key=key,
        num_pairs=len(ids),
        num_model_only=len(scored) - len(ids),
        num_human_only=len(human) - len(ids),
        pearson=r,
        pearson_interval=_fisher(r, len(ids), 1.0),
        spearman=rho,
        # Bonett and Wright 2000: the variance of Fisher's z for ranks
        spearman_interval=_fisher(rho, len(ids), 1 + rho**2 / 2) if rho is not None else None,
        exact=share_of(int((apart < 1e-9).sum()), len(ids)) if on_scale else None,
        close=share_of(int((apart <= within + 1e-9).sum()), len(ids)) if on_scale else None,
        close_within=within,
        quadratic_kappa=quadratic_kappa(x, y) if on_scale else None,
        model_mean=float(x.mean()) if ids else None,
        human_mean=float(y.mean()) if ids else None,
        problem=_problem(x, y, on_scale),
    )


def pearson(x: ArrayLike, y: ArrayLike) -> float | None:
    """Pearson's correlation; None below two pairs or when one side does not vary."""
    a: NDArray[np.float64] = np.asarray(x, dtype=np.float64)
    b: NDArray[np.float64] = np.asarray(y, dtype=np.float64)
    if a.size < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    a, b = a - a.mean(), b - b.mean()
    return float(np.clip((a @ b) / math.sqrt((a @ a) * (b @ b)), -1, 1))


def spearman(x: ArrayLike, y: ArrayLike) -> float | None:
    """Spearman's correlation: Pearson's over ranks, where equal values share the mean of their ranks."""
    return pearson(_ranks(np.asarray(x, dtype=np.float64)), _ranks(np.asarray(y, dtype=np.float64)))


def quadratic_kappa(x: ArrayLike, y: ArrayLike) -> float | None:
    """Cohen's kappa with quadratic weights, 1 − Σ w·observed / Σ w·expected.

    In the form 1 − mean (xᵢ−yᵢ)² / mean (xᵢ−yⱼ)² over all i, j, which is the same for whole categories and
    needs no rounding of expected scores. None when neither side varies and both agree, or without pairs.
    """
    a: NDArray[np.float64] = np.asarray(x, dtype=np.float64)
    b: NDArray[np.float64] = np.asarray(y, dtype=np.float64)
    if a.size == 0:
        return None
    by_chance = float(a.var() + b.var() + (a.mean() - b.mean()) ** 2)
    return None if by_chance == 0 else 1 - float(((a - b) ** 2).mean()) / by_chance


def compare(
    key: str,
    before: Mapping[str, float | None],
    after: Mapping[str, float | None],
    criteria: CriteriaSet,
) -> Comparison:
    """Before against after, matched by id."""
    ids = [id for id in before if id in after]
    edges = bin_edges(criteria)
    labels = (*bin_labels(edges), "no score")
    table = [[0] * len(labels) for _ in labels]
    pairs: list[tuple[float, float]] = []
    for id in ids:
        old, new = before[id], after[id]
        table[_row(old, edges)][_row(new, edges)] += 1
        if old is not None and new is not None:
            pairs.append((old, new))
    differences = [new - old for old, new in pairs]
    return Comparison(
        key=key,
        num_matched=len(ids),
        num_only_before=len(before) - len(ids),
        num_only_after=len(after) - len(ids),
        num_both=len(pairs),
        labels=labels,
        transitions=tuple(tuple(row) for row in table),
        mean_before=_mean([old for old, _ in pairs]),
        mean_after=_mean([new for _, new in pairs]),
        mean_difference=_mean(differences),
        mean_difference_interval=mean_interval(differences),
        num_better=sum(difference > 0 for difference in differences),
        num_same=sum(difference == 0 for difference in differences),
        num_worse=sum(difference < 0 for difference in differences),
        high_before=_high([before[id] for id in ids], criteria),
        high_after=_high([after[id] for id in ids], criteria),
    )


def _row(score: float | None, edges: Sequence[float]) -> int:
    return len(edges) - 1 if score is None else bin_of(score, edges)


def _high(scores: Sequence[float | None], criteria: CriteriaSet) -> Share:
    return share_of(sum(score is not None and score >= criteria.high_from for score in scores), len(scores))


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: NDArray[np.float64] = ((last - counts + 1 + last) / 2)[inverse]
    return ranks


def _fisher(r: float | None, num_pairs: int, variance: float) -> Interval | None:
    """The interval by Fisher's z; None below four pairs, and at ±1, where z is infinite."""
    if r is None or num_pairs < 4 or abs(r) >= 1:
        return None
    half = Z * math.sqrt(variance / (num_pairs - 3))
    return Interval(math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half))


def _problem(x: NDArray[np.float64], y: NDArray[np.float64], on_scale: bool) -> str:
    if x.size < 2:
        return "undefined: fewer than two records have both scores"
    problems = [
        f"{UNDEFINED} in the {who} scores"
        for who, values in (("model's", x), ("human", y))
        if np.ptp(values) == 0
    ]
    if not on_scale:
        problems.append("people scored outside the criteria's scale: only correlations are given")
    return "; ".join(problems)
