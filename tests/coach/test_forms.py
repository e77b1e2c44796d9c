"""The forms a coach reads and writes: lossless where they say so, and strict about everything else."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tunewright.coach.forms import FORMS, form_named
from tunewright.coach.forms.flat import flat_text
from tunewright.coach.revision import FIELDS
from tunewright.llm.structured import Unparsable
from tunewright.records.record import Record, Turn

RECORD = Record(
    id="1",
    instruction="Choose the right word.",
    input="She ___ to school every day.\nA) goes\nB) go",
    output="B",
)

# lines that are, or nearly are, what the forms themselves write
HOSTILE = [
    "[instruction]", "[input]", "[output]", "[explanation]", "[end]", "\\[end]", "\\\\[output]", "[system]",
    "[earlier user message]", "end", "keep", "1= x", "2-", "3+ y", "explanation+ z", "", " ", " leading",
    "trailing ", "\r", "\u2028", "\x85", "[end] ", "Input: x", "(empty)", "12 numbered", "مرحبا", "🙂", "\0",
]  # fmt: skip
lines = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12).map(lambda text: text.replace("\n", " ")))
texts = st.lists(lines, max_size=5).map("\n".join)
records = st.builds(Record, id=st.just("1"), instruction=texts, output=texts, input=texts, explanation=texts)


@pytest.mark.parametrize("name", ["lines", "marked"])
@given(original=records, revised=records)
@example(original=replace(RECORD, input="b"), revised=replace(RECORD, input="a\nb"))
@example(original=replace(RECORD, input="\n"), revised=replace(RECORD, input=""))
@example(original=replace(RECORD, input=""), revised=replace(RECORD, input="\n"))
def test_what_is_written_reads_back_as_the_revised_record(name, original: Record, revised: Record) -> None:
    form = FORMS[name]
    assert form.read(original, form.target(original, revised)) == revised


@pytest.mark.parametrize("name", ["lines", "marked"])
@given(record=records, other=records)
def test_different_records_read_differently(name, record: Record, other: Record) -> None:
    same = FORMS[name].source(record) == FORMS[name].source(other)
    assert same == (record == other)


@given(original=records, revised=records)
def test_white_space_around_a_reply_does_not_matter(original: Record, revised: Record) -> None:
    for name in ("lines", "marked"):
        form = FORMS[name]
        assert form.read(original, f"\n {form.target(original, revised)}\n\n ") == revised


@pytest.mark.parametrize("name", sorted(FORMS))
@given(record=records, text=texts)
def test_any_text_is_read_or_refused(name, record: Record, text: str) -> None:
    try:
        read = FORMS[name].read(record, text)
    except Unparsable:
        return
    assert read.id == record.id
    assert read.meta == record.meta


def test_lines_are_numbered_through_the_record() -> None:
    assert FORMS["lines"].source(RECORD) == (
        "[instruction]\n1 Choose the right word.\n[input]\n2 She ___ to school every day.\n3 A) goes\n"
        "4 B) go\n[output]\n5 B\n[explanation] (empty)"
    )


def test_only_the_lines_that_change_are_written() -> None:
    revised = replace(RECORD, output="A", explanation="The answer is A.\n'She' takes 'goes'.")
    assert FORMS["lines"].target(RECORD, revised) == (
        "5= A\nexplanation+ The answer is A.\nexplanation+ 'She' takes 'goes'.\nend"
    )
    assert FORMS["lines"].target(RECORD, RECORD) == "keep"


def test_lines_are_taken_out_and_put_in() -> None:
    revised = replace(RECORD, input="Look!\nShe ___ to school every day.\nB) go\nC) gone")
    text = FORMS["lines"].target(RECORD, revised)
    assert text == "2= Look!\n2+ She ___ to school every day.\n3-\n4+ C) gone\nend"
    assert FORMS["lines"].read(RECORD, text) == revised


few_lines = st.lists(st.sampled_from(["", "a", "b", "c"]), max_size=12).map("\n".join)


@given(before=few_lines, after=few_lines)
@example(before="a\nb", after="c\na\nd\nb")  # put in before the first line
@example(before="a\nb", after="c\nd\nb\nb")  # put in beside a line that is replaced
@example(before="a\na", after="b\na")
def test_repeated_lines_read_back_too(before: str, after: str) -> None:
    form = FORMS["lines"]
    original, revised = replace(RECORD, input=before), replace(RECORD, input=after)
    target = form.target(original, revised)
    assert form.read(original, target) == revised
    if before:
        everything = max(before.count("\n"), after.count("\n")) + 1
        assert target.count("\n") <= everything + 1  # one more where the first line is written again


def test_the_shorter_of_two_ways_to_write_a_change_is_taken() -> None:
    """The fewest edits would replace both lines; the one that moved up needs not be written again."""
    original = replace(RECORD, output="short\nA long line that stays as it is.")
    revised = replace(RECORD, output="A long line that stays as it is.\nnew")
    assert FORMS["lines"].target(original, revised) == "5-\n6+ new\nend"
    original = replace(RECORD, output="1\n2\n3\n4")
    revised = replace(RECORD, output="4\n5\n6\n7")
    assert FORMS["lines"].target(original, revised) == "5= 4\n6= 5\n7= 6\n8= 7\nend"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["", "x"] * 1_000, ["", "x", "y"] * 1_000),
        (
            [f"line {n}" if n % 3 else "" for n in range(2_000)],
            [f"{n} line" if n % 3 else "" for n in range(2_000)],
        ),
        (["x"] * 40_000, ["y"] * 10 + ["x", "z"] * 30_000),  # past every limit
    ],
)
def test_thousands_of_repeated_lines_take_no_time(before: list[str], after: list[str]) -> None:
    """difflib took 14 s for a thousand of them; there are milliseconds to take."""
    original = replace(RECORD, output="\n".join(["begin", *before, "end"]))
    revised = replace(RECORD, output="\n".join(["begin", *after, "end"]))
    started = time.process_time()
    target = FORMS["lines"].target(original, revised)
    assert time.process_time() - started < 5
    assert FORMS["lines"].read(original, target) == revised


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("", "'keep', or edits"),
        ("5= A", "'end' as the last line"),
        ("end", "no edit before"),
        ("keep\nend", "'keep' is not an edit"),
        ("6= A\nend", "no line 6; the last is 5"),
        ("0= A\nend", "is not an edit"),
        ("5= A\n5= B\nend", "line 5 is changed twice"),
        ("5- A\nend", "takes line 5 out and has no text"),
        ("reason+ A\nend", "no field 'reason'"),
        ("5 = A\nend", "is not an edit"),
        ("Sure! Here you are:\n5= A\nend", "'Sure! Here you are:' is not an edit"),
    ],
)
def test_edits_that_are_not_exactly_edits_are_refused(reply: str, said: str) -> None:
    with pytest.raises(Unparsable, match=said.replace("+", r"\+")):
        FORMS["lines"].read(RECORD, reply)


def test_marked_fields_are_written_out() -> None:
    record = replace(RECORD, input="", output="[end]\nreally")
    assert FORMS["marked"].source(record) == (
        "[instruction]\nChoose the right word.\n[output]\n\\[end]\nreally\n[end]"
    )


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("[instruction]\nx\n[output]\ny", r"last line must be \[end\]"),
        ("[output]\ny\n[end]\nThat is all.", r"last line must be|nothing may follow"),
        ("[output]\ny\n[end]\nmore\n[end]", "nothing may follow"),
        ("x\n[output]\ny\n[end]", "first line must name a field"),
        ("[output]\nx\n[output]\ny\n[end]", "there twice"),
        ("[output]\nx\n[instruction]\ny\n[end]", "must come in the order"),
    ],
)
def test_marked_replies_that_are_not_exactly_marked_are_refused(reply: str, said: str) -> None:
    with pytest.raises(Unparsable, match=said):
        FORMS["marked"].read(RECORD, reply)


def test_earlier_turns_are_shown_and_kept() -> None:
    record = replace(
        RECORD, system="Be kind.", history=(Turn("user", "Hi\n[end]"), Turn("assistant", "Hello"))
    )
    for name in ("lines", "marked"):
        shown = FORMS[name].source(record)
        assert shown.startswith(
            "[system]\nBe kind.\n[earlier user message]\nHi\n\\[end]\n[earlier assistant message]\nHello\n"
        )
        assert FORMS[name].read(record, FORMS[name].target(record, record)) == record


def test_the_flat_form_is_the_published_one() -> None:
    assert flat_text(replace(RECORD, input="")) == "Instruction: Choose the right word. Response: B"
    assert flat_text(replace(RECORD, input="x")) == "Instruction: Choose the right word. Input: x Response: B"
    form = form_named("flat")
    revised = replace(RECORD, input="", output="A")
    assert form.read(RECORD, form.target(RECORD, revised)) == revised


def test_the_flat_form_refuses_what_can_be_split_in_two_ways() -> None:
    broken = replace(RECORD, input="", output="Write it as Input: 3")
    with pytest.raises(Unparsable, match="each label once"):
        form_named("flat").read(broken, flat_text(broken))


@pytest.mark.parametrize("output", ["B", "B\n", " B", ""])
def test_white_space_around_a_flat_reply_is_no_revision(output: str) -> None:
    record = replace(RECORD, input="", output=output)
    assert form_named("flat").read(record, f"\n{flat_text(record)}\n\n") == record
    assert form_named("flat").read(record, "Instruction: Go. Response: C \n") == replace(
        record, instruction="Go.", output="C"
    )


def test_the_forms_hold_the_four_fields() -> None:
    assert FIELDS == ("instruction", "input", "output", "explanation")
