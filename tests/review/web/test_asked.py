"""Questions as form fields, where a study of pairs asks about each answer and about the pair."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tunewright.evaluate.study.questions import Option, Question, QuestionSet
from tunewright.review.web.asked import questions_asked, read_answers

BOTH = QuestionSet(
    questions=(
        Question(id="better", ask="Which one?", kind="preference", about="pair", level="nominal"),
        Question(
            id="valid",
            ask="Valid?",
            options=(Option(value=1.0, label="Yes"), Option(value=0.0, label="No")),
        ),
        Question(id="note", ask="Anything?", kind="text", required=False),
    )
)
CODES = ("zulu", "alfa")  # in the order shown


def test_each_answer_is_asked_about_by_its_place_then_the_pair_then_texts() -> None:
    asked = questions_asked(BOTH, CODES, {("valid", "alfa"): 0.0, ("better", ""): "zulu"})
    assert [(one.name, one.about, one.chosen) for one in asked] == [
        ("valid.1", "First answer", ""),
        ("valid.2", "Second answer", "No"),
        ("better.0", "", "The first"),
        ("note.1", "First answer", ""),
        ("note.2", "Second answer", ""),
    ]


def test_a_form_is_read_back_by_place_into_codes() -> None:
    form = {"valid.1": "2", "valid.2": "1", "better.0": "2", "note.2": " longer "}
    assert read_answers(BOTH, CODES, form) == (
        {
            ("valid", "zulu"): 0.0,
            ("valid", "alfa"): 1.0,
            ("better", ""): "alfa",
            ("note", "alfa"): "longer",
        },
        [],
    )
    endless = "1" * 5_000  # more digits than Python reads as a number
    assert read_answers(BOTH, CODES, {"valid.1": "3", "valid.2": endless, "better.0": "4"})[1] == [
        "valid.1",
        "valid.2",
        "better.0",
    ]


@given(
    st.fixed_dictionaries(
        {
            ("valid", "zulu"): st.sampled_from([0.0, 1.0]),
            ("valid", "alfa"): st.sampled_from([0.0, 1.0]),
            ("better", ""): st.sampled_from([*CODES, "tie"]),
            ("note", "zulu"): st.text(max_size=20).map(str.strip),
        }
    )
)
def test_what_is_shown_as_chosen_is_read_back_as_given(values: dict[tuple[str, str], Any]) -> None:
    form = {
        one.name: next((str(c.number) for c in one.choices if c.is_chosen), one.text)
        for one in questions_asked(BOTH, CODES, values)
    }
    found, missing = read_answers(BOTH, CODES, form)
    assert missing == []
    assert found == {("note", "alfa"): "", **values}
