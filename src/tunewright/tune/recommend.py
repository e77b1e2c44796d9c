"""Which objective the data suggests: the decision rules, each threshold with its source.

Instruction modelling (IM) is reported to help with long instructions, short outputs and few examples. The
figures are the two fits of Shi et al. (2024, arXiv 2405.14394), Figure 2, made on single runs of one 7B
model; other work disagrees in part. So this is advice with its reasons, and its confidence is never high:
comparing the arms on the same rows settles it. What the data holds is counted elsewhere and handed in as
`Facts`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

CLEAR_GAIN = (
    20.0  # per cent, in both fits, before advice is more than a lean. Our choice: about a set's scatter
)
FEW_RECORDS = 100  # our choice: fewer leave too few to hold out, and nothing can be settled
MEASURED_RECORDS = (1_030, 13_533)  # smallest and largest of the seven sets behind the fits
MEASURED_RATIOS = (0.094, 26.3)  # their smallest and largest length ratio
LARGE_RECORDS = 35_000  # where the fit by size falls to +20 %
SMALL_OUTPUT_SHARE = (
    0.2  # our choice: with .1 left, IM gave fewer exact answers than IT (docs/it-against-im.md)
)
RISKY_SHARE = 0.01  # our choice: of private prompts, refusals or harmful prompts, where IM is not suggested
SKILL_SHARE = 0.5  # our choice: a set is skill tuning when half is. LfU: GSM8K 48.2 under IT, 43.0 under IM
RETRIEVED_SHARE = 0.5  # our choice: above it most of what IM adds is learning to write passages
PLW = "plw:0.25"  # the optimum over 60 runs was .242 (arXiv 2401.13586)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at. Ratios are instruction (with input) over output, > 0.

    `word_ratio` is in the paper's unit, or in tokens (`ratio_unit`) where a script has no spaces.
    `token_ratio` and `output_share` (of the loss under IM) are None where not measured. The rest counts
    records: prompts with private text, answers that refuse, prompts that may ask for harm, prompts with
    retrieved or tool text, and mathematics or code.
    """

    num_records: int
    word_ratio: float
    token_ratio: float | None = None
    output_share: float | None = None
    num_private_prompts: int = 0
    num_refusals: int = 0
    num_harmful_prompts: int = 0
    num_retrieved: int = 0
    num_skill: int = 0
    ratio_unit: Literal["words", "tokens"] = "words"

    def __post_init__(self) -> None:
        if self.num_records < 1 or self.word_ratio <= 0:
            raise ValueError("advice needs at least one record and a positive length ratio")

    def share(self, count: int) -> float:
        """`count` over the number of records."""
        return count / self.num_records

    @property
    def outputs_are_short(self) -> bool:
        """Shorter than their prompts: completion/prompt below 1, PLW's short-completion data."""
        return (self.token_ratio or self.word_ratio) > 1


@dataclass(frozen=True, slots=True)
class Recommendation:
    """An objective to start with and how sure; `first` is what to deal with before any loss on prompts.

    `reasons` speak for it, `against` speak against it, each one sentence.
    """

    objective: Literal["it", "im", "plw:0.25"]
    confidence: Literal["low", "moderate"]
    first: tuple[str, ...]
    reasons: tuple[str, ...]
    against: tuple[str, ...]


def fitted_gain_by_ratio(word_ratio: float) -> float:
    """IM's relative gain on AlpacaEval 1 in per cent: 18.85·ln(ratio) + 25.83 (r = .83).

    `word_ratio` is instruction over output length in words, > 0.
    """
    return 18.85 * math.log(word_ratio) + 25.83


def fitted_gain_by_size(num_records: int) -> float:
    """IM's relative gain on AlpacaEval 1 in per cent: −39.37·ln(N) + 431.74 (r = −.85)."""
    return -39.37 * math.log(num_records) + 431.74


def recommend(facts: Facts) -> Recommendation:
    """The first rule that fits decides:

    1. fewer than `FEW_RECORDS`: it, the usual choice, for nothing can be told
    2. prompts or answers that IM should not learn from (`RISKY_SHARE`, `SKILL_SHARE`): it
    3. a fit at or below 0: it
    4. both fits clear (`CLEAR_GAIN`): im
    5. outputs shorter than their prompts: plw:0.25, else im, with low confidence

    Confidence is moderate only where both fits are clear and nothing in the data speaks against it.
    """
    gains = (fitted_gain_by_ratio(facts.word_ratio), fitted_gain_by_size(facts.num_records))
    vetoes = _vetoes(facts)
    for_fits, against_fits = _fits(facts, gains)
    if facts.num_records < FEW_RECORDS:
        few = f"{_counted(facts.num_records, 'record')}: too few to tell, so the usual choice stands"
        return Recommendation("it", "low", _first(facts), (few, *vetoes), ())
    if vetoes:
        confidence: Literal["low", "moderate"] = "low" if min(gains) > 0 else "moderate"
        return Recommendation("it", confidence, _first(facts), (*vetoes, *against_fits), for_fits)
    if min(gains) <= 0:
        confidence = "moderate" if max(gains) <= -CLEAR_GAIN and not _outside(facts) else "low"
        return Recommendation("it", confidence, _first(facts), against_fits, for_fits)
    doubts = (*_outside(facts), *_doubts(facts))
    if min(gains) >= CLEAR_GAIN:
        return Recommendation("im", "low" if doubts else "moderate", _first(facts), for_fits, doubts)
    if facts.outputs_are_short:
        lean = "outputs are shorter than their prompts, where a small prompt weight was best (PLW: .242)"
        return Recommendation("plw:0.25", "low", _first(facts), (*for_fits, lean), doubts)
    weak = f"one of the fits is below {CLEAR_GAIN:+.0f} %, within the scatter of the seven sets behind it"
    return Recommendation("im", "low", _first(facts), for_fits, (weak, *doubts))


