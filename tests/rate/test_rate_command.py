"""`tunewright rate` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tunewright.cli import rate as command
from tunewright.errors import RecipeError

SILENT = "rules:\n  - contains: Sing\n    broken: 9\n    reply: x\n  - reply: {reason: So., score: 3}\n"


def run(*arguments: object) -> str:
    app = typer.Typer()
    app.command()(command.command)
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = [{"instruction": text, "output": "Done."} for text in ("Name a fruit.", "Sing a song.")]
    (tmp_path / "data.json").write_text(json.dumps(rows))
    (tmp_path / "script.yaml").write_text(SILENT)
    return tmp_path / "data.json"


def test_a_pattern_that_is_no_regular_expression_is_a_sentence(data: Path, tmp_path: Path) -> None:
    model = f"scripted:{tmp_path / 'script.yaml'}"
    with pytest.raises(RecipeError, match=r"the command line: .*not a regular expression"):
        run(data, "--model", model, "--pattern", "(", "--out", tmp_path / "out")


def test_requests_without_a_reply_are_said_with_what_to_do(data: Path, tmp_path: Path) -> None:
    arguments = [data, "--model", f"scripted:{tmp_path / 'script.yaml'}", "--out", tmp_path / "out"]
    shown = run(*arguments, "--allow-unanswered", "--max-attempts", 1)
    assert "1 requests have no reply: run the same command again to ask them" in shown
    shown = run(*arguments, "--no-calls")
    assert "run the same command again without --no-calls to ask them" in shown
