"""`evaluate answers` and `evaluate judge` as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tunewright.cli import evaluate_answers, evaluate_judge, reparse
from tunewright.errors import DataError, RecipeError, RunFolderError

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
app.command("answers")(evaluate_answers.command)
app.command("judge")(evaluate_judge.command)
app.command("reparse")(reparse.command)


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
    table = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()[1:4]}
    assert table["Judge"] == ["A", "Tie", "B", "Unparsed", "Error", "First", "shown", "Consistent", "Longer"]
    assert table["length:"] == ["0", "1", "1", "0", "0", "50%", "100%", "100%"]
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
    assert shown.splitlines()[1].split()[:7] == ["one", "1", "overall", "–", "0", "of", "2"]
    assert "the first problem, of scripted:" in shown
    assert "there is no JSON object in it" in shown
    again = ["reparse", tmp_path / "out", "--pattern", "Score: (?P<score>[0-9]+)"]
    done = run(*again, "--out", tmp_path / "new")
    assert done.stdout.splitlines()[1].split()[:7] == ["one", "1", "overall", "8.00", "2", "of", "2"]


def test_a_judge_without_a_verdict_is_seen_in_its_own_row(
    tmp_path: Path, answered: tuple[Path, Path]
) -> None:
    """The vote has no error in it, since the other judge decides: the table must say who failed."""
    rules = tmp_path / "judge.yaml"
    rules.write_text("rules:\n  - refused: no such model\n")
    done = run("judge", *answered, "--judge", f"scripted:{rules},length:", "--out", tmp_path / "out")
    assert "error: 0" in done.stdout.splitlines()[0]
    failed = next(line for line in done.stdout.splitlines() if line.startswith("scripted:"))
    assert failed.split()[1:] == ["0", "1", "0", "0", "1", "–", "–", "–"]
    assert "length:: nothing that both could judge" in done.stdout


def test_wrong_uses_say_what_to_do(tmp_path: Path, answered: tuple[Path, Path]) -> None:
    out = tmp_path / "out"
    asked = run("judge", *answered, "--out", out)
    assert asked.exit_code == 2
    assert "'--judge'" in asked.stderr
    with pytest.raises(RecipeError, match="orders"):
        run("judge", *answered, "--judge", "length:", "--orders", "one", "--out", out)
    with pytest.raises(RecipeError, match="with --single"):
        run("judge", answered[0], "--judge", "length:", "--out", out)
    with pytest.raises(DataError, match=r"runs.one and .*runs.one both name their model 'one'"):
        run("judge", answered[0], answered[0], "--judge", "length:", "--out", out)
    run("judge", *answered, "--judge", "length:,", "--out", out)
    with pytest.raises(RunFolderError, match=r'judges\.1\.model "length:" → "random:3"'):
        run("judge", *answered, "--judge", "random:3", "--out", out)
    answered[1].rename(tmp_path / "moved")
    with pytest.raises(DataError, match=r"two: the answers that .* judged are not there; put them back"):
        run("reparse", out, "--out", tmp_path / "new")


def test_the_judge_is_named_by_its_own_option() -> None:
    shown = CliRunner().invoke(app, ["judge", "--help"], env={"COLUMNS": "120"}).stdout
    assert "--judge" in shown
    assert "--model" not in shown
