"""Numbers as instructions write them, in digits or in words."""

from __future__ import annotations

_WORDS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]
# A pattern without capturing groups. ASCII, for IGNORECASE would take “ſix” for “six”.
NUMBER = rf"\d{{1,5}}|(?a:{'|'.join(_WORDS[1:])})"
_VALUES = {word: value for value, word in enumerate(_WORDS)}


def number_of(text: str) -> int:
    """The value of what `NUMBER` matches: number_of("Seven") is 7, number_of("12") is 12."""
    return _VALUES[text.lower()] if text.lower() in _VALUES else int(text)
