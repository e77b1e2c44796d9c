"""`tunewright compare-sets`: what it prints, and the mistakes it names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tunewright.cli import compare_sets
from tunewright.errors import RecipeError, TunewrightError

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
app.command()(compare_sets.command)


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    if isinstance(result.exception, TunewrightError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def sets(tmp_path: Path) -> list[Path]:
    files = []
    for name, text in (("before", "A fruit"), ("after", "An apple is a fruit that grows on trees.")):
        files.append(tmp_path / f"{name}.jsonl")
        rows = [{"id": str(n), "instruction": f"What is {n}?", "output": f"{text} {n}"} for n in range(3)]
        files[-1].write_text("".join(json.dumps(row) + "\n" for row in rows))
    return files


def test_it_prints_what_was_found_and_what_is_missing(sets: list[Path], tmp_path: Path) -> None:
    printed = run(*sets, "--out", tmp_path / "out")
    assert "3 of 3 records (100.0\u00a0%) were changed; responses went from 3.0 to 10.0 words" in printed
    assert "not there: Win rate of the revised version in both orders (--judge SPEC)" in printed
    assert str(tmp_path / "out" / "comparison.html") in printed


def test_a_judge_is_asked_in_both_orders(sets: list[Path], tmp_path: Path) -> None:
    script = tmp_path / "judge.yaml"
    script.write_text('rules: [{reply: {reason: "So.", verdict: B}}]')
    dry = run(*sets, "--out", tmp_path / "out", "--judge", f"scripted:{script}", "--dry-run")
    assert "requests       6" in dry
    printed = run(*sets, "--out", tmp_path / "out", "--judge", f"scripted:{script}")
    assert "The judge prefers the revised version in 50.0\u00a0% of 3 changed pairs" in printed


def test_how_to_ask_without_whom_to_ask_is_a_mistake(sets: list[Path], tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="--concurrency says how the judge is asked"):
        run(*sets, "--out", tmp_path / "out", "--concurrency", "3")
    with pytest.raises(RecipeError, match="go together"):
        run(*sets, "--out", tmp_path / "out", "--student", "scratch:tiny")
    assert "Nothing is asked without --judge" in run(*sets, "--out", tmp_path / "out", "--dry-run")
