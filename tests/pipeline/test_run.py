"""A recipe from its file to its report, in one process and in two, stopped and gone on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tunewright.errors import ModelError, RecipeError, RunFolderError
from tunewright.pipeline import Recipe, load_recipe, run
from tunewright.run.config import parse_config
from tunewright.run.files import read_jsonl
from tunewright.run.progress import Progress

torch.set_num_threads(1)

RECIPES = Path(__file__).resolve().parents[2] / "recipes"

SMALL: dict[str, Any] = {
    "name": "small",
    "generate": {"n": 40, "seed": 3},
    "holdout": 8,
    "tune": {"epochs": 1, "batch_size": 8, "explanation": False, "measured_rows": 10},
    "seeds": [1, 2],
    "evaluate": {"memorisation_prompts": 4, "heldout_answers": 4, "max_new_tokens": 8},
}


def recipe(**changes: Any) -> Recipe:
    return parse_config(Recipe, SMALL | changes, where="the test")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "first"
    run(recipe(), out)
    return out


def test_a_run_leaves_all_that_explains_it(finished: Path) -> None:
    assert (finished / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert {folder.name for folder in (finished / "tune").iterdir()} == {
        "it-seed1",
        "im-seed1",
        "it-seed2",
        "im-seed2",
    }
    rows = list(read_jsonl(finished / "evaluate/metrics.jsonl"))
    assert [(row["arm"], row["seed"], row["epoch"]) for row in rows] == [
        (arm, seed, epoch) for seed in (1, 2) for arm in ("it", "im") for epoch in (0, 1)
    ]
    assert load_recipe(finished / "recipe.yaml") == recipe()


def test_every_arm_saw_the_same_rows_and_none_that_is_held_out(finished: Path) -> None:
    manifests = [json.loads(file.read_text()) for file in sorted(finished.glob("tune/*/manifest.json"))]
    assert len({manifest["extra"]["rows_digest"] for manifest in manifests}) == 1
    assert {
        (manifest["counts"]["train"], manifest["counts"]["heldout.heldout"]) for manifest in manifests
    } == {(32, 8)}
    ids: dict[str, set[str]] = {}
    for row in read_jsonl(finished / "tune/it-seed1/losses/epoch-1.jsonl"):
        ids.setdefault(row["set"], set()).add(row["id"])
    assert not ids["train"] & ids["heldout"]


def test_before_training_both_arms_of_a_seed_are_the_same_model(finished: Path) -> None:
    """The same seed gives the same weights, so the difference at epoch 0 is exactly 0."""
    rows = json.loads((finished / "evaluate/paired.json").read_text())
    start = [row for row in rows if row["at"] == "epoch" and row["epoch"] == 0]
    assert {row["set"] for row in start} == {"train", "heldout"}
    assert {row["difference"] for row in start} == {0.0}


def test_a_finished_run_is_not_run_again(finished: Path) -> None:
    stages: list[str] = []
    run(recipe(), finished, progress=Progress(lambda event: stages.append(event.stage)))
    assert set(stages) == {"read records.jsonl"}


def test_a_changed_stage_is_named_and_the_others_stay(finished: Path) -> None:
    changed = recipe(tune=SMALL["tune"] | {"lr": 0.5})
    with pytest.raises(RunFolderError, match=r"lr null → 0\.5"):
        run(changed, finished)


def test_arms_side_by_side_give_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    run(recipe(), tmp_path / "two", jobs=2)
    for arm in ("it-seed1", "im-seed2"):
        for name in ("model/model.safetensors", "losses/epoch-1.jsonl", "metrics.jsonl"):
            assert (tmp_path / "two/tune" / arm / name).read_bytes() == (
                finished / "tune" / arm / name
            ).read_bytes()
    for name in ("paired.json", "answers.jsonl"):
        assert (tmp_path / "two/evaluate" / name).read_bytes() == (finished / "evaluate" / name).read_bytes()


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(RunFolderError, match=r"holds holiday\.jpg, not a run"):
        run(recipe(), tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": "x.jsonl"}, "either a 'generate' table or 'data'"),
        ({"arms": {}}, "at least one arm"),
        ({"arms": {"a/b": {}}}, "arm name 'a/b' becomes a folder"),
        ({"seeds": [1, 1]}, "seeds must differ"),
        ({"seeds": []}, "seeds"),
        ({"tune": {"seed": 5}}, "seeds stand in 'seeds'"),
        ({"arms": {"a": {"seed": 5}}}, "seeds stand in 'seeds'"),
        ({"arms": {"a": {"data": 7}}}, "arm 'a': 'data' names a file, folder or data-set id, not 7"),
        ({"judge": {"judges": [{"model": "openai:x"}], "mode": "single"}}, "leave out mode: single"),
        (
            {"judge": {"judges": [{"model": "length:"}]}, "evaluate": {"heldout_answers": 0}},
            "heldout_answers",
        ),
        ({"arms": {"a": {"holdout": 5}}}, "holdout"),
        ({"tune": {"objective": "both"}}, "objective 'both' is not known"),
        ({"tune": {"model": 3}}, "tune.model"),
    ],
)
def test_a_wrong_recipe_says_what_is_wrong(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe(**changes).arm_configs()
    assert message in str(caught.value)


@pytest.mark.parametrize("file", sorted(RECIPES.glob("*.yaml")), ids=lambda file: file.name)
def test_every_recipe_that_is_shipped_loads(file: Path) -> None:
    assert load_recipe(file).arm_configs()


def test_an_arm_that_fails_stops_the_others(tmp_path: Path) -> None:
    """Its error is raised, and no arm that was waiting is begun."""
    arms = {"bad": {"lr": 1e30, "clip": 1e30}, "a": {"epochs": 50}, "b": {"epochs": 50}}
    with pytest.raises(ModelError, match="try a lower --lr"):
        run(recipe(arms=arms, seeds=[1], tune=SMALL["tune"] | {"epochs": 20}), tmp_path / "run", jobs=2)
    assert not (tmp_path / "run/tune/b-seed1").exists()
    assert not (tmp_path / "run/tune/a-seed1/manifest.json").exists()
