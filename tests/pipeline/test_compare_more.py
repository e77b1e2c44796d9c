"""Comparisons of more than objectives: other data, other templates, tasks and judges."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from support.tiny_models import make_records
from tunewright.errors import DataError, ModelError, RecipeError
from tunewright.evaluate.judging.config import JudgeConfig
from tunewright.evaluate.measured import read_measured
from tunewright.evaluate.stage import EvaluateConfig
from tunewright.evaluate.tasks.config import TasksConfig
from tunewright.pipeline.compare import Comparison, compare, comparison_recipe
from tunewright.pipeline.plan import plan
from tunewright.records.write import write_records
from tunewright.run.config import parse_config
from tunewright.run.files import read_jsonl
from tunewright.run.folder import read_manifest

torch.set_num_threads(1)

TUNE: dict[str, Any] = {"epochs": 1, "batch_size": 8, "measured_rows": 6}
ANSWERS = EvaluateConfig(memorisation_prompts=2, heldout_answers=4, max_new_tokens=6)
LENGTH = parse_config(JudgeConfig, {"judges": [{"model": "length:"}]}, where="the test")
LOCAL_TASKS = Path(__file__).resolve().parents[1] / "evaluate" / "tasks" / "local_tasks"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """24 records, and the same ones revised: each output is longer, each prompt is as it was."""
    folder = tmp_path_factory.mktemp("data")
    records = make_records(24, seed=1)
    write_records(records, folder / "train.jsonl")
    revised = [replace(record, output=f"{record.output}, as we said") for record in records]
    write_records(revised, folder / "revised.jsonl")
    return {name: str(folder / f"{name}.jsonl") for name in ("train", "revised")}


def run(files: dict[str, str], out: Path, arms: Sequence[str], **more: Any) -> Comparison:
    given = {"seeds": 2, "holdout": 6, "evaluate": ANSWERS} | more
    return compare(files["train"], out, arms=arms, tune=TUNE, **given)


@pytest.fixture(scope="module")
def other_data(files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    out = tmp_path_factory.mktemp("compared") / "arms"
    arms = ["original=it", f"revised=it+data:{files['revised']}", "im"]
    return run(files, out, arms, judge=LENGTH, hour_price=3_600_000.0)


def test_an_arm_with_its_own_data_is_trained_on_it_without_what_is_held_out(other_data: Comparison) -> None:
    out = other_data.page.parent
    manifests = {arm: read_manifest(out / f"tune/{arm}-seed1") for arm in ("original", "revised", "im")}
    assert {arm: manifest["counts"]["train"] for arm, manifest in manifests.items()} == {
        "original": 18,
        "revised": 18,
        "im": 18,
    }
    digests = {arm: manifest["inputs"]["data"] for arm, manifest in manifests.items()}
    assert digests["original"] == digests["im"] != digests["revised"]
    assert json.loads((out / "split.json").read_text()) == [
        {"arm": "revised", "num_records": 24, "num_left_out": 6, "num_unmatched": 0}
    ]


def test_arms_with_other_tokenizers_are_compared_per_byte_on_the_same_outputs(
    other_data: Comparison, files: dict[str, str]
) -> None:
    """A scratch model learns its tokenizer from its data. The difference is that of the loss files over the
    bytes of the held-out outputs, earlier answers of a conversation with them."""
    out = other_data.page.parent
    outputs = {
        record.id: "".join(turn.text for turn in record.history if turn.speaker == "assistant")
        + record.output
        for record in make_records(24, seed=1)
    }
    loss: dict[tuple[str, int], dict[str, float]] = {}
    for arm in ("original", "revised"):
        for seed in (1, 2):
            loss[arm, seed] = {
                row["id"]: row["losses"]["output"][0] / len(outputs[row["id"]].encode())
                for row in read_jsonl(out / f"tune/{arm}-seed{seed}/losses/epoch-1.jsonl")
                if row["set"] == "heldout"
            }
    expected = np.mean(
        [
            loss["revised", seed][key] - loss["original", seed][key]
            for seed in (1, 2)
            for key in loss["original", seed]
        ]
    )
    rows = json.loads((out / "paired.json").read_text())
    assert {row["unit"] for row in rows} == {"nats/byte"}
    assert {row["set"] for row in rows} == {"heldout"}
    found = next(
        row for row in rows if (row["first"], row["second"], row["at"]) == ("original", "revised", "last")
    )
    assert found["difference"] == pytest.approx(expected, abs=1e-12)


def test_the_page_says_what_is_not_compared_and_in_which_unit(other_data: Comparison) -> None:
    page = other_data.page.read_text(encoding="utf-8")
    assert "per UTF-8 byte of the output" in page
    assert "6 of the 24 records of arm revised are held out and not trained on." in page
    assert "The arms were not all trained on the same token rows" in page
    assert "Training rows of revised" in page
    assert not (other_data.page.parent / "tokens.html").exists()


def test_judges_compare_every_arm_with_the_first_seed_by_seed(other_data: Comparison) -> None:
    """The judge's own files hold the same preferences."""
    out = other_data.page.parent
    judges = read_measured(out).judges
    assert [(one.measure, one.second, one.num_seeds) for one in judges] == [
        ("win rate on heldout", "revised", 2),
        ("win rate on heldout", "im", 2),
    ]
    for one in judges:
        gains = [
            row["preference"] - 1
            for seed in (1, 2)
            for row in json.loads((out / f"judge/{one.second}-seed{seed}/annotations.json").read_text())
        ]
        assert one.second_mean == pytest.approx(np.mean(gains))
        assert (one.num_units, len(gains)) == (4, 8)
    text = other_data.page.read_text(encoding="utf-8")
    assert "Win rate against original by length:" in text
    assert "Win rate on heldout" in text  # the head of its column in the first table


