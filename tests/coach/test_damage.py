"""Known damage is found by rule, and repaired where it is proved or refused by name."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.revisions import published, revision
from tunewright.coach.damage import Damage, Finding, find_damage, known_originals
from tunewright.coach.distance import flat_distance
from tunewright.coach.read_revisions import read_revisions
from tunewright.records import Record

CUT = "summarise the text. Input: A fox."


def found_in(name: str) -> list[Finding]:
    return [one for each in read_revisions(published(name)) if (one := find_damage(each)) is not None]


def test_the_release_has_22_cut_records_and_4_empty_fields_in_3() -> None:
    found = found_in("expert_revisions.json")
    assert Counter((one.kinds, one.repaired is not None) for one in found) == {
        ((Damage.SPLIT,), True): 20,
        ((Damage.SPLIT, Damage.EMPTY), True): 2,
        ((Damage.EMPTY,), False): 1,
    }
    assert sum(one.comma_unknown for one in found) == 16
    (refused,) = [one for one in found if one.repaired is None]
    assert refused.reason == "revised.output is empty; nothing says what it was"


def test_every_repair_of_the_release_gives_the_stored_distance() -> None:
    """Before the repair 18 of the 22 do, after it all."""
    found = [one for one in found_in("expert_revisions.json") if one.repaired is not None]
    stored = [one.revision.meta["Distance"] for one in found]
    assert sum(flat_distance(one.revision) == d for one, d in zip(found, stored, strict=True)) == 18
    repaired = [one.repaired for one in found if one.repaired is not None]
    assert [flat_distance(one) for one in repaired] == stored
    assert all("Input: " not in one.original.input + one.revised.input for one in repaired)


def test_the_french_file_was_cut_before_it_was_translated() -> None:
    """Only the one record that nobody translated can be repaired."""
    found = found_in("french_revisions.json")
    assert Counter((one.kinds, one.repaired is not None) for one in found) == {
        ((Damage.SPLIT,), True): 1,
        ((Damage.SPLIT,), False): 19,
        ((Damage.SPLIT, Damage.EMPTY), False): 2,
        ((Damage.EMPTY,), False): 1,
    }


def test_an_instruction_that_was_cut_is_put_together_again() -> None:
    found = find_damage(
        revision(
            instruction=("Read the", "Summarise the text."),
            input=(f"and {CUT}", "A fox."),
            Distance=40,
        )
    )
    whole = revision(
        instruction=("Read the input and summarise the text.", "Summarise the text."),
        input=("A fox.", "A fox."),
    )
    assert flat_distance(whole) == 36  # 20 in the instruction, 16 in the output; a comma would make it 37
    assert found is not None
    assert found.repaired is None
    assert found.reason == "no text that could be put back gives the stored distance 40"
    found = find_damage(
        revision(
            instruction=("Read the", "Summarise the text."),
            input=(f"and {CUT}", "A fox."),
            Distance=36,
        )
    )
    assert found is not None
    assert found.repaired is not None
    assert found.repaired.original.instruction == "Read the input and summarise the text."
    assert found.repaired.original.input == "A fox." == found.repaired.revised.input
    assert not found.comma_unknown
    assert found.fields == ("original.instruction", "original.input")


def test_a_comma_that_the_distance_does_not_show_is_said_to_be_unknown() -> None:
    both = revision(instruction=("Given the", "Given the"), input=(CUT, CUT), output=("a", "b"), Distance=1)
    found = find_damage(both)
    assert found is not None
    assert found.repaired is not None
    assert found.comma_unknown
    assert found.repaired.revised.instruction == "Given the input summarise the text."
    assert "both sides were cut alike" in found.reason


def test_the_data_that_was_revised_tells_the_comma() -> None:
    both = revision(instruction=("Given the", "Given the"), input=(CUT, CUT), output=("a", "b"))
    without = find_damage(both)
    assert without is not None
    assert without.repaired is None
    assert without.outcome == "named"
    assert without.reason == "no stored distance proves what was lost"
    known = known_originals([Record("x", "Given the input, summarise the text.", "a", input="A fox.")])
    found = find_damage(both, known)
    assert found is not None
    assert found.repaired is not None
    assert not found.comma_unknown
    assert found.repaired.original.instruction == "Given the input, summarise the text."
    assert found.repaired.revised.instruction == found.repaired.original.instruction


@pytest.mark.parametrize(
    ("instruction", "input"),
    [
        ("Write code for this example.", "Input: [3, 1]\nOutput: [1, 3]"),  # a closed instruction
        (
            "Write code for this example",
            "Input: [3, 1]\nOutput: [1, 3]",
        ),  # not closed, but nothing is missing
        ("Explain the", "difference between Input and Output"),  # no label
        ("Sort", "Numbers. Input: 3 1"),  # the text before the label begins anew
        ("Find the first prime", "after 7"),
    ],
)
def test_what_only_looks_like_a_cut_is_left_alone(instruction: str, input: str) -> None:
    for meta in ({}, {"Distance": 17}):
        one = revision(instruction=(instruction, instruction), input=(input, input), **meta)
        assert find_damage(one) is None


@pytest.mark.parametrize("field", ["instruction", "output"])
@pytest.mark.parametrize("blank", ["", " \n"])
def test_a_field_without_text_is_refused_by_name(field: str, blank: str) -> None:
    found = find_damage(revision(**{field: ("x", blank)}))  # type: ignore[arg-type]
    assert found is not None
    assert found.repaired is None
    assert found.fields == (f"revised.{field}",)
    assert found.kinds == (Damage.EMPTY,)


@pytest.mark.parametrize(
    ("instruction", "input"),
    [
        ("Translate the following", "Input: Bonjour"),
        ("Solve the", "input: x"),
        ("Look at this", "Input: n = 3"),
    ],
)
def test_what_looks_cut_is_only_named_where_it_is_not_of_the_release(instruction: str, input: str) -> None:
    texts = {"instruction": (instruction, instruction), "input": (input, input)}
    found = find_damage(revision(**texts))  # type: ignore[arg-type]
    assert found is not None
    assert (found.kinds, found.repaired, found.outcome) == ((Damage.SPLIT,), None, "named")
    of_release = find_damage(revision(**texts, Distance=999))  # type: ignore[arg-type]
    assert of_release is not None
    assert of_release.outcome == "refused"
    emptied = find_damage(revision(**texts, output=("x", "")))  # type: ignore[arg-type]
    assert emptied is not None
    assert (emptied.outcome, emptied.fields) == ("refused", ("revised.output",))


@pytest.mark.parametrize("field", ["instruction", "output"])
def test_an_expert_who_fills_an_empty_field_did_well(field: str) -> None:
    assert find_damage(revision(**{field: ("", "x")})) is None  # type: ignore[arg-type]
    assert find_damage(revision(**{field: ("", "x")}, Distance=1)) is None  # type: ignore[arg-type]


def test_an_empty_input_or_explanation_is_none() -> None:
    assert find_damage(revision(input=("x", ""), explanation=("", ""))) is None


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_no_revision_of_closed_instructions_is_ever_changed(input: str, output: str) -> None:
    one = revision(instruction=("Do it.", "Do it now."), input=(input, input), output=("a", f"a{output}"))
    assert find_damage(one) is None
