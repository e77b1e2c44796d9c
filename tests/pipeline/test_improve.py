"""What a recipe does to its data before tuning: each stage reads what the one before it wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tunewright.pipeline.improve import improve, improved
from tunewright.pipeline.recipe import Recipe, load_recipe
from tunewright.pipeline.stages import read_sets
from tunewright.run.config import parse_config, to_yaml
from tunewright.run.files import read_jsonl
from tunewright.run.progress import Progress

RULES = """
rules:
  - contains: "eight"
    reply: {reason: "Wrong.", score: 1}
  - reply: {reason: "Right.", score: 5}
"""
ROWS = [
    ("Add three and four, please, and say the sum in one word.", "<noinput>", "seven"),
    ("Add three and four, please, and say the sum in a word.", "", "seven"),  # like the first
    ("Which animal has a trunk and big ears?", "", "an elephant"),
    ("Tell me what two times two is.", "", "eight"),
    ("Name the longest river of South America.", "", "the Amazon"),  # in the held-out set
]


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    rows = [{"instruction": i, "input": n, "output": o} for i, n, o in ROWS]
    (tmp_path / "data.json").write_text(json.dumps(rows))
    (tmp_path / "test.json").write_text(json.dumps(rows[-1:]))
    (tmp_path / "rules.yaml").write_text(RULES)
    settings: dict[str, Any] = {
        "name": "improved",
        "data": str(tmp_path / "data.json"),
        "heldout": {"rivers": str(tmp_path / "test.json")},
        "dedup": {},
        "check": {"fix": True},
        "rate": {"ask": {"model": f"scripted:{tmp_path / 'rules.yaml'}"}},
        "select": {"min_score": 4.5},
    }
    return parse_config(Recipe, settings, where="the test")


def test_duplicates_go_defects_are_repaired_and_the_best_stay(recipe: Recipe, tmp_path: Path) -> None:
    improve(recipe, tmp_path / "run", progress=Progress(), again=False)
    kept = list(read_jsonl(tmp_path / "run" / "select" / "records.jsonl"))
    assert [(row["instruction"][:5], row.get("input", ""), row["output"]) for row in kept] == [
        ("Add t", "", "seven"),
        ("Which", "", "an elephant"),
    ]
    sets = read_sets(recipe, tmp_path / "run", progress=Progress())
    assert [record.output for record in sets.train] == ["seven", "an elephant"]
    assert [record.output for record in sets.heldout["rivers"]] == ["the Amazon"]


@pytest.mark.parametrize(
    ("left_out", "last"),
    [
        ([], "select"),
        (["select"], "rate"),
        (["select", "rate"], "check"),
        (["select", "rate", "check"], "dedup"),
        (["select", "rate", "check", "dedup"], None),
    ],
)
def test_what_is_tuned_on_is_what_the_last_stage_wrote(
    recipe: Recipe, tmp_path: Path, left_out: list[str], last: str | None
) -> None:
    shorter = recipe.model_copy(update=dict.fromkeys(left_out))
    expected = tmp_path / "run" / last / "records.jsonl" if last else recipe.data
    assert improved(shorter, tmp_path / "run") == expected


def test_a_check_that_repairs_nothing_leaves_the_records_where_they_are(
    recipe: Recipe, tmp_path: Path
) -> None:
    assert recipe.check is not None
    update = {"check": recipe.check.model_copy(update={"fix": False}), "rate": None, "select": None}
    assert improved(recipe.model_copy(update=update), tmp_path) == tmp_path / "dedup" / "records.jsonl"


def test_the_resolved_recipe_is_read_back_equal(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(to_yaml(recipe))
    assert load_recipe(tmp_path / "recipe.yaml") == recipe
