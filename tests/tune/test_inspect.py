"""`inspect` on a file with known contents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunewright.errors import DataError
from tunewright.records.read import read_records
from tunewright.tune.config import TuneConfig
from tunewright.tune.inspect import PIECE_CHARS, inspect
from tunewright.tune.stage import tune


def test_counts_lengths_ratio_duplicates_and_broken_rows(tmp_path: Path) -> None:
    """Prompts of 4, 4 and 6 words, outputs of 2, 2 and 1: ratio of means 14/5, median ratio 2."""
    rows = [
        {"instruction": "name one big city", "input": "", "output": "Lima, Peru"},
        {"instruction": "name one big city", "input": "", "output": "Lima, Peru"},
        {"instruction": "name one big city", "input": "in Africa", "output": "Lagos"},
        {"instruction": "broken", "input": "", "output": None},
    ]
    file = tmp_path / "d.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = inspect(str(file))
    assert found.summary.num_records == 3
    assert found.summary.words.ratio_of_means == pytest.approx(14 / 5)
    assert found.summary.words.median_ratio == 2
    assert found.summary.num_exact_duplicates == 1
    assert found.num_rejects == 1
    assert (found.first_rejects[0].line, found.first_rejects[0].field) == (4, "output")
    assert found.formats == {"alpaca": 3}
    assert found.summary.tokens is not None
    assert found.summary.tokens.fields["output"].num_records == 3


def test_no_usable_row_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "d.jsonl"
    file.write_text('{"instruction": "a", "output": ""}\n')
    with pytest.raises(DataError, match="output"):
        inspect(str(file))


def test_a_huge_text_is_counted_in_pieces_and_dropped_before_it_is_rendered(tmp_path: Path) -> None:
    """Two million characters: as many tokens as its words, and no arm trains on it."""
    rows = [{"instruction": f"Say {n} words.", "output": "word " * n} for n in (1, 2, 400_000)]
    file = tmp_path / "d.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = inspect(str(file))
    assert found.summary.tokens is not None
    longest = found.summary.tokens.fields["output"].max
    assert abs(longest - 400_000) <= 2_000_000 / PIECE_CHARS + 1
    manifest = tune(TuneConfig(epochs=1), list(read_records(file)), tmp_path / "arm")
    assert manifest["counts"]["train"] == 2
    reject = json.loads((tmp_path / "arm/rejects.jsonl").read_text())
    assert reject["reason"] == "too long"
    assert "more than 1024 tokens can hold" in reject["detail"]
