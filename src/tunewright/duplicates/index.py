"""Finding every pair of texts that could be near-duplicates, without looking at most pairs.

Two filters that lose nothing. **Prefix**: if L of m tokens are in common, one of the m - L + 1 rarest is; so
a text is filed under its rarest tokens alone, and meets only texts filed under one of them. Where in its
own rare-first order a text has the shared token bounds how many tokens they can still share, and with that
the other's length (Xiao et al., "Efficient similarity joins for near-duplicate detection", 2011).
**Signature**: see `signatures.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tunewright.duplicates.longest_common import Sequences
from tunewright.duplicates.rule import FloatArray, Rule
from tunewright.duplicates.signatures import LONG_NUM_WORDS, LONG_TOKENS, Signatures, folded, signatures
from tunewright.duplicates.tokens import IntArray

# Pairs looked at in one go: their arrays stay in the processor's cache.
_PAIRS_AT_A_TIME = 1 << 17
_BYTES_AT_A_TIME = 1 << 22
_LIKELY_AT_A_TIME = 1 << 22  # pairs held before they are verified: what bounds the memory
_NONE: IntArray = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Postings:
    """One entry for each text and each of its rarest tokens that may matter; five columns of equal length."""

    rank: IntArray  # of the token, by rarity; the k-th occurrence of a word is a token of its own
    text: npt.NDArray[np.int32]
    length: npt.NDArray[np.int32]  # tokens of the text
    reach: npt.NDArray[np.int32]  # length of the longest text it can be a duplicate of, met at this token

    def __getitem__(self, which: IntArray | slice) -> Postings:
        return Postings(self.rank[which], self.text[which], self.length[which], self.reach[which])


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of texts whose F1 is above the threshold."""

    text: IntArray
    other: IntArray
    score: FloatArray


