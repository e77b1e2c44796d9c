"""The rules follow their order, the fits are the published ones, and risks are said before IM is advised."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.tune.recommend import (
    CLEAR_GAIN,
    LARGE_RECORDS,
    Facts,
    fitted_gain_by_ratio,
    fitted_gain_by_size,
    recommend,
)


def test_the_fits_give_the_published_lines() -> None:
    """At ratio 1 the first fit is its constant; the second crosses zero near 58,000 rows."""
    assert fitted_gain_by_ratio(1.0) == 25.83
    assert fitted_gain_by_size(57_880) == pytest.approx(0, abs=0.01)


def test_large_means_that_the_fit_by_size_is_no_longer_clear() -> None:
    """431.74 − 39.37·ln(35,000) = 19.8, just under 20."""
    assert fitted_gain_by_size(LARGE_RECORDS) == pytest.approx(19.8, abs=0.1)
    assert fitted_gain_by_size(LARGE_RECORDS) < CLEAR_GAIN < fitted_gain_by_size(34_800)


@pytest.mark.parametrize(
    ("num_records", "word_ratio", "objective", "confidence"),
    [
        (1200, 7.0, "im", "moderate"),  # long instructions, short outputs, few rows
        (500, 10.0, "im", "low"),  # the same, below the sizes that the fits were made on
        (1030, 0.094, "it", "low"),  # LIMA: the fits disagree
        (9229, 0.297, "im", "low"),  # Dolly 9k: barely positive in length, outputs longer
        (50_000, 5.0, "plw:0.25", "low"),  # weak by size, outputs shorter than their prompts
        (100_000, 0.05, "it", "low"),  # large, long outputs: both far below 0, but outside the seven sets
        (3, 2.0, "it", "low"),  # too few to tell
    ],
)
def test_known_shapes_get_this_advice(
    num_records: int, word_ratio: float, objective: str, confidence: str
) -> None:
    advice = recommend(Facts(num_records=num_records, word_ratio=word_ratio))
    assert (advice.objective, advice.confidence) == (objective, confidence)


def test_reasons_name_the_numbers_without_false_precision() -> None:
    """18.85·ln 7 + 25.83 = 62.5 is told as about +60; 431.74 − 39.37·ln 1200 = 152.6 as more than +100."""
    advice = recommend(Facts(num_records=1200, word_ratio=7.0, token_ratio=7.58))
    assert advice.reasons == (
        "prompts are 7.00 times as long as outputs in words (7.58 in tokens): "
        "the published fit gives IM about +60 %",
        "1,200 records: the published fit gives IM more than +100 %",
    )
    assert advice.against == ()


@pytest.mark.parametrize("risk", ["num_private_prompts", "num_refusals", "num_harmful_prompts"])
def test_one_percent_of_risky_records_turns_im_into_it(risk: str) -> None:
    below = recommend(Facts(num_records=2000, word_ratio=7.0, **{risk: 19}))
    above = recommend(Facts(num_records=2000, word_ratio=7.0, **{risk: 20}))
    assert (below.objective, above.objective) == ("im", "it")
    assert above.confidence == "low", "the fits say IM"
    assert above.reasons[0].startswith("1.0 % of the ")


def test_a_set_that_is_half_mathematics_or_code_is_skill_tuning() -> None:
    assert recommend(Facts(num_records=2000, word_ratio=7.0, num_skill=999)).objective == "im"
    skill = recommend(Facts(num_records=2000, word_ratio=7.0, num_skill=1000))
    assert skill.objective == "it"
    assert "GSM8K 48.2 to 43.0" in skill.reasons[0]


def test_little_loss_left_for_answers_lowers_the_confidence() -> None:
    facts = {"num_records": 2000, "word_ratio": 7.0}
    assert recommend(Facts(**facts, output_share=0.2)).confidence == "moderate"
    doubtful = recommend(Facts(**facts, output_share=0.1))
    assert (doubtful.objective, doubtful.confidence) == ("im", "low")
    assert doubtful.against[0].startswith("IM leaves 10 % of the loss to the answers")


@given(
    num_records=st.integers(1, 10**7),
    word_ratio=st.floats(1e-3, 1e3),
    private=st.integers(0, 50),
    refusals=st.integers(0, 50),
    harmful=st.integers(0, 50),
)
def test_loss_on_risky_prompts_is_never_advised_without_saying_so_first(
    num_records: int, word_ratio: float, private: int, refusals: int, harmful: int
) -> None:
    """One private prompt or one refusal is enough for a sentence that stands before the advice."""
    advice = recommend(
        Facts(
            num_records=num_records,
            word_ratio=word_ratio,
            num_private_prompts=private,
            num_refusals=refusals,
            num_harmful_prompts=harmful,
        )
    )
    said = " ".join(advice.first)
    assert ("private text" in said) == (private > 0)
    assert ("train safety data with IT" in said) == (refusals + harmful > 0)
    assert advice.reasons, "every advice has a reason"


@given(word_ratio=st.floats(1e-2, 1e2), num_records=st.integers(100, 10**6))
def test_longer_prompts_never_turn_loss_on_prompts_off(word_ratio: float, num_records: int) -> None:
    """Both fits rise with what they look at, so a longer prompt alone cannot lead back to it."""
    shorter = recommend(Facts(num_records=num_records, word_ratio=word_ratio))
    longer = recommend(Facts(num_records=num_records, word_ratio=word_ratio * 2))
    assert shorter.objective == "it" or longer.objective != "it"


def test_nothing_gets_no_advice() -> None:
    with pytest.raises(ValueError, match="at least one record"):
        Facts(num_records=0, word_ratio=1.0)
