"""Runs of words that texts have in common, found by number: fast over many texts, in little memory.

A run's number is a hash of 64 bits of its words. Case, punctuation and how the lines are broken do not count
(the words are `Tokens.UNICODE`'s). In scripts without spaces between words a character is a token and counts
as half a word, so that a run of 8 words is one of 16 characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tunewright.duplicates.tokens import unicode_words

Numbers = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that it has an inverse modulo 2⁶⁴
_INVERSE = np.uint64(pow(int(_BASE), -1, 1 << 64))
_ZERO = np.zeros(1, dtype=np.uint64)
_NUM_UNKNOWN = 2  # numbers for the words that the known texts do not have: 0 for half words, 1 for others
_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")  # soft hyphens and joiners: inside words


def words_compared(text: str) -> list[str]:
    """The words of a text as they are compared."""
    return unicode_words(text if text.isascii() else _INVISIBLE.sub("", text))


class KnownWords:
    """The words of some texts, each with a number: a run with any other word is in none of them."""

    def __init__(self, texts: Iterable[Sequence[str]], *, seed: int = 0) -> None:
        self._number_of: dict[str, int] = {}
        for text in texts:
            for word in text:
                self._number_of.setdefault(word, len(self._number_of) + _NUM_UNKNOWN)
        size = len(self._number_of) + _NUM_UNKNOWN
        generator = np.random.Generator(np.random.PCG64(seed))
        self._hash_of: Numbers = generator.integers(0, 1 << 64, size=size, dtype=np.uint64)
        self._weight_of = np.array([1, 2, *(_half_words(word) for word in self._number_of)], dtype=np.int64)

    def numbered(self, texts: Sequence[Sequence[str]]) -> NumberedTexts:
        """These texts, each given by its words."""
        number = self._number_of.get
        row = np.array(
            [number(word) or _half_words(word) - 1 for text in texts for word in text], dtype=np.int64
        )
        starts = np.cumsum([0, *map(len, texts)], dtype=np.int64)
        return NumberedTexts(starts, self._hash_of[row], self._weight_of[row], row >= _NUM_UNKNOWN)


class NumberedTexts:
    """Texts in one row of words; `runs` gives the runs that have only known words."""

    def __init__(self, starts: Places, hashes: Numbers, weights: Places, is_known: Flags) -> None:
        self.starts = starts
        size = len(hashes)
        powers = np.cumprod(np.full(size + 1, _BASE, dtype=np.uint64), dtype=np.uint64)
        self._inverses: Numbers = np.cumprod(np.full(size + 1, _INVERSE, dtype=np.uint64), dtype=np.uint64)
        self._sums: Numbers = np.cumsum(np.append(_ZERO, hashes * powers[:size]), dtype=np.uint64)
        self._weights: Places = np.cumsum(np.append(0, weights), dtype=np.int64)
        self._unknown: Places = np.cumsum(np.append(0, ~is_known), dtype=np.int64)
        self._text_of: Places = np.repeat(np.arange(len(starts) - 1), np.diff(starts))

    def half_words(self) -> Places:
        """The length of each text in half words."""
        return np.diff(self._weights[self.starts])

    def runs(self, num_words: int) -> Runs:
        """The runs of `num_words` words that have only known words. They do not cross texts."""
        first = np.arange(len(self._text_of))
        behind = np.searchsorted(self._weights, self._weights[:-1] + 2 * num_words)
        is_whole = behind <= self.starts[self._text_of + 1]
        num_of = np.bincount(self._text_of[is_whole], minlength=len(self.starts) - 1)
        first, behind = first[is_whole], behind[is_whole]
        is_known = self._unknown[first] == self._unknown[behind]
        first, behind = first[is_known], behind[is_known]
        numbers = (self._sums[behind] - self._sums[first]) * self._inverses[first]
        texts = self._text_of[first]
        return Runs(numbers, texts, first - self.starts[texts], num_of)


@dataclass(frozen=True, slots=True)
class Runs:
    """Each run's number, its text and the place of its first word there; `num_of` counts all runs of each
    text, those with unknown words too."""

    numbers: Numbers
    texts: Places
    places: Places
    num_of: Places


class RunIndex:
    """The runs of `num_words` words of some texts, and which of the texts has each."""

    def __init__(self, texts: NumberedTexts, num_words: int, *, of: Flags | None = None) -> None:
        """`of`, a flag for each text, says which texts are taken [default: all]."""
        self._num_words = num_words
        runs = texts.runs(num_words)
        numbers, owners = (
            (runs.numbers, runs.texts)
            if of is None
            else (runs.numbers[of[runs.texts]], runs.texts[of[runs.texts]])
        )
        pairs = np.unique(np.stack([numbers, owners.astype(np.uint64)], axis=1), axis=0)
        self._numbers, self._starts = np.unique(pairs[:, 0], return_index=True)
        self._ends: Places = np.append(self._starts[1:], len(pairs))
        self._owners: Places = pairs[:, 1].astype(np.int64)
        self._num_of = np.bincount(self._owners, minlength=len(texts.starts) - 1)

    def matches(self, texts: NumberedTexts, *, of: Flags) -> Iterator[Match]:
        """For each of these texts that has such a run in common with one of the index, what they share."""
        if not len(self._numbers):
            return
        runs = texts.runs(self._num_words)
        at = np.searchsorted(self._numbers, runs.numbers)
        at[at == len(self._numbers)] = 0
        is_known = (self._numbers[at] == runs.numbers) & of[runs.texts]
        places, owners, at = runs.places[is_known], runs.texts[is_known], at[is_known]
        bounds = np.flatnonzero(np.diff(owners, prepend=-1, append=-1))
        for first, behind in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            text = int(owners[first])
            yield Match(self, text, places[first:behind], at[first:behind], int(runs.num_of[text]))

    def owners_of(self, run: int) -> Places:
        """The texts of the index that have the run of this place in it."""
        return self._owners[self._starts[run] : self._ends[run]]

    def num_of(self, text: int) -> int:
        """How many different runs a text of the index has."""
        return int(self._num_of[text])


@dataclass(frozen=True, slots=True)
class Match:
    """A text, the places (in words) at which its shared runs begin, and how many runs it has in all."""

    index: RunIndex
    text: int
    places: Places
    runs: Places  # of the index
    num_runs: int

    def others(self, number: int) -> list[int]:
        """The texts of the index that have the shared run of this number."""
        found: list[int] = self.index.owners_of(int(self.runs[number])).tolist()
        return found

    def shares(self) -> Iterator[tuple[int, float, float]]:
        """Each text of the index with something in common: the part of this text's runs that is in it, and
        the part of its runs that is in this text."""
        of_this: dict[int, int] = {}
        of_other: dict[int, int] = {}
        runs, counts = np.unique(self.runs, return_counts=True)
        for run, count in zip(runs.tolist(), counts.tolist(), strict=True):
            for other in self.index.owners_of(run).tolist():
                of_this[other] = of_this.get(other, 0) + count
                of_other[other] = of_other.get(other, 0) + 1
        for other, shared in of_other.items():
            yield other, of_this[other] / self.num_runs, shared / self.index.num_of(other)


@lru_cache(maxsize=1 << 16)
def _half_words(word: str) -> int:
    """1 for a character of a script without spaces, which stands alone even when it is written twice."""
    return 1 if not word.isascii() and len(unicode_words(word * 2)) == 2 else 2
