"""How much of its training outputs a model gives back word for word: BLEU of greedy continuations.

Lower is less memorised (Shi et al. 2024, Table 1). The paper does not say whether its BLEU is of the corpus
or a mean over sentences; this is corpus BLEU by sacrebleu, with its signature kept beside the number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunewright.evaluate.answer import Answer


@dataclass(frozen=True, slots=True)
class Memorisation:
    """Corpus BLEU (0–100), the share given back exactly, and how many prompts it was measured on."""

    bleu: float
    signature: str
    exact_share: float
    num_prompts: int


def memorisation(answers: Sequence[Answer]) -> Memorisation:
    """Compare answers with the trained ones. None at all is a ValueError, not a score of 0."""
    if not answers:
        raise ValueError("memorisation needs at least one answer to a training prompt")
    from sacrebleu.metrics import BLEU

    metric = BLEU()
    score = metric.corpus_score(
        [answer.text for answer in answers], [[answer.expected for answer in answers]]
    )
    exact = sum(answer.text.strip() == answer.expected.strip() for answer in answers)
    return Memorisation(score.score, str(metric.get_signature()), exact / len(answers), len(answers))
