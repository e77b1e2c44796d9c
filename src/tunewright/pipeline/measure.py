"""Tasks and judges of a run: what its recipe asks for besides losses and answers, for every finished arm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tunewright.evaluate.contrasts import Contrast, family
from tunewright.evaluate.judging.arms import asked, judge_arms
from tunewright.evaluate.judging.config import JudgeConfig
from tunewright.evaluate.judging.job import open_judges
from tunewright.evaluate.loss_tables import Arm
from tunewright.evaluate.measured import FILE, Measured
from tunewright.evaluate.tasks.arms import arm_tasks
from tunewright.evaluate.tasks.preflight import preflight
from tunewright.pipeline.recipe import Recipe
from tunewright.records.record import Record
from tunewright.run.files import read_jsonl
from tunewright.run.folder import read_manifest
from tunewright.run.progress import Progress

TASKS, JUDGE = "tasks", "judge"  # folders of a run


def measure(
    recipe: Recipe,
    arms: Sequence[Arm],
    heldout: Mapping[str, Sequence[Record]],
    out: Path,
    *,
    progress: Progress,
    again: bool = False,
) -> None:
    """Run the recipe's tasks and judges on the arms, after their evaluation, and write `out/measured.json`.

    What is there already is not run or asked again. Arms are compared with the first one where it is there.
    """
    (out / FILE).unlink(missing_ok=True)  # killed before the end, none shows other arms' numbers
    if recipe.tasks is None and recipe.judge is None:
        return
    baseline = next(iter(recipe.arms))
    found: dict[str, Any] = {}
    if recipe.tasks is not None:
        rows, suites, pairings = arm_tasks(
            recipe.tasks, arms, out / TASKS, baseline=baseline, progress=progress, again=again
        )
        found |= {"tasks": family(pairings), "task_rows": rows, "suites": suites}
        found["task_seconds"] = _seconds(arms, rows, out / TASKS)
    if recipe.judge is not None:
        found |= _judged(recipe.judge, arms, heldout, out, baseline, progress, again)
    Measured(**found).write(out)


def check_measures(recipe: Recipe) -> None:
    """Raise before hours of training what tasks and judges would raise after them: data that are missing, a
    judge that cannot be opened."""
    if recipe.tasks is not None:
        preflight(recipe.tasks).demand()
    if recipe.judge is not None:
        open_judges(recipe.judge)


def _judged(
    config: JudgeConfig,
    arms: Sequence[Arm],
    heldout: Mapping[str, Sequence[Record]],
    out: Path,
    baseline: str,
    progress: Progress,
    again: bool,
) -> dict[str, Any]:
    answers = list(read_jsonl(out / "evaluate" / "answers.jsonl"))
    pairings = judge_arms(
        config, arms, answers, heldout, out / JUDGE, baseline=baseline, progress=progress, again=again
    )
    contrasts: list[Contrast] = family(pairings)
    return {"judges": contrasts, "judging": _spent(config, out / JUDGE)}


def _spent(config: JudgeConfig, folder: Path) -> dict[str, Any]:
    spent: dict[str, Any] = dict(asked(folder))
    prices = {(one.price_input, one.price_output) for one in config.judges}
    read, written = next(iter(prices)) if len(prices) == 1 else (None, None)
    spent["cost"] = (
        None
        if read is None or written is None
        else (spent["prompt_tokens"] * read + spent["output_tokens"] * written) / 1e6
    )
    return spent | {"models": [one.model for one in config.judges]}


def _seconds(arms: Sequence[Arm], rows: Sequence[Mapping[str, Any]], out: Path) -> dict[str, float]:
    """What the tasks took, by arm, all seeds together."""
    total: dict[str, float] = defaultdict(float)
    for row in rows:
        folder = out / f"{row['arm']}-seed{row['seed']}" / str(row["task"]).replace("/", "_")
        total[row["arm"]] += float(read_manifest(folder)["seconds"])
    return dict(total)
