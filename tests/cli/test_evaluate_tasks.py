"""`evaluate tasks` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tunewright.cli import evaluate_tasks
from tunewright.cli.evaluate_tasks import lines
from tunewright.errors import DataError, RecipeError
from tunewright.records.record import Record
from tunewright.tune.config import TuneConfig
from tunewright.tune.stage import tune

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
app.command("tasks")(evaluate_tasks.command)

TASKS = Path(__file__).resolve().parents[1] / "evaluate" / "tasks"
LOCAL_TASKS = TASKS / "local_tasks"
NEEDED = "standard tasks need lm-eval: pip install 'tunewright[tasks]'"


def run(*words: str | Path) -> Result:
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


@pytest.fixture(scope="module")
def tuned_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "tuned"
    tune(
        TuneConfig(epochs=1, batch_size=2),
        [Record("a", "Say milk.", "Milk."), Record("b", "Go.", "I go.")],
        out,
    )
    return out


def test_two_models_are_run_and_compared(
    tuned_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lm_eval", reason=NEEDED)
    import datasets.config

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
    out = tmp_path / "out"
    words = [tuned_run, f"again={tuned_run / 'model'}", "--tasks", "small", "--include", LOCAL_TASKS]
    shown = run(*words, "--limit", "3", "--out", out).stdout
    assert shown.startswith("LIMITED to 3 documents of a task: for trying out, not to be reported\n")
    assert "tuned  habits     *acc,none" in shown
    assert "n=3 of 10 (limited)  0-shot" in shown
    assert "perplexity,none" in shown
    assert "lower is better" in shown
    assert "tuned  small  acc,none" in shown
    assert "mean over tasks, weighted by their documents (2)  limited" in shown
    assert "again − tuned  small  acc,none  +0.0000 [" in shown
    assert "McNemar, exact: p=1, corrected 1; 0 gained, 0 lost; limited" in shown
    assert shown.endswith(f"results: {out / 'results.json'}\n")
    assert json.loads((out / "results.json").read_text())["is_limited"] is True


def test_check_loads_no_model_and_says_what_is_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("lm_eval", reason=NEEDED)
    import datasets.config

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    done = run("--check", "--tasks", "small,sums", "--include", LOCAL_TASKS)
    assert done.stdout == "small (2 tasks): ready\nsums: ready\n"
    with pytest.raises(DataError, match="no_file: a data file of it is missing"):
        run("--check", "--tasks", "no_file", "--include", TASKS / "troubled_tasks")


def test_wrong_uses_say_what_to_do(tuned_run: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="say with --out"):
        run(tuned_run, "--tasks", "habits", "--include", LOCAL_TASKS)
    with pytest.raises(RecipeError, match="two models are called tuned; write NAME="):
        run(tuned_run, tuned_run / "model", "--out", tmp_path / "out")
    with pytest.raises(RecipeError, match="that of a folder"):
        run(f"..={tuned_run}", "--tasks", "habits", "--include", LOCAL_TASKS, "--out", tmp_path / "out")
    with pytest.raises(RecipeError, match="no model"):
        run("--tasks", "habits", "--include", LOCAL_TASKS, "--out", tmp_path / "out")


def test_a_suites_score_names_its_aggregation_and_what_is_missing() -> None:
    metric = {
        "metric": "acc,none",
        "value": 0.5,
        "stderr": None,
        "higher_is_better": True,
        "num_documents": 9,
    }
    row = {"model": "m", "task": "piqa", "main": "acc,none", "metrics": [metric], "num_cut": 2, "num_all": 9}
    score = {
        "model": "m",
        "suite": "im18",
        "value": 47.5,
        "missing": ("humaneval",),
        "aggregation": "mean of means",
        "is_limited": False,
    }
    summary = {
        "is_limited": False,
        "limit": None,
        "results": [row | {"is_limited": False, "num_fewshot": 0}],
        "aggregates": [],
        "scores": [score, score | {"value": None}],
        "comparisons": [],
    }
    assert lines(summary) == [
        "m  piqa *acc,none  0.5000  n=9  0-shot  2 cut",
        "m  im18: 47.50 (mean of means; without humaneval)",
        "m  im18: no score: a category is missing (mean of means; without humaneval)",
    ]
