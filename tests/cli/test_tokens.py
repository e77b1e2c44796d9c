"""`tokens` as a user meets it: models measured now, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import typer
from typer.testing import CliRunner

from support.tiny_models import make_records
from tunewright.cli import tokens
from tunewright.errors import DataError, RecipeError
from tunewright.records.write import write_records
from tunewright.tune.scratch import scratch_model, scratch_tokenizer

app = typer.Typer(pretty_exceptions_enable=False)
app.command("tokens")(tokens.command)


def call(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None:
        raise done.exception
    return done.stdout


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models of one tokenizer, one of another, and rows to measure them on."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("models")
    records = make_records(12)
    write_records(records, folder / "items.jsonl")
    for name, rows in (("first", records), ("second", records), ("other", records[:1])):
        tokenizer = scratch_tokenizer("tiny", rows)
        torch.manual_seed(len(name))
        scratch_model("tiny", tokenizer).save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    return folder


def test_models_are_measured_on_the_first_rows(work: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    models = ("--model", work / "first", "--model", work / "second")
    said = call(*models, "--data", work / "items.jsonl", "--rows", 3, "--out", page)
    assert said == f"page: {page}\n"
    html = page.read_text(encoding="utf-8")
    assert html.count('<article class="example">') == 3
    assert "3 examples in a set: intervals from so few are rough, as losses are skewed." in html
    assert 'id="mode-change"' not in html  # nothing was before
    assert 'id="mode-against"' in html


def test_models_that_tokenise_differently_cannot_lie_side_by_side(work: Path, tmp_path: Path) -> None:
    models = ("--model", work / "first", "--model", work / "other")
    with pytest.raises(DataError, match="cannot be laid side by side"):
        call(*models, "--data", work / "items.jsonl", "--out", tmp_path / "page.html")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give folders of tuned arms, or models"),
        (("runs", "--model", "m"), "and not both"),
        (("--model", "m"), "--model needs --data"),
        (("runs", "--data", "d.jsonl"), "--data goes with --model"),
    ],
)
def test_half_a_request_is_refused(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        call(*arguments)
