"""The answerability stage end to end with scripted replies: failures never become verdicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tunewright.cli.answerability import command
from tunewright.errors import BudgetReached, DataError, ModelError
from tunewright.generate.answerability_stage import (
    AnswerabilityConfig,
    estimate_answerability,
    judge_answerability,
)
from tunewright.records import Record, write_records
from tunewright.run.config import parse_config

# Four items on one passage. With it: opens (B alone), sells (A and B: a double key), closes (none). Without
# it: sells (B) is guessed. The reply on one option of the fourth cannot be read at all.
SCRIPT = """\
rules:
  - matches: "(?s)<text .*When does it open.*<proposed answer .{14}at ten"
    reply: {reason: "It says so.", verdict: "true"}
  - matches: "(?s)<text .*What is sold.*<proposed answer .{14}(tea|cake)"
    reply: {reason: "It says so.", verdict: "true"}
  - matches: "(?s)withheld.*What is sold.*<proposed answer .{14}cake"
    reply: {reason: "Cafés sell cake.", verdict: "true"}
  - matches: "(?s)<text .*Who works there.*<proposed answer .{14}Ben"
    reply: "Perhaps."
  - matches: "(?s)<text .*Who works there.*<proposed answer .{14}Ana"
    attempt: 0
    reply: "Certainly!"
  - matches: "(?s)<text .*Who works there.*<proposed answer .{14}Ana"
    reply: {reason: "It says so.", verdict: "true"}
  - reply: {reason: "It does not say so.", verdict: "false"}
