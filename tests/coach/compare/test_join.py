"""Which record belongs to which: unmatched and repeated ids are named, never guessed at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tunewright.coach.compare.join import Joined, join, read_side
from tunewright.errors import DataError
from tunewright.rate.check import CheckConfig, check


def write(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def row(text: str, id: Any = None) -> dict[str, Any]:
    found = {"instruction": f"Say {text}.", "output": text}
    return found if id is None else {"id": id, **found}


def joined(tmp_path: Path, before: list[Any], after: list[Any], match: str = "id") -> Joined:
    sides = [read_side(write(tmp_path / f"{n}.jsonl", rows)) for n, rows in enumerate((before, after))]
    return join(*sides, match=match)


def outputs(found: Joined) -> list[tuple[str, str, str]]:
    return [(pair.id, pair.original.output, pair.revised.output) for pair in found.pairs]


def test_records_of_one_id_belong_together_in_the_order_of_before(tmp_path: Path) -> None:
    found = joined(
        tmp_path, [row("a", "1"), row("b", 2), row("c", "3")], [row("z", 2), row("y", "1"), row("x", "4")]
    )
    assert outputs(found) == [("1", "a", "y"), ("2", "b", "z")]
    assert found.only_before == ("3",)
    assert found.only_after == ("4",)


def test_repeated_ids_are_matched_in_order_where_both_sets_hold_as_many(tmp_path: Path) -> None:
    found = joined(
        tmp_path, [row("a", "1"), row("b", "1"), row("c", "2")], [row("x", "2"), row("y", "1"), row("z", "1")]
    )
    assert outputs(found) == [("1", "a", "y"), ("1~2", "b", "z"), ("2", "c", "x")]
    assert found.repeated == ("1",)
    assert found.ambiguous == ()


def test_ids_that_occur_unequally_often_are_left_out_and_named(tmp_path: Path) -> None:
    found = joined(tmp_path, [row("a", "1"), row("b", "1"), row("c", "2")], [row("x", "2"), row("y", "1")])
    assert outputs(found) == [("2", "c", "x")]
    assert found.ambiguous == ("1",)
    assert found.only_before == found.only_after == ()


def test_an_id_that_only_looks_repeated_is_its_own(tmp_path: Path) -> None:
    found = joined(tmp_path, [row("a", "x~2"), row("b", "y")], [row("c", "x~2"), row("d", "y")])
    assert len(found.pairs) == 2
    assert found.repeated == ()


def test_sets_without_ids_that_changed_match_nothing_and_it_says_what_helps(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--by-position"):
        joined(tmp_path, [row("a"), row("b")], [row("c"), row("d")])


def test_by_position_the_nth_belongs_to_the_nth(tmp_path: Path) -> None:
    found = joined(tmp_path, [row("a"), row("b", "2")], [row("c", "8"), row("d")], match="position")
    assert [(one[1], one[2]) for one in outputs(found)] == [("a", "c"), ("b", "d")]
    assert found.after_ids[0] == "8"
    assert found.pairs[1].id == "2"


def test_by_position_sets_must_be_of_one_length_and_whole(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has 2 records"):
        joined(tmp_path, [row("a"), row("b")], [row("c")], match="position")
    with pytest.raises(DataError, match="1 rows cannot be read"):
        joined(tmp_path, [row("a"), row("b")], [row("c"), {"instruction": "x", "output": ""}], "position")


def test_rows_that_cannot_be_read_are_counted_by_reason(tmp_path: Path) -> None:
    found = joined(tmp_path, [row("a", "1")], [row("b", "1"), {"id": "2", "instruction": "x", "output": " "}])
    assert found.after.rejects == {"'output' is empty": 1}


def test_a_run_folder_stands_for_the_records_it_wrote_or_looked_at(tmp_path: Path) -> None:
    data = write(
        tmp_path / "data.jsonl", [row("a", "1"), {"id": "2", "instruction": "Say b.", "output": "b "}]
    )
    check(CheckConfig(), data, tmp_path / "looked")
    check(CheckConfig(fix=True), data, tmp_path / "mended")
    looked, mended = read_side(tmp_path / "looked"), read_side(tmp_path / "mended")
    assert [one.output for one in looked.records] == ["a", "b "]
    assert [one.output for one in mended.records] == ["a", "b"]
    assert mended.manifest is not None
    assert mended.manifest["stage"] == "check"
    data.unlink()
    with pytest.raises(DataError, match="name the data set itself"):
        read_side(tmp_path / "looked")


def test_an_id_with_the_readers_suffix_is_its_own_unless_the_reader_gave_it(tmp_path: Path) -> None:
    """7 and a real 7~2 in another order, and with one of them gone."""
    before = [row("seven", "7"), row("two", "7~2"), row("eight", "8")]
    found = joined(tmp_path, before, [row("two", "7~2"), row("seven", "7"), row("eight", "8")])
    assert outputs(found) == [("7", "seven", "seven"), ("7~2", "two", "two"), ("8", "eight", "eight")]
    assert found.repeated == ()
    found = joined(tmp_path, before, [row("two", "7~2"), row("eight", "8")])
    assert outputs(found) == [("7~2", "two", "two"), ("8", "eight", "eight")]
    assert (found.only_before, found.ambiguous) == (("7",), ())


def test_a_run_that_wrote_the_readers_names_still_matches(tmp_path: Path) -> None:
    """`revise` writes the second 7 as 7~2: a real id by then, in whatever order."""
    found = joined(tmp_path, [row("a", "7"), row("b", "7")], [row("y", "7~2"), row("x", "7")])
    assert outputs(found) == [("7", "a", "x"), ("7~2", "b", "y")]


def test_a_record_that_may_be_meant_by_two_is_left_out(tmp_path: Path) -> None:
    found = joined(tmp_path, [row("a", "7"), row("b", "7"), row("c", "8")], [row("x", "7~2"), row("z", "8")])
    assert outputs(found) == [("8", "c", "z")]
    assert found.ambiguous == ("7",)
