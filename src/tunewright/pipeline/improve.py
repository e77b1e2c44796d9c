"""What a recipe does to its data before it tunes: drop duplicates, check, revise, rate, select.

Each stage reads what the one before it wrote, `records.jsonl` in its folder, and has its own folder. What
is rated and selected is what is tuned on, so a coach revises before that.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewright.coach.revise import revise
from tunewright.errors import ModelError
from tunewright.pipeline.recipe import Recipe
from tunewright.rate.check import check
from tunewright.rate.dedup import dedup
from tunewright.rate.select import select
from tunewright.rate.stage import rate
from tunewright.run.progress import Progress

FOLDERS = ("dedup", "check", "revise", "rate", "select")
RECORDS_FILE = "records.jsonl"


def improve(recipe: Recipe, out: Path, *, progress: Progress, again: bool) -> None:
    """Run the stages that the recipe names, in this order; finished ones are left as they are.

    Near-duplicates of the held-out sets are dropped too: they would be measured on what was trained on.
    """
    data = source_of(recipe, out)
    if recipe.dedup is not None:
        against = list(recipe.heldout.values())
        dedup(recipe.dedup, data, out / "dedup", against=against, progress=progress, again=again)
        data = out / "dedup" / RECORDS_FILE
    if recipe.check is not None:
        check(recipe.check, data, out / "check", progress=progress, again=again)
        data = out / "check" / RECORDS_FILE if recipe.check.fix else data
    if recipe.revise is not None:
        manifest = revise(recipe.revise, data, out / "revise", progress=progress, again=again)
        _check_all_answered(manifest, out / "revise")
        data = out / "revise" / RECORDS_FILE
    if recipe.rate is not None:
        manifest = rate(recipe.rate, data, out / "rate", progress=progress, again=again)
        _check_all_answered(manifest, out / "rate")
        data = out / "rate" / RECORDS_FILE
    if recipe.select is not None:
        select(recipe.select, data, out / "select", progress=progress, again=again)


def improved(recipe: Recipe, out: Path) -> str | Path:
    """Where the records are that are tuned on: what the last stage that changes records wrote."""
    last = _last_writer(recipe)
    return source_of(recipe, out) if last is None else out / last / RECORDS_FILE


def writes_data(recipe: Recipe) -> bool:
    """Whether what is tuned on is written by a stage of the recipe."""
    return recipe.generate is not None or _last_writer(recipe) is not None


def _last_writer(recipe: Recipe) -> str | None:
    writes = {
        "select": recipe.select is not None,
        "rate": recipe.rate is not None,
        "revise": recipe.revise is not None,
        "check": recipe.check is not None and recipe.check.fix,
        "dedup": recipe.dedup is not None,
    }
    return next((name for name, does in writes.items() if does), None)


def _check_all_answered(manifest: Mapping[str, Any], folder: Path) -> None:
    if manifest["finished"] is None:
        raise ModelError(
            f"{folder}: {manifest['counts']['unanswered']:,} requests have no reply yet; the same command "
            "asks them"
        )


def source_of(recipe: Recipe, out: Path) -> str | Path:
    """Where the records are that the recipe begins with."""
    return recipe.data or out / "generate" / RECORDS_FILE
