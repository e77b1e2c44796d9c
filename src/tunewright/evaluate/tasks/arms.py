"""Arms on standard tasks: every arm against the baseline on the same documents with the same seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tunewright.evaluate.contrasts import Floats, Pairing
from tunewright.evaluate.loss_tables import Arm
from tunewright.evaluate.tasks.config import TasksConfig
from tunewright.evaluate.tasks.preflight import Unit
from tunewright.evaluate.tasks.results import TaskResult
from tunewright.evaluate.tasks.run import read_documents, summarise, task_results
from tunewright.run.progress import Progress


def arm_tasks(
    config: TasksConfig,
    arms: Sequence[Arm],
    out: str | Path,
    *,
    baseline: str,
    progress: Progress | None = None,
    again: bool = False,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[Pairing]]:
    """Run what is missing of the tasks under every arm; a row per task, arm and seed, the scores of suites by
    arm and seed, and what is paired.

    What is paired is the main metric of every name that was asked for (the documents of a group's tasks
    together), over the seeds that both arms have. A metric without values per document (BLEU of a corpus)
    has rows and no pairing.
    """
    model_of = {arm: f"{arm.name}-seed{arm.seed}" for arm in arms}
    models = {model: str(arm.folder) for arm, model in model_of.items()}
    units, results = task_results(config, models, out, progress=progress, again=again)
    rows = [
        {"arm": arm.name, "seed": arm.seed, **result.row()}
        for arm, model in model_of.items()
        for result in results[model].values()
    ]
    summary = summarise(config, units, results, Path(out), compares=False)
    arm_of = {model: arm for arm, model in model_of.items()}
    suites = [
        {"arm": arm_of[score["model"]].name, "seed": arm_of[score["model"]].seed, **score}
        for score in summary["scores"]
    ]
    pairings = []
    for unit in units:
        tables = {arm: _values(unit, model, results[model], out) for arm, model in model_of.items()}
        for name in dict.fromkeys(arm.name for arm in arms if arm.name != baseline):
            one = _pairing(unit, results, tables, model_of, baseline, name)
            if one is not None:
                pairings.append(one)
    return rows, suites, pairings


def _are_shares(by_seed: Mapping[str, Mapping[int, Floats]]) -> bool:
    return all(np.isin(values, (0, 1)).all() for arm in by_seed.values() for values in arm.values())


def _values(unit: Unit, model: str, results: Mapping[str, TaskResult], out: str | Path) -> Floats | None:
    """The main metric of each document of the unit's tasks; None where a document has none."""
    metric = results[unit.tasks[0]].main
    documents = [row["metrics"] for task in unit.tasks for row in read_documents(out, model, task)]
    if any(metric not in found for found in documents):
        return None
    return np.array([found[metric] for found in documents], dtype=np.float64)


def _pairing(
    unit: Unit,
    results: Mapping[str, Mapping[str, TaskResult]],
    tables: Mapping[Arm, Floats | None],
    model_of: Mapping[Arm, str],
    first: str,
    second: str,
) -> Pairing | None:
    by_seed = {
        name: {arm.seed: values for arm, values in tables.items() if arm.name == name and values is not None}
        for name in (first, second)
    }
    seeds = sorted(by_seed[first].keys() & by_seed[second].keys())
    if not seeds:
        return None
    shown = results[next(model for arm, model in model_of.items() if arm.name == first)]
    main = shown[unit.tasks[0]].main_metric
    return Pairing(
        measure=f"{unit.name} ({main.metric.partition(',')[0]})",
        units="documents",
        first=first,
        second=second,
        first_SN=np.stack([by_seed[first][seed] for seed in seeds]),
        second_SN=np.stack([by_seed[second][seed] for seed in seeds]),
        largest=1.0 if _are_shares(by_seed) else math.inf,
        # a document's value of a perplexity is its log-likelihood, of which more is better
        higher_is_better=main.higher_is_better is not False or not main.is_mean,
        is_limited=any(shown[task].is_limited for task in unit.tasks),
    )
