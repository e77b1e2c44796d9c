"""A comparison from its arms to its page: what is trained, what is written, what survives a failure."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from support.tiny_models import make_records
from tunewright.errors import DataError, ModelError, RecipeError, RunFolderError
from tunewright.evaluate.stage import EvaluateConfig
from tunewright.pipeline.compare import Comparison, compare, comparison_recipe
from tunewright.pipeline.jobs import default_jobs
from tunewright.pipeline.plan import plan
from tunewright.pipeline.recipe import Recipe
from tunewright.records.record import Record
from tunewright.records.write import write_records
from tunewright.run.config import parse_config
from tunewright.run.files import read_jsonl
from tunewright.run.progress import Progress
from tunewright.tune.config import TuneConfig
from tunewright.tune.stage import tune

torch.set_num_threads(1)

TUNE: dict[str, Any] = {"epochs": 2, "batch_size": 8, "measured_rows": 6}
ANSWERS = EvaluateConfig(memorisation_prompts=3, heldout_answers=2, max_new_tokens=6)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("data")
    for name, number, seed in (("train", 24, 1), ("held", 8, 2), ("other", 7, 3)):
        write_records(make_records(number, seed=seed), folder / f"{name}.jsonl")
    return {name: str(folder / f"{name}.jsonl") for name in ("train", "held", "other")}


def run(
    files: Mapping[str, str], out: Path, arms: Sequence[str], *, seeds: int | Sequence[int] = 2, **more: Any
) -> Comparison:
    return compare(
        files["train"],
        out,
        arms=arms,
        seeds=seeds,
        heldout={name: files[name] for name in ("held", "other")},
        tune=TUNE | more.pop("tune", {}),
        evaluate=ANSWERS,
        **more,
    )


@pytest.fixture(scope="module")
def finished(files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("compared") / "arms"
    run(files, out, ["it", "im"])
    return out


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """The finished comparison, to change."""
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def test_there_is_a_row_for_each_arm_seed_and_epoch(finished: Path) -> None:
    rows = list(read_jsonl(finished / "metrics.jsonl"))
    assert [(row["arm"], row["seed"], row["epoch"]) for row in rows] == [
        (arm, seed, epoch) for seed in (1, 2) for arm in ("it", "im") for epoch in (0, 1, 2)
    ]
    assert set(rows[0]) == {
        "arm",
        "seed",
        "epoch",
        "train_output_loss",
        "train_output_loss_interval",
        "held_output_loss",
        "held_output_loss_interval",
        "other_output_loss",
        "other_output_loss_interval",
        "memorisation_bleu",
        "memorisation_exact_share",
        "weighted_tokens",
        "real_tokens",
        "objective_loss",
        "train_seconds",
        "peak_bytes",
        "cuda_peak_bytes",
    }
    for row in rows:
        low, high = row["held_output_loss_interval"]
        assert low <= row["held_output_loss"] <= high
        assert (row["memorisation_bleu"] is None) == (row["epoch"] < 2)
        assert row["peak_bytes"] > 2**20


def test_tokens_are_counted_from_the_start(finished: Path) -> None:
    """All arms read the same tokens; those with loss are as many in each epoch, and more under IM."""
    by_epoch: dict[tuple[str, int], tuple[int, int]] = {}
    for row in read_jsonl(finished / "metrics.jsonl"):
        by_epoch[row["arm"], row["epoch"]] = (row["weighted_tokens"], row["real_tokens"])
    assert by_epoch["it", 0] == (0, 0)
    for arm in ("it", "im"):
        assert by_epoch[arm, 2] == tuple(2 * count for count in by_epoch[arm, 1])
    assert by_epoch["it", 2][1] == by_epoch["im", 2][1]
    assert by_epoch["it", 2][0] < by_epoch["im", 2][0] < by_epoch["im", 2][1]


def losses(folder: Path, set_name: str, epoch: int) -> dict[str, float]:
    """Mean output loss by record id, straight from the file that tuning wrote."""
    return {
        row["id"]: row["losses"]["output"][0] / row["losses"]["output"][1]
        for row in read_jsonl(folder / f"losses/epoch-{epoch}.jsonl")
        if row["set"] == set_name
    }


@pytest.mark.parametrize("set_name", ["train", "held", "other"])
def test_paired_differences_are_those_of_the_loss_files(finished: Path, set_name: str) -> None:
    differences = []
    for seed in (1, 2):
        it, im = (losses(finished / f"tune/{arm}-seed{seed}", set_name, 2) for arm in ("it", "im"))
        assert list(it) == list(im)
        differences.append([im[key] - it[key] for key in it])
    rows = json.loads((finished / "paired.json").read_text())
    found = next(row for row in rows if (row["set"], row["at"]) == (set_name, "last"))
    assert (found["first"], found["second"], found["epochs"]) == ("it", "im", [2, 2])
    assert found["difference"] == pytest.approx(np.mean(differences), abs=1e-12)
    assert found["by_seed"] == pytest.approx(np.mean(differences, axis=1).tolist(), abs=1e-12)
    assert found["share_lower"] == np.mean(np.mean(differences, axis=0) < 0)
    assert found["interval"]["low"] <= found["difference"] <= found["interval"]["high"]
    assert 0 < found["p"] <= 1


def test_the_family_is_every_arm_against_the_first_corrected_by_holm(finished: Path) -> None:
    found = json.loads((finished / "comparison.json").read_text())
    assert found["baseline"] == "it"
    assert found["failures"] == []
    family = found["comparisons"]
    assert {(one["arm"], one["set"]) for one in family} == {("im", "held"), ("im", "other")}
    smallest = min(family, key=lambda one: one["p"])
    assert smallest["p_holm"] == pytest.approx(min(1.0, len(family) * smallest["p"]))
    for one in family:
        assert one["p_holm"] >= one["p"]
        if one["claim"] != "no difference found":
            assert one["p_holm"] < 0.05


def test_the_same_command_trains_and_answers_nothing_again(files: dict[str, str], copied: Path) -> None:
    stages: list[str] = []
    before = (copied / "paired.json").read_bytes()
    progress = Progress(lambda event: stages.append(event.stage))
    run(files, copied, ["it", "im"], progress=progress)
    assert {stage.split()[0] for stage in stages} == {"read"}
    assert (copied / "paired.json").read_bytes() == before


def test_another_arm_later_trains_and_answers_only_that_one(files: dict[str, str], copied: Path) -> None:
    manifests = {file: file.read_bytes() for file in copied.glob("tune/*/manifest.json")}
    stages: list[str] = []
    run(
        files,
        copied,
        ["it", "im", "plw:.25"],
        progress=Progress(lambda event: stages.append(event.stage)),
    )
    trained = {stage.split(" seed")[0] for stage in stages if " seed " in stage and "epoch" in stage}
    assert trained == {"plw:0.25"}
    answered = [stage for stage in dict.fromkeys(stages) if stage.startswith("answers")]
    assert answered == ["answers plw-0.25 seed 1", "answers plw-0.25 seed 2"]
    assert {file: file.read_bytes() for file in manifests} == manifests
    rows = list(read_jsonl(copied / "metrics.jsonl"))
    assert {row["arm"] for row in rows} == {"it", "im", "plw-0.25"}
    pairs = {(row["first"], row["second"]) for row in json.loads((copied / "paired.json").read_text())}
    assert pairs == {("it", "im"), ("it", "plw-0.25"), ("im", "plw-0.25")}


def test_another_seed_later_trains_only_that_one(files: dict[str, str], copied: Path) -> None:
    stages: list[str] = []
    done = run(
        files, copied, ["it", "im"], seeds=3, progress=Progress(lambda event: stages.append(event.stage))
    )
    trained = {stage.split(",")[0] for stage in stages if " seed " in stage and "epoch" in stage}
    assert trained == {"it seed 3", "im seed 3"}
    assert {table.seeds for table in done.run.tables} == {(1, 2, 3)}


def test_the_baseline_can_be_any_arm(files: dict[str, str], copied: Path) -> None:
    done = run(files, copied, ["it", "im"], baseline="im")
    assert json.loads((copied / "comparison.json").read_text())["baseline"] == "im"
    assert "arm im" in done.sentences[0]
    pairs = {(row["first"], row["second"]) for row in json.loads((copied / "paired.json").read_text())}
    assert pairs == {("im", "it")}


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_an_arm_that_fails_is_named_and_the_others_are_evaluated(
    files: dict[str, str], copied: Path, jobs: int
) -> None:
    done = run(files, copied, ["it", "im", "it+lr:1e30+clip=1e30"], seeds=1, jobs=jobs)
    name = "it+lr-1e30+clip-1e30"
    assert [(failure.arm, failure.seed) for failure in done.failures] == [(name, 1)]
    assert "try a lower --lr" in done.failures[0].reason
    assert {row["arm"] for row in read_jsonl(copied / "metrics.jsonl")} == {"it", "im"}
    page = done.page.read_text(encoding="utf-8")
    assert "seed 1 failed and is left out: the loss is" in page
    assert "The evaluation is of an earlier tuning" not in page


def test_a_baseline_that_fails_is_not_replaced_by_another_arm(files: dict[str, str], copied: Path) -> None:
    done = run(files, copied, ["it+lr:1e30+clip=1e30", "it", "im"], seeds=1)
    said = "Nothing is compared: arm it+lr-1e30+clip-1e30, which the others are to be compared with, has no"
    assert len(done.sentences) == 1
    assert done.sentences[0].startswith(said)
    found = json.loads((copied / "comparison.json").read_text())
    assert (found["baseline"], found["comparisons"]) == ("it+lr-1e30+clip-1e30", [])
    assert found["sentences"] == list(done.sentences)
    assert said in done.page.read_text(encoding="utf-8")


def test_when_no_arm_can_be_trained_that_is_an_error(files: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no arm could be trained; the first: it: the loss is"):
        run(files, tmp_path / "out", ["it"], seeds=1, tune={"lr": 1e30, "clip": 1e30})


def test_arms_of_other_lengths_are_compared_at_their_own_ends(files: dict[str, str], copied: Path) -> None:
    run(files, copied, ["it", "im+epochs=1"])
    rows = json.loads((copied / "paired.json").read_text())
    assert {row["epoch"] for row in rows if row["at"] == "epoch"} == {0, 1}
    last = next(row for row in rows if row["at"] == "last" and row["set"] == "held")
    assert last["epochs"] == [2, 1]


def test_other_settings_for_an_arm_that_is_there_are_refused(files: dict[str, str], copied: Path) -> None:
    with pytest.raises(RunFolderError, match="epochs 2 → 3"):
        run(files, copied, ["it", "im"], tune={"epochs": 3})


@pytest.mark.parametrize(
    ("arms", "more", "message"),
    [
        (["it", "plw:0"], {}, "arms 'it' and 'plw-0' mean the same settings"),
        (["it", "both"], {}, "objective 'both' is not known"),
        (["a=it", "b=it"], {}, "arms 'a' and 'b' mean the same settings"),
        (["it", "im"], {"baseline": "plw:.5"}, "the baseline 'plw:.5' is none of the arms it, im"),
        (["it", "im"], {"seeds": [1, 1]}, "seeds must differ"),
        (["it", "im"], {"heldout": {}}, "nothing is held out"),
        (["it", "im+kl:-1"], {}, "kl"),
    ],
)
def test_a_comparison_that_cannot_be_is_refused_before_anything_is_read(
    arms: list[str], more: dict[str, Any], message: str
) -> None:
    given: dict[str, Any] = {"seeds": 2, "heldout": {"held": "held.jsonl"}} | more
    with pytest.raises(RecipeError) as caught:
        comparison_recipe("no-such-file.jsonl", arms=arms, **given)
    assert message in str(caught.value)


def test_a_plan_counts_rows_steps_and_what_is_done(files: dict[str, str], finished: Path) -> None:
    """24 rows in batches of 8 are 3 steps an epoch; both seeds of `it` are there, none of `plw`."""
    recipe = comparison_recipe(
        files["train"], arms=["it", "plw:.5"], seeds=2, heldout={"held": files["held"]}, tune=TUNE
    )
    found = plan(recipe, finished)
    assert found.num_heldout == {"held": 8}
    assert [(arm.name, arm.num_rows, arm.num_dropped) for arm in found.arms] == [
        ("it", 24, 0),
        ("plw-0.5", 24, 0),
    ]
    assert [(arm.num_steps, arm.num_seeds, arm.num_done) for arm in found.arms] == [(6, 2, 2), (6, 2, 0)]
    assert found.seconds == pytest.approx(4 * found.arms[1].tokens_per_epoch / found.tokens_per_second)


@pytest.mark.parametrize(
    "settings", [{"keep": "best"}, {"patience": 1, "stop_on": "held"}, {"trackers": ["tensorboard"]}]
)
def test_a_plan_is_neither_stopped_nor_tracked(
    files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    seen: list[TuneConfig] = []

    def probed(config: TuneConfig, records: Sequence[Record], out: Path) -> Any:
        seen.append(config)
        return tune(config, records, out)

    monkeypatch.setattr("tunewright.pipeline.plan.tune", probed)
    recipe = comparison_recipe(
        files["train"], arms=["it"], seeds=1, heldout={"held": files["held"]}, tune=TUNE | settings
    )
    assert plan(recipe, tmp_path / "out").seconds > 0
    (config,) = seen
    assert (config.patience, config.keep, config.stop_on, config.trackers) == (None, "last", None, ())


def test_a_plan_takes_its_steps_with_records_that_are_kept(tmp_path: Path) -> None:
    """The first 40 records are too long; four steps of 8 would have taken 32 of them."""
    records = make_records(64, seed=1)
    long = [replace(record, instruction="word " * 2000) for record in records[:40]]
    write_records([*long, *records[40:]], tmp_path / "train.jsonl")
    write_records(make_records(8, seed=2), tmp_path / "held.jsonl")
    recipe = comparison_recipe(
        str(tmp_path / "train.jsonl"),
        arms=["it"],
        seeds=1,
        heldout={"held": str(tmp_path / "held.jsonl")},
        tune=TUNE | {"max_tokens": 512},
    )
    found = plan(recipe, tmp_path / "out")
    assert (found.arms[0].num_rows, found.arms[0].num_dropped) == (24, 40)
    assert found.seconds > 0


def test_a_format_that_is_given_reads_the_data(files: dict[str, str], tmp_path: Path) -> None:
    """Prompts and completions are what they are called; read as Alpaca data no row is usable."""
    rows = [{"prompt": f"Name bird {i}", "completion": f"Wren {i}"} for i in range(30)]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    given: dict[str, Any] = {"arms": ["it"], "seeds": 1, "holdout": 6, "tune": TUNE}
    recipe = comparison_recipe(str(tmp_path / "d.jsonl"), format="prompt_completion", **given)
    assert recipe.format == "prompt_completion"
    assert plan(recipe, tmp_path / "out").arms[0].num_rows == 24
    with pytest.raises(DataError):
        plan(comparison_recipe(str(tmp_path / "d.jsonl"), format="alpaca", **given), tmp_path / "out")


def test_a_format_that_nothing_would_read_is_refused(tmp_path: Path) -> None:
    wanted = {"name": "n", "data": "d.jsonl", "format": "alpaca", "dedup": {}}
    with pytest.raises(RecipeError, match="it reads what 'dedup' wrote"):
        parse_config(Recipe, wanted, where="r.yaml")


def test_where_a_system_names_no_usable_cores_all_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS has no `sched_getaffinity`."""
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    scratch = TuneConfig(model="scratch:tiny")
    assert default_jobs([scratch] * 8) == 3
    assert default_jobs([scratch] * 2) == 2
    assert default_jobs([scratch, TuneConfig(model="a/b")]) == 1
