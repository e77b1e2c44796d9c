"""Length, measured once for all: how long both versions of a record are, and what a preference owes to it.

Judges and raters like length, and revising makes texts longer. Every place that takes length out (win rates,
rating gains, acceptance) uses the measure and the model of this module, so that none calls "of equal length"
what another calls longer.

As in AlpacaEval's length-controlled win rate (Dubois et al., COLM 2024, arXiv 2404.04475) a logistic model of
the preference has a term for quality and one for the difference in length; then the latter is taken away.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tunewright.coach.revision import Revision

NEAR = 0.1  # lengths within 10 % of the longer count as about equal
# Standard deviations of the normal priors. For a report the one of quality is so wide that 20 wins of 20
# still give 97 %. For accepting single revisions it is narrow: where the data cannot tell length from quality
# (every revision is longer and every one wins), the wins are left to length. In doubt, rejected.
REPORT_PRIOR = 3.0
CAUTIOUS_PRIOR = 0.5
_LENGTH_PRIOR = 5.0
_MOST_STEPS = 100
_TOLERANCE = 1e-9

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lengths:
    """Characters of the two versions of a record, in the fields that differ: what both share is shown to a
    judge once and makes neither longer."""

    before: int
    after: int

    @property
    def difference(self) -> int:
        """How much longer the revised version is."""
        return self.after - self.before

    @property
    def is_near(self) -> bool:
        """Whether both are about equally long."""
        return abs(self.difference) <= NEAR * max(self.before, self.after)


def lengths(revision: Revision) -> Lengths:
    """The lengths of what was changed, explanation and all; 0 and 0 for an unchanged pair."""
    names = revision.changed
    before = sum(len(getattr(revision.original, name)) for name in names)
    return Lengths(before, sum(len(getattr(revision.revised, name)) for name in names))


def scale_of(differences_chars: ArrayLike) -> float:
    """The root mean square of the differences, which is one unit of `bent`; 1 where there is none."""
    differences: Floats = np.asarray(differences_chars, dtype=np.float64)
    return (math.sqrt(float(np.mean(differences**2))) if differences.size else 0.0) or 1.0


def bent(differences_chars: ArrayLike, scale_chars: float) -> Floats:
    """tanh(Δ/scale): twice as long is not twice as good, and one very long text does not bend a line."""
    return np.tanh(np.asarray(differences_chars, dtype=np.float64) / scale_chars)


def has_both_sides(differences_chars: ArrayLike) -> bool:
    """Whether equal length lies within the data: some revisions are no longer and some no shorter, and they
    differ. Outside of it a fit says nothing there."""
    differences = np.asarray(differences_chars)
    return bool(np.ptp(differences) > 0 and differences.min() <= 0 <= differences.max())


@dataclass(frozen=True, slots=True)
class LengthEffect:
    """The fitted model: P(revised preferred) = σ(quality + step·sign(Δ) + slope·tanh(Δ/scale_chars)).

    Δ is the revised version's length minus the original's, in characters; `scale_chars` its root mean square.
    The step is ours: a judge that takes the longer text takes it however little longer it is, which tanh
    alone cannot follow.
    """

    quality: float
    step: float
    slope: float
    scale_chars: float

    @property
    def rate(self) -> float:
        """The share of preferences that the revised version has at equal length, σ(quality)."""
        return float(_sigmoid(self.quality))

    def of(self, difference_chars: float) -> float:
        """How much of a preference in [0, 1] is the difference's: σ with the length terms minus σ without."""
        features_F = _features([difference_chars], self.scale_chars)[0]
        return float(_sigmoid(features_F @ [self.quality, self.step, self.slope])) - self.rate


def fit_length(
    preferences: Sequence[float] | Floats,
    differences_chars: Sequence[float] | Floats,
    *,
    quality_prior: float,
    weights: ArrayLike | None = None,
) -> LengthEffect:
    """The most likely model with normal priors, by Newton's method; for nothing at all one without effect.

    `preferences` are in [0, 1], 1 where the revised version won. `weights` say how often each comparison
    counts (default: once), which is how a bootstrap draws; the scale is that of all, drawn or not.
    """
    assert len(preferences) == len(differences_chars), "one difference per comparison"
    if not len(preferences):
        return LengthEffect(0.0, 0.0, 0.0, 1.0)
    scale = scale_of(differences_chars)
    X_NF = _features(differences_chars, scale)
    y_N: Floats = np.asarray(preferences, dtype=np.float64)
    times_N: Floats = np.ones_like(y_N) if weights is None else np.asarray(weights, dtype=np.float64)
    precision_F = 1 / np.array([quality_prior, _LENGTH_PRIOR, _LENGTH_PRIOR]) ** 2
    weights_F = np.zeros(3)
    for _ in range(_MOST_STEPS):
        p_N = _sigmoid(X_NF @ weights_F)
        gradient_F = X_NF.T @ (times_N * (y_N - p_N)) - precision_F * weights_F
        curvature_FF = (X_NF.T * (times_N * p_N * (1 - p_N))) @ X_NF + np.diag(precision_F)
        step_F = np.linalg.solve(curvature_FF, gradient_F)
        size = float(np.abs(step_F).max())
        weights_F = weights_F + step_F * min(1.0, 2.0 / max(size, 2.0))  # far off, whole steps overshoot
        if size < _TOLERANCE:
            break
    quality, step, slope = (float(one) for one in weights_F)
    return LengthEffect(quality, step, slope, scale)


def _features(differences_chars: ArrayLike, scale_chars: float) -> Floats:
    """A row of 1, sign(Δ) and tanh(Δ/scale) per difference."""
    differences: Floats = np.asarray(differences_chars, dtype=np.float64)
    columns = [np.ones_like(differences), np.sign(differences), bent(differences, scale_chars)]
    return np.stack(columns, axis=1)


def _sigmoid(values: ArrayLike) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(np.asarray(values, dtype=np.float64) / 2)))
