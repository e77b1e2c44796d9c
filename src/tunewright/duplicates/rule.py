"""The rule of Self-Instruct: a text is dropped when its ROUGE-L F1 with a kept one is above the threshold.

With L the length of the longest common subsequence of m and n tokens, F1 = 2L / (m + n). What follows from
F1 > t for the lengths and for the tokens in common is here too: it is what makes the search fast. Such
bounds are loose by a hair, so that rounding never loses a pair; `exceeds` alone decides.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from tunewright.duplicates.tokens import IntArray, Tokens
from tunewright.errors import RecipeError

_HAIR = 1e-6  # far above the rounding of any score, far below one token
_NO_LIMIT = 1 << 40  # tokens of a text
FloatArray = npt.NDArray[np.float64]


class Rule:
    """Scores and decisions for a threshold, above 0 and below 1.

    Exactly at the threshold rounding decides in `rouge_score`: with t = 0.7, seven tokens in common of 10
    and 10 are kept (0.7) and of 9 and 11 dropped (0.7000000000000001). With `Tokens.ROUGE` the same
    floating-point operations are done, so every decision is the same. With `Tokens.UNICODE` the arithmetic
    is exact, with the threshold as it is written in decimals: a tie is kept.
    """

    def __init__(self, threshold: float, tokens: Tokens) -> None:
        if not 0 < threshold < 1:  # also refuses NaN
            raise RecipeError(
                f"threshold is {threshold:g}, but must be above 0 and below 1: a text is dropped when its "
                "ROUGE-L F1 with a kept one is above it. 0.7 is the published value; 0.999 drops only texts "
                "that are all but equal"
            )
        self.threshold = float(threshold)
        self.tokens = tokens
        self._exact = Fraction(repr(self.threshold))

    def exceeds(self, lcs: IntArray, m: IntArray, n: IntArray) -> tuple[npt.NDArray[np.bool_], FloatArray]:
        """Which scores are above the threshold, and all scores; every length is at least 1."""
        if self.tokens is Tokens.UNICODE:
            sums, where = np.unique(m + n, return_inverse=True)
            needed = np.array([self._needed(int(total)) for total in sums], dtype=np.int64)
            return lcs >= needed[where], 2 * lcs / (m + n)
        scores = np.zeros(len(lcs))
        some = lcs > 0
        precision, recall = lcs[some] / n[some], lcs[some] / m[some]
        scores[some] = 2 * precision * recall / (precision + recall)
        return scores > self.threshold, scores

    def _needed(self, total: int) -> int:
        """The least L with 2L / total > t."""
        return int(total * self._exact / 2) + 1

    def shortest_partner(self, m: IntArray) -> IntArray:
        """The least n that can reach the threshold with m: L is at most n."""
        t = self.threshold
        shortest: IntArray = np.ceil(m * (t / (2 - t)) - self._slack).astype(np.int64)
        return shortest

    def longest_partner(self, m: IntArray, skipped: IntArray | int = 0) -> IntArray:
        """The greatest n that can reach it when at least `skipped` of the m tokens are not in common."""
        longest = np.floor((m - skipped) * (2 / self.threshold) - m + self._slack)
        bounded: IntArray = np.minimum(longest, _NO_LIMIT).astype(np.int64)
        return bounded

    def room(self, m: IntArray) -> npt.NDArray[np.float32]:
        """Tokens in only one of the texts are at most room(m) + room(n): m + n - 2L ≤ (1 - t)(m + n)."""
        return ((1 - self.threshold + _HAIR) * m + 0.01).astype(np.float32)

    @property
    def cutoff(self) -> float:
        """A score below which a pair need not be worked out to the end."""
        return max(0.0, self.threshold - _HAIR)

    @property
    def _slack(self) -> float:
        return _HAIR * 2 / self.threshold
