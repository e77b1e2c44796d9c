"""How a text is cut into the tokens that are compared: as `rouge_score` does it, or for every script."""

from __future__ import annotations

import re
import sys
import unicodedata
from array import array
from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import cache

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


class Tokens(StrEnum):
    """ROUGE: runs of a-z and 0-9 in the lowered text, exactly `rouge_score`'s tokens without stemming.

    It is the published rule, and it is blind to all else: "请写一首诗" has no token and is never a
    duplicate, "Écris un poème" is `cris un po me`, and the blank of "I ____ it" is not there.

    UNICODE: words of letters, digits and marks of every script after NFKC and case folding, with their
    accents. A number keeps its points and commas ("3.5" is one token), and a blank of any length is the
    token "_". In scripts that put no space between words (Chinese, Japanese, Thai, Lao, Khmer, Burmese)
    every character with its marks is a token. Other signs only part words; a text that has nothing but
    such signs ("???", "🙂") is one token, itself.
    """

    ROUGE = "rouge"
    UNICODE = "unicode"


def words_of(tokens: Tokens) -> Callable[[str], list[str]]:
    """The function that gives a text's tokens, in order."""
    return rouge_words if tokens is Tokens.ROUGE else unicode_words


_ROUGE = re.compile("[a-z0-9]+")


def rouge_words(text: str) -> list[str]:
    """The tokens of `rouge_score`'s default tokenizer (0.1.2, tokenize.py), without its stemmer."""
    return _ROUGE.findall(text.lower())


def unicode_words(text: str) -> list[str]:
    """The tokens of `Tokens.UNICODE`; an empty list only for a text of nothing but white space."""
    if text.isascii():
        text = text.lower()
        words = _ASCII.findall(text)
    else:
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        unspaced, spaced_only, mixed = _patterns()
        words = (mixed if unspaced.search(text) else spaced_only).findall(text)
    if "_" in text:
        words = ["_" if word[0] == "_" else word for word in words]
    return words or ([text.strip()] if text.strip() else [])


_ASCII = re.compile(r"_+|[a-z0-9]+(?:(?<=[0-9])[.,](?=[0-9])[a-z0-9]+)*")

# Blocks of the scripts without spaces between words: Thai, Lao, Myanmar, Khmer, kana, Han with its
# extensions, Yi. Hangul and Tibetan part words or syllables themselves.
_UNSPACED = (
    "\u0e01-\u0e30\u0e32-\u0e33\u0e40-\u0e46\u0e81-\u0eb0\u0eb2-\u0eb3\u0ebd-\u0ec6\u0edc-\u0edf"
    "\u1000-\u102a\u103f\u1050-\u1055\u1780-\u17b3\u3005-\u3007\u3041-\u3096\u309d-\u309f"
    "\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua48c\uf900-\ufaff\U00020000-\U000323af"
)


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    r"""For an unspaced letter; for words where there is none; for both. `\w` lacks the combining marks."""
    marks = _ranges(
        [code for code in (*range(0x300, 0x20000), *range(0xE0100, 0xE01F0)) if _is_mark(chr(code))]
    )
    unspaced = f"[{_UNSPACED}][{marks}]*"
    word = rf"(?:[^\W_]|[{marks}])+"
    apart = rf"(?:(?![{_UNSPACED}])[^\W_]|[{marks}])+"  # a look ahead at every letter: only where needed
    return (
        re.compile(f"[{_UNSPACED}]"),
        re.compile(rf"_+|{word}(?:(?<=\d)[.,](?=\d){word})*"),
        re.compile(rf"{unspaced}|_+|{apart}(?:(?<=\d)[.,](?=\d){apart})*"),
    )


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M"


def _ranges(codes: list[int]) -> str:
    """The codes as the inside of a character class."""
    parts: list[list[int]] = []
    for code in codes:
        if parts and parts[-1][1] == code - 1:
            parts[-1][1] = code
        else:
            parts.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in parts)


class Vocabulary(dict[str, int]):
    """Numbers for words, from 0 in the order in which they are first asked for."""

    def __missing__(self, word: str) -> int:
        number = self[sys.intern(word)] = len(self)
        return number


def number_words(
    texts: Iterable[str], tokens: Tokens, vocabulary: Vocabulary
) -> tuple[npt.NDArray[np.int32], IntArray]:
    """All texts' token numbers in one row, and where each text begins in it (and, last, where all end)."""
    words, number = words_of(tokens), vocabulary.__getitem__
    row = array("i")
    starts = array("q", [0])
    for text in texts:
        row.extend(map(number, words(text)))
        starts.append(len(row))
    return np.array(row, dtype=np.int32), np.array(starts, dtype=np.int64)
