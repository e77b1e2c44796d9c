"""Run standard tasks: each model and task has a run folder of its own, OUT/MODEL/TASK.

A killed run goes on with the first unfinished task, and another model or task costs only itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from tunewright.errors import ModelError, RecipeError
from tunewright.evaluate.outputs.tuned import spec_of
from tunewright.evaluate.tasks.compare import compare_models
from tunewright.evaluate.tasks.config import TasksConfig
from tunewright.evaluate.tasks.harness import harness_model, harness_results, num_cut
from tunewright.evaluate.tasks.preflight import Unit, preflight
from tunewright.evaluate.tasks.results import (
    TaskResult,
    aggregate,
    document_rows,
    read_result,
    result_from_row,
    task_digest,
)
from tunewright.evaluate.tasks.suites import SUITES, suite_score
from tunewright.llm import weights
from tunewright.run.files import JsonlLog, read_jsonl, write_json_atomic
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.folder import RunFolder, is_done, read_manifest
from tunewright.run.progress import Progress
from tunewright.run.versions import LIBRARIES, environment

STAGE = "standard task"
DOCUMENTS_FILE = "documents.jsonl"
RESULTS_FILE = "results.json"


def run_tasks(
    config: TasksConfig,
    models: Mapping[str, str],
    out: str | Path,
    *,
    progress: Progress | None = None,
    again: bool = False,
) -> dict[str, Any]:
    """Run the tasks under every model (name → folder, hub id or tuned run); gives back OUT/results.json.

    Raises DataError before any model is loaded when a task cannot run here, with what to do about it.
    """
    units, results = task_results(config, models, out, progress=progress, again=again)
    summary = summarise(config, units, results, Path(out))
    write_json_atomic(Path(out) / RESULTS_FILE, summary)
    return summary


def task_results(
    config: TasksConfig,
    models: Mapping[str, str],
    out: str | Path,
    *,
    progress: Progress | None = None,
    again: bool = False,
) -> tuple[Sequence[Unit], dict[str, dict[str, TaskResult]]]:
    """Run what is missing of the tasks under every model; what was asked for, and the results by model and
    task. Models are not compared."""
    progress = progress or Progress()
    if not models:
        raise RecipeError("no model; give the folder or id of one")
    checkpoints = {name: _checkpoint(spec) for name, spec in models.items()}
    found = preflight(config)
    found.demand()
    digests = {name: task_digest(task, config.limit) for name, task in found.tasks.items()}
    asked = {task: unit.name for unit in found.units for task in unit.tasks}
    results: dict[str, dict[str, TaskResult]] = {}
    for model, checkpoint in checkpoints.items():
        settings, revision = _settings(config), checkpoint.revision()
        loaded: Any = None
        progress.start(f"tasks {model}", len(found.tasks), "tasks")
        results[model] = {}
        for task, harness_task in found.tasks.items():
            where = _fingerprint(task, settings, revision, digests[task])
            folder_path = Path(out) / model / task.replace("/", "_")
            if loaded is None and (again or not is_done(folder_path, where)):
                loaded = _load(checkpoint, config)
            with RunFolder.open(folder_path, fingerprint=where, again=again) as folder:
                if not folder.is_done:
                    _run(folder, config, loaded, harness_task, task, asked[task], digests[task][0])
            result = result_from_row(read_manifest(folder_path)["extra"]["result"])
            results[model][task] = result
            progress.advance(1, task=task)
        progress.finish()
    return found.units, results


def summarise(
    config: TasksConfig,
    units: Sequence[Unit],
    results: Mapping[str, Mapping[str, TaskResult]],
    out: Path,
    *,
    compares: bool = True,
) -> dict[str, Any]:
    """All results of a run in one JSON-like object, `is_limited` on top and in every row. Without `compares`
    the models' documents are not compared."""
    rows, aggregates, scores = [], [], []
    for model, of_task in results.items():
        rows += [{"model": model, **result.row()} for result in of_task.values()]
        values: dict[str, float] = {}
        for unit in units:
            main = of_task[unit.tasks[0]].main_metric
            if unit.tasks != (unit.name,):
                row = aggregate(unit.name, [of_task[task] for task in unit.tasks])
                if row is None:
                    continue
                aggregates.append({"model": model, **asdict(row)})
                value = row.value
            elif main.value is None:
                continue
            else:
                value = main.value
            if main.higher_is_better:
                values[unit.name] = value
        for name in config.tasks:
            if name in SUITES:
                scores.append({"model": model, **asdict(suite_score(SUITES[name], values))})
    is_limited = any(result.is_limited for of_task in results.values() for result in of_task.values())
    return {
        "is_limited": is_limited,
        "limit": config.limit,
        "engine": _engine(),
        "chat": config.chat,
        "results": rows,
        "aggregates": aggregates,
        "scores": [{**score, "is_limited": is_limited} for score in scores],
        "comparisons": [asdict(one) for one in compare_models(units, results, _documents_in(out))]
        if compares
        else [],
    }


def read_documents(out: str | Path, model: str, task: str) -> list[dict[str, Any]]:
    """The documents' rows of one task under one model, in order."""
    return list(read_jsonl(Path(out) / model / task.replace("/", "_") / DOCUMENTS_FILE))


def _documents_in(out: Path) -> Any:
    return lambda model, task: read_documents(out, model, task)


def _run(
    folder: RunFolder, config: TasksConfig, lm: Any, harness_task: Any, task: str, asked: str, digest: str
) -> None:
    found = harness_results(config, lm, {task: harness_task})
    rows = document_rows(found["samples"][task])
    result = read_result(
        found, task, asked=asked, limit=config.limit, digest=digest, num_cut=num_cut(lm, harness_task)
    )
    with JsonlLog(folder.path / DOCUMENTS_FILE) as log:
        log.keep(0)
        main = result.main
        for row in rows:
            value = row["metrics"].get(main)
            log.append(row | {"correct": bool(value) if value in (0.0, 1.0) else None})
        log.sync()
    folder.finish(
        versions=environment([*LIBRARIES, "lm_eval"]),
        counts={"documents": len(rows), "all_documents": result.num_all},
        extra={"is_limited": result.is_limited, "result": result.row()},
    )


def _load(checkpoint: weights.Checkpoint, config: TasksConfig) -> Any:
    device, dtype = weights.device_and_dtype(config.device, config.dtype)
    tokenizer = weights.load_tokenizer(checkpoint)
    if config.chat and not tokenizer.chat_template:
        raise ModelError(f"model {checkpoint.spec!r} has no chat template; leave --chat out")
    model = weights.load_model(checkpoint, device=device, dtype=dtype)
    return harness_model(model, tokenizer, batch_size=config.batch_size)


def _checkpoint(spec: str) -> weights.Checkpoint:
    return weights.Checkpoint.find(spec_of(spec).removeprefix("hf:"))


def _settings(config: TasksConfig) -> dict[str, Any]:
    _, dtype = weights.device_and_dtype(config.device, config.dtype)
    return {**config.settings(), "dtype": dtype, "engine": _engine()}


def _fingerprint(
    task: str, settings: Mapping[str, Any], revision: str, digests: tuple[str, str]
) -> Fingerprint:
    inputs = {"model": revision, "task": digests[0], "documents": digests[1]}
    return Fingerprint(STAGE, {"task": task, **settings}, inputs)


def _engine() -> str:
    return f"lm-eval {metadata.version('lm_eval')}"
