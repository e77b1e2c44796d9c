"""A band of CEFR levels for a text, from a linear model over `features` that is shipped as a table.

The table (`fit.json`, made by benchmarks/cefr_levels.py, with a datasheet) was fitted to sentences that two
experts had placed on the scale. They agree exactly on 43 % and always within one level, so a level by itself
claims too much: what comes back is a band of one level to either side, and wider if there is little to go by.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from tunewright.generate.item import Level
from tunewright.generate.levels.features import FEATURES, features_of_words
from tunewright.generate.levels.sentences import sentences_of
from tunewright.generate.levels.vocabulary import is_english, name_words, names_inside, words_of

LEVELS: tuple[Level, ...] = get_args(Level)
SHORT_WORDS = 6  # below this many words the band is two levels to either side
FARTHEST = (
    4.0  # standard deviations from the mean of the fit that a feature counts for at most, there and here
)
_FIT_FILE = Path(__file__).with_name("fit.json")


@dataclass(frozen=True, slots=True)
class LevelEstimate:
    """Where a text stands: `score` from 0 (A1) to 5 (C2), its `level`, and the `band` to be relied on.

    `band` is the lowest and the highest level that the text may have. `is_short` says that the text has fewer
    than `SHORT_WORDS` words and the band is wider for it. `num_words` counts names, too.
    """

    score: float
    level: Level
    band: tuple[Level, Level]
    num_words: int
    is_short: bool

    def holds(self, level: Level) -> bool:
        """Whether the level lies in the band."""
        low, high = map(LEVELS.index, self.band)
        return low <= LEVELS.index(level) <= high


def level_of(text: str, *, names: Collection[str] = ()) -> LevelEstimate | None:
    """The level of an English text; None where no English words but names are left, so that there is none.

    Never raises, whatever the text. `names` are left out of the vocabulary wherever they stand; capitalised
    words inside a sentence are names anyway, and so are they where they open another one. A passage has the
    mean of its sentences' scores, weighted by their words. The language is not checked: French gets one, too.
    """
    sentences = sentences_of(text)
    exempt = name_words(names) | (names_inside(sentences) if len(sentences) > 1 else frozenset())
    scores: list[float] = []
    num_words: list[int] = []
    has_english = False
    for sentence in sentences:
        words = words_of(sentence, names=exempt)
        if words.all:
            has_english = has_english or any(map(is_english, words.vocabulary))
            scores.append(_fit().score(list(features_of_words(sentence, words).values())))
            num_words.append(len(words.all))
    if not has_english:
        return None
    return estimate_at(float(np.average(scores, weights=num_words)), num_words=sum(num_words))


def is_within(text: str, level: Level, *, names: Collection[str] = ()) -> bool:
    """Whether the level lies in the text's band. A text without English words contradicts no level: True."""
    estimate = level_of(text, names=names)
    return estimate is None or estimate.holds(level)


def estimate_at(score: float, *, num_words: int) -> LevelEstimate:
    """The estimate for a score on the scale 0 to 5 of a text with so many words."""
    place = bisect_right(_fit().thresholds, score)
    is_short = num_words < SHORT_WORDS
    reach = 2 if is_short else 1
    low, high = max(0, place - reach), min(len(LEVELS) - 1, place + reach)
    return LevelEstimate(score, LEVELS[place], (LEVELS[low], LEVELS[high]), num_words, is_short)


@dataclass(frozen=True)
class Fit:
    """score = intercept + Σ coefficient · (feature − mean) / scale; five thresholds part the levels."""

    means: NDArray[np.float64]
    scales: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    intercept: float
    thresholds: tuple[float, ...]

    def score(self, values: Sequence[float]) -> float:
        """The score of a sentence's features, on the scale 0 to 5. Far outliers count as far, not farther."""
        standard = np.clip((np.asarray(values) - self.means) / self.scales, -FARTHEST, FARTHEST)
        return float(np.clip(self.intercept + standard @ self.coefficients, 0, len(LEVELS) - 1))


@lru_cache(maxsize=1)
def _fit() -> Fit:
    table = json.loads(_FIT_FILE.read_text("utf-8"))
    rows = table["features"]
    assert tuple(rows) == FEATURES, "fit.json is of other features; run benchmarks/cefr_levels.py --write"
    means, scales, coefficients = np.array(list(rows.values()), dtype=np.float64).T
    return Fit(means, scales, coefficients, table["intercept"], tuple(table["thresholds"]))
