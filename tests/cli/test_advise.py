"""`tunewright advise` and the short form in `inspect`, as a person reads them."""

from __future__ import annotations

import io
import json
import shlex
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from support.tiny_models import make_records
from tunewright.cli import advise, inspect
from tunewright.errors import DataError
from tunewright.records.write import write_records

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
app.command("advise")(advise.command)
app.command("inspect")(inspect.command)

HEADINGS = [
    "The data",
    "Share of the loss on outputs",
    "What was seen on the nearest published sets, IT → IM",
    "Evidence that conflicts, and what it means here",
    "Warnings",
    "Recommendation",
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "items.jsonl"
    write_records(make_records(120), path)
    return path


def printed(*arguments: object, width: int = 80) -> str:
    """What the command writes to stdout on a terminal of that width without colours."""
    environment = {"COLUMNS": str(width), "NO_COLOR": "1", "TERM": "dumb"}
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], env=environment)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("width", [80, 100, 240])
def test_every_part_is_there_and_fits(data: Path, width: int) -> None:
    """Nothing is wider than the terminal, nor than 100 columns; only the paths of the user may be."""
    lines = printed("advise", data, width=width).splitlines()
    assert [line for line in lines if line in HEADINGS] == HEADINGS
    long = [line for line in lines if len(line) > min(width, advise.WIDEST) and str(data) not in line]
    assert not long
    assert not [line for line in lines if "…" in line], "nothing is cut off"
    assert "\x1b" not in "\n".join(lines)


def test_one_recommendation_with_the_command_that_would_settle_it(data: Path) -> None:
    page = printed("advise", data)
    assert page.count("Suggested objective: ") == 1
    command = page[page.index("  tunewright compare") :].replace("\\\n", "")
    assert shlex.split(command)[:5] == ["tunewright", "compare", str(data), "--holdout", "60"]


def test_json_is_one_object_with_everything(data: Path) -> None:
    advice = json.loads(printed("advise", data, "--json"))
    assert advice["counts"]["num_records"] == 120
    assert [one["objective"] for one in advice["sample"]["shares"]][:2] == ["it", "im"]
    assert advice["recommendation"]["confidence"] in ("low", "moderate")
    assert advice["command"].startswith("tunewright compare ")


def test_inspect_shows_the_same_advice_in_short(data: Path) -> None:
    full, short = printed("advise", data), printed("inspect", data)
    suggested = next(line for line in full.splitlines() if line.startswith("Suggested objective"))
    assert suggested in short
    assert "nearest published" not in short
    assert json.loads(printed("inspect", data, "--json"))["recommendation"]["objective"] in suggested


def test_an_empty_file_is_one_clear_error(tmp_path: Path) -> None:
    empty = tmp_path / "e.jsonl"
    empty.write_text("")
    result = CliRunner().invoke(app, ["advise", str(empty)])
    assert isinstance(result.exception, DataError)
    assert "e.jsonl: the file is empty" in str(result.exception)


@pytest.mark.parametrize("width", [20, 60, 300])
def test_a_command_over_lines_is_the_same_to_a_shell(width: int) -> None:
    command = "tunewright compare 'my data.jsonl' --holdout 9 --arms it,im --out runs/x"
    shown = advise.shell_lines(command, width)
    assert shlex.split(shown.replace("\\\n", "")) == shlex.split(command)
    assert max(map(len, shown.splitlines())) <= max(width, 40)


def test_a_warning_tells_share_and_kinds() -> None:
    kinds = {"e-mail address": 6, "secret key": 1}
    line = advise.caution_line("private text in prompts", 7, 7 / 4098, kinds)
    assert line == "private text in prompts, 7 records (0.17 %; e-mail address: 6; secret key: 1)"
    assert advise.caution_line("a script without spaces", 0, 1.0, {}) == "a script without spaces"


def test_text_of_the_data_is_never_taken_for_markup() -> None:
    """An id such as [red] is shown as it is."""
    console = Console(file=io.StringIO(), width=80)
    advise._items(console, "!", ["[red]id[/red]"])
    assert "[red]id[/red]" in console.file.getvalue()  # type: ignore[attr-defined]
