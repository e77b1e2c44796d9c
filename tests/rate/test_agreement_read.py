"""Ratings files as people and tools write them: what is read, and what is said of the rest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunewright.errors import DataError
from tunewright.rate.agreement import measure_agreement, rating_table
from tunewright.rate.agreement.raters import MOST_CATEGORIES
from tunewright.rate.agreement.read import parse_scale, read_ratings_file


def file(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("r.csv", "item,rater,value\n1,a,2\n1,b,3\n"),
        ("r.csv", "item;rater;value\r\n1;a;2\r\n1;b;3\r\n"),
        ("r.tsv", "item\trater\tvalue\n1\ta\t2\n1\tb\t3\n"),
        ("r.jsonl", '{"item": 1, "rater": "a", "value": 2}\n{"item": 1, "rater": "b", "value": "3"}'),
        ("r.json", '[{"item": 1, "rater": "a", "value": 2},\n{"item": 1, "rater": "b", "value": 3}]\n'),
        ("r.csv", b"\xef\xbb\xbfitem,rater,value\n1,a,2\n1,b,3\n"),
    ],
)
def test_every_usual_form_of_a_table_is_read(tmp_path: Path, name: str, text: str | bytes) -> None:
    table = read_ratings_file(file(tmp_path, name, text))
    assert (table.items, table.raters, table.categories) == (("1",), ("a", "b"), (2.0, 3.0))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "r.jsonl",
            '{"item": 1, "rater": "a", "value": 2}\n{"item": 1, "rater": "b", "val',
            r"r\.jsonl:2: not JSON",
        ),
        ("r.jsonl", "[1]\n[2]\n", r"r\.jsonl:1: is a list, not an object"),
        ("r.csv", b"item,rater,value\nn\xe9,a,2\n", r"r\.csv:2: 'item' is not UTF-8"),
        ("r.csv", "item,rater,value\n1,a,2\n1,b\n", r"r\.csv:3: has 2 cells where the header has 3"),
        ("r.csv", "item,rater,value\n1,a,2\n1,,3\n", r"r\.csv:3: 'rater' is empty"),
        ("r.csv", "item,value\n1,2\n", "the column 'rater' is missing; there are: item, value"),
        ("r.csv", "item,rater,value\n1,a,2\n1,b,nan\n", r"some texts \('nan'\)"),
        ("r.csv", "", "the file is empty"),
        ("r.csv", b"\x00\x01\x02\x03", "binary"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(
    tmp_path: Path, name: str, text: str | bytes, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        read_ratings_file(file(tmp_path, name, text))


def test_a_cell_of_any_length_is_read(tmp_path: Path) -> None:
    table = read_ratings_file(file(tmp_path, "r.csv", f'item,rater,value\n"{"x" * 200_000}",a,2\n'))
    assert len(table.items[0]) == 200_000


def test_an_unknown_question_says_which_there_are(tmp_path: Path) -> None:
    plain = file(tmp_path, "p.csv", "item,rater,value\n1,a,2\n1,b,2\n")
    with pytest.raises(DataError, match="there is no column 'question'"):
        read_ratings_file(plain, question="taste")
    asked = file(tmp_path, "q.csv", "item,rater,value,question\n1,a,2,validity\n")
    with pytest.raises(DataError, match="there are validity"):
        read_ratings_file(asked, question="taste")


def test_gold_and_repeated_items_of_an_unblinded_study_are_left_out(tmp_path: Path) -> None:
    rows = [{"item": "x", "rater": rater, "value": 1, "kind": "main"} for rater in "ab"]
    rows += [{"item": "g", "rater": rater, "value": 0, "kind": "gold"} for rater in "ab"]
    table = read_ratings_file(file(tmp_path, "u.jsonl", "\n".join(map(json.dumps, rows))))
    assert (table.items, table.num_ratings) == (("x",), 2)


def test_a_scale_has_no_empty_value() -> None:
    with pytest.raises(DataError, match="two different values"):
        parse_scale("1,,2")
    assert parse_scale("no, yes") == ("no", "yes")


def test_measurements_have_only_what_counts_distances() -> None:
    """With hundreds of values equality is chance, and a table of all pairs of values fills the memory."""
    values = [float(number) for number in range(MOST_CATEGORIES + 1)]
    triples = [(str(number), rater, value) for number, value in enumerate(values) for rater in "ab"]
    found = measure_agreement(rating_table(triples), replicates=50)
    assert {(one.name, one.weighting) for one in found.coefficients} == {
        ("alpha", "ordinal"),
        ("alpha", "interval"),
    }
    assert found.get("alpha", "interval").value == 1
    assert "only what counts their distances is given" in found.notes[0]


def test_one_item_has_values_and_no_interval() -> None:
    found = measure_agreement(rating_table([("x", "a", 1.0), ("x", "b", 2.0)], scale=(1.0, 2.0, 3.0)))
    assert found.get("percent").value == 0
    assert found.get("alpha").interval is None
