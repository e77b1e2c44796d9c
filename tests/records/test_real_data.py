"""Every instruction file we have comes back as it was, but for the rows that are rejected."""

from __future__ import annotations

from pathlib import Path

import pytest

from records.rows import exact, read_rows
from tunewright.records import Reject, read_records, write_records

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "instructions"
needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason="the shared instruction data is not beside the repository"
)

# Name, records, lines of rejected rows (all four have an empty output).
FILES = [
    ("alpaca_5k.json", 5301, 4),
    ("book_1100.json", 1100, 0),
    ("dolly_3k.json", 2996, 0),
    ("lima.jsonl", 1030, 0),
    ("seed_tasks.jsonl", 175, 0),
    ("small_talk_and_stories.jsonl", 1398, 0),
    ("t0_mix.jsonl", 4098, 0),
    ("user_oriented_252.jsonl", 252, 0),
]


@needs_data
@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(("name", "num_records", "num_rejects"), FILES)
def test_a_file_comes_back_equal(
    name: str, num_records: int, num_rejects: int, suffix: str, tmp_path: Path
) -> None:
    rejects: list[Reject] = []
    target = tmp_path / (name + suffix)
    assert write_records(read_records(DATA / name, on_reject=rejects.append), target) == num_records
    assert [(reject.field, reject.reason) for reject in rejects] == [("output", "is empty")] * num_rejects
    rows = [row for row in read_rows(DATA / name) if row.get("output", "x").strip()]
    assert exact(read_rows(target)) == exact(rows)
    assert write_records(read_records(target), tmp_path / f"again-{name}") == num_records
    assert exact(read_rows(tmp_path / f"again-{name}")) == exact(rows)


@needs_data
@pytest.mark.parametrize("target", ["x.parquet", "x.csv", "folder"])
@pytest.mark.parametrize("format", ["native", "alpaca", "messages", "sharegpt"])
def test_real_conversations_pass_through_every_format_with_their_ids(
    format: str, target: str, tmp_path: Path
) -> None:
    before = list(read_records(DATA / "lima.jsonl"))
    write_records(before, tmp_path / target, format=format)
    assert list(read_records(tmp_path / target)) == before
