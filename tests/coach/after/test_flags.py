"""A person is shown the facts that changed, and only those."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.coach.after import FLAG_KINDS, Flag, flags
from tunewright.coach.after.pieces import missing, words
from tunewright.records.record import Record


def record(output: str, *, input: str = "", instruction: str = "Do it.") -> Record:
    return Record(id="a", instruction=instruction, input=input, output=output)


def of_input(before: str, after: str, *, instruction: str = "Do it.") -> list[str]:
    """The kinds of flags of a changed input."""
    return [
        flag.kind
        for flag in flags(record("x", input=before), record("x", input=after, instruction=instruction))
    ]


def answers(before: str, after: str, *, instruction: str = "Do it.") -> tuple[str, str] | None:
    found = flags(record(before, instruction=instruction), record(after, instruction=instruction))
    assert {flag.kind for flag in found} <= {"final_answer"}
    return (found[0].before, found[0].after) if found else None


def test_a_flag_says_what_stood_there_before_and_after() -> None:
    found = flags(record("x", input="Pay 30 by Monday"), record("x", input="Pay 35 by Monday"))
    assert found == (Flag("input_number", "input", "gone: 30; new: 35", "30", "35"),)
    assert found[0].kind in FLAG_KINDS


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        ("6/3", "3/6", ["input_number"]),
        ("1,200 men", "1200 men", []),
        ("We met Alice Munro there.", "We met Alice Walker there.", ["input_name"]),
        ("We read Fashion Trends.", "We read fashion trends.", []),
        ('She said "come in" twice.', 'She said "go out" twice.', ["input_quote"]),
        ('She said "come in" twice.', "She said “come in” twice.", []),
        ("Explain `a + b` to me", "Explain `a - b` to me", ["input_code"]),
        ("a = b\nc = d\nprint(a)", "a = b\n\nc = d\n\nprint(a)", []),
        ("a = b\nc = d\nprint(a)", "a = b\nc = a\nprint(a)", ["input_code"]),
        ("Tea is hot.", "Tea is cold.", []),
    ],
)
def test_facts_of_the_input_are_told_from_its_form(before: str, after: str, kinds: list[str]) -> None:
    assert of_input(before, after) == kinds


def test_what_moved_into_the_instruction_is_still_there() -> None:
    assert of_input("4 cm, 7 cm", "", instruction="Find the area of 4 cm by 7 cm.") == []
    assert of_input("4 cm, 7 cm", "", instruction="Find the area of 4 cm by 8 cm.") == ["input_number"]
    assert of_input("<noinput>", "", instruction="Tell a joke.") == []


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ("So the answer is B.", "The correct answer is C.", None),  # no options: letters say nothing
        ("We add.\n#### 42", "We add.\n#### 43", ("42", "43")),
        (r"Thus \boxed{7}.", r"Thus \boxed{7}. Good.", None),
        ("Yes, it does.", "No, it does not.", ("yes", "no")),
        ("Positive", "Negative.", ("Positive", "Negative.")),
        ("Positive", "The feeling is positive throughout, because she smiles.", None),
        ("The answer is 1,200.", "The answer is $1200.00, as shown.", None),
        ("The answer is 12.", "The answer is 13.", ("12", "13")),
        ("It was built in 1936.", "It was built in 1948.", None),  # no calculation
    ],
)
def test_a_final_answer_is_told_by_its_form(before: str, after: str, changed: tuple[str, str] | None) -> None:
    assert answers(before, after) == changed


def test_option_letters_count_where_there_are_options() -> None:
    told = "Which one flies?\nA) a carp\nB) a wren\nC) a mole"
    assert answers("B", "The answer is C, the mole.", instruction=told) == ("B", "C")
    assert answers("B) a wren", "**B**", instruction=told) is None


def test_the_last_number_counts_in_a_calculation() -> None:
    told = "Calculate the area of a square with sides of 3 cm."
    assert answers("9", "The area is 3 × 3 = 9 cm². It takes 2 steps.", instruction=told) == ("9", "2")
    assert answers("9", "The area is 3 × 3 = **9 cm²**. It takes 2 steps.", instruction=told) is None
    assert answers("12 cm²", "The area is 9 cm².", instruction=told) == ("12", "9")
    assert answers("33.3", "It is 33.33.", instruction=told) is None


def test_a_piece_is_there_only_with_all_its_words_in_their_order() -> None:
    assert missing(["Anna Bell", "bell anna", "Bell", "a", "?!"], "bell. Anna BELL") == ["a"]
    assert missing(["Anna Bell Anna", "Bell Bell", "Bell Bell"], "Anna Bell") == [
        "Anna Bell Anna",
        "Bell Bell",
    ]


@given(st.lists(st.text(alphabet="ab 1", max_size=6), max_size=5), st.text(alphabet="ab 1", max_size=12))
def test_pieces_are_looked_up_as_words_of_the_text(pieces: list[str], text: str) -> None:
    inside = f" {' '.join(words(text))} "
    assert missing(pieces, text) == [
        piece
        for piece in dict.fromkeys(pieces)
        if words(piece) and f" {' '.join(words(piece))} " not in inside
    ]
