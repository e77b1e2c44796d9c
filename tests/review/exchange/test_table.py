"""The table for spreadsheets: nothing in it runs, and every text comes back as it was."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from review.exchange.items_and_results import NASTY, item, result, texts, worked_on
from tunewright.records.row import RowError
from tunewright.review.exchange.entries import Entry
from tunewright.review.exchange.final import Final, final_of
from tunewright.review.exchange.inert import inert, plain
from tunewright.review.exchange.result import Result
from tunewright.review.exchange.table import read_table, rows_of_entry, write_table
from tunewright.review.model import Item

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


@given(texts)
def test_no_cell_begins_like_a_formula_and_the_text_comes_back(text: str) -> None:
    cell = inert(text)
    assert not cell.startswith(DANGEROUS)
    assert plain(cell) == text


@pytest.mark.parametrize("text", NASTY)
def test_an_ordinary_text_is_left_as_it_is(text: str) -> None:
    assert inert("see " + text) == "see " + text


def written(path: Path, *entries: Entry) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        write_table((row for entry in entries for row in rows_of_entry(entry)), stream)
    return path


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=worked_on())
def test_results_come_back_from_a_table(tmp_path: Path, case: tuple[Item, tuple[Result, ...]]) -> None:
    """All but the last digits of a time, which is written to the microsecond."""
    item, results = case
    found = [
        one for _, one in read_table(written(tmp_path / "t.csv", Entry(item, results, final_of(results))))
    ]
    assert len(found) == len(results)
    for one, other in zip(found, results, strict=True):
        assert isinstance(one, Result)
        assert one.at == pytest.approx(other.at, abs=1e-6)
        assert (one.key, one.person, one.decision, one.texts, one.reason, one.seconds, one.seconds_open) == (
            other.key,
            other.person,
            other.decision,
            other.texts,
            other.reason,
            other.seconds,
            other.seconds_open,
        )
        assert (one.shown_draft, one.version) == (other.shown_draft, other.version)


def test_every_cell_of_a_file_is_inert_in_quotes_and_marked_as_utf_8(tmp_path: Path) -> None:
    said = tuple(result(f"p{number}", text, reason=text) for number, text in enumerate(NASTY))
    nasty = item("=key", original={"output": "@x"}, draft={"instruction": "-1"})
    raw = written(tmp_path / "t.csv", Entry(nasty, said, Final(None, "open"))).read_bytes()
    assert raw.startswith(b'\xef\xbb\xbf"item","person"')
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert len(rows) == 1 + len(NASTY)
    assert not [cell for row in rows for cell in row if cell.startswith(DANGEROUS)]
    assert rows[1][0] == "'=key"


def test_a_row_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", Entry(item(), (result(),), Final(None, "open")))
    text = path.read_text("utf-8-sig")
    for old, new, says in (
        ('"edit"', '"perhaps"', "'perhaps'"),
        ('"12.5"', '"many"', "no number of seconds|not a number of seconds"),
        ("2023-11-14T", "14 Nov ", "write it as"),
    ):
        path.write_text(text.replace(old, new), "utf-8")
        [(_, found)] = read_table(path)
        assert isinstance(found, RowError)
        assert any(part in str(found) for part in says.split("|"))
