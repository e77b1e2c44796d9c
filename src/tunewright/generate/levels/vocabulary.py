"""Which words a text has, which of them are names, and how rare each is in English.

Rarity is the Zipf value of the `wordfreq` table: log10 of the uses per billion words, so that "the" has 7.7,
"bus" 4.8 and "photosynthesis" 3.0. A learner who knows "emperor" knows "emperors": a word has the value of
the most frequent form it can be a plain inflection of. The table is read once, at the first question.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tunewright.generate.levels.sentences import sentences_of

UNKNOWN_ZIPF = 1.0  # a word that is not in the table, which ends at 1.0
_RAREST_OPENING_ZIPF = 2.65  # below it a capitalised first word is more often a name than a word
_MOST_CAPITALS = 0.7  # share of words with capitals above which capitals do not tell names
_LONGEST_WORD = 40  # characters that are looked at; a longer "word" is noise
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_CONTRACTION = re.compile(r"(?:n't|'(?:s|re|ve|ll|d|m))$")
_ENDINGS = frozenset(
    ("s", "t", "re", "ve", "ll", "d", "m")
)  # those of tokenised text, without the apostrophe
_CUT_SHORT = {"ca": "can", "wo": "will", "sha": "shall"}  # what is left of can't, won't and shan't


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a sentence in order, in lower case; `vocabulary` is those that are not names."""

    all: tuple[str, ...]
    vocabulary: tuple[str, ...]

    @property
    def num_names(self) -> int:
        """Names among the words."""
        return len(self.all) - len(self.vocabulary)


def words_of(sentence: str, *, names: Collection[str] = frozenset()) -> Words:
    """The words of one sentence. Contractions count as their first word, whether or not they are split off.

    A name is a word with a capital that does not open the sentence, or one in `names` (lower case, single
    words). Where most words have capitals, as in a notice or a headline, capitals say nothing and only
    `names` counts. A name that opens the sentence and is not listed is taken for a word.
    """
    written = _written(sentence)
    inside = _capitalised_inside(written)
    lower = tuple(word.lower() for word in written)
    vocabulary = (word for place, word in enumerate(lower) if word not in names and place not in inside)
    return Words(lower, tuple(vocabulary))


def names_inside(sentences: Sequence[str]) -> frozenset[str]:
    """Words, in lower case, that have a capital inside a sentence and are never written without one.

    They are names where they open another sentence of the same text, too.
    """
    capitalised: set[str] = set()
    small: set[str] = set()
    for sentence in sentences:
        written = _written(sentence)
        capitalised.update(written[place].lower() for place in _capitalised_inside(written))
        small.update(word for word in written if word[0].islower())
    return frozenset(capitalised - small)


def likely_names(text: str) -> frozenset[str]:
    """Capitalised words that open a sentence and are rarer than words that do so: most likely names.

    For `names=` where a text is to be judged as its learner meets it ("Wojciech likes football." is easy).
    `level_of` does not do it by itself: the experts of the fit take rare names for difficulty, and with it
    the Spearman correlation with them falls from .82 to .80.
    """
    opening = [written[0] for sentence in sentences_of(text) if (written := _written(sentence))]
    return frozenset(
        word.lower()
        for word in opening
        if word[0].isupper() and not word.isupper() and zipf(word.lower()) < _RAREST_OPENING_ZIPF
    )


def name_words(names: Collection[str]) -> frozenset[str]:
    """The single words of a list of names in lower case: {"Cape Town"} gives {"cape", "town"}."""
    return frozenset(
        part.lower() for name in names for word in _WORD.findall(name) for part in _first_part(word)
    )


@lru_cache(maxsize=1 << 16)
def zipf(word: str) -> float:
    """The Zipf value of a lower-case word, or of what it inflects if that is higher; else `UNKNOWN_ZIPF`."""
    return max(_table_zipf(form) for form in (word, *_base_forms(word)))


def is_english(word: str) -> bool:
    """Whether the table of English words has this lower-case word or a form of it."""
    return zipf(word) > UNKNOWN_ZIPF


def _written(sentence: str) -> list[str]:
    return [word for match in _WORD.finditer(sentence) for word in _first_part(match.group())]


def _capitalised_inside(written: Sequence[str]) -> frozenset[int]:
    """The places of words whose capital marks them as names; none where most words have capitals."""
    capitals = [place for place, word in enumerate(written) if word[0].isupper()]
    if len(capitals) > _MOST_CAPITALS * len(written):
        return frozenset()
    return frozenset(place for place in capitals if place and written[place] != "I")


def _first_part(word: str) -> Iterator[str]:
    # Nothing for a bare "'s" or "n't". Noise is cut, so as not to be cached.
    word = word[:_LONGEST_WORD].replace("’", "'")
    stem = "" if word.lower() in _ENDINGS else _CONTRACTION.sub("", word)
    if stem:
        yield _CUT_SHORT.get(stem.lower(), stem)


def _table_zipf(form: str) -> float:
    frequency = _frequencies().get(form)
    return UNKNOWN_ZIPF if frequency is None else math.log10(frequency) + 9


@lru_cache(maxsize=1)
def _frequencies() -> dict[str, float]:
    from wordfreq import (
        get_frequency_dict,
    )  # some 0.5 s and 60 MB with its table: only when a level is asked for

    return get_frequency_dict("en", wordlist="large")


def _base_forms(word: str) -> Iterator[str]:
    """Forms that the word may be a regular inflection of; those that are no words are not in the table."""
    candidates: list[str] = []
    if word.endswith("s"):
        candidates.append(word[:-1])
    if word.endswith("es"):
        candidates.append(word[:-2])
    if word.endswith(("ies", "ied")):
        candidates.append(word[:-3] + "y")
    if word.endswith("ed"):
        candidates += [word[:-1], word[:-2], _undoubled(word[:-2])]
    if word.endswith("ing"):
        candidates += [word[:-3], word[:-3] + "e", _undoubled(word[:-3])]
    if word.endswith("ly"):
        candidates.append(word[:-2])
    return (form for form in candidates if len(form) > 2)


def _undoubled(stem: str) -> str:
    return stem[:-1] if len(stem) > 3 and stem[-1] == stem[-2] else stem