def test_answers_for_a_judge_run_to_the_limit(other_data: Comparison) -> None:
    manifest = read_manifest(other_data.page.parent / "tune/im-seed1/answers")
    assert manifest["config"]["to_the_end"] is True


def test_an_hour_has_a_price(other_data: Comparison) -> None:
    """At 3,600,000 an hour a second costs 1,000."""
    from tunewright.report.overview import overview

    grid = overview(other_data.run)
    assert grid is not None
    assert grid.head[-2:] == ["Training", "Price of a seed"]
    seconds = [
        read_manifest(other_data.page.parent / f"tune/im-seed{s}")["extra"]["train_seconds"] for s in (1, 2)
    ]
    assert float(grid.rows[2][-1]) == pytest.approx(500 * sum(seconds), abs=0.01)


def test_a_judge_can_come_later_and_nothing_is_trained_again(files: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "arms"
    run(files, out, ["it", "im"], seeds=1)
    before = {path: path.stat().st_mtime_ns for path in out.glob("tune/*/manifest.json")}
    assert read_measured(out).judging is None
    run(files, out, ["it", "im"], seeds=1, judge=LENGTH)
    assert {path: path.stat().st_mtime_ns for path in out.glob("tune/*/manifest.json")} == before
    asked = read_measured(out).judging
    assert asked is not None
    run(files, out, ["it", "im"], seeds=1, judge=LENGTH)
    assert read_measured(out).judging == asked


def test_an_arm_with_another_template_is_compared_by_token(files: dict[str, str], tmp_path: Path) -> None:
    """The tokenizer is the same, and so are the tokens of the outputs."""
    done = run(files, tmp_path / "arms", ["it", "it+chat_template:chatml"], seeds=1)
    (one,) = json.loads((tmp_path / "arms/comparison.json").read_text())["comparisons"]
    assert one["arm"] == "it+chat_template-chatml"
    assert done.run.unit == "nats/token"
    assert done.run.has_own_rows


def test_tasks_are_run_on_every_model_and_paired_by_document(
    files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lm_eval", reason="standard tasks need lm-eval: pip install 'tunewright[tasks]'")
    import datasets.config

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
    out = tmp_path / "arms"
    tasks = TasksConfig(tasks=("habits",), include=LOCAL_TASKS)
    done = run(files, out, ["it", "im"], tasks=tasks)
    (one,) = read_measured(out).tasks
    assert (one.measure, one.num_seeds, one.num_units, one.units) == ("habits (acc)", 2, 10, "documents")
    values = {
        arm: [
            row["metrics"]["acc,none"]
            for seed in (1, 2)
            for row in read_jsonl(out / f"tasks/{arm}-seed{seed}/habits/documents.jsonl")
        ]
        for arm in ("it", "im")
    }
    assert one.first_mean == pytest.approx(np.mean(values["it"]))
    assert one.difference == pytest.approx(np.mean(values["im"]) - np.mean(values["it"]))
    assert "Standard tasks, paired by document and seed" in done.page.read_text(encoding="utf-8")
    assert read_measured(out).task_seconds is not None


def test_data_that_tasks_miss_are_named_before_anything_is_trained(
    files: dict[str, str], tmp_path: Path
) -> None:
    pytest.importorskip("lm_eval", reason="standard tasks need lm-eval: pip install 'tunewright[tasks]'")
    with pytest.raises((DataError, RecipeError)):
        run(files, tmp_path / "arms", ["it", "im"], tasks=TasksConfig(tasks=("no_such_task",)))
    assert not (tmp_path / "arms/tune").exists()


def test_a_judge_that_cannot_be_is_named_before_anything_is_trained(
    files: dict[str, str], tmp_path: Path
) -> None:
    judge = parse_config(JudgeConfig, {"judges": [{"model": "random:often"}]}, where="the test")
    with pytest.raises(ModelError, match="write random: and a seed"):
        run(files, tmp_path / "arms", ["it", "im"], judge=judge)
    assert not (tmp_path / "arms/tune").exists()


def test_revisions_without_ids_of_their_own_may_be_trained_on_and_that_is_said(tmp_path: Path) -> None:
    """New prompts and no ids: nothing says which row was revised into which."""
    from tunewright.pipeline.own_data import without_heldout
    from tunewright.report.gather import split_sentence

    held = make_records(3, seed=1)
    other = [replace(record, id=f"n{n}", instruction=f"now {n}") for n, record in enumerate(held)]
    kept, (split,) = without_heldout({"new": [*other, held[0]]}, held, by=None)
    assert [record.id for record in kept["new"]] == ["n0", "n1", "n2"]
    assert (split.num_left_out, split.num_unmatched) == (1, 2)
    assert "give both files one id column" in split_sentence(split)


def test_an_arm_whose_data_are_all_held_out_is_named_before_anything_is_trained(
    files: dict[str, str], tmp_path: Path
) -> None:
    run(files, tmp_path / "first", ["it", "im"], seeds=1)
    rows = read_jsonl(tmp_path / "first/tune/it-seed1/losses/epoch-1.jsonl")
    held = {row["id"] for row in rows if row["set"] == "heldout"}
    write_records([one for one in make_records(24, seed=1) if one.id in held], tmp_path / "held.jsonl")
    with pytest.raises(DataError, match="all 6 records of arm own are held out"):
        run(files, tmp_path / "arms", ["it", f"own=it+data:{tmp_path / 'held.jsonl'}"])
    assert not (tmp_path / "arms/tune").exists()


def test_an_arm_whose_rows_are_all_too_long_is_named(files: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="arm short seed 1: no training record is left"):
        run(files, tmp_path / "arms", ["it", "short=it+max_tokens:8"], seeds=1)


def test_an_arm_that_names_the_shared_data_has_none_of_its_own(files: dict[str, str]) -> None:
    with pytest.raises(RecipeError, match="arms 'it' and 'same' mean the same settings"):
        comparison_recipe(files["train"], arms=["it", f"same=it+data:{files['train']}"], seeds=1, holdout=6)


def test_an_arm_that_was_trained_on_a_heldout_file_is_not_compared_in_silence(
    files: dict[str, str], tmp_path: Path
) -> None:
    other = make_records(12, seed=5)
    write_records(other, tmp_path / "other.jsonl")
    write_records([*make_records(3, seed=1), *other], tmp_path / "leak.jsonl")
    arms = ["it", f"leak=it+data:{tmp_path / 'leak.jsonl'}"]
    done = run(files, tmp_path / "arms", arms, seeds=1, heldout={"other": str(tmp_path / "other.jsonl")})
    num = done.run.of_arm("leak")[0].extra["heldout_prompts_in_training"]["other"]
    said = f"Not a fair comparison on other: of its prompts {num} in those of leak are in the arm’s training"
    assert num > 0
    assert any(sentence.startswith(said) for sentence in done.sentences)
    page = done.page.read_text(encoding="utf-8")
    assert said in page
    assert "not a fair comparison on other, which some arms were trained on" in page
    assert "The arms do not get equal rows and steps, nor equal weighted tokens" in page


def test_the_lengths_of_an_arms_own_data_are_of_what_it_was_trained_on(other_data: Comparison) -> None:
    """18 of 24: six are held out."""
    from tunewright.report.data import read_sources

    sources = {source.name: source for source in read_sources(other_data.run)}
    (own,) = (source for name, source in sources.items() if name.endswith("revised"))
    assert len(own.records) == 18
    assert own.records.keys() == sources["train"].records.keys()
    page = other_data.page.read_text(encoding="utf-8")
    assert "The held-out outputs are not of the records that arm revised has alone." in page


def test_a_plan_reads_each_arms_own_rows(files: dict[str, str], tmp_path: Path) -> None:
    recipe = comparison_recipe(
        files["train"], arms=["it", f"it+data:{files['revised']}"], seeds=1, holdout=6, tune=TUNE
    )
    found = plan(recipe, tmp_path / "out")
    assert [arm.num_rows for arm in found.arms] == [18, 18]
    assert found.arms[1].tokens_per_epoch > found.arms[0].tokens_per_epoch
