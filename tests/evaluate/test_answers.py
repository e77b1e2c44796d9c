"""Memorisation and greedy answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunewright.evaluate.answer import Answer, is_exact
from tunewright.evaluate.answers import greedy_answers, load_tuned
from tunewright.evaluate.memorisation import memorisation
from tunewright.records.record import Record, Turn
from tunewright.tune.config import TuneConfig
from tunewright.tune.stage import tune


def test_giving_the_training_outputs_back_is_bleu_100() -> None:
    sentence = "The capital of France is Paris and nothing else."
    found = memorisation([Answer("a", sentence, sentence, True), Answer("b", sentence, sentence, True)])
    assert found.bleu == pytest.approx(100)
    assert found.exact_share == 1.0
    assert found.num_prompts == 2
    assert found.signature.startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")


def test_other_words_are_bleu_0() -> None:
    found = memorisation([Answer("a", "one two three four five", "six seven eight nine ten", True)])
    assert found.bleu < 1e-6
    assert found.exact_share == 0.0


def test_corpus_bleu_equals_the_worked_example() -> None:
    """6 tokens against 6: precisions 5/6, 4/5, 3/4, 2/3 and no brevity penalty: (1/3)^(1/4) · 100 = 75.98."""
    found = memorisation([Answer("a", "a b c d e f", "a b c d e g", True)])
    assert found.bleu == pytest.approx(100 * (5 / 6 * 4 / 5 * 3 / 4 * 2 / 3) ** 0.25)


def test_no_answers_have_no_score() -> None:
    with pytest.raises(ValueError, match="at least one answer"):
        memorisation([])


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("B) now", True),
        (" B) now ", True),
        ("B) now\n\nBecause.", True),
        ("B) nowhere", False),
        ("now", False),
    ],
)
def test_an_answer_is_exact_alone_or_before_its_explanation(text: str, exact: bool) -> None:
    assert is_exact(text, "B) now", explained=True) is exact
    assert is_exact(text, "B) now", explained=False) is (text.strip() == "B) now")


def test_a_model_that_learnt_its_rows_by_heart_gives_them_back_in_order(tmp_path: Path) -> None:
    """Prompts of unlike lengths, one with earlier turns: batched with padding on the left, in their order."""
    records = [
        Record("a", "Say yes.", "Yes, I will say it."),
        Record("b", "Please say no to this long question of mine.", "No."),
        Record("c", "And now?", "Now too.", history=(Turn("user", "Then?"), Turn("assistant", "Then."))),
    ]
    tune(TuneConfig(epochs=60, batch_size=3), records, tmp_path / "arm")
    model, renderer = load_tuned(tmp_path / "arm/model")
    answers = greedy_answers(model, renderer, records)
    assert [(a.record_id, a.text, a.stopped) for a in answers] == [
        ("a", "Yes, I will say it.", True),
        ("b", "No.", True),
        ("c", "Now too.", True),
    ]
    assert memorisation(answers).exact_share == 1.0
