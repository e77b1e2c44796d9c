"""Edit statistics of pairs whose numbers were counted by hand."""

from __future__ import annotations

import time

from tunewright.coach.after import flags
from tunewright.coach.compare.edits import Distance, distance, edit_statistics
from tunewright.coach.revision import Revision
from tunewright.records.record import Record


def pair(id: str, before: tuple[str, str, str], after: tuple[str, str, str], **more: str) -> Revision:
    old, new = (Record(id=id, instruction=i, input=n, output=o) for i, n, o in (before, after))
    if more:
        new = Record(**{name: getattr(new, name) for name in new.__dataclass_fields__} | more)  # type: ignore[arg-type]
    return Revision(old, new)


PAIRS = [
    pair("same", ("Add.", "1 and 2", "3"), ("Add.", "1 and 2", "3")),
    pair("longer", ("Add.", "", "3"), ("Add.", "", "It is 3.")),
    pair("input gone", ("Say it.", "no input", "one two"), ("Say it.", "", "one two")),
    pair("input new", ("Say it.", "", "one two"), ("Say it now.", "this", "one")),
    pair("numbers", ("Add.", "1 and 2", "3"), ("Add.", "2 and 1", "3")),
]


def test_fields_are_counted_one_by_one() -> None:
    found = edit_statistics(PAIRS)
    assert [one.field for one in found.fields] == ["instruction", "input", "output"]
    instruction, input, output = found.fields
    assert (found.changed.count, found.instruction_side.count) == (4, 3)
    assert (instruction.changed.count, input.changed.count, output.changed.count) == (1, 3, 2)
    assert (input.num_added, input.num_removed) == (1, 1)
    assert (output.num_added, output.num_removed) == (0, 0)
    assert input.words_before == (3 + 0 + 2 + 0 + 3) / 5
    assert output.words_before == (1 + 1 + 2 + 2 + 1) / 5
    assert output.words_after == (1 + 3 + 2 + 1 + 1) / 5
    assert output.chars_after == (1 + 8 + 7 + 3 + 1) / 5


def test_longer_is_counted_in_characters_and_in_words() -> None:
    found = edit_statistics(PAIRS)
    assert (found.longer_chars.count, found.longer_words.count, found.longer_chars.of) == (1, 1, 5)
    more_letters = [pair("x", ("Say.", "", "a b"), ("Say.", "", "longword"))]
    found = edit_statistics(more_letters)
    assert (found.longer_chars.count, found.longer_words.count) == (1, 0)


def test_changed_numbers_inside_the_input_are_named() -> None:
    """An input that came or went altogether is counted as such, not here."""
    assert edit_statistics(PAIRS).numbers_in_input == ("numbers",)


def test_numbers_are_those_that_revising_flags() -> None:
    """1,200 and 1200 are one number for both; 1,200 and 1,300 are not."""
    same = pair("same", ("Add.", "1,200 cows", "x"), ("Add.", "1200 cows", "x"))
    other = pair("other", ("Add.", "1,200 cows", "x"), ("Add.", "1,300 cows", "x"))
    assert edit_statistics([same, other]).numbers_in_input == ("other",)
    for one, flagged in ((same, False), (other, True)):
        kinds = [flag.kind for flag in flags(one.original, one.revised)]
        assert ("input_number" in kinds) is flagged


def test_the_distance_is_that_of_the_labelled_line() -> None:
    """`Input: ` and its space are part of it: 7 letters of "this", and " Input: " are inserted."""
    assert distance(PAIRS[0]) == Distance(0)
    assert distance(PAIRS[1]) == Distance(len("It is ") + len("."))
    assert distance(pair("x", ("Go.", "", "a"), ("Go.", "this", "a"))) == Distance(len(" Input: this"))


def test_a_changed_explanation_counts_too() -> None:
    explained = pair("x", ("Go.", "", "a"), ("Go.", "", "a"), explanation="Why.")
    assert distance(explained) == Distance(4)
    assert [one.field for one in edit_statistics([explained]).fields] == [
        "instruction",
        "output",
        "explanation",
    ]


def test_unchanged_sets_have_no_distances() -> None:
    found = edit_statistics(PAIRS[:1])
    assert found.distance_quantiles == {}
    assert found.changed.share == 0


def test_texts_too_long_for_an_exact_distance_have_a_bound() -> None:
    """1 MB of words that all differ; the same with one word in the middle changed is exact."""
    many = 200_000
    long = pair("long", ("Go.", "", "word " * many), ("Go.", "", "wird " * many))
    started = time.process_time()
    found = distance(long)
    assert time.process_time() - started < 5
    assert found.is_bound
    assert many <= found.chars <= 5 * many
    half = "word " * (many // 2)
    one = pair("one", ("Go.", "", half + "new " + half), ("Go.", "", half + "old " + half))
    assert distance(one) == Distance(3)
    assert edit_statistics([long, one]).num_bounded == 1
