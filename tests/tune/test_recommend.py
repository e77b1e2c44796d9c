"""Advice follows the published fits, and its numbers are theirs."""

from __future__ import annotations

import pytest

from tunewright.tune.recommend import fitted_gain_by_ratio, fitted_gain_by_size, recommend


def test_the_fits_give_the_published_lines() -> None:
    """At ratio 1 the first fit is its constant; the second crosses zero near 58,000 rows."""
    assert fitted_gain_by_ratio(1.0) == 25.83
    assert fitted_gain_by_size(57_880) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(
    ("num_records", "word_ratio", "objective", "confidence"),
    [
        (500, 10.0, "im", "moderate"),  # long instructions, short outputs, few rows
        (1030, 0.094, "it", "low"),  # LIMA: the fits disagree
        (9229, 0.297, "im", "low"),  # Dolly 9k: barely positive in length
        (100_000, 0.05, "it", "moderate"),  # large, long outputs
    ],
)
def test_known_shapes_get_this_advice(
    num_records: int, word_ratio: float, objective: str, confidence: str
) -> None:
    advice = recommend(num_records=num_records, word_ratio=word_ratio)
    assert (advice.objective, advice.confidence) == (objective, confidence)
    assert advice.cautions


def test_reasons_name_the_numbers() -> None:
    advice = recommend(num_records=500, word_ratio=10.0, token_ratio=11.5)
    assert advice.reasons == (
        "instructions are 10.00 times as long as outputs in words (11.50 in tokens): "
        "the published fit gives IM +69 %",
        "500 rows: the published fit gives IM +187 %",
    )


def test_nothing_gets_no_advice() -> None:
    with pytest.raises(ValueError, match="at least one record"):
        recommend(num_records=0, word_ratio=1.0)
