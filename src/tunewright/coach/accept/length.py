"""How much of a judge's preference is for length, fitted over the whole set of comparisons.

As in AlpacaEval's length-controlled win rate (Dubois et al., COLM 2024, arXiv 2404.04475) a logistic model of
the preference has a term for quality and one for the difference in length; then the latter is taken away.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Standard deviations of the normal priors. Where the data cannot tell length from quality, as when every
# revision is longer and every one wins, the narrower prior leaves the wins to length: in doubt, rejected.
_QUALITY_PRIOR = 0.5
_LENGTH_PRIOR = 5.0
_MOST_STEPS = 100
_TOLERANCE = 1e-9


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

    def of(self, difference_chars: float) -> float:
        """How much of a preference in [0, 1] is the difference's: σ with the length terms minus σ without."""
        sign, bent = _features(difference_chars, self.scale_chars)
        return _sigmoid(self.quality + self.step * sign + self.slope * bent) - _sigmoid(self.quality)


def fit_length(preferences: Sequence[float], differences_chars: Sequence[float]) -> LengthEffect:
    """The most likely model with the priors, by Newton's method; for nothing at all one without effect.

    `preferences` are in [0, 1], 1 where the revised version won.
    """
    assert len(preferences) == len(differences_chars), "one difference per comparison"
    if not preferences:
        return LengthEffect(0.0, 0.0, 0.0, 1.0)
    scale = math.sqrt(sum(one * one for one in differences_chars) / len(differences_chars)) or 1.0
    X_NF = np.array([(1.0, *_features(one, scale)) for one in differences_chars])
    y_N = np.asarray(preferences, dtype=np.float64)
    precision_F = 1 / np.array([_QUALITY_PRIOR, _LENGTH_PRIOR, _LENGTH_PRIOR]) ** 2
    weights_F = np.zeros(3)
    for _ in range(_MOST_STEPS):
        p_N = _sigmoids(X_NF @ weights_F)
        gradient_F = X_NF.T @ (y_N - p_N) - precision_F * weights_F
        curvature_FF = (X_NF.T * (p_N * (1 - p_N))) @ X_NF + np.diag(precision_F)
        step_F = np.linalg.solve(curvature_FF, gradient_F)
        step_F *= min(
            1.0, 2.0 / float(np.abs(step_F).max(initial=2.0))
        )  # far from the end, whole steps overshoot
        weights_F = weights_F + step_F
        if float(np.abs(step_F).max()) < _TOLERANCE:
            break
    quality, step, slope = (float(one) for one in weights_F)
    return LengthEffect(quality, step, slope, scale)


def _features(difference: float, scale: float) -> tuple[float, float]:
    return float(np.sign(difference)), math.tanh(difference / scale)


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))


def _sigmoids(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * (1 + np.tanh(values / 2)))
