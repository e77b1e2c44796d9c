"""What three other studies found about loss on prompts, and what each means for the data at hand.

They disagree with each other and with the paper that named Instruction Modelling. None is averaged away: each
is one finding and one sentence about these records.
"""

from __future__ import annotations

from dataclasses import dataclass

from tunewright.rate.check_page import percent
from tunewright.tune.recommend import RISKY_SHARE, SKILL_SHARE, Facts


@dataclass(frozen=True, slots=True)
class Evidence:
    """Who found what, and how it applies `here`.

    `leans` is "for" or "against" loss on prompts in this data, or "neither".
    """

    source: str
    finding: str
    here: str
    leans: str


def evidence_for(facts: Facts, *, median_output: float) -> tuple[Evidence, ...]:
    """Each study applied to the data, in one sentence. `median_output` is a length in `facts.ratio_unit`."""
    return (
        _prompt_loss_weight(facts, median_output),
        _weighted_instruction_tuning(facts),
        _loss_for_loss(facts),
    )


def _prompt_loss_weight(facts: Facts, median_output: float) -> Evidence:
    unit = facts.ratio_unit.removesuffix("s") if round(median_output) == 1 else facts.ratio_unit
    median = f"median {median_output:,.0f} {unit}"
    if facts.outputs_are_short:
        here = f"your outputs are shorter than their prompts ({median}): the finding applies"
    else:
        here = f"your outputs are longer than their prompts ({median}): no effect is to be expected"
    return Evidence(
        "PLW, arXiv 2401.13586",
        "60 runs: a prompt weight matters for short completions only; optimum .242",
        here,
        "for" if facts.outputs_are_short else "neither",
    )


def _weighted_instruction_tuning(facts: Facts) -> Evidence:
    ratio = 1 / (facts.token_ratio or facts.word_ratio)
    if ratio < 1:
        here = (
            f"your outputs are {ratio:.2f} times their prompts, where it would choose a smaller prompt weight"
        )
    else:
        here = (
            f"your outputs are {ratio:.2f} times their prompts, where it would choose a larger prompt weight"
        )
    return Evidence(
        "WIT, arXiv 2507.07817",
        "525 runs: IM beat IT in 7 of 15 settings; the best prompt weight was above zero in 56 %, and larger "
        "where outputs are long against prompts (r = +.50), the opposite of IM's claim",
        here,
        "against" if ratio < 1 else "for",
    )


def _loss_for_loss(facts: Facts) -> Evidence:
    skill, refusals = facts.share(facts.num_skill), facts.share(facts.num_refusals)
    applies = skill >= SKILL_SHARE or refusals >= RISKY_SHARE
    verdict = "it applies" if applies else "it does not apply to the whole"
    return Evidence(
        "LfU, AAAI-26",
        "IM lowered a tuned skill (GSM8K 48.2 to 43.0) and made refusals brittle (attack success after five "
        "harmful steps 81.9, IT 7.3)",
        f"{percent(skill)} of your records are mathematics or code and {percent(refusals)} refuse: {verdict}",
        "against" if applies else "neither",
    )
