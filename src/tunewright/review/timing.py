"""One row of the efficiency experiment: who took how long for which pair, and how far the text moved."""

from __future__ import annotations

from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from tunewright.coach.edits import words_and_signs
from tunewright.review.model import TEXT_FIELDS, Arm, Decision, Texts

FINISHED = frozenset({Decision.ACCEPT, Decision.EDIT, Decision.REJECT})
_MOST_CHARS = 50_000  # of a text that is compared letter by letter; the time grows with the square


@dataclass(frozen=True, slots=True)
class Timing:
    """One person's finished or abandoned work on one item. `seconds` is active time, idle stretches cut.

    `chars` and `words` are how far the final text lies from the original, `typed_words` how far it lies
    from what was shown (in the arm without a draft both are the same).
    """

    item: int
    person: str
    arm: Arm
    decision: Decision
    seconds: float
    chars: int = 0
    words: int = 0
    typed_words: int = 0

    @property
    def is_finished(self) -> bool:
        return self.decision in FINISHED


def edit_distance(before: Texts, after: Texts) -> tuple[int, int]:
    """How many characters, and how many words and signs, are put in, taken out or replaced, over all fields.

    Beyond 50,000 characters of a field only the difference in length counts.
    """
    chars = words = 0
    for field in TEXT_FIELDS:
        old, new = before.get(field, ""), after.get(field, "")
        if old == new:
            continue
        beyond = abs(max(len(old), _MOST_CHARS) - max(len(new), _MOST_CHARS))
        old, new = old[:_MOST_CHARS], new[:_MOST_CHARS]
        chars += Levenshtein.distance(old, new) + beyond
        words += Levenshtein.distance(_words(old), _words(new))
    return chars, words


def _words(text: str) -> list[str]:
    return [part for part in words_and_signs(text) if not part.isspace()]
