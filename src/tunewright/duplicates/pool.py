"""Near-duplicates one text at a time, for a loop that makes texts and must know at once which to keep."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import numpy as np
import numpy.typing as npt

from tunewright.duplicates.duplicate import Duplicate
from tunewright.duplicates.longest_common import NUM_CHARACTERS, spelled, spelled_lcs, token_lcs
from tunewright.duplicates.rule import Rule
from tunewright.duplicates.signatures import NUM_WORDS, folded, signature
from tunewright.duplicates.tokens import IntArray, Tokens, Vocabulary, number_words


class Pool:
    """The texts kept so far. It decides as `near_duplicates` does for the same texts in the same order.

    pool = Pool(against=evaluation)
    if pool.add(text) is None:
        ...  # kept

    A text is compared with all that are kept, by signature first: with 50,000 kept some 0.2 ms per text.
    """

    def __init__(
        self, *, threshold: float = 0.7, tokens: Tokens = Tokens.ROUGE, against: Iterable[str] = ()
    ) -> None:
        self._rule = Rule(threshold, Tokens(tokens))
        self._vocabulary = Vocabulary()
        self._num_added = 0
        self._against = _Shelf(self._rule)
        self._cells: dict[Hashable, _Shelf] = {}
        for position, text in enumerate(against):
            words = self._spelled(text)
            if len(words.tokens):
                self._against.keep(words, position)

    @property
    def num_added(self) -> int:
        """How many texts were added, kept or not: the position the next one gets."""
        return self._num_added

    def add(self, text: str, cell: Hashable = None) -> Duplicate | None:
        """What the text is a near-duplicate of; None when it is not, and now kept in its cell.

        `of` counts the texts in the order in which they were added, kept or not, in whatever cell.
        """
        words = self._spelled(text)
        position, self._num_added = self._num_added, self._num_added + 1
        found = self._most_alike(words, cell)
        if found is None and len(words.tokens):
            shelf = self._cells.get(cell)
            if shelf is None:
                shelf = self._cells[cell] = _Shelf(self._rule)
            shelf.keep(words, position)
        return found

    def find(self, text: str, cell: Hashable = None) -> Duplicate | None:
        """What `add` would say of the text now; it is not added."""
        return self._most_alike(self._spelled(text), cell)

    def _most_alike(self, words: _Spelled, cell: Hashable) -> Duplicate | None:
        if len(words.tokens) == 0:
            return None
        found = self._against.most_alike(words)
        if found is not None:
            return Duplicate(*found, against=True)
        shelf = self._cells.get(cell)
        found = shelf.most_alike(words) if shelf is not None else None
        return None if found is None else Duplicate(*found)

    def _spelled(self, text: str) -> _Spelled:
        return _Spelled(number_words([text], self._rule.tokens, self._vocabulary)[0])


class _Spelled:
    """One text, ready to be compared."""

    def __init__(self, tokens: npt.NDArray[np.int32]) -> None:
        self.tokens = tokens
        self.text = spelled(tokens)
        self.length = np.array(len(tokens))
        self.signature = signature(tokens.tolist())
        self.shares_characters = len(tokens) > 0 and int(tokens.max()) >= NUM_CHARACTERS


class _Shelf:
    """Kept texts of one cell; what is looked at of all of them is in arrays that double when full."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._kept: list[_Spelled] = []
        self._positions: list[int] = []
        self._folded = np.zeros(16, dtype=np.uint64)
        self._signatures = np.zeros((16, NUM_WORDS), dtype=np.uint64)
        self._room = np.zeros(16, dtype=np.float32)

    def keep(self, words: _Spelled, position: int) -> None:
        size = len(self._kept)
        if size == len(self._room):
            self._folded = np.concatenate([self._folded, np.zeros_like(self._folded)])
            self._signatures = np.concatenate([self._signatures, np.zeros_like(self._signatures)])
            self._room = np.concatenate([self._room, np.zeros_like(self._room)])
        self._folded[size] = folded(words.signature)
        self._signatures[size] = words.signature
        self._room[size] = self._rule.room(words.length)
        self._kept.append(words)
        self._positions.append(position)

    def most_alike(self, words: _Spelled) -> tuple[int, float] | None:
        """Position and score of the kept text most like this one, when that is above the threshold."""
        likely = self._likely(words)
        if len(likely) == 0:
            return None
        others = [self._kept[i] for i in likely.tolist()]
        lcs = spelled_lcs(
            [words.text] * len(others), [other.text for other in others], cutoff=self._rule.cutoff
        )
        for i in np.flatnonzero(lcs):
            if words.shares_characters or others[i].shares_characters:
                lcs[i] = token_lcs(words.tokens, others[i].tokens)
        n = np.array([len(other.tokens) for other in others], dtype=np.int64)
        above, scores = self._rule.exceeds(lcs, np.full_like(n, len(words.tokens)), n)
        if not above.any():
            return None
        best = int(np.argmax(scores))  # the first of equals
        return self._positions[likely[best]], float(scores[best])

    def _likely(self, words: _Spelled) -> IntArray:
        """Which of the kept are alike enough by their signatures."""
        size = len(self._kept)
        room = self._room[:size] + self._rule.room(words.length)
        likely = np.flatnonzero(np.bitwise_count(self._folded[:size] ^ folded(words.signature)) <= room)
        bits = np.bitwise_count(self._signatures[likely] ^ words.signature).sum(axis=1, dtype=np.int64)
        alike: IntArray = likely[bits <= room[likely]]
        return alike
