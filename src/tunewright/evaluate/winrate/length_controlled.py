"""The win rate at equal length: AlpacaEval 2's generalized linear model (Dubois et al., COLM 2024).

Judges like long answers. The model explains each preference by the difference in length, by the instruction's
difficulty γ and by the model itself, η_i = w_len·tanh((len1_i − len2_i)/sd) + w_diff·γ_i + w_base, with no
intercept; the win rate is then read off with the first term left out. Answer 1 is the baseline's. `sd` is
that (ddof 1) of this model's raw differences, which are not centred.

Its fit is L1-regularized logistic regression on soft targets (every row twice, as a win and as a loss,
weighted by the preference), the strength found by cross-validation over rows. "Gamed" rows, a verbose and a
concise version of the baseline against itself, are added with a tenth of the weight each: they hold w_len
where a model's own lengths say little. Without difficulties the same fit has w_len and w_base only (the
γ-free form).

This lives apart from the length model that accepts single revisions (`coach.length_control`): that one has a
step and normal priors; this one must give the published numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tunewright.errors import DataError
from tunewright.evaluate.intervals import LEVEL, Interval

NUM_FOLDS = 5
STRENGTHS = np.logspace(-4, 4, 10)
GAMED_WEIGHT = 0.1
_SEED = 123  # liblinear visits coordinates in random order
_SMALLEST = 1e-15  # of a probability in the log loss
_FEWEST = 20  # comparisons, below which folds of rows say nothing
_Z = 1.959963984540054  # the 97.5 % point of the normal distribution
assert LEVEL == 0.95

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Weights:
    """The three coefficients; `difficulty` is 0 in the γ-free form."""

    length: float
    difficulty: float
    baseline: float


@dataclass(frozen=True, slots=True)
class Gamed:
    """Rows of the baseline against versions of itself: targets in [0, 1], lengths in standard deviations."""

    targets_G: Floats
    lengths_G: Floats
    difficulties_G: Floats


@dataclass(frozen=True, slots=True)
class LengthControlled:
    """Percent. `standard_error` is the published one: 100·sem of the terms, which is how much instructions
    differ under fixed weights; None without difficulties, where all terms are one. It does not know that
    weights are estimated. `sampling_error` does (None for given weights), and `interval` is ±1.96 of it, cut
    at 0 and 100.
    """

    win_rate: float
    standard_error: float | None
    weights: Weights
    strength: float | None = None  # C
    sampling_error: float | None = None
    interval: Interval | None = None


BASELINE_ITSELF = LengthControlled(50.0, 0.0, Weights(0.0, 0.0, 0.0))


def from_weights(weights: Weights, difficulties: ArrayLike | None) -> LengthControlled:
    """The win rate of published or fitted weights: 100·mean σ(w_diff·γ_i + w_base).

    With difficulties of no instruction it is a DataError; None is the γ-free form.
    """
    terms_N = _at_equal_length(weights, difficulties)
    error = None
    if terms_N.size > 1:
        error = 100 * float(terms_N.std(ddof=1)) / math.sqrt(terms_N.size)
    return LengthControlled(100 * float(terms_N.mean()), error, weights)


def fit_length_controlled(
    gains: ArrayLike,
    lengths_1: ArrayLike,
    lengths_2: ArrayLike,
    *,
    difficulties: ArrayLike | None = None,
    gamed: Gamed | None = None,
    present: ArrayLike | None = None,
    instructions: Sequence[str] | None = None,
) -> LengthControlled:
    """The fit for one model and its win rate at equal length.

    `gains` are preferences − 1, in [0, 1]; lengths are in characters. `present` marks the rows that have a
    preference: the others take no part in the fit, but their lengths count in sd and their difficulties in
    the mean, as published. `instructions` names what is drawn as one, for the sampling error: the turns and
    judges of one instruction say less than as many instructions (default: each row is one). Too few rows, or
    answers that are all of the same difference in length, are a DataError.
    """
    gain_N: Floats = np.asarray(gains, dtype=np.float64)
    there_N = np.ones(gain_N.size, dtype=bool) if present is None else np.asarray(present, dtype=bool)
    if int(there_N.sum()) < _FEWEST:
        raise DataError(
            f"{int(there_N.sum())} judged pairs with lengths are too few for a length-controlled win rate; "
            f"it needs {_FEWEST}"
        )
    if instructions is not None and len(set(instructions)) < 2:
        raise DataError("all judged pairs are of one instruction, which says nothing about others")
    features_NF = _features(lengths_1, lengths_2, difficulties)
    rows_MF, targets_M, weights_M = features_NF[there_N], gain_N[there_N], np.ones(int(there_N.sum()))
    if gamed is not None:
        gamed_GF = _gamed_features(gamed, with_difficulty=difficulties is not None)
        rows_MF = np.concatenate([gamed_GF, rows_MF])  # first, as published: folds go by row number
        targets_M = np.concatenate([gamed.targets_G, targets_M])
        weights_M = np.concatenate([np.full(len(gamed_GF), GAMED_WEIGHT), weights_M])
    strength = _cross_validated(rows_MF, targets_M, weights_M)
    found_F = _fit(rows_MF, targets_M, weights_M, strength)
    weights = Weights(
        float(found_F[0]), float(found_F[1]) if difficulties is not None else 0.0, float(found_F[-1])
    )
    plain = from_weights(weights, difficulties)
    influence_N = _influence(features_NF, gain_N, there_N, rows_MF, weights_M, found_F)
    error = _error_of_mean(influence_N, instructions)
    low, high = plain.win_rate - _Z * error, plain.win_rate + _Z * error
    return LengthControlled(
        plain.win_rate,
        plain.standard_error,
        weights,
        strength,
        error,
        Interval(max(low, 0.0), min(high, 100.0)),
    )


def _at_equal_length(weights: Weights, difficulties: ArrayLike | None) -> Floats:
    gamma_N = np.zeros(1) if difficulties is None else np.asarray(difficulties, dtype=np.float64)
    if gamma_N.size == 0:
        raise DataError("there is no instruction to average over, so there is no length-controlled win rate")
    return _sigmoid(weights.difficulty * gamma_N + weights.baseline)


def _features(lengths_1: ArrayLike, lengths_2: ArrayLike, difficulties: ArrayLike | None) -> Floats:
    """Rows of tanh(Δ/sd), γ (where given) and 1."""
    difference_N: Floats = np.asarray(lengths_1, dtype=np.float64) - np.asarray(lengths_2, dtype=np.float64)
    deviation = float(difference_N.std(ddof=1))
    if deviation == 0:
        raise DataError(
            "all answers differ from the baseline's by the same length: its effect cannot be told"
        )
    columns = [np.tanh(difference_N / deviation)]
    if difficulties is not None:
        columns.append(np.asarray(difficulties, dtype=np.float64))
    return np.stack([*columns, np.ones_like(difference_N)], axis=1)


def _gamed_features(gamed: Gamed, *, with_difficulty: bool) -> Floats:
    columns = [np.tanh(gamed.lengths_G)]
    if with_difficulty:
        columns.append(gamed.difficulties_G)
    return np.stack([*columns, np.zeros_like(gamed.lengths_G)], axis=1)


def _cross_validated(rows_MF: Floats, targets_M: Floats, weights_M: Floats) -> float:
    """The strength C with the smallest mean weighted log loss over the folds; of equals the smallest C."""
    from sklearn.model_selection import GroupKFold

    # the folds are those of the doubled rows, where both copies of a row are one group
    doubled = np.tile(np.arange(len(rows_MF)), 2)
    losses_SK = np.empty((len(STRENGTHS), NUM_FOLDS))
    folds = GroupKFold(NUM_FOLDS).split(doubled, groups=doubled)
    for fold, (train, test) in enumerate(folds):
        train_rows, test_rows = np.unique(doubled[train]), np.unique(doubled[test])
        for place, strength in enumerate(STRENGTHS):
            found_F = _fit(rows_MF[train_rows], targets_M[train_rows], weights_M[train_rows], strength)
            share_T = np.clip(_sigmoid(rows_MF[test_rows] @ found_F), _SMALLEST, 1 - _SMALLEST)
            target_T = targets_M[test_rows]
            loss_T = -(target_T * np.log(share_T) + (1 - target_T) * np.log(1 - share_T))
            losses_SK[place, fold] = float((weights_M[test_rows] * loss_T).mean())
    return float(STRENGTHS[int(losses_SK.mean(axis=1).argmin())])


def _fit(rows_MF: Floats, targets_M: Floats, weights_M: Floats, strength: float) -> Floats:
    """The coefficients that minimise ‖w‖₁ + C·Σ weight·cross-entropy, by liblinear."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(
        C=strength, l1_ratio=1.0, solver="liblinear", fit_intercept=False, random_state=_SEED
    )
    model.fit(
        np.concatenate([rows_MF, rows_MF]),
        np.repeat([1, 0], len(rows_MF)),
        sample_weight=np.concatenate([targets_M, 1 - targets_M]) * np.concatenate([weights_M, weights_M]),
    )
    return np.asarray(model.coef_[0], dtype=np.float64)


