"""Tokens: as `rouge_score` cuts them, and for every script."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rouge_score.tokenizers import DefaultTokenizer

from tunewright.duplicates.tokens import Tokens, Vocabulary, number_words, rouge_words, unicode_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't stop: 3.5 km!", ["don", "t", "stop", "3", "5", "km"]),
        ("Écris un poème", ["cris", "un", "po", "me"]),
        ("请写一首诗", []),
        ("I ____ it_all", ["i", "it", "all"]),
        ("", []),
    ],
)
def test_rouge_tokens_are_runs_of_ascii_letters_and_digits(text: str, words: list[str]) -> None:
    assert rouge_words(text) == words


@given(st.text())
@example("İstanbul K ſ ﬁ ²³ ٣ \u2028x\x1cy\ud800z")
def test_rouge_tokens_are_those_of_the_package(text: str) -> None:
    """For any text: `İ` lowers to `i` and a mark, the Kelvin sign to `k`."""
    assert rouge_words(text) == DefaultTokenizer(use_stemmer=False).tokenize(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Écris un Poème!", ["écris", "un", "poème"]),
        ("E\u0301cris", ["écris"]),
        ("I ____ it, __ too", ["i", "_", "it", "_", "too"]),
        ("3.5 and 1,000 in v1.2.", ["3.5", "and", "1,000", "in", "v1.2"]),
        ("one,two 3,four 5.six", ["one", "two", "3", "four", "5", "six"]),
        ("我爱Python编程。", ["我", "爱", "python", "编", "程"]),
        ("カタカナ ｶﾞ", ["カ", "タ", "カ", "ナ", "ガ"]),
        ("हिन्दी में लिखो", ["हिन्दी", "में", "लिखो"]),
        ("ที่นี่", ["ที่", "นี่"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("STRASSE straße", ["strasse", "strasse"]),
        ("Привет, мир", ["привет", "мир"]),
        ("السلام عليكم", ["السلام", "عليكم"]),
        ("???", ["???"]),
        (" 🙂 ", ["🙂"]),
        (" \n\t", []),
        ("", []),
    ],
)
def test_unicode_tokens_know_every_script(text: str, words: list[str]) -> None:
    assert unicode_words(text) == words


@given(st.text())
def test_only_white_space_has_no_unicode_token(text: str) -> None:
    assert (unicode_words(text) == []) == (text.strip() == "")


@given(st.text(alphabet=st.characters(codec="ascii")))
def test_plain_text_has_the_same_unicode_tokens_beside_other_scripts(text: str) -> None:
    """The short way for ASCII cuts as the long way does: a foreign word at the end changes nothing."""
    has_words = any(letter.isalnum() or letter == "_" for letter in text)
    assert unicode_words(text + " ж") == [*(unicode_words(text) if has_words else []), "ж"]


def test_words_are_numbered_in_the_order_of_first_use() -> None:
    row, starts = number_words(["b a b", "", "c a"], Tokens.ROUGE, Vocabulary())
    np.testing.assert_array_equal(row, [0, 1, 0, 2, 1])
    np.testing.assert_array_equal(starts, [0, 3, 3, 5])
