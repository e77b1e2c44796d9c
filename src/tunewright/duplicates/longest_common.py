"""Lengths of longest common subsequences, for many pairs of token sequences at a time.

rapidfuzz works them out bit by bit in C++ (Hyyrö's method) on text, so that a token becomes a character.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Indel, LCSseq
from rapidfuzz.process import cpdist

from tunewright.duplicates.tokens import IntArray

NUM_CHARACTERS = 0x110000  # all that a Python string can hold


class Sequences:
    """Token sequences, one after the other in `row`, `starts` as `number_words` gives them."""

    def __init__(self, row: npt.NDArray[np.int32], starts: IntArray) -> None:
        self._row = row
        self._starts = starts
        self._shares_characters = len(row) > 0 and int(row.max()) >= NUM_CHARACTERS
        self._text = spelled(row)

    def lcs(self, first: IntArray, second: IntArray, *, cutoff: float) -> IntArray:
        """L of each pair of sequences; 0 may stand for one whose F1 is below `cutoff`."""
        lcs = spelled_lcs(self._slices(first), self._slices(second), cutoff=cutoff)
        if self._shares_characters:
            for i in np.flatnonzero(lcs):
                lcs[i] = token_lcs(self._tokens(first[i]), self._tokens(second[i]))
        return lcs

    def _slices(self, which: IntArray) -> list[str]:
        text = self._text
        begins, ends = self._starts[which].tolist(), self._starts[which + 1].tolist()
        return [text[begin:end] for begin, end in zip(begins, ends, strict=True)]

    def _tokens(self, which: np.int64) -> npt.NDArray[np.int32]:
        return self._row[self._starts[which] : self._starts[which + 1]]


def spelled(tokens: npt.NDArray[np.int32]) -> str:
    """The tokens as characters.

    Numbers from `NUM_CHARACTERS` on share a character with others. Spelled, such sequences have more in
    common, never less: what is above the cut-off is then worked out again by `token_lcs`.
    """
    return (tokens % NUM_CHARACTERS).astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


def spelled_lcs(first: Sequence[str], second: Sequence[str], *, cutoff: float) -> IntArray:
    """L of each pair of spelled sequences; 0 for one whose F1 is below `cutoff`."""
    scores = cpdist(first, second, scorer=Indel.normalized_similarity, score_cutoff=cutoff, dtype=np.float64)
    sums = np.fromiter(map(len, first), np.int64) + np.fromiter(map(len, second), np.int64)
    return np.rint(scores * sums / 2).astype(np.int64)


def token_lcs(first: npt.NDArray[np.int32], second: npt.NDArray[np.int32]) -> int:
    """L of one pair of token sequences, for any numbers."""
    return int(LCSseq.similarity(first.tolist(), second.tolist()))
