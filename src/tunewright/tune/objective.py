"""Where the loss goes: a weight for every role, and what the sum is divided by.

Instruction tuning (IT) puts loss on the answer; instruction modelling (IM) on the instruction too, never
on template tokens (Shi et al. 2024, arXiv 2405.14394, Eq. 2 and 4). A fractional weight on the prompt lies
between them (PLW, arXiv 2401.13586). The normalisation is as much a part of the objective as the weights:
under `example_mean` an output token weighs 1/(m+n) with IM and 1/n with IT (m instruction, n output tokens).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from tunewright.errors import RecipeError
from tunewright.tune.conversation import Role

PROMPT_ROLES = (Role.INSTRUCTION, Role.INPUT)
ANSWER_ROLES = (Role.OUTPUT, Role.EXPLANATION, Role.EOS)


class Normalisation(StrEnum):
    """The divisor D of the loss Σ w·nll / D, always over one whole optimizer step.

    - `token_mean`: the number of tokens with a non-zero weight.
    - `example_mean`: every example's own mean over its weighted tokens, then the mean over examples
      (what the released Instruction Modelling code does, with micro-batches of one).
    - `sum`: 1, as the paper's equations are written.
    """

    TOKEN_MEAN = "token_mean"
    EXAMPLE_MEAN = "example_mean"
    SUM = "sum"


@dataclass(frozen=True)
class Objective:
    """A named role → weight map with its normalisation; roles not in the map have weight 0."""

    name: str
    weights: Mapping[Role, float]
    normalisation: Normalisation

    def token_weights(self, roles: NDArray[np.int8]) -> NDArray[np.float32]:
        """The weight of each token as a *target*, float32, same length as `roles`.

        Token t is predicted from t−1, so position 0 is never a target, whatever its role.
        """
        table = np.zeros(len(Role), dtype=np.float32)
        for role, weight in self.weights.items():
            table[role] = weight
        weights = table[roles]
        weights[:1] = 0.0
        return weights

    def coefficients(self, weights: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """The factor of each token's nll in the loss of one optimizer step, given all its documents' weights.

        Documents without any weighted token contribute nothing and do not count in `example_mean`.
        """
        match self.normalisation:
            case Normalisation.SUM:
                return weights
            case Normalisation.TOKEN_MEAN:
                divisor = max(sum(int(np.count_nonzero(document)) for document in weights), 1)
                return [document / np.float32(divisor) for document in weights]
            case Normalisation.EXAMPLE_MEAN:
                counts = [int(np.count_nonzero(document)) for document in weights]
                examples = max(sum(count > 0 for count in counts), 1)
                return [
                    document / np.float32(max(count, 1) * examples)
                    for document, count in zip(weights, counts, strict=True)
                ]

    def effective_output_share(self, roles: list[NDArray[np.int8]]) -> float:
        """The share of the loss' weight that lies on answer tokens, over a data set taken as one step.

        1.0 under IT; under IM it tells how much of the training signal is left for the answers.
        """
        weights = self.coefficients([self.token_weights(document) for document in roles])
        total = sum(float(document.sum(dtype=np.float64)) for document in weights)
        answers = sum(
            float(document[np.isin(role, ANSWER_ROLES)].sum(dtype=np.float64))
            for document, role in zip(weights, roles, strict=True)
        )
        if total == 0:
            raise RecipeError(f"objective {self.name} gives no token of this data any weight")
        return answers / total


def parse_objective(text: str, *, normalisation: str = Normalisation.TOKEN_MEAN) -> Objective:
    """`it`, `im`, or a prompt weight λ: `im:0.3` (or `plw:0.3`) with the prompt weighted λ, answers 1.

    λ=0 is IT and λ=1 is IM, bit for bit, because the weights are the same numbers.
    """
    name, _, number = text.partition(":")
    if name not in ("it", "im", "plw") or (name == "it" and ":" in text) or (":" in text and not number):
        raise RecipeError(f"objective {text!r} is not known; use it, im, or im:WEIGHT such as im:0.3")
    if name == "it":
        prompt_weight = 0.0
    elif name == "plw" or number:
        try:
            prompt_weight = float(number)
        except ValueError:
            prompt_weight = float("nan")
        if not 0 <= prompt_weight < float("inf"):
            raise RecipeError(f"objective {text!r}: the prompt weight must be a number ≥ 0, got {number!r}")
    else:
        prompt_weight = 1.0
    weights = dict.fromkeys(ANSWER_ROLES, 1.0)
    weights |= {role: prompt_weight for role in PROMPT_ROLES if prompt_weight}
    try:
        divisor = Normalisation(normalisation)
    except ValueError:
        known = ", ".join(Normalisation)
        raise RecipeError(f"normalisation {normalisation!r} is not known; use one of {known}") from None
    return Objective(text, weights, divisor)
