"""What people see of progress and errors."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tunewright.cli import show
from tunewright.run import Event

SRC = Path(__file__).resolve().parents[2] / "src"
START = Event("start", "tune", total=400, unit="steps")
MIDDLE = Event("advance", "tune", "", 120, 400, "steps", 38.7, 3.1, 90.3, {"loss": 1.23456})
FINISH = Event("finish", "tune", "saved", 400, 400, "steps", 125.0, 3.2, 0.0, {"loss": 1.1})


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def plain(text: str) -> str:
    """Without the escape sequences that colour and move."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_a_terminal_gets_a_bar_and_a_pipe_gets_json_lines(terminal: Terminal) -> None:
    assert isinstance(show.sink_for(terminal), show.TerminalSink)
    assert isinstance(show.sink_for(io.StringIO()), show.JsonLinesSink)


def test_a_terminal_shows_count_rate_time_left_and_loss_and_keeps_a_summary(terminal: Terminal) -> None:
    sink = show.TerminalSink(terminal)
    sink(START)
    sink(MIDDLE)
    assert sink._progress is not None
    sink._progress.refresh()
    assert "120/400 steps  3.1/s  1:30 left loss 1.235" in plain(terminal.getvalue())
    sink(Event("note", "tune", "waiting [for] 429"))
    sink(FINISH)
    text = plain(terminal.getvalue())
    assert "tune: waiting [for] 429\n" in text
    assert text.rstrip().endswith("tune: 400 steps in 2:05  3.2/s  loss 1.1  saved")


def test_json_lines_are_flat_and_leave_out_what_is_not_known() -> None:
    stream = io.StringIO()
    sink = show.JsonLinesSink(stream)
    sink(START)
    sink(MIDDLE)
    sink(Event("note", "tune", "ünd", fields={"loss": float("nan"), "path": Path("a")}))
    rows: list[dict[str, Any]] = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert rows == [
        {"event": "start", "stage": "tune", "done": 0, "total": 400, "unit": "steps", "seconds": 0.0},
        {
            "event": "advance",
            "stage": "tune",
            "done": 120,
            "total": 400,
            "unit": "steps",
            "seconds": 38.7,
            "rate": 3.1,
            "eta_seconds": 90.3,
            "fields": {"loss": 1.23456},
        },
        {
            "event": "note",
            "stage": "tune",
            "message": "ünd",
            "done": 0,
            "seconds": 0.0,
            "fields": {"loss": "nan", "path": "a"},
        },
    ]


def test_json_lines_come_once_a_second_and_at_the_end() -> None:
    stream = io.StringIO()
    sink = show.JsonLinesSink(stream)
    for tenth in range(1, 26):
        sink(Event("advance", "tune", done=tenth, total=25, seconds=tenth / 10))
    done = [json.loads(line)["done"] for line in stream.getvalue().splitlines()]
    assert done == [1, 11, 21, 25]


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "0:00"), (7.4, "0:07"), (59.6, "1:00"), (750, "12:30"), (3723, "1:02:03")]
)
def test_durations_read_like_a_clock(seconds: float, expected: str) -> None:
    assert show.duration(seconds) == expected


@pytest.mark.parametrize(
    ("rate", "expected"), [(3.14159, "3 x  3.14/s"), (0.2, "3 x  12/min"), (12345.6, "3 x  12,346/s")]
)
def test_rates_are_short(rate: float, expected: str) -> None:
    assert show.figures(Event("advance", "s", done=3, unit="x", rate=rate)) == expected


def test_an_error_is_one_clean_red_sentence(terminal: Terminal) -> None:
    message = "r.yaml:3: 'tune.files[1]' is :smile:; [red]no markup[/red] " + "long " * 40
    show.error(message, stream=terminal)
    assert plain(terminal.getvalue()) == f"error: {message}\n", "neither wrapped nor interpreted"
    assert terminal.getvalue().startswith("\x1b[31m")
    pipe = io.StringIO()
    show.error(message, stream=pipe)
    assert pipe.getvalue() == f"error: {message}\n"


def test_an_error_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    show.error("no")
    assert capsys.readouterr() == ("", "error: no\n")


def test_showing_nothing_does_not_import_rich() -> None:
    code = "import sys, tunewright.cli.show; print('rich' in sys.modules, 'pydantic' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
    )
    assert found.stdout == "False False\n", found.stderr
