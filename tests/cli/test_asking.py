"""The options of every command that asks a model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tunewright.cli.asking import ask_config
from tunewright.errors import RecipeError
from tunewright.llm.journal import Journal
from tunewright.llm.reply import Reply, Usage
from tunewright.llm.request import Message, Request


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"deadline_seconds": -1.0}, "--deadline"),
        ({"requests_per_minute": 0}, "--requests-per-minute"),
        ({"max_asked_again": -1}, "--ask-again"),
        ({"budget_money": 1.0}, "--budget-money needs --price-input and --price-output"),
    ],
)
def test_a_wrong_option_is_named_as_it_is_typed(given: dict[str, float], said: str) -> None:
    with pytest.raises(RecipeError) as problem:
        ask_config({"model": "openai:m", **given})
    assert said in str(problem.value)


def test_a_reply_does_not_steer_the_terminal(tmp_path: Path) -> None:
    with Journal(tmp_path / "replies.sqlite") as journal:
        request = Request((Message("user", "hello"),), subject="row 1")
        journal.put([("k", "m", request, Reply("\x1b]0;owned\x07 text", "stop", Usage(1, 1), 0.0))])
    for options in (["-n", "5"], ["--show", "1"]):
        shown = subprocess.run(
            [sys.executable, "-m", "tunewright", "replies", str(tmp_path), *options],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert "row 1" in shown
        assert r"\x1b]0;owned\x07 text" in shown
        assert "\x1b" not in shown