class Corpus:
    """Texts as token numbers, prepared for the search; `words` are numbers that only equal words share.

    With `cells`, texts meet only within their cell: the same word is another token in another cell.
    """

    def __init__(
        self, words: npt.NDArray[np.int32], starts: IntArray, rule: Rule, cells: IntArray | None = None
    ) -> None:
        self.rule = rule
        self.lengths: IntArray = np.diff(starts)
        self.size = len(self.lengths)
        self._sequences = Sequences(words, starts)
        text = np.repeat(np.arange(self.size), self.lengths)
        num_words = int(words.max()) + 1 if len(words) else 1
        # sorted within each text, so that occurrences of a word stand together and can be counted
        text, word = np.divmod(np.sort(text * num_words + words), num_words)
        occurrence = _run_positions(text * num_words + word)
        self.signatures = signatures(text, word, occurrence, self.size)
        self.folded = folded(self.signatures)
        is_long = self.lengths > LONG_TOKENS
        self._long = np.cumsum(is_long) - 1  # the row of a long text in the next
        of_long = is_long[text]
        self._long_signatures = signatures(
            self._long[text[of_long]],
            word[of_long],
            occurrence[of_long],
            int(is_long.sum()),
            num_words=LONG_NUM_WORDS,
        )
        token = _tokens(word, occurrence, num_words, cells[text] if cells is not None else None)
        self.postings, self.posting_starts = self._file(text, token)
        self.room = rule.room(self.lengths)

    def _file(self, text: IntArray, token: IntArray) -> tuple[Postings, IntArray]:
        """The postings in the order of the texts, and where each text's begin."""
        num_tokens = int(token.max()) + 1 if len(token) else 1
        rank = np.empty(num_tokens, dtype=np.int64)
        rank[np.argsort(np.bincount(token, minlength=num_tokens), kind="stable")] = np.arange(num_tokens)
        text, rank_here = np.divmod(np.sort(text * num_tokens + rank[token]), num_tokens)
        position = _run_positions(text)
        length = self.lengths[text]
        longest = int(self.lengths.max(initial=0))
        reach = np.minimum(self.rule.longest_partner(length, position), longest)
        used = reach >= self.rule.shortest_partner(length)
        postings = Postings(
            rank_here[used],
            text[used].astype(np.int32),
            length[used].astype(np.int32),
            reach[used].astype(np.int32),
        )
        return postings, np.searchsorted(postings.text, np.arange(self.size + 1))

    def postings_of(self, texts: IntArray) -> Postings:
        """The postings of these texts, rare tokens first, as the search in an index likes them."""
        starts = self.posting_starts[texts]
        which = _expanded(starts, self.posting_starts[texts + 1] - starts)
        return self.postings[which[np.argsort(self.postings.rank[which], kind="stable")]]

    def alike(self, text: IntArray, other: IntArray) -> tuple[IntArray, IntArray]:
        """The pairs whose whole signatures are alike enough."""
        fits = self._fits(text, other, self.signatures, text, other)
        text, other = text[fits], other[fits]
        both_long = np.flatnonzero(np.minimum(self.lengths[text], self.lengths[other]) > LONG_TOKENS)
        fits = np.ones(len(text), dtype=np.bool_)
        long_text, long_other = text[both_long], other[both_long]
        fits[both_long] = self._fits(
            long_text, long_other, self._long_signatures, self._long[long_text], self._long[long_other]
        )
        return text[fits], other[fits]

    def _fits(
        self, text: IntArray, other: IntArray, rows: Signatures, text_row: IntArray, other_row: IntArray
    ) -> npt.NDArray[np.bool_]:
        fits = np.zeros(len(text), dtype=np.bool_)
        step = _BYTES_AT_A_TIME // (8 * rows.shape[1])
        for first in range(0, len(text), step):
            part = slice(first, first + step)
            bits = np.bitwise_count(rows[text_row[part]] ^ rows[other_row[part]]).sum(axis=1, dtype=np.int64)
            fits[part] = bits <= self.room[text[part]] + self.room[other[part]]
        return fits

    def verified(self, text: IntArray, other: IntArray) -> Pairs:
        """Those of the pairs whose F1 is above the threshold."""
        m, n = self.lengths[text], self.lengths[other]
        lcs = self._sequences.lcs(text, other, cutoff=self.rule.cutoff)
        above, scores = self.rule.exceeds(lcs, m, n)
        return Pairs(text[above], other[above], scores[above])


class Index:
    """The postings of some texts, sorted so that those of a token and a range of lengths stand together."""

    def __init__(self, corpus: Corpus, postings: Postings) -> None:
        self._corpus = corpus
        self._stride = int(corpus.lengths.max(initial=0)) + 1
        key = postings.rank * self._stride + postings.length
        order = np.argsort(key)
        self._key = key[order]
        self.postings = postings[order]
        self._folded = corpus.folded[self.postings.text]
        self._room = corpus.room[self.postings.text]

    def __len__(self) -> int:
        return len(self._key)

    def ranges(self, probes: Postings) -> tuple[IntArray, IntArray]:
        """For each probe, where its possible partners begin here, and how many they are."""
        base = probes.rank * self._stride
        shortest = self._corpus.rule.shortest_partner(probes.length.astype(np.int64))
        begin = np.searchsorted(self._key, base + shortest)
        end = np.searchsorted(self._key, base + probes.reach, side="right")
        return begin, end - begin

    def pairs(self, probes: Postings, *, only_earlier: bool = False) -> Pairs:
        """Texts of `probes` with texts of the index above the threshold; maybe only those before them.

        They come sorted by text, then by the other; a pair may come twice.
        """
        begin, count = self.ranges(probes)
        found: list[Pairs] = []
        likely: list[IntArray] = []
        for part in _parts(count, _PAIRS_AT_A_TIME):
            likely.append(self._likely(probes, part, begin, count, only_earlier))
            if sum(map(len, likely)) > _LIKELY_AT_A_TIME:
                found.append(self._verified(likely))
                likely = []
        found.append(self._verified(likely))
        return found[0] if len(found) == 1 else _sorted(found)

    def _verified(self, likely: list[IntArray]) -> Pairs:
        if not likely:
            return Pairs(_NONE, _NONE, np.zeros(0))
        text, other = np.divmod(np.unique(np.concatenate(likely)), self._corpus.size)
        return self._corpus.verified(*self._corpus.alike(text, other))

    def _likely(
        self, probes: Postings, part: slice, begin: IntArray, count: IntArray, only_earlier: bool
    ) -> IntArray:
        """text * size + other of the pairs that pass the bounds on lengths and 64 bits of the signature."""
        corpus = self._corpus
        here = _expanded(begin[part], count[part])
        probe = np.repeat(np.arange(part.start, part.stop), count[part])
        fits = self.postings.reach[here] >= probes.length[probe]
        here, probe = here[fits], probe[fits]
        text = probes.text[probe]
        bits = np.bitwise_count(self._folded[here] ^ corpus.folded[text])
        fits = bits <= self._room[here] + corpus.room[text]
        text, other = text[fits].astype(np.int64), self.postings.text[here[fits]]
        if only_earlier:
            fits = other < text
            text, other = text[fits], other[fits]
        together: IntArray = text * corpus.size + other
        return together


