"""The student: two arms with one beginning, compared example by example."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tunewright.coach.compare.config import CompareConfig
from tunewright.coach.compare.stage import compare_sets
from tunewright.coach.compare.student import paired
from tunewright.generate.items import generate_items
from tunewright.records import write_records
from tunewright.run.config import parse_config
from tunewright.run.folder import read_manifest


def test_the_difference_is_paired_by_example_and_seed() -> None:
    """Two seeds, two examples: after − before is (−1, −2) and (0, −1); the mean is −1."""
    found = paired([[3.0, 4.0], [3.0, 5.0]], [[2.0, 2.0], [3.0, 4.0]], epoch=3)
    assert (found.before, found.after, found.difference) == (3.75, 2.75, -1.0)
    assert found.by_seed == (-1.5, -0.5)
    assert found.share_lower == 1.0
    assert found.interval.low == -2.0
    assert found.interval.high == 0.0


def test_a_difference_on_every_example_has_an_interval_without_zero() -> None:
    before = [[2.0 + n / 10 for n in range(20)]]
    found = paired(before, [[one - 0.3 for one in before[0]]], epoch=1)
    assert found.interval.low == pytest.approx(-0.3)
    assert found.interval.high == pytest.approx(-0.3)


def test_a_student_learns_more_from_the_set_that_is_like_the_held_out_one(tmp_path: Path) -> None:
    """BEFORE has every output replaced by nonsense; held-out items are as AFTER's."""
    items = [replace(one, explanation="") for one in generate_items(32, seed=5)]
    after, heldout = items[:24], items[24:]
    before = [replace(one, output="Zq zq zq.") for one in after]
    for name, records in (("before", before), ("after", after), ("heldout", heldout)):
        write_records(records, tmp_path / f"{name}.jsonl", format="native")
    given = {
        "check": None,
        "student": {"model": "scratch:tiny", "epochs": 1, "batch_size": 4},
        "heldout": str(tmp_path / "heldout.jsonl"),
        "student_seeds": 1,
    }
    config = parse_config(CompareConfig, given, where="test")
    compare_sets(config, tmp_path / "before.jsonl", tmp_path / "after.jsonl", tmp_path / "out")
    found = json.loads((tmp_path / "out/comparison.json").read_text())["student"]
    assert (found["num_examples"], found["num_trained"], found["num_seen"]) == (8, [24, 24], [0, 0])
    first, last = found["epochs"][0], found["epochs"][-1]
    if first["epoch"] == 0:
        assert first["difference"] == 0, "both begin with the same weights and tokenizer"
    assert last["epoch"] == 1
    assert last["interval"]["high"] < 0
    arms = [read_manifest(tmp_path / f"out/student/{name}-1") for name in ("before", "after")]
    assert len({one["extra"]["tokenizer_sha256"] for one in arms}) == 1
    assert len({one["extra"]["lr"] for one in arms}) == 1
    page = (tmp_path / "out/comparison.html").read_text(encoding="utf-8")
    assert "nats/token lower" in page
