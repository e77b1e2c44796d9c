"""Every decision equal to those of the `rouge_score` package, as Self-Instruct uses it."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import pytest
from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import DefaultTokenizer

from duplicates.reference import one_by_one, stress
from tunewright.duplicates import Duplicate, near_duplicates
from tunewright.records import read_records

INSTRUCTIONS = Path(__file__).resolve().parents[2].parent / "shared/data/instructions"


class Remembering(DefaultTokenizer):  # type: ignore[misc]
    """The package's own tokenizer, which cuts each text once."""

    def __init__(self) -> None:
        super().__init__(use_stemmer=False)
        self.tokenize = cache(super().tokenize)


def rouge_score(texts: list[str], threshold: float = 0.7) -> list[Duplicate | None]:
    scorer = RougeScorer(["rougeL"], tokenizer=Remembering())

    def score(first: list[str], second: list[str]) -> float:
        return float(scorer.score(first[0], second[0])["rougeL"].fmeasure)

    return one_by_one([[text] for text in texts], threshold=threshold, score=score)


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.75, 0.8])
def test_decisions_and_scores_are_those_of_rouge_score_near_the_threshold(threshold: float) -> None:
    texts = [f"{text}, Écrit: {i % 3}" for i, text in enumerate(stress(150, seed=4, vocabulary=40))]
    expected = rouge_score(texts, threshold)
    assert near_duplicates(texts, threshold=threshold) == expected
    assert 15 < sum(found is not None for found in expected) < 135


@pytest.mark.slow
def test_decisions_on_3000_real_instructions_are_those_of_rouge_score() -> None:
    """Two thousand, and a thousand of them again with words changed; minutes, nearly all the package's."""
    files = [INSTRUCTIONS / name for name in ("alpaca_5k.json", "dolly_3k.json", "seed_tasks.jsonl")]
    if not all(file.exists() for file in files):
        pytest.skip("needs the project's real data, which are not in the repository")
    rng = random.Random(6)
    real = [record.instruction for file in files for record in read_records(file, on_reject=lambda _: None)]
    texts = rng.sample([text for text in real if len(text.split()) <= 40], 2000)
    vocabulary = " ".join(texts).split()
    for text in rng.choices(texts, k=1000):
        share = rng.choice((0.1, 0.2, 0.3, 0.4))
        texts.append(
            " ".join(rng.choice(vocabulary) if rng.random() < share else word for word in text.split())
        )
    rng.shuffle(texts)
    expected = rouge_score(texts)
    assert near_duplicates(texts) == expected
    assert sum(found is not None for found in expected) > 300
