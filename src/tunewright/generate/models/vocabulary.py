"""Vocabulary: words and combinations of words, each decided by the meaning of its context.

The skill is reading: the learner chooses the word that fits a printed text.
"""

from __future__ import annotations

from tunewright.generate.frames import framed_model
from tunewright.generate.item import ItemModel

_WORD_INSTRUCTIONS = (
    "Choose the word or phrase that best completes the text.",
    "Read the text carefully and choose the word or phrase that fits its meaning.",
    "Which option fits the meaning of the text? Choose one.",
)

MODELS: tuple[ItemModel, ...] = (
    framed_model(
        "vocabulary",
        skill="reading",
        task="vocabulary in context",
        construct="Understands a word precisely enough to match it to a description or situation",
        instructions=_WORD_INSTRUCTIONS,
    ),
    framed_model(
        "collocations",
        skill="reading",
        task="collocation",
        construct="Knows which words go together in English",
        instructions=_WORD_INSTRUCTIONS,
    ),
    framed_model(
        "phrasal_verbs",
        skill="reading",
        task="phrasal verb",
        construct="Understands verbs with particles from their context",
        instructions=_WORD_INSTRUCTIONS,
    ),
)
