"""A CEFR level band (`level_of`) and readability formulas (`readability`) for English texts, offline."""

from tunewright.generate.levels.estimate import LEVELS, LevelEstimate, is_within, level_of
from tunewright.generate.levels.features import FEATURES, features
from tunewright.generate.levels.readability import Readability, num_syllables, readability
from tunewright.generate.levels.vocabulary import likely_names

__all__ = [
    "FEATURES",
    "LEVELS",
    "LevelEstimate",
    "Readability",
    "features",
    "is_within",
    "level_of",
    "likely_names",
    "num_syllables",
    "readability",
]
