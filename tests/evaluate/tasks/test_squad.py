"""SQuAD's metrics, and that they are lent to the harness only while it imports its tasks."""

from __future__ import annotations

import sys

import pytest

from tunewright.evaluate.tasks import squad


def test_case_punctuation_articles_and_spaces_do_not_count() -> None:
    assert squad.normalize_answer("The  quick, brown FOX!") == "quick brown fox"
    assert squad.compute_exact("An apple.", "apple") == 1
    assert squad.compute_exact("apple", "apples") == 0


def test_f1_counts_words_as_often_as_both_have_them() -> None:
    """Gold 4 words, predicted 2, both right: 2 · 2 / 6."""
    assert squad.compute_f1("two old red boats", "red boats") == pytest.approx(2 / 3)
    assert squad.compute_f1("red red", "red blue") == pytest.approx(0.5)
    assert squad.compute_f1("red", "blue") == 0.0


def test_empty_answers_agree_only_with_each_other() -> None:
    assert squad.compute_f1("the", "") == 1.0
    assert squad.compute_f1("cat", "") == 0.0


def test_nothing_stays_behind() -> None:
    name = "transformers.data.metrics.squad_metrics"
    before = name in sys.modules
    with squad.where_the_harness_looks():
        import transformers.data.metrics.squad_metrics as lent

        assert lent.compute_f1("a b", "b") == 1.0
    assert (name in sys.modules) is before
