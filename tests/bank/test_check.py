"""Faults that a schema lets through are named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bank.questions import CLOZE, LETTER, NOTICE, ONE_OF_EACH, SPELLING, VERBS
from tunewright.bank.check import check_questions, fault_of
from tunewright.bank.question import Gap, Option, Question

FIRST, SECOND = NOTICE.options
FAULTY = [
    (replace(NOTICE, options=(FIRST, replace(SECOND, id="A"))), "the question has 2 options with the id 'A'"),
    (replace(NOTICE, options=(replace(FIRST, correct=False), SECOND)), "no option is correct"),
    (
        replace(NOTICE, options=(FIRST, replace(SECOND, correct=True))),
        "2 options are correct, but only one can",
    ),
    (replace(VERBS, options=tuple(replace(o, correct=False) for o in VERBS.options)), "no option is correct"),
    (
        replace(NOTICE, options=(FIRST, replace(SECOND, text=" at  8:00\n"))),
        "two options are equal: 'at 8:00'",
    ),
    (replace(NOTICE, options=(FIRST,)), "the question has fewer than two options"),
    (replace(NOTICE, options=(FIRST, replace(SECOND, text=" "))), "option B is empty"),
    (replace(NOTICE, options=(FIRST, replace(SECOND, id="2 b"))), "the option id '2 b' is not a name"),
    (replace(NOTICE, prompt="", passage="", instruction=""), "it shows nothing but its options"),
    (replace(CLOZE, gaps=(CLOZE.gaps[0], Gap())), "gap 2 has neither answers nor options"),
    (replace(CLOZE, gaps=(CLOZE.gaps[0],)), "1 gaps need 2 pieces, not 3"),
    (replace(CLOZE, gaps=()), "a cloze has no gap"),
    (replace(CLOZE, gaps=(CLOZE.gaps[0], replace(CLOZE.gaps[1], answers=("x",)))), "gap 2 has both"),
    (replace(SPELLING, answers=()), "no accepted answer"),
    (replace(SPELLING, answers=("a", "a")), "the question has the same answer twice"),
    (replace(SPELLING, answers=(" a",)), "the question has the answer ' a'"),
    (replace(SPELLING, prompt=""), "it asks nothing"),
    (replace(LETTER, answers=(" ",)), "a model answer is empty"),
    (replace(LETTER, prompt="bell \x07"), "prompt has the character U+0007, which XML cannot hold"),
    (replace(LETTER, explanation="half \ud800"), "the explanation has the character U+D800"),
    (replace(LETTER, meta={"level": ""}), "the metadata 'level' has an unusable name or no value"),
    (replace(LETTER, id=" x"), "the id ' x' is empty, has space"),
    (replace(LETTER, options=NOTICE.options), "a question of kind 'essay' has options"),
    (replace(NOTICE, answers=("x",)), "a question of kind 'choice' has written answers"),
    (replace(NOTICE, gaps=CLOZE.gaps), "a question of kind 'choice' has gaps"),
]


@pytest.mark.parametrize(("question", "fault"), FAULTY, ids=[fault for _, fault in FAULTY])
def test_a_fault_is_named(question: Question, fault: str) -> None:
    assert fault_of(question).startswith(fault)


def test_sound_questions_have_no_fault() -> None:
    assert [fault_of(question) for question in ONE_OF_EACH] == [""] * 5
    assert list(check_questions(ONE_OF_EACH)) == []


def test_the_later_of_two_questions_with_one_id_is_faulty() -> None:
    later = replace(LETTER, id=NOTICE.id)
    assert list(check_questions([NOTICE, later])) == [(later, "its id is used by an earlier question")]


def test_the_key_of_a_cloze_is_one_option_for_each_gap_that_has_options() -> None:
    assert CLOZE.key == ("A",)
    assert VERBS.key == ("A", "C")
    assert Option("A", "x", correct=True).feedback == ""
