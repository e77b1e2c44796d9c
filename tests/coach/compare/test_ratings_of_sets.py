"""Ratings before and after: who has a score, which bin, and the gain at equal length."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunewright.coach.compare.config import CompareConfig
from tunewright.coach.compare.join import Joined, join, read_side
from tunewright.coach.compare.ratings import at_equal_length, gain, ratings
from tunewright.coach.revision import Revision
from tunewright.errors import DataError
from tunewright.rate.config import RateConfig
from tunewright.rate.stage import rate
from tunewright.records.record import Record
from tunewright.run.config import parse_config

SCRIPT = """\
rules:
  - contains: "excellent"
    reply: {reason: "Good.", score: 5}
  - contains: "fair"
    reply: {reason: "So so.", score: 3.5}
  - contains: "mumble"
    reply: "Hard to say."
  - reply: {reason: "Weak.", score: 2}
"""


def write(path: Path, outputs: Sequence[str], scores: Sequence[Any] | None = None) -> Path:
    rows: list[dict[str, Any]] = [
        {"id": f"r{n}", "instruction": f"Question {n}?", "output": text} for n, text in enumerate(outputs)
    ]
    for row, score in zip(rows, scores or (), strict=bool(scores)):
        row["score"] = score
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def rated(data: Path, script: str = SCRIPT, criteria: str = "accuracy") -> Path:
    file = data.with_suffix(".yaml")
    file.write_text(script)
    config = {"ask": {"model": f"scripted:{file}", "max_asked_again": 0}, "criteria": criteria}
    rate(parse_config(RateConfig, config, where="test"), data, data.with_suffix(".rated"))
    return data.with_suffix(".rated")


def joined(tmp_path: Path, before: Sequence[str], after: Sequence[str], *scores: Sequence[Any]) -> Joined:
    old_scores, new_scores = scores or (None, None)
    old = write(tmp_path / "before.jsonl", before, old_scores)
    new = write(tmp_path / "after.jsonl", after, new_scores)
    return join(read_side(old), read_side(new))


def test_two_ratings_are_compared_record_by_record(tmp_path: Path) -> None:
    found = joined(
        tmp_path,
        ["weak", "fair", "mumble", "excellent"],
        ["excellent", "excellent", "fair", "excellent"],
    )
    folders = [rated(tmp_path / f"{name}.jsonl") for name in ("before", "after")]
    result = ratings(found, CompareConfig(rated_before=folders[0], rated_after=folders[1]))
    (main,) = result.comparisons
    assert main.labels == ("[0, 3.5)", "[3.5, 4)", "[4, 4.5)", "[4.5, 5]", "no score")
    assert main.transitions == (
        (0, 0, 0, 1, 0),
        (0, 0, 0, 1, 0),
        (0, 0, 0, 0, 0),
        (0, 0, 0, 1, 0),
        (0, 1, 0, 0, 0),
    )
    assert (main.num_matched, main.num_both) == (4, 3)
    assert (main.mean_before, main.mean_after) == (10.5 / 3, 5.0)
    assert (main.high_before.count, main.high_before.of) == (1, 4), "of all pairs"
    before, after = result.high_of_rated[0]
    assert (before.count, before.of) == (1, 3), "of those with a score"
    assert (after.count, after.of) == (3, 4)
    assert result.failed == ({"unparsable": 1}, {})
    assert result.main_gains == {"r0": 3.0, "r1": 1.5, "r3": 0.0}
    assert result.same_rater is False, "another script is another rater"


def test_other_criteria_or_another_set_cannot_be_compared(tmp_path: Path) -> None:
    found = joined(tmp_path, ["weak"], ["fair"])
    one = rated(tmp_path / "before.jsonl")
    other = rated(
        write(tmp_path / "x.jsonl", ["fair"]), "rules: [{reply: {reason: r, score: 50}}]", "coachlm"
    )
    with pytest.raises(DataError, match="same criteria"):
        ratings(found, CompareConfig(rated_before=one, rated_after=other))
    elsewhere = tmp_path / "y.jsonl"
    elsewhere.write_text(json.dumps({"id": "z", "instruction": "a", "output": "b"}) + "\n")
    with pytest.raises(DataError, match="rated none of the records"):
        ratings(found, CompareConfig(rated_before=one, rated_after=rated(elsewhere)))


def test_scores_may_come_from_columns_and_the_rater_is_then_unknown(tmp_path: Path) -> None:
    found = joined(tmp_path, ["a", "b", "c"], ["d", "e", "c"], [3, 4.5, None], ["5", 4, 4])
    result = ratings(found, CompareConfig(score_before="score"))
    assert result.main_gains == {"r0": 2.0, "r1": -0.5}
    assert result.same_rater is None
    assert result.failed == ({"without a number": 1}, {})
    assert [one.key for one in result.gains] == ["response"]


def test_a_column_off_the_scale_is_refused(tmp_path: Path) -> None:
    found = joined(tmp_path, ["a"], ["b"], [77], [3])
    with pytest.raises(DataError, match=r"record r0 of BEFORE has 77 in 'score'"):
        ratings(found, CompareConfig(score_before="score"))
    with pytest.raises(DataError, match="column 'rating'"):
        ratings(found, CompareConfig(score_before="rating"))


def test_the_gain_at_equal_length_is_the_intercept() -> None:
    """gain = 0.2 + 1.5·tanh(difference / its root mean square), exactly."""
    differences = np.linspace(-20, 100, 25)
    scale = math.sqrt(np.mean(differences**2))
    found, interval = at_equal_length(0.2 + 1.5 * np.tanh(differences / scale), differences)
    assert found == pytest.approx(0.2)
    assert interval is not None
    assert interval.low == pytest.approx(0.2)
    assert interval.high == pytest.approx(0.2)


def test_there_is_no_intercept_without_differences_in_length() -> None:
    assert at_equal_length(np.ones(20), np.zeros(20)) == (None, None)
    assert at_equal_length(np.ones(9), np.linspace(-1, 1, 9)) == (None, None)


def test_there_is_no_intercept_outside_the_data() -> None:
    """All revisions are longer: what the gain were at equal length, no pair can tell."""
    assert at_equal_length(np.linspace(0, 2, 30), np.linspace(0.3, 1, 30)) == (None, None)


def test_unchanged_records_do_not_enter_the_gain_at_equal_length() -> None:
    """Twelve changed pairs gain 1, 2 and 3 where they are 8 characters shorter, and 8 and 24 longer: at equal
    length between 1 and 2, by a line through tanh of them in units of √((2·64 + 576)/3). Thirty unchanged
    pairs would pull it to nothing."""
    pairs, before, after = [], {}, {}
    for n in range(42):
        id, (more, better) = str(n), ((-8, 1), (8, 2), (24, 3))[n % 3] if n < 12 else (0, 0)
        old = Record(id=id, instruction="Go.", output="x" * 16)
        pairs.append(Revision(old, Record(id=id, instruction="Go.", output="x" * (16 + more))))
        before[id], after[id] = 1.0, 1.0 + better
    found = gain("response", pairs, before, after)
    assert (found.num_pairs, found.num_changed, found.num_near) == (42, 12, 0)
    assert found.mean == pytest.approx(24 / 42)
    assert found.changed_mean == pytest.approx(24 / 12)
    x = [math.tanh(one / math.sqrt((64 + 64 + 576) / 3)) for one in (-8, 8, 24)]
    _, intercept = np.polyfit(x, [1, 2, 3], 1)
    assert 1 < intercept < 2
    assert found.equal_length == pytest.approx(intercept)
    assert found.near is None


def test_a_longer_explanation_is_length_too() -> None:
    """The responses are equally long; what was added to them is what a rater saw more of."""
    pairs = [
        Revision(
            Record(id=str(n), instruction="Go.", output="abc"),
            Record(id=str(n), instruction="Go.", output="abd", explanation="x" * 40 * (n % 2)),
        )
        for n in range(4)
    ]
    scores = {str(n): 1.0 for n in range(4)}
    assert gain("response", pairs, scores, scores).num_near == 2


def test_exchanged_rating_folders_are_refused(tmp_path: Path) -> None:
    found = joined(tmp_path, ["weak", "fair"], ["fair", "excellent"])
    before, after = (rated(tmp_path / f"{name}.jsonl") for name in ("before", "after"))
    with pytest.raises(DataError, match=r"is no rating of BEFORE .*one of AFTER; are the two folders ex"):
        ratings(found, CompareConfig(rated_before=after, rated_after=before))
    for twice, name in ((before, "AFTER"), (after, "BEFORE")):
        with pytest.raises(DataError, match=f"is no rating of {name} .*or is one given twice"):
            ratings(found, CompareConfig(rated_before=twice, rated_after=twice))
    assert ratings(found, CompareConfig(rated_before=before, rated_after=after)).unproved == ()


def test_a_rating_of_an_earlier_state_of_the_set_is_refused(tmp_path: Path) -> None:
    found = joined(tmp_path, ["weak", "fair"], ["fair", "excellent"])
    before, after = (rated(tmp_path / f"{name}.jsonl") for name in ("before", "after"))
    newer = joined(tmp_path, ["weak", "fair"], ["fair", "excellent!"])
    with pytest.raises(
        DataError, match=r"of 1 of 2 records it rated another text, such as that of r1\. Rate"
    ):
        ratings(newer, CompareConfig(rated_before=before, rated_after=after))
    assert ratings(found, CompareConfig(rated_before=before, rated_after=after)).unproved == ()


def test_a_rating_of_the_same_texts_with_other_columns_is_one_of_the_set(tmp_path: Path) -> None:
    before, after = write(tmp_path / "before.jsonl", ["weak"]), write(tmp_path / "after.jsonl", ["fair"])
    folders = [rated(before), rated(after)]
    scored = joined(tmp_path, ["weak"], ["fair"], [1], [2])
    result = ratings(scored, CompareConfig(rated_before=folders[0], rated_after=folders[1]))
    assert result.unproved == ()
    (folders[1] / "records.jsonl").unlink()
    result = ratings(scored, CompareConfig(rated_before=folders[0], rated_after=folders[1]))
    assert result.unproved == ("after",)
    both = join(read_side(folders[0]), read_side(folders[0]))
    assert ratings(both, CompareConfig(rated_before=folders[0], rated_after=folders[0])).unproved == ()
