"""Word diffs lose nothing, mark whole words, and stay readable."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from tunewright.coach.compare.worddiff import Stretch, word_diff


def marked(stretches: tuple[Stretch, ...]) -> str:
    marks = {"same": "{}", "gone": "[-{}-]", "new": "[+{}+]"}
    return "".join(marks[one.kind].format(one.text) for one in stretches)


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_stretches_of_a_side_are_its_text(before: str, after: str) -> None:
    first, second = word_diff(before, after)
    assert "".join(one.text for one in first) == before
    assert "".join(one.text for one in second) == after
    assert all(one.kind != "new" for one in first)
    assert all(one.kind != "gone" for one in second)


@given(st.text(max_size=60))
def test_equal_texts_have_no_change(text: str) -> None:
    first, second = word_diff(text, text)
    assert first == second == ((Stretch("same", text),) if text else ())


def test_whole_words_are_marked() -> None:
    first, second = word_diff("The cats sits on the mat.", "The cat sits on the red mat.")
    assert marked(first) == "The [-cats-] sits on the mat."
    assert marked(second) == "The [+cat+] sits on the[+ red+] mat."


def test_a_rewritten_phrase_is_one_change() -> None:
    """ "the" between two rewritten phrases belongs to the change."""
    first, _ = word_diff(
        "It was a long walk to the old dark house.", "It took hours of marching to the new bright flat."
    )
    assert marked(first) == "It [-was a long walk to the old dark house-]."


def test_a_change_that_grew_takes_in_the_next_word_as_well() -> None:
    first, second = word_diff(
        "Both rely on automation to operate efficiently and accurately. Similarly, both help.",
        "AI and chains are new fields that transform industries and sectors. They rest on data.",
    )
    assert marked(first) == (
        "[-Both rely on automation to operate efficiently and accurately. Similarly, both help-]."
    )
    assert marked(second) == (
        "[+AI and chains are new fields that transform industries and sectors. They rest on data+]."
    )


def test_a_word_between_two_words_that_were_changed_stays_unmarked() -> None:
    first, second = word_diff("The cats sat here.", "The dogs sat there.")
    assert marked(first) == "The [-cats-] sat [-here-]."
    assert marked(second) == "The [+dogs+] sat [+there+]."


def test_a_word_between_an_addition_and_a_changed_word_stays_unmarked() -> None:
    first, second = word_diff(
        "We say it, so B is right.", "We say it, but 'on' when a date follows, so C is right."
    )
    assert marked(first) == "We say it, so [-B-] is right."
    assert marked(second) == "We say it, [+but 'on' when a date follows, +]so [+C+] is right."


def test_changed_spaces_do_not_take_the_words_between_them_along() -> None:
    first, second = word_diff("One\n\nTwo", "One\nTwo  ")
    assert marked(first) == "One[-\n\n-]Two"
    assert marked(second) == "One[+\n+]Two[+  +]"


def test_scripts_without_spaces_are_compared_character_by_character() -> None:
    first, second = word_diff("これは青い空です", "これは赤い空です")
    assert marked(first) == "これは[-青-]い空です"
    assert marked(second) == "これは[+赤+]い空です"


def test_very_long_texts_are_compared_by_their_ends() -> None:
    before = "Begin. " + "one two three " * 12_000 + "End."
    after = "Begin. " + "four five six " * 12_000 + "End."
    first, _ = word_diff(before, after)
    assert [one.kind for one in first] == ["same", "gone", "same"]
    assert first[0].text == "Begin. "
    assert first[-1].text.endswith("End.")


def test_a_word_that_stands_a_thousand_times_takes_no_minutes() -> None:
    """Law of time: difflib takes the cube of the number of equal parts, here the spaces."""
    started = time.process_time()
    first, second = word_diff("word " * 1200, "wird " * 1200)
    assert time.process_time() - started < 2
    assert (len(first), len(second)) == (2, 2), "one change, and the space behind it"
