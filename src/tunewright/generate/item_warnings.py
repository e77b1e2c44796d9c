"""Warnings: marks of items that can be answered without knowing. Sound items have them too, so none refuses.

The word lists are English. Which share of experts' items each one meets is in `item_rates`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunewright.generate.item_view import ItemView

_NEGATIVE = re.compile(r"\b(?:not|never|except|(?<!at )least)\b", re.IGNORECASE)
_ABSOLUTE = re.compile(r"\b(?:always|never|all|every|none|only|completely|entirely)\b", re.IGNORECASE)
_ABOVE = re.compile(
    r"^\W*(?:all|none|any|some|both|neither|either|two) (?:of )?(?:the )?"
    r"(?:above|options|(?:other )?answers|choices)\b"
    r"|^\W*(?:all|none) of (?:these|those)\W*$"
    r"|^\W*(?:both|neither|either|only)? ?\(?[A-E]\)?,? (?:and|or|nor) \(?[A-E]\)?\W*$",
    re.IGNORECASE,
)
_ENDS_IN_ARTICLE = re.compile(r"\b(?P<article>an?)\s*(?:_{2,}|…|\.{3})?\s*[.?!:]?$", re.IGNORECASE)


def key_longest(view: ItemView) -> Iterator[str]:
    key, next_longest = _lengths(view)
    if key > next_longest:
        yield f"the key has {key} characters, the next longest option {next_longest}"


def key_much_longer(view: ItemView) -> Iterator[str]:
    key, next_longest = _lengths(view)
    if key > next_longest and 4 * key >= 5 * next_longest:  # whole numbers: a tie at 1.25 is a tie
        yield f"the key has {key} characters, the next longest option {next_longest}: 1.25 times or more"


def negative_stem(view: ItemView) -> Iterator[str]:
    found = _NEGATIVE.search(view.stem)
    if found:
        yield f"the stem is negative: {found[0]!r}"


def absolute_term(view: ItemView) -> Iterator[str]:
    for letter, option in zip(view.letters, view.options, strict=True):
        found = _ABSOLUTE.search(option)
        if found:
            yield f"option {letter} is absolute: {found[0]!r}"


def all_or_none_of_the_above(view: ItemView) -> Iterator[str]:
    for letter, option in zip(view.letters, view.options, strict=True):
        if _ABOVE.search(option):
            yield f"option {letter} speaks of the other options: {option!r}"


def article_gives_key_away(view: ItemView) -> Iterator[str]:
    """By spelling: a vowel letter takes "an". An hour and a university are misread, so this only warns."""
    found = _ENDS_IN_ARTICLE.search(view.stem)
    place = view.key_place
    if found is None or place is None:
        return
    wants_vowel = found["article"].casefold() == "an"
    fits = [option.strip()[:1].casefold() in "aeiou" and bool(option.strip()) for option in view.options]
    if fits[place] is wants_vowel and sum(one is wants_vowel for one in fits) == 1:
        yield f"the stem ends in {found['article']!r}, which fits the key alone"


def _lengths(view: ItemView) -> tuple[int, int]:
    """Characters of the key and of the longest other option, without spaces around them."""
    place = view.key_place
    assert place is not None, "applied to items with one key"
    lengths = [len(option.strip()) for option in view.options]
    return lengths[place], max(lengths[:place] + lengths[place + 1 :])