"""
ITEMS = [
    ("When does it open?", ["at nine", "at ten", "at noon"], "B"),
    ("What is sold?", ["tea", "cake", "books"], "B"),
    ("When does it close?", ["at one", "at two", "at six"], "A"),
    ("Who works there?", ["Ana", "Ben", "Cem"], "A"),
]


def write_items(path: Path) -> Path:
    records = [
        Record(
            id=f"r{number}",
            instruction="Choose.",
            output=key,
            explanation="So.",
            meta={
                "options": texts,
                "key": key,
                "stem": stem,
                "passage": "The café opens at ten. Ana sells tea and cake.",
            },
        )
        for number, (stem, texts, key) in enumerate(ITEMS)
    ]
    letter = Record(
        id="letter", instruction="Write a letter.", output="Dear Ana, …", explanation="It greets."
    )
    write_records([*records, letter], path, format="native")
    return path


def config(tmp_path: Path, script: str = SCRIPT, **ask: Any) -> AnswerabilityConfig:
    (tmp_path / "script.yaml").write_text(script, encoding="utf-8")
    settings = {"ask": {"model": f"scripted:{tmp_path / 'script.yaml'}", **ask}}
    return parse_config(AnswerabilityConfig, settings, where="test")


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_items(tmp_path / "items.jsonl")


def test_answerable_guessable_and_double_keys_are_told_apart(data: Path, tmp_path: Path) -> None:
    manifest = judge_answerability(config(tmp_path), data, tmp_path / "out")
    assert manifest["counts"] == {
        "items": 4,
        "not_asked": 1,
        "judgements": 24,
        "failed_judgements": 1,
        "rejected_rows": 0,
    }
    found = [
        (row["answerable"], row["guessable"], row["double_keys"], row["is_sound"])
        for row in rows(tmp_path / "out/verdicts.jsonl")
    ]
    assert found == [
        (True, False, [], True),
        (True, True, ["A"], False),
        (False, False, [], False),
        (True, False, None, None),  # what was said of Ben is not known
    ]


def test_the_summary_has_shares_and_the_difference_with_its_interval(data: Path, tmp_path: Path) -> None:
    judge_answerability(config(tmp_path), data, tmp_path / "out")
    summary = json.loads((tmp_path / "out/summary.json").read_text(encoding="utf-8"))
    assert (summary["answerable"]["count"], summary["answerable"]["of"]) == (3, 4)
    assert (summary["guessable"]["count"], summary["guessable"]["of"]) == (1, 4)
    assert (summary["double_key"]["count"], summary["double_key"]["of"]) == (1, 3)
    assert summary["difference"] == 0.5
    assert summary["interval"]["low"] < 0.5 < summary["interval"]["high"]
    assert summary["not_asked"] == {"it has no options": 1}


def test_a_reply_that_is_no_verdict_is_kept_as_a_reject(data: Path, tmp_path: Path) -> None:
    judge_answerability(config(tmp_path), data, tmp_path / "out")
    (reject,) = rows(tmp_path / "out/rejects.jsonl")
    assert reject["row"] == "Perhaps."
    assert reject["reason"].startswith("r3 B with passage: unparsable: there is no JSON object")


def test_a_second_run_asks_nothing_and_gives_the_same_bytes(data: Path, tmp_path: Path) -> None:
    judge_answerability(config(tmp_path), data, tmp_path / "one")
    judge_answerability(
        config(tmp_path, replies=str(tmp_path / "one/replies.sqlite"), calls=False), data, tmp_path / "two"
    )
    for name in ("verdicts.jsonl", "summary.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_run_without_calls_or_replies_has_no_verdicts_and_no_shares(data: Path, tmp_path: Path) -> None:
    judge_answerability(config(tmp_path, calls=False), data, tmp_path / "out")
    summary = json.loads((tmp_path / "out/summary.json").read_text(encoding="utf-8"))
    assert summary["answerable"]["share"] is None
    assert summary["num_failed"] == 24


def test_a_run_stopped_by_its_budget_goes_on_and_ends_with_the_same_bytes(data: Path, tmp_path: Path) -> None:
    judge_answerability(config(tmp_path), data, tmp_path / "whole")
    with pytest.raises(BudgetReached):
        judge_answerability(config(tmp_path, budget_tokens=4000, concurrency=1), data, tmp_path / "out")
    missing = estimate_answerability(config(tmp_path), data, tmp_path / "out").num_to_ask
    assert 0 < missing < 24
    judge_answerability(config(tmp_path), data, tmp_path / "out")
    for name in ("verdicts.jsonl", "summary.json", "rejects.jsonl"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


def test_a_model_that_fails_leaves_no_finished_folder(data: Path, tmp_path: Path) -> None:
    half = SCRIPT.replace('  - reply: {reason: "It does not say so.", verdict: "false"}\n', "")
    with pytest.raises(ModelError, match="no rule fits"):
        judge_answerability(config(tmp_path, half), data, tmp_path / "out")
    assert not (tmp_path / "out/manifest.json").exists()


def test_data_without_a_choice_item_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "letters.jsonl"
    write_records([Record(id="l", instruction="Write.", output="Dear …")], data)
    with pytest.raises(DataError, match=r"no record is a choice item .*1: it has no options"):
        judge_answerability(config(tmp_path), data, tmp_path / "out")


def test_an_estimate_counts_the_requests_and_then_only_the_missing(data: Path, tmp_path: Path) -> None:
    assert estimate_answerability(config(tmp_path), data, tmp_path / "out").num_to_ask == 24
    judge_answerability(config(tmp_path), data, tmp_path / "out")
    assert estimate_answerability(config(tmp_path), data, tmp_path / "out").num_to_ask == 0


def app() -> typer.Typer:
    one = typer.Typer()
    one.command()(command)
    return one


def test_the_command_says_what_it_found(data: Path, tmp_path: Path) -> None:
    model = config(tmp_path).ask.model
    found = CliRunner().invoke(app(), [str(data), "--model", model, "--out", str(tmp_path / "out")])
    assert found.exit_code == 0, found.output
    assert "answerable:              3 of 4, 75.0 % (30.1 to 95.4)" in found.output
    assert "double key:              1 of 3" in found.output
    assert "answerable − guessable:  +50.0 points" in found.output
    assert "1 records not asked about: it has no options" in found.output


def test_a_dry_run_asks_nothing(data: Path, tmp_path: Path) -> None:
    model = config(tmp_path).ask.model
    arguments = [str(data), "--model", model, "--out", str(tmp_path / "out"), "--dry-run"]
    found = CliRunner().invoke(app(), arguments)
    assert found.exit_code == 0, found.output
    assert "requests       24" in found.output
    assert not (tmp_path / "out").exists()
