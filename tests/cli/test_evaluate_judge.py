"""`evaluate answers` and `evaluate judge` as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tunewright.cli import evaluate_answers, evaluate_judge
from tunewright.errors import RecipeError

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
app.command("answers")(evaluate_answers.command)
app.command("judge")(evaluate_judge.command)


def run(*words: str | Path) -> Result:
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


@pytest.fixture
def answered(tmp_path: Path) -> tuple[Path, Path]:
    """Two runs of `evaluate answers` on the same two prompts."""
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text('{"instruction": "Name a river."}\n{"instruction": "Say yes."}\n')
    for name, text in (("one", "Nile"), ("two", "The Rhine")):
        rules = tmp_path / f"{name}.yaml"
        rules.write_text(f"rules:\n  - {{contains: river, reply: {text}}}\n  - {{reply: 'yes'}}\n")
        words = ["--model", f"scripted:{rules}", "--prompts", prompts, "--name", name, "--out"]
        done = run("answers", *words, tmp_path / "runs" / name)
        assert "2 of 2 prompts answered" in done.stdout
    return tmp_path / "runs" / "one", tmp_path / "runs" / "two"


def test_two_runs_are_judged_and_the_counts_are_shown(tmp_path: Path, answered: tuple[Path, Path]) -> None:
    done = run("judge", *answered, "--judge", "length:,random:1", "--out", tmp_path / "out")
    assert "identical)" in done.stdout
    assert "length:: a 0, tie 1, b 1; first shown 50%, consistent 100%, longer 100%" in done.stdout
    assert "length: and random:1: the same on" in done.stdout
    assert f"results: {tmp_path / 'out' / 'annotations.json'}" in done.stdout
    found = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert [row["generator_2"] for row in found] == ["two", "two"]


def test_a_dry_run_says_calls_and_tokens_of_each_judge(tmp_path: Path, answered: tuple[Path, Path]) -> None:
    rules = tmp_path / "judge.yaml"
    rules.write_text("rules:\n  - reply: {reason: x, verdict: A}\n")
    out = tmp_path / "out"
    done = run("judge", *answered, "--judge", f"scripted:{rules},length:", "--out", out, "--dry-run")
    assert f"judge          scripted:{rules}" in done.stdout
    assert "requests       2" in done.stdout
    assert "judge          length:" not in done.stdout
    free = run("judge", *answered, "--judge", "length:", "--out", out, "--dry-run")
    assert "ask nobody" in free.stdout
    assert not out.exists()


def test_single_scores_and_a_second_reading_are_shown(tmp_path: Path, answered: tuple[Path, Path]) -> None:
    rules = tmp_path / "judge.yaml"
    rules.write_text("rules:\n  - reply: 'Score: 8'\n")
    words = ["judge", answered[0], "--single", "--judge", f"scripted:{rules}", "--out", tmp_path / "out"]
    shown = run(*words).stdout
    assert "one turn 1 overall: no score (0 of 2" in shown
    assert "the first problem, of scripted:" in shown
    assert "there is no JSON object in it" in shown
    again = ["judge", tmp_path / "out", "--reparse", "--pattern", "Score: (?P<score>[0-9]+)"]
    done = run(*again, "--out", tmp_path / "new")
    assert "one turn 1 overall: 8.00 (2 of 2" in done.stdout


def test_wrong_uses_say_what_to_do(tmp_path: Path, answered: tuple[Path, Path]) -> None:
    with pytest.raises(RecipeError, match="name who judges with --judge"):
        run("judge", *answered, "--out", tmp_path / "out")
    with pytest.raises(RecipeError, match="give its folder alone"):
        run("judge", *answered, "--reparse", "--out", tmp_path / "out")
    with pytest.raises(RecipeError, match="orders"):
        run("judge", *answered, "--judge", "length:", "--orders", "one", "--out", tmp_path / "out")


def test_the_judge_is_named_by_its_own_option() -> None:
    shown = CliRunner().invoke(app, ["judge", "--help"], env={"COLUMNS": "120"}).stdout
    assert "--judge" in shown
    assert "--model" not in shown
