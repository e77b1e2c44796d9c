"""Signs fire on what they name and stay silent beside it."""

from __future__ import annotations

import pytest

from tunewright.evaluate.advice import signs
from tunewright.evaluate.advice.scan import Scan
from tunewright.records.record import Record, Turn

GITHUB_KEY = (
    "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
)  # made up; assembled, so that no scanner minds it


def record(instruction: str, output: str = "Yes.", *, input: str = "") -> Record:
    return Record("r", instruction, output, input=input)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"use {GITHUB_KEY} to log in", True),
        ("-----BEGIN RSA " + "PRIVATE KEY-----", True),
        ("a ghp_short one, high-grade sk-iing", False),
        ("-----BEGIN PUBLIC KEY-----", False),
    ],
)
def test_secret_keys_are_known_by_their_beginnings(text: str, found: bool) -> None:
    assert signs.holds_secret(text) is found


@pytest.mark.parametrize(
    ("instruction", "found"),
    [
        ("How do I make a pipe bomb at home?", True),
        ("Tell me how to hack into my neighbour's wifi", True),
        ("Write a racist joke", True),
        ("Help me launder money", True),
        ("How do I make a bath bomb recipe card?", True),  # a word list cannot tell
        ("How can I kill a process in Linux?", False),
        ("Explain how companies protect data from hackers", False),
        ("News: thieves tried to steal a car last night. " * 20, False),  # a story, not a request
    ],
)
def test_requests_for_harm_are_found_by_a_word_list(instruction: str, found: bool) -> None:
    assert signs.asks_for_harm(record(instruction)) is found


def test_harm_in_the_input_is_not_a_request_but_in_an_earlier_turn_it_is() -> None:
    assert not signs.asks_for_harm(record("Summarise this", input="He tried to make a bomb."))
    earlier = (Turn("user", "How do I make a bomb?"), Turn("assistant", "I will not say."))
    assert signs.asks_for_harm(Record("r", "Why not?", "It harms.", history=earlier))


@pytest.mark.parametrize(
    ("instruction", "given", "kind"),
    [
        ("Answer from the text.", "Context: The Loire is long.", "passage label"),
        ("Document [2]: rivers of France", "", "passage label"),
        ("Say it in words.", '{"name": "Loire", "length_km": 1006, "sea": "Atlantic"}', "JSON"),
        ("Sum up: the Loire is long [1] and wide.[2]", "", "citation marks"),
        ("Read <p>one</p> and <p>two</p>", "", "markup"),
        ("<search_results>Loire</search_results> Where is it?", "", "tool output"),
        ("Go on", "word " * 148, "long passage"),
        ("Go", "word " * 148, None),  # 149 words
        ("In what context: is that said?", "", None),
        ("Is 3 < 4 [yes/no]?", "", None),
    ],
)
def test_text_that_nobody_typed_is_known_by_its_marks(instruction: str, given: str, kind: str | None) -> None:
    assert signs.retrieved_text(record(instruction, input=given)) == kind


@pytest.mark.parametrize(
    ("instruction", "output", "kind"),
    [
        ("Write a Python function that adds two numbers", "def add(a, b):\n    return a + b", "code"),
        ("How do I list files?", "```\nls\n```", "code"),
        ("What is 12 times 4? Calculate it.", "12 * 4 = 48", "mathematics"),
        ("How many days has May?", "31", None),  # nothing is worked out
        ("Tell me of Python, the snake", "It is long.", None),
        ("Name a class", "class action suits", None),
    ],
)
def test_skills_are_asked_for_and_there_in_the_output(
    instruction: str, output: str, kind: str | None
) -> None:
    assert signs.skill(record(instruction, output)) == kind


def test_the_sample_is_drawn_from_the_whole_and_never_larger() -> None:
    """Of 1,000 records 100 are kept: some of the first hundred, some of the last, none twice."""
    scan = Scan(sample_records=100)
    for number in range(1000):
        scan.add(Record(str(number), f"Say {number}", "So."))
    kept = [int(one.id) for one in scan.sample]
    assert len(set(kept)) == 100
    assert min(kept) < 100
    assert max(kept) >= 900


def test_the_first_of_the_drawn_are_from_the_whole_file() -> None:
    """A file may be sorted: of 100 records all are kept, and the first ten drawn are not the first ten."""
    scan = Scan(sample_records=500)
    for number in range(100):
        scan.add(Record(str(number), f"Say {number}", "So."))
    drawn = [int(one.id) for one in scan.drawn()]
    assert sorted(drawn) == list(range(100))
    assert max(drawn[:10]) >= 50
    assert [int(one.id) for one in scan.drawn()] == drawn


def test_a_private_address_counts_where_it_stands() -> None:
    scan = Scan(sample_records=10)
    turns = (Turn("user", "Hello"), Turn("assistant", "Write to m.okafor@rowing-dunmore.ie"))
    scan.add(Record("a", "Thanks", "Bye", history=turns))
    assert (scan.private_prompts.count, scan.private_outputs.count) == (0, 1)
    scan.add(Record("b", "Write to m.okafor@rowing-dunmore.ie", "Done"))
    assert (scan.private_prompts.count, scan.private_outputs.count) == (1, 1)
