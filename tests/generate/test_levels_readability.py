"""Flesch formulas with values worked by hand, and syllables counted by ear."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.generate.levels import num_syllables, readability


def test_the_formulas_give_the_values_worked_by_hand() -> None:
    """Two sentences, 10 words, 13 syllables: the chil-dren like the win-dow. It was o-pen at noon."""
    found = readability("The children like the window. It was open at noon.")
    assert found is not None
    assert (found.num_sentences, found.num_words, found.num_syllables) == (2, 10, 13)
    assert found.reading_ease == pytest.approx(206.835 - 1.015 * 5 - 84.6 * 1.3)  # 91.78
    assert found.grade == pytest.approx(0.39 * 5 + 11.8 * 1.3 - 15.59)  # 1.70


def test_a_single_short_word_has_the_highest_ease() -> None:
    found = readability("Go!")
    assert found is not None
    assert found.reading_ease == pytest.approx(121.22)
    assert found.grade == pytest.approx(-3.4)


def test_longer_sentences_and_words_are_harder_on_both_scales() -> None:
    short = readability("The sun is hot. It is far away.")
    long = readability(
        "Astronomical observations established the enormous distance separating us from that star."
    )
    assert short is not None
    assert long is not None
    assert short.reading_ease > long.reading_ease
    assert short.grade < long.grade


@pytest.mark.parametrize("text", ["", "...", "123", "😀"])
def test_a_text_without_words_has_no_readability(text: str) -> None:
    assert readability(text) is None


@pytest.mark.parametrize(
    ("num", "words"),
    [
        (1, "the name names walked tree eye guard mile belle strength passed"),
        (
            2,
            "about table tables wanted boxes churches nation safely movement being quiet people happy",
        ),
        (3, "beautiful piano museum banana departed vehicle government remember pollution"),
        (4, "education information environment activity"),
        (5, "university imagination vocabulary"),
    ],
)
def test_syllables_are_those_that_one_hears(num: int, words: str) -> None:
    assert {word: num_syllables(word) for word in words.split()} == dict.fromkeys(words.split(), num)


@given(st.text(max_size=200))
def test_any_text_has_finite_values_or_none(text: str) -> None:
    found = readability(text)
    if found is not None:
        assert math.isfinite(found.reading_ease)
        assert math.isfinite(found.grade)
        assert found.num_syllables >= found.num_words
