"""Near-duplicates among many texts at once: the decisions of the one-by-one rule, in a fraction of its time.

Texts are taken in blocks. A block's texts are first looked up among those kept so far; what is left meets
itself, and only there the order matters, text by text. Which tokens are rare is known from the start, which
the growing `Pool` cannot know.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from tunewright.duplicates.duplicate import Duplicate
from tunewright.duplicates.index import Corpus, GrowingIndex, Index, Pairs
from tunewright.duplicates.rule import Rule
from tunewright.duplicates.tokens import IntArray, Tokens, Vocabulary, number_words

_FIRST_BLOCK = 256  # small, so that what many texts are like is kept before there are many
_LARGEST_BLOCK = 8192
_MOST_PAIRS = 1 << 21  # of a block with itself; one with more is halved until it has fewer or is small

Decisions = list[Duplicate | None]


def near_duplicates(
    texts: Iterable[str],
    *,
    threshold: float = 0.7,
    tokens: Tokens = Tokens.ROUGE,
    cells: Sequence[Hashable] | None = None,
    against: Iterable[str] = (),
    on_progress: Callable[[int], None] | None = None,
) -> Decisions:
    """For every text, in order, what it is a near-duplicate of; None for one that is kept.

    A text is dropped when its ROUGE-L F1 with any text of `against`, or with any text kept before it, is
    above `threshold`: the rule of Self-Instruct (Wang et al., 2023), exactly, in which candidates see each
    other. `against` is looked at first: what is in the evaluation data is said to be, whatever else it is
    like. With `cells`, one for each text, kept texts count in their own cell only, `against` in all.

    `on_progress` is called now and then with the number of texts decided. Raises `RecipeError` for a
    threshold that is not between 0 and 1. A text without tokens is always kept.
    """
    rule = Rule(threshold, Tokens(tokens))
    vocabulary = Vocabulary()
    given = list(against)
    words, starts = number_words((*given, *texts) if given else texts, rule.tokens, vocabulary)
    num_texts = len(starts) - 1 - len(given)
    if cells is not None and len(cells) != num_texts:
        raise ValueError(f"{len(cells)} cells for {num_texts} texts; give one for each")
    report = on_progress or (lambda done: None)
    decisions: Decisions = [None] * num_texts
    if given:
        _decide_against(Corpus(words, starts, rule), len(given), decisions)
        words, starts = words[starts[len(given)] :], starts[len(given) :] - starts[len(given)]
    rest = np.array([i for i, found in enumerate(decisions) if found is None], dtype=np.int64)
    if len(rest) < num_texts:
        words, starts = _selected(words, starts, rest)
    numbers = _numbered(cells)[rest] if cells is not None else None
    corpus = Corpus(words, starts, rule, numbers)
    among = _Among(corpus, _same_words(words, starts, numbers))
    for done in among.decide():
        if done < len(rest):
            report(int(rest[done - 1]) + 1)
    report(num_texts)
    for i, found in zip(rest.tolist(), among.decisions, strict=True):
        if found is not None:
            decisions[i] = Duplicate(int(rest[found.of]), found.score)
    return decisions


def _decide_against(corpus: Corpus, num_given: int, decisions: Decisions) -> None:
    """Fill in the texts that are like one of the first `num_given` of the corpus, which are all kept."""
    index = GrowingIndex(corpus)
    index.add(np.arange(num_given))
    for first in range(num_given, corpus.size, _LARGEST_BLOCK):
        block = np.arange(first, min(first + _LARGEST_BLOCK, corpus.size))
        for text, found in _most_alike(index.pairs(corpus.postings_of(block))).items():
            decisions[text - num_given] = Duplicate(found.of, found.score, against=True)


class _Among:
    """Decisions among the texts of a corpus. `same[i]` is the first text with the same words as text i."""

    def __init__(self, corpus: Corpus, same: IntArray) -> None:
        self.decisions: Decisions = [None] * corpus.size
        self._corpus = corpus
        self._same = same
        self._kept_as = np.full(corpus.size, -1, dtype=np.int64)  # by first text: the kept one of its words
        self._kept = GrowingIndex(corpus)

    def decide(self) -> Iterable[int]:
        """Decide block by block; after each, how many texts are decided."""
        first, size = 0, _FIRST_BLOCK
        while first < self._corpus.size:
            last = min(first + size, self._corpus.size)
            self._decide(np.arange(first, last))
            yield last
            first, size = last, min(2 * size, _LARGEST_BLOCK)

    def _decide(self, block: IntArray) -> None:
        block = self._without_repeats(block)
        found = _most_alike(self._kept.pairs(self._corpus.postings_of(block)))
        for text, duplicate in found.items():
            self.decisions[text] = duplicate
        rest = block[self._undecided(block)]
        probes = self._corpus.postings_of(rest)
        index = Index(self._corpus, probes)
        if len(rest) > _FIRST_BLOCK and int(index.ranges(probes)[1].sum()) > _MOST_PAIRS:
            half = len(rest) // 2
            self._decide(rest[:half])
            self._decide(rest[half:])
        else:
            self._decide_in_order(index.pairs(probes, only_earlier=True))
            kept = rest[self._undecided(rest)]
            self._kept_as[self._same[kept]] = kept
            self._kept.add(kept)
        self._name_nearer(np.array(sorted(found), dtype=np.int64), rest[self._undecided(rest)])

    def _undecided(self, texts: IntArray) -> npt.NDArray[np.bool_]:
        return np.array([self.decisions[text] is None for text in texts.tolist()], dtype=np.bool_)

    def _name_nearer(self, dropped: IntArray, kept: IntArray) -> None:
        """A text that an earlier block dropped may be more like a text kept before it in its own block."""
        index = Index(self._corpus, self._corpus.postings_of(kept))
        pairs = index.pairs(self._corpus.postings_of(dropped), only_earlier=True)
        for text, found in _most_alike([pairs]).items():
            old = self.decisions[text]
            if old is None or found.score > old.score:
                self.decisions[text] = found

    def _without_repeats(self, block: IntArray) -> IntArray:
        """The block less the texts whose very words are kept already: F1 is 1, nothing is more alike."""
        kept_as = self._kept_as[self._same[block]]
        kept_as[self._corpus.lengths[block] == 0] = -1
        for text, kept in zip(block[kept_as >= 0].tolist(), kept_as[kept_as >= 0].tolist(), strict=True):
            self.decisions[text] = Duplicate(kept, 1.0)
        return block[kept_as < 0]

    def _decide_in_order(self, pairs: Pairs) -> None:
        """Of texts that are like each other, the first is kept: pairs count whose earlier text is kept."""
        for text, other, score in zip(
            pairs.text.tolist(), pairs.other.tolist(), pairs.score.tolist(), strict=True
        ):
            assert other < text, "pairs come sorted, with the earlier text second"
            if self.decisions[other] is None:
                best = self.decisions[text]
                if best is None or score > best.score:
                    self.decisions[text] = Duplicate(other, score)


def _most_alike(found: Iterable[Pairs]) -> dict[int, Duplicate]:
    """For each text, its partner with the highest score, the earliest of equals."""
    best: dict[int, Duplicate] = {}
    for pairs in found:
        order = np.lexsort((pairs.other, -pairs.score, pairs.text))
        text = pairs.text[order]
        order = order[np.flatnonzero(np.diff(text, prepend=-1))]
        columns = (pairs.text[order].tolist(), pairs.other[order].tolist(), pairs.score[order].tolist())
        for one, other, score in zip(*columns, strict=True):
            old = best.get(one)
            if old is None or (score, -other) > (old.score, -old.of):
                best[one] = Duplicate(other, score)
    return best


def _numbered(cells: Sequence[Hashable]) -> IntArray:
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(cell, len(numbers)) for cell in cells], dtype=np.int64)


def _selected(
    words: npt.NDArray[np.int32], starts: IntArray, which: IntArray
) -> tuple[npt.NDArray[np.int32], IntArray]:
    """`words` and `starts` of some of the texts."""
    lengths = np.diff(starts)
    chosen = np.zeros(len(lengths), dtype=np.bool_)
    chosen[which] = True
    return words[np.repeat(chosen, lengths)], np.concatenate([[0], np.cumsum(lengths[which])])


def _same_words(words: npt.NDArray[np.int32], starts: IntArray, cells: IntArray | None) -> IntArray:
    """For each text the first one with the same words in the same order, in the same cell: maybe itself."""
    raw, width = memoryview(words.tobytes()), words.itemsize
    edges = (starts * width).tolist()
    cell_of = cells.tolist() if cells is not None else [0] * (len(starts) - 1)
    first: dict[tuple[int, bytes], int] = {}
    same = [
        first.setdefault((cell, bytes(raw[begin:end])), i)
        for i, (cell, begin, end) in enumerate(zip(cell_of, edges[:-1], edges[1:], strict=True))
    ]
    return np.array(same, dtype=np.int64)
