"""Planted faults: every rule finds its own, and nothing is found in a sound item."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tunewright.generate.item import Distractor, Item
from tunewright.generate.validity import RULES, check_item, chi_square_p, key_length, key_positions

SOUND = Item(
    task="detail",
    level="A2",
    topic="town",
    instruction="Read the notice and answer the question.",
    passage="The pool opens at nine. On Sundays it opens at eleven.",
    stem="When does the pool open on Sundays?",
    key="at eleven",
    why='"On Sundays it opens at eleven" gives the time.',
    distractors=(
        Distractor("at nine", "takes the time of the other days"),
        Distractor("at ten", "takes a time between the two"),
        Distractor("at noon", "guesses"),
    ),
    evidence="On Sundays it opens at eleven.",
)


def wrong(*texts: str) -> tuple[Distractor, ...]:
    return tuple(Distractor(text, "guesses") for text in texts)


PLANTED = {
    "empty_field": [
        replace(SOUND, instruction=" "),
        replace(SOUND, stem=""),
        replace(SOUND, key=""),
        replace(SOUND, distractors=(*SOUND.distractors[:2], Distractor("", "guesses"))),
        replace(SOUND, distractors=(*SOUND.distractors[:2], Distractor("at one", ""))),
    ],
    "empty_explanation": [replace(SOUND, why="\n")],
    "option_count": [
        replace(SOUND, distractors=wrong("at nine")),
        replace(SOUND, distractors=wrong("at one", "at two", "at three", "at four")),
    ],
    "equal_options": [replace(SOUND, distractors=wrong("at nine", "At  nine.", "at ten"))],
    "key_is_one_option": [replace(SOUND, distractors=wrong("At eleven", "at nine", "at ten"))],
    "explanation_defends_key": [
        replace(SOUND, why='The correct answer is "at nine", as the notice says.'),
        replace(SOUND, why="Therefore the answer is “at ten”."),
    ],
    "answer_in_stem": [
        replace(SOUND, stem="The pool opens at eleven on Sundays. When does it open on Sundays?"),
        replace(SOUND, distractors=(), key="eleven", stem="It opens at eleven. When does it open?"),
    ],
    "evidence_in_passage": [replace(SOUND, evidence="on Sundays it opens at eleven.")],
}


def test_a_sound_item_has_no_findings() -> None:
    assert check_item(SOUND) == []


def test_every_rule_has_planted_faults() -> None:
    assert set(PLANTED) == set(RULES)


@pytest.mark.parametrize("rule", sorted(PLANTED))
def test_planted_faults_are_found_by_their_rule(rule: str) -> None:
    for item in PLANTED[rule]:
        found = check_item(item)
        assert rule in {finding.rule for finding in found}, item
        assert all(finding.reason for finding in found)


def test_a_function_word_may_stand_in_the_stem() -> None:
    stem = "The dog is in the garden, and the cat is ____ the roof on the left."
    item = replace(SOUND, passage="", evidence="", stem=stem, key="on", distractors=wrong("in", "at", "to"))
    assert check_item(item) == []


def test_a_stem_that_names_two_of_the_options_gives_nothing_away() -> None:
    item = replace(
        SOUND,
        passage="",
        evidence="",
        stem="Which is heavier, silver or gold?",
        key="gold",
        distractors=wrong("silver", "They weigh the same", "It depends on the year"),
    )
    assert check_item(item) == []


def test_a_written_answer_may_differ_from_the_stem_in_capitals_and_commas_only() -> None:
    item = replace(
        SOUND, passage="", evidence="", stem="yes ana is here", key="Yes, Ana is here.", distractors=()
    )
    assert check_item(item) == []


def test_the_key_may_stand_in_the_passage() -> None:
    assert SOUND.key in SOUND.passage
    assert check_item(SOUND) == []


@pytest.mark.parametrize(
    ("statistic", "freedom", "p"),
    [
        (3.841458820694124, 1, 0.05),
        (7.814727903251178, 3, 0.05),
        (16.26623619623813, 3, 0.001),
        (0.0, 3, 1.0),
    ],
)
def test_chi_square_p_gives_the_tabled_values(statistic: float, freedom: int, p: float) -> None:
    assert chi_square_p(statistic, freedom) == pytest.approx(p, rel=1e-9)


def test_chi_square_p_with_two_degrees_is_an_exponential() -> None:
    """With two degrees of freedom P(X ≥ x) = exp(-x/2): both branches of the computation are met."""
    for statistic in (0.1, 1.0, 3.0, 5.0, 40.0):
        assert chi_square_p(statistic, 2) == pytest.approx(math.exp(-statistic / 2), rel=1e-10)


def test_key_positions_see_a_favourite_letter() -> None:
    even = key_positions([(place, 4) for place in range(4)] * 50)
    assert even.counts == (50, 50, 50, 50)
    assert even.p == 1.0
    # 80, 40, 40, 40 where 50 each are expected: (900 + 3 * 100) / 50 = 24
    skewed = key_positions([(0, 4)] * 80 + [(place, 4) for place in (1, 2, 3)] * 40)
    assert skewed.statistic == pytest.approx(24)
    assert skewed.p < 0.001


def test_key_positions_test_three_and_four_options_apart() -> None:
    mixed = key_positions([(place, 3) for place in range(3)] * 10 + [(place, 4) for place in range(4)] * 10)
    assert mixed.counts == (20, 20, 20, 10)
    assert mixed.statistic == 0


def test_key_length_counts_only_strictly_longest_keys() -> None:
    longest = replace(SOUND, key="at about eleven")
    length = key_length([SOUND, longest])  # "at eleven" is longer than all others, too
    assert length.longest == 1.0
    assert length.chance == 0.25
    assert key_length([replace(SOUND, key="at five")]).longest == 0.0  # as long as "at nine" and "at noon"


def test_statistics_of_nothing_are_an_error() -> None:
    with pytest.raises(ValueError, match="no items"):
        key_positions([])
    with pytest.raises(ValueError, match="no choice items"):
        key_length([])
