"""Training a coach: which pairs it learns from, and what its folder says of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunewright.coach.coach_folder import is_coach, read_coach
from tunewright.coach.leakage import pair_digest
from tunewright.coach.mended import read_mended
from tunewright.coach.planted import planted
from tunewright.coach.revise import revise
from tunewright.coach.revise_config import ReviseConfig
from tunewright.coach.train import train_coach
from tunewright.coach.train_config import CoachConfig
from tunewright.coach.write_revisions import write_revisions
from tunewright.errors import DataError, ModelError, RecipeError
from tunewright.generate.items import generate_items
from tunewright.records.write import write_records
from tunewright.run.files import read_jsonl

CONFIG = CoachConfig(alpha=0.5, model="scratch:tiny", validation=0.2, tune={"epochs": 1, "batch_size": 8})


@pytest.fixture(scope="module")
def revisions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("revisions") / "revisions.jsonl"
    items = list(generate_items(24, seed=4))
    write_revisions((revision for revision, _ in planted(items, seed=1, faulty_share=1.0)), path)
    return path


@pytest.fixture(scope="module")
def coach(revisions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("coach") / "coach"
    train_coach(CONFIG, revisions, out)
    return out


def test_the_share_with_the_largest_edits_is_learnt_from(revisions: Path, coach: Path) -> None:
    pairs = list(read_jsonl(coach / "pairs.jsonl"))
    learnt = [pair for pair in pairs if pair["kind"] == "revision"]
    read = read_mended(revisions)
    assert len(learnt) == 12
    assert min(pair["distance"] for pair in learnt) > 0
    assert {pair["id"] for pair in learnt} < {revision.id for revision in read.revisions}
    assert [pair["kind"] for pair in pairs].count("good") == 4  # a quarter of the whole


def test_the_pairs_of_one_record_stay_on_one_side(coach: Path) -> None:
    split_of: dict[str, set[str]] = {}
    for pair in read_jsonl(coach / "pairs.jsonl"):
        split_of.setdefault(pair["id"], set()).add(pair["split"])
    assert all(len(splits) == 1 for splits in split_of.values())
    counts = json.loads((coach / "manifest.json").read_bytes())["counts"]
    assert counts["validation"] == 3
    assert counts["training"] + counts["validation"] == counts["pairs"] == 16


def test_a_coach_knows_what_it_was_trained_on_and_not_what_it_was_measured_on(
    revisions: Path, coach: Path
) -> None:
    trained = read_coach(coach).trained
    by_id = {revision.id: revision for revision in read_mended(revisions).revisions}
    for pair in read_jsonl(coach / "pairs.jsonl"):
        if pair["kind"] == "revision":
            revision = by_id[pair["id"]]
            assert (pair_digest(revision.original) in trained) == (pair["split"] == "training")
            assert (pair_digest(revision.revised) in trained) == (pair["split"] == "training")


def test_a_coach_revises_what_it_has_not_learnt_and_loses_nothing(
    revisions: Path, coach: Path, tmp_path: Path
) -> None:
    read = read_mended(revisions)
    data = tmp_path / "data.jsonl"
    write_records([revision.original for revision in read.revisions[:6]], data)
    config = ReviseConfig.model_validate({"coach": str(coach), "decoding": {"max_tokens": 16}})
    manifest = revise(config, data, tmp_path / "revised")
    assert manifest["counts"]["records"] == 6
    rows = list(read_jsonl(tmp_path / "revised" / "records.jsonl"))
    assert [row["id"] for row in rows] == [revision.id for revision in read.revisions[:6]]
    trained = read_coach(coach).trained
    left = [pair_digest(revision.original) in trained for revision in read.revisions[:6]]
    assert [row["meta"]["revision"]["status"] == "left_alone" for row in rows] == left


def test_a_finished_coach_is_not_trained_again(revisions: Path, coach: Path) -> None:
    before = (coach / "manifest.json").read_bytes()
    train_coach(CONFIG, revisions, coach)
    assert (coach / "manifest.json").read_bytes() == before


def test_what_was_selected_is_learnt_from_whole(revisions: Path, tmp_path: Path) -> None:
    from tunewright.coach.select_config import CoachSelectConfig
    from tunewright.coach.select_stage import coach_select

    coach_select(CoachSelectConfig(alpha=0.25), revisions, tmp_path / "selected")
    config = CONFIG.model_copy(update={"alpha": None, "good_share": 0.0, "validation": 0.0})
    manifest = train_coach(config, tmp_path / "selected", tmp_path / "coach")
    assert manifest["counts"]["pairs"] == manifest["counts"]["revisions"] == 6


def test_a_folder_that_holds_no_coach_is_named(tmp_path: Path, revisions: Path) -> None:
    from tunewright.coach.select_config import CoachSelectConfig
    from tunewright.coach.select_stage import coach_select

    coach_select(CoachSelectConfig(), revisions, tmp_path / "selected")
    assert not is_coach(tmp_path / "selected")
    with pytest.raises(ModelError, match="holds a 'coach select' run, not a coach"):
        read_coach(tmp_path / "selected")


def test_a_coach_whose_prompt_has_changed_is_refused(coach: Path, tmp_path: Path) -> None:
    copy = tmp_path / "coach"
    copy.mkdir()
    for name in ("stage.json", "manifest.json", "pairs.jsonl"):
        (copy / name).write_bytes((coach / name).read_bytes())
    manifest = json.loads((copy / "manifest.json").read_bytes())
    manifest["extra"]["prompt_sha256"] = "0" * 64
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="another prompt"):
        read_coach(copy)


def test_a_coach_without_its_model_or_pairs_is_refused(coach: Path, tmp_path: Path) -> None:
    copy = tmp_path / "coach"
    copy.mkdir()
    for name in ("stage.json", "manifest.json"):
        (copy / name).write_bytes((coach / name).read_bytes())
    with pytest.raises(ModelError, match="its model is gone"):
        read_coach(copy)
    (copy / "tune" / "model").mkdir(parents=True)
    (copy / "tune" / "model" / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"pairs\.jsonl is gone"):
        read_coach(copy)


def test_revisions_that_change_nothing_teach_nothing(tmp_path: Path) -> None:
    items = list(generate_items(5, seed=4))
    write_revisions((one for one, _ in planted(items, seed=1, faulty_share=0.0)), tmp_path / "same.jsonl")
    with pytest.raises(DataError, match="no revision to learn from"):
        train_coach(CONFIG, tmp_path / "same.jsonl", tmp_path / "coach")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"tune": {"model": "x"}}, "'model' is set beside tune"),
        ({"tune": {"explanation": True}}, "not at all"),
        ({"alpha": 0.0}, "alpha"),
        ({"good_share": 1.0}, "good_share"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, object], said: str) -> None:
    from tunewright.run.config import parse_config

    with pytest.raises(RecipeError, match=said):
        parse_config(CoachConfig, settings, where="the test")


def test_a_misspelt_setting_of_tune_shows_before_anything_is_read(tmp_path: Path) -> None:
    config = CoachConfig(model="scratch:tiny", tune={"epoch": 2})
    with pytest.raises(RecipeError, match="epochs"):
        train_coach(config, tmp_path / "absent.jsonl", tmp_path / "coach")
