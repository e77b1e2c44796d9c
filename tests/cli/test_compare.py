"""`tunewright compare` as a user meets it."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from support.tiny_models import make_records
from tunewright.cli import compare
from tunewright.cli.compare import _seeds
from tunewright.cli.compared import as_text
from tunewright.errors import DataError, RecipeError
from tunewright.records.write import write_records
from tunewright.report.grids import Grid

SMALL = ["--epochs", "1", "--batch-size", "8", "--max-new-tokens", "4", "--memorisation-prompts", "2"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "items.jsonl"
    write_records(make_records(24), path)
    return path


def tunewright(*arguments: object) -> Result:
    app = typer.Typer()
    app.command("compare")(compare.command)
    return CliRunner().invoke(app, [*map(str, arguments), *SMALL, "--heldout-answers", "0", "--jobs", "1"])


def test_it_trains_shows_a_table_and_says_what_may_be_claimed(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "arms"
    done = tunewright(data, "--holdout", 6, "--arms", "it,wit(0.5,1)", "--seeds", 1, "--out", out)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Every measure at a glance, losses in nats/token; in brackets the difference")
    table = next(
        number for number, line in enumerate(lines) if line.startswith("Output loss on Held-out rows, nats/")
    )
    head = " ".join(lines[table + 1].split())
    assert head.startswith("Arm Seeds Train Last (epoch) − it (95 % interval) p")
    assert [line.split()[0] for line in lines[table + 2 : table + 4]] == ["it", "wit-0.5-1"]
    assert "for this one seed" in done.stdout
    assert lines[-1] == f"report: {out / 'report.html'}"
    assert {file.name for file in out.iterdir()} >= {
        "metrics.jsonl",
        "paired.json",
        "comparison.json",
        "report.html",
        "recipe.yaml",
    }


def test_an_arm_that_fails_gives_exit_code_1_after_the_table(data: Path, tmp_path: Path) -> None:
    arms = "it,it+lr:1e30+clip:1e30"
    done = tunewright(data, "--holdout", 6, "--arms", arms, "--seeds", 1, "--out", tmp_path / "arms")
    assert done.exit_code == 1
    assert "Output loss on Held-out rows" in done.stdout
    assert "error: arm it+lr-1e30+clip-1e30, seed 1 failed: the loss is" in done.stderr


def test_a_dry_run_writes_nothing(data: Path, tmp_path: Path) -> None:
    done = tunewright(data, "--holdout", 6, "--out", tmp_path / "arms", "--seeds", "4,9", "--dry-run")
    assert done.exit_code == 0, done.output
    assert "18 rows to train on (0 dropped)" in done.stdout
    assert "im: 3 steps with each of 2 seeds\n" in done.stdout
    assert not (tmp_path / "arms").exists()


def test_a_format_is_passed_on(data: Path, tmp_path: Path) -> None:
    done = tunewright(data, "--holdout", 6, "--out", tmp_path / "arms", "--dry-run", "--format", "no-such")
    assert isinstance(done.exception, DataError)
    assert "no-such" in str(done.exception)


def test_seeds_are_a_number_or_a_list() -> None:
    assert _seeds("3") == 3
    assert _seeds("1,4,9") == [1, 4, 9]
    for text in ("many", "0", "1,"):
        with pytest.raises(RecipeError, match="--seeds"):
            _seeds(text)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--holdout", 6, "--set", "lr=1"], "--set lr=1: use --lr"),
        (["--holdout", 6, "--set", "warmpu=1"], "did you mean 'tune.warmup'?"),
        ([], "nothing is held out"),
    ],
)
def test_what_cannot_be_compared_is_said_before_anything_is_trained(
    data: Path, tmp_path: Path, arguments: list[object], message: str
) -> None:
    done = tunewright(data, *arguments, "--out", tmp_path / "arms")
    assert isinstance(done.exception, RecipeError)
    assert message in str(done.exception)
    assert not (tmp_path / "arms").exists()


def test_a_table_is_set_in_columns() -> None:
    grid = Grid("Losses", ["Arm", "Loss"], [["it", "1.25"], ["plw-0.25", "10.5"]])
    assert as_text(grid) == "Losses\nArm       Loss\nit        1.25\nplw-0.25  10.5"


def test_a_recipe_is_compared_as_it_stands_and_no_option_beside_it(data: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"name: two\ndata: {data}\nholdout: 6\narms: {{it: {{objective: it}}, im: {{objective: im}}}}\n"
        "tune: {epochs: 1, batch_size: 8}\n"
        "evaluate: {memorisation_prompts: 2, heldout_answers: 2, max_new_tokens: 4}\n"
        "judge: {judges: [{model: 'length:'}]}\n"
    )
    app = typer.Typer()
    app.command("compare")(compare.command)
    out = tmp_path / "arms"
    done = CliRunner().invoke(app, [str(recipe), "--out", str(out), "--jobs", "1"])
    assert done.exit_code == 0, done.output
    assert "Win rate against it by length:, 0.5 is even" in done.stdout
    assert "The judges answered" in done.stdout
    refused = CliRunner().invoke(app, [str(recipe), "--out", str(out), "--seeds", "2"])
    assert isinstance(refused.exception, RecipeError)
    assert "which holds the settings: write --seeds into it" in str(refused.exception)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--limit", "3"], "name some with --tasks"),
        (["--judge-budget", "3"], "name one with --judge"),
        (["--judge", "nobody:"], "nobody"),
        (["--arms", "it,it+data"], "data needs a file"),
    ],
)
def test_settings_of_tasks_and_judges_need_them(
    data: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    app = typer.Typer()
    app.command("compare")(compare.command)
    words = [str(data), "--holdout", "6", "--out", str(tmp_path / "arms"), *options]
    done = CliRunner().invoke(app, words)
    assert done.exit_code != 0
    assert message in str(done.exception)
    assert not (tmp_path / "arms/tune").exists()
