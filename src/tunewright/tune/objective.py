"""Where the loss goes: a weight for every role, and what the weighted sum is divided by.

Instruction tuning (IT) puts loss on the answer; instruction modelling (IM) on the instruction too, never
on template tokens (Shi et al. 2024, arXiv 2405.14394, Eq. 2 and 4). A fractional weight on the prompt lies
between them (PLW, arXiv 2401.13586; WIT, arXiv 2507.07817). The normalisation is as much a part of the
objective as the weights: under `example_mean` an output token weighs 1/(m+n) with IM and 1/n with IT
(m instruction, n output tokens). Objectives are named in `objective_names.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from tunewright.errors import RecipeError
from tunewright.tune.conversation import Role

PROMPT_ROLES = (Role.INSTRUCTION, Role.INPUT)
ANSWER_ROLES = (Role.OUTPUT, Role.EXPLANATION, Role.EOS)
_TEMPLATE_ROLES = (Role.BOS, Role.HEADER)


class Normalisation(StrEnum):
    """The divisor D of the loss Σ w·nll / D, always over one whole optimizer step.

    With r the weight of a record, E the number of its examples that have any weighted token:

    - `token_mean`: the number of tokens with a non-zero weight, whatever their weights and r (as WIT).
    - `weight_mean`: Σ r·w, so that a small prompt weight does not make the whole loss small.
    - `example_mean`: every example's own mean over its weighted tokens, then the mean over the E examples
      (what the released Instruction Modelling code does, with micro-batches of one).
    - `sum`: 1, as the paper's equations are written.
    - `output_preserving`: in every example 1/n Σ over answer tokens + 1/m Σ over instruction and input (and
      over any other weighted role by itself), then the mean over the E examples: loss on the prompt is
      added, and the answers keep what IT gives them.
    """

    TOKEN_MEAN = "token_mean"
    WEIGHT_MEAN = "weight_mean"
    EXAMPLE_MEAN = "example_mean"
    SUM = "sum"
    OUTPUT_PRESERVING = "output_preserving"


@dataclass(frozen=True)
class Objective:
    """A named role → weight map with its normalisation; roles not in the map have weight 0.

    `by_output_share` multiplies each example by n/(m+n): IT with the say that IM's `example_mean` leaves
    to the answers, and no loss on prompts. `skips_first_header` takes the template tokens before the first
    content out of the loss, whatever their weight (the one marker that the released IM mask matches).
    """

    name: str
    weights: Mapping[Role, float]
    normalisation: Normalisation
    by_output_share: bool = False
    skips_first_header: bool = False

    def token_weights(self, roles: NDArray[np.int8]) -> NDArray[np.float32]:
        """The weight of each token as a *target*, float32, same length as `roles`.

        Token t is predicted from t−1, so position 0 is never a target, whatever its role.
        """
        table = np.zeros(len(Role), dtype=np.float32)
        for role, weight in self.weights.items():
            table[role] = weight
        weights = table[roles]
        weights[:1] = 0.0
        if self.skips_first_header:
            content = np.flatnonzero(~np.isin(roles, _TEMPLATE_ROLES))
            weights[: content[0] if len(content) else len(roles)] = 0.0
        return weights

    def coefficients(
        self, roles: Sequence[NDArray[np.int8]], record_weights: Sequence[float] | None = None
    ) -> list[NDArray[np.float32]]:
        """The factor of each token's nll in the loss of one optimizer step, given all its documents' roles.

        `record_weights` (one a document, ≥ 0) multiply a document's loss. Documents without any weighted
        token, or with a record weight of 0, contribute nothing and do not count in a mean over examples.
        """
        weights = [self.token_weights(document) for document in roles]
        shares = [1.0] * len(roles) if record_weights is None else list(record_weights)
        if len(shares) != len(roles) or not all(map(is_weight, shares)):
            raise ValueError("give one record weight for each document: 0, or from 1e-6 to 1e6")
        if self.by_output_share:
            trained = [role for role in ANSWER_ROLES if self.weights.get(role)]
            outputs = [_output_share(document, trained) for document in roles]
            shares = [share * output for share, output in zip(shares, outputs, strict=True)]
        if record_weights is not None or self.by_output_share:
            weights = [document * np.float32(share) for document, share in zip(weights, shares, strict=True)]
        counts = [int(np.count_nonzero(document)) for document in weights]
        num_examples = max(sum(count > 0 for count in counts), 1)
        match self.normalisation:
            case Normalisation.SUM:
                return weights
            case Normalisation.TOKEN_MEAN:
                divisor = max(sum(counts), 1)
                return [document / np.float32(divisor) for document in weights]
            case Normalisation.WEIGHT_MEAN:
                total = sum(float(document.sum(dtype=np.float64)) for document in weights)
                return [document / np.float32(total or 1.0) for document in weights]
            case Normalisation.EXAMPLE_MEAN:
                return [
                    document / np.float32(max(count, 1) * num_examples)
                    for document, count in zip(weights, counts, strict=True)
                ]
            case Normalisation.OUTPUT_PRESERVING:
                return [
                    document / (_tokens_of_own_side(role, document) * np.float32(num_examples))
                    for role, document in zip(roles, weights, strict=True)
                ]

    def effective_output_share(
        self, roles: Sequence[NDArray[np.int8]], record_weights: Sequence[float] | None = None
    ) -> float:
        """The share of the loss' weight that lies on answer tokens, over a data set taken as one step.

        1.0 under IT; under IM it tells how much of the training signal is left for the answers.
        """
        weights = self.coefficients(roles, record_weights)
        total = sum(float(document.sum(dtype=np.float64)) for document in weights)
        answers = sum(
            float(document[np.isin(role, ANSWER_ROLES)].sum(dtype=np.float64))
            for document, role in zip(weights, roles, strict=True)
        )
        if total == 0:
            raise RecipeError(f"objective {self.name} gives no token of this data any weight")
        return answers / total


def is_weight(value: float) -> bool:
    """Whether float32 holds it as a weight, alone and times another: 0, or from 1e-6 to 1e6."""
    return value == 0 or 1e-6 <= value <= 1e6


def _output_share(roles: NDArray[np.int8], trained: Sequence[Role]) -> float:
    """n/(m+n) over the targets of one document, n of the roles trained on; 0 where there is neither."""
    answer = int(np.isin(roles[1:], trained).sum())
    prompt = int(np.isin(roles[1:], PROMPT_ROLES).sum())
    return answer / max(answer + prompt, 1)


def _tokens_of_own_side(roles: NDArray[np.int8], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """For each token how many weighted ones its side has: n of answers, m of prompts, or of its role."""
    counts = np.bincount(roles[weights != 0], minlength=len(Role)).astype(np.float32)
    for side in (ANSWER_ROLES, PROMPT_ROLES):
        counts[list(side)] = counts[list(side)].sum()
    return np.maximum(counts, 1)[roles]
