"""Which objective the data suggests, with the evidence for and against, in words.

Instruction modelling is reported to help with long instructions, short outputs and few examples. The
figures are the two fits of Shi et al. (2024), Figure 2, made on single runs of one 7B model. Other work
disagrees in part. So this is advice with its reasons; running both arms on the same rows settles it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

CLEAR_GAIN = 20.0  # per cent, in both fits, before the advice is more than a lean


@dataclass(frozen=True, slots=True)
class Recommendation:
    """An objective to start with, how sure ("low" or "moderate"), and each reason as one sentence."""

    objective: str
    confidence: str
    reasons: tuple[str, ...]
    cautions: tuple[str, ...]


def fitted_gain_by_ratio(word_ratio: float) -> float:
    """IM's relative gain on AlpacaEval 1 in per cent: 18.85·ln(ratio) + 25.83 (r = .83).

    `word_ratio` is instruction over output length in words, > 0.
    """
    return 18.85 * math.log(word_ratio) + 25.83


def fitted_gain_by_size(num_records: int) -> float:
    """IM's relative gain on AlpacaEval 1 in per cent: −39.37·ln(N) + 431.74 (r = −.85)."""
    return -39.37 * math.log(num_records) + 431.74


def recommend(*, num_records: int, word_ratio: float, token_ratio: float | None = None) -> Recommendation:
    """Advice from the number of rows and the instruction-to-output length ratio.

    `word_ratio` is mean instruction words (with input) over mean output words, the paper's unit;
    `token_ratio` is the same in tokens, where a tokenizer is at hand. All must be positive.
    """
    if num_records < 1 or word_ratio <= 0:
        raise ValueError("advice needs at least one record and a positive length ratio")
    by_ratio, by_size = fitted_gain_by_ratio(word_ratio), fitted_gain_by_size(num_records)
    in_tokens = "" if token_ratio is None else f" ({token_ratio:.2f} in tokens)"
    reasons = (
        f"instructions are {word_ratio:.2f} times as long as outputs in words{in_tokens}: "
        f"the published fit gives IM {by_ratio:+.0f} %",
        f"{num_records:,} rows: the published fit gives IM {by_size:+.0f} %",
    )
    gains = (by_ratio, by_size)
    objective = "im" if min(gains) > 0 else "it"
    agree = min(gains) >= CLEAR_GAIN or max(gains) <= -CLEAR_GAIN
    return Recommendation(objective, "moderate" if agree else "low", reasons, CAUTIONS)


CAUTIONS = (
    "the fits are of single runs of a 7B model on AlpacaEval 1; other work is mixed: prompt loss weights "
    "mattered for short completions only, and loss on prompts was better in 7 of 15 settings",
    "IM also teaches the model to write the instructions: avoid it where they hold private, harmful or "
    "retrieved text, and for refusal or narrow-skill tuning",
)