def _fits(facts: Facts, gains: tuple[float, float]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The two fits in words: those that speak for loss on prompts, and those that speak against."""
    by_ratio, by_size = gains
    in_tokens = f" ({facts.token_ratio:.2f} in tokens)" if facts.token_ratio is not None else ""
    if facts.ratio_unit == "tokens":
        in_tokens = ""
    sentences = (
        (
            by_ratio,
            f"prompts are {facts.word_ratio:.2f} times as long as outputs in {facts.ratio_unit}{in_tokens}: "
            f"the published fit gives IM {_about(by_ratio)}",
        ),
        (by_size, f"{facts.num_records:,} records: the published fit gives IM {_about(by_size)}"),
    )
    return (
        tuple(text for gain, text in sentences if gain > 0),
        tuple(text for gain, text in sentences if gain <= 0),
    )


def _about(gain: float) -> str:
    """The gain towards zero to the next five; single runs carry no more, and beyond 100 lines say little."""
    if abs(gain) > 100:
        return "more than +100 %" if gain > 0 else "less than −100 %"
    fives = math.trunc(gain / 5) * 5
    return f"about {fives:+d} %".replace("-", "−") if fives else "about nothing"


def _vetoes(facts: Facts) -> tuple[str, ...]:
    """Why loss on these prompts is not suggested, whatever the lengths say."""
    found = []
    if facts.share(facts.num_private_prompts) >= RISKY_SHARE:
        found.append(
            f"{_part(facts, facts.num_private_prompts)} of the prompts hold private text, which IM learns"
        )
    if facts.share(facts.num_refusals) >= RISKY_SHARE:
        found.append(
            f"{_part(facts, facts.num_refusals)} of the answers refuse: after IM, five harmful steps broke "
            "refusals (LfU: attack success 81.9, against 7.3 after IT)"
        )
    if facts.share(facts.num_harmful_prompts) >= RISKY_SHARE:
        found.append(
            f"{_part(facts, facts.num_harmful_prompts)} of the prompts may ask for harm, "
            "and IM learns to write them"
        )
    if facts.share(facts.num_skill) >= SKILL_SHARE:
        found.append(
            f"{_part(facts, facts.num_skill)} of the records are mathematics or code: IM lowered a skill "
            "that was tuned for (LfU: GSM8K 48.2 to 43.0)"
        )
    return tuple(found)


def _first(facts: Facts) -> tuple[str, ...]:
    """What must be said before any advice to put loss on prompts; any one record is enough."""
    found = []
    if facts.num_private_prompts:
        found.append(
            f"private text in {_counted(facts.num_private_prompts, 'prompt')}: replace it, or the model "
            "learns to write it"
        )
    safety = [_counted(facts.num_refusals, "refusal")] if facts.num_refusals else []
    if facts.num_harmful_prompts:
        safety.append(_counted(facts.num_harmful_prompts, "prompt") + " that may ask for harm")
    if safety:
        found.append(f"{' and '.join(safety)}: train safety data with IT, apart")
    return tuple(found)


def _counted(count: int, noun: str) -> str:
    """ "1 record", "2,000 records"."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _outside(facts: Facts) -> tuple[str, ...]:
    """Where the fits are stretched past the sets that they were made on."""
    found = []
    if not MEASURED_RECORDS[0] <= facts.num_records <= MEASURED_RECORDS[1]:
        found.append(
            f"the fits were made on sets of {MEASURED_RECORDS[0]:,} to {MEASURED_RECORDS[1]:,} records; "
            f"yours has {facts.num_records:,}"
        )
    if not MEASURED_RATIOS[0] <= facts.word_ratio <= MEASURED_RATIOS[1]:
        found.append(f"the fits were made on length ratios of {MEASURED_RATIOS[0]} to {MEASURED_RATIOS[1]}")
    return tuple(found)


def _doubts(facts: Facts) -> tuple[str, ...]:
    found = []
    if facts.output_share is not None and facts.output_share < SMALL_OUTPUT_SHARE:
        found.append(
            f"IM leaves {100 * facts.output_share:.0f} % of the loss to the answers; with a tenth left, "
            "IM gave fewer exact answers than IT here (21 % against 28 %)"
        )
    if facts.share(facts.num_retrieved) >= RETRIEVED_SHARE:
        found.append(
            f"{_part(facts, facts.num_retrieved)} of the prompts hold passages or tool text: "
            "most of what IM adds is learning to write those"
        )
    if not facts.outputs_are_short:
        found.append(
            "outputs are longer than their prompts, where PLW found that a prompt weight does not matter"
        )
    return tuple(found)


def _part(facts: Facts, count: int) -> str:
    share = 100 * facts.share(count)
    return f"{share:.0f} %" if share >= 9.5 else f"{share:.1f} %"