def _influence(
    features_NF: Floats,
    gain_N: Floats,
    there_N: NDArray[np.bool_],
    rows_MF: Floats,
    weights_M: Floats,
    found_F: Floats,
) -> Floats:
    """What each row adds to the rate, whose mean they are but for a constant [N].

    Its own term, and what its preference does to the weights (the sandwich of White 1982, through the
    gradient of the mean). The gamed rows are fixed. The penalty is left out, which is right where C is large,
    as it is in practice.
    """
    share_M = _sigmoid(rows_MF @ found_F)
    curvature_FF = (rows_MF.T * (weights_M * share_M * (1 - share_M))) @ rows_MF
    equal_NF = features_NF.copy()
    equal_NF[:, 0] = 0  # of equal length
    term_N = _sigmoid(equal_NF @ found_F)
    gradient_F = ((term_N * (1 - term_N))[:, None] * equal_NF).mean(axis=0)
    score_NF = np.where(there_N, gain_N - _sigmoid(features_NF @ found_F), 0.0)[:, None] * features_NF
    direction_F = np.linalg.lstsq(curvature_FF, gradient_F, rcond=None)[0]
    influence_N: Floats = term_N + len(term_N) * (score_NF @ direction_F)
    return influence_N


def _error_of_mean(values_N: Floats, groups: Sequence[str] | None) -> float:
    """The standard error of a mean, in points, when groups of values are drawn anew."""
    apart_N = values_N - values_N.mean()
    if groups is not None:
        apart_N = np.bincount(np.unique(np.asarray(groups), return_inverse=True)[1], weights=apart_N)
    num_groups = len(apart_N)
    return 100 * math.sqrt(float(apart_N @ apart_N) * num_groups / (num_groups - 1)) / len(values_N)


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(values / 2)))