class GrowingIndex:
    """An index to which texts are added: few parts, each larger than the next, joined as they grow."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._parts: list[Index] = []

    def add(self, texts: IntArray) -> None:
        if len(texts) == 0:
            return
        postings = self._corpus.postings_of(texts)
        while self._parts and len(self._parts[-1]) < 2 * len(postings.rank):
            postings = _joined(self._parts.pop().postings, postings)
        self._parts.append(Index(self._corpus, postings))

    def pairs(self, probes: Postings) -> Iterator[Pairs]:
        for part in self._parts:
            yield part.pairs(probes)


def _tokens(word: IntArray, occurrence: IntArray, num_words: int, cell: IntArray | None) -> IntArray:
    """A number for each different (word, occurrence[, cell])."""
    token = word.copy()
    again = np.flatnonzero(occurrence)
    several = word[again] * (int(occurrence.max(initial=0)) + 1) + occurrence[again]
    token[again] = num_words + np.unique(several, return_inverse=True)[1]
    if cell is not None:
        token = np.unique(cell * (int(token.max(initial=0)) + 1) + token, return_inverse=True)[1]
    return token


def _run_positions(values: IntArray) -> IntArray:
    """For each entry of a sorted array, how many equal ones stand before it: [5, 5, 7] gives [0, 1, 0]."""
    positions = np.arange(len(values))
    is_first = np.ones(len(values), dtype=np.bool_)
    is_first[1:] = values[1:] != values[:-1]
    return positions - np.maximum.accumulate(np.where(is_first, positions, 0))


def _expanded(begin: IntArray, count: IntArray) -> IntArray:
    """begin[0], begin[0] + 1, … (count[0] of them), begin[1], …"""
    before = np.cumsum(count) - count
    expanded: IntArray = np.arange(int(count.sum())) + np.repeat(begin - before, count)
    return expanded


def _parts(count: IntArray, limit: int) -> Iterator[slice]:
    """Runs of probes with about `limit` pairs each; a probe with more has a run of its own."""
    total = np.cumsum(count)
    first, done = 0, 0
    while first < len(count):
        last = max(int(np.searchsorted(total, done + limit, side="right")), first + 1)
        if total[last - 1] > done:
            yield slice(first, last)
        first, done = last, int(total[last - 1])


def _joined(one: Postings, other: Postings) -> Postings:
    return Postings(
        np.concatenate([one.rank, other.rank]),
        np.concatenate([one.text, other.text]),
        np.concatenate([one.length, other.length]),
        np.concatenate([one.reach, other.reach]),
    )


def _sorted(found: list[Pairs]) -> Pairs:
    text = np.concatenate([pairs.text for pairs in found])
    other = np.concatenate([pairs.other for pairs in found])
    order = np.lexsort((other, text))
    return Pairs(text[order], other[order], np.concatenate([pairs.score for pairs in found])[order])
