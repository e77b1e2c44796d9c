"""An objective as columns of numbers: labels where a tool takes only those, else weights.

A trainer divides the sum of a step by the number of its labels. So labels alone are enough exactly when every
labelled token weighs the same after that division; anything else needs a weight for every token and, for
every row, what it adds to the divisor: the loss of a step is Σ weight·nll / Σ divisor over its rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tunewright.tune.examples import Example
from tunewright.tune.objective import Normalisation, Objective

IGNORED = -100  # the label of a token without loss, in every tool


@dataclass(frozen=True, slots=True)
class Target:
    """Of one row: `labels` int64 with -100 where the weight is 0, `weights` float32, and its `divisor`.

    A divisor of 0 in all rows of a step stands for 1, as under the normalisation `sum`.
    """

    labels: NDArray[np.int64]
    weights: NDArray[np.float32]
    divisor: float

    @property
    def num_labels(self) -> int:
        return int(np.count_nonzero(self.weights))


def why_not_labels_of(examples: Sequence[Example]) -> str:
    """Why the records' own weights cannot be labels, naming one that is not 0 or 1; '' when they can."""
    for example in examples:
        if example.weight not in (0.0, 1.0):
            return f"record {example.id} has the weight {example.weight:g}, and a label is there or it is not"
    return ""


def target_of(example: Example, objective: Objective) -> Target:
    """The row's columns: for any rows, Σ weight·nll / Σ divisor is the loss that `Objective` gives them."""
    of_examples = objective.normalisation in (Normalisation.EXAMPLE_MEAN, Normalisation.OUTPUT_PRESERVING)
    # alone in a step, an example's coefficients hold its own divisors, and what is left is to count examples
    alone = objective if of_examples else replace(objective, normalisation=Normalisation.SUM)
    weights = alone.coefficients([example.roles], [example.weight])[0].astype(np.float32)
    num_weighted = int(np.count_nonzero(weights))
    match objective.normalisation:
        case Normalisation.TOKEN_MEAN:
            divisor = float(num_weighted)
        case Normalisation.WEIGHT_MEAN:
            divisor = float(weights.sum(dtype=np.float64))
        case Normalisation.SUM:
            divisor = 0.0
        case Normalisation.EXAMPLE_MEAN | Normalisation.OUTPUT_PRESERVING:
            divisor = float(num_weighted > 0)
    return Target(np.where(weights != 0, example.ids, IGNORED), weights, divisor)
