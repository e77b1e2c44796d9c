"""`tunewright evaluate tasks MODEL… --tasks im18|NAME,… --out DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tunewright.cli.run import Again
from tunewright.cli.show import sink_for
from tunewright.errors import RecipeError


def command(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL…", help="A model's folder, a Hugging Face id or a tuned run; or NAME=MODEL."
        ),
    ] = None,
    tasks: Annotated[
        str, typer.Option(help="im18, or the harness's tasks, groups and tags, by commas.")
    ] = "im18",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the results; a killed run goes on there.")
    ] = None,
    include: Annotated[
        Path | None, typer.Option(help="A folder of task files (YAML) of your own, with their data.")
    ] = None,
    leave_out: Annotated[str, typer.Option(help="Names of a suite that are not run, by commas.")] = "",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only the first documents of each task; stamped everywhere.")
    ] = None,
    num_fewshot: Annotated[
        int | None, typer.Option(min=0, help="Examples before each question [default: the task's own].")
    ] = None,
    chat: Annotated[
        bool, typer.Option("--chat", help="Put each question into the model's chat template.")
    ] = False,
    run_code: Annotated[
        bool, typer.Option("--run-code", help="Let tasks run code that the model wrote, on this machine.")
    ] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Requests in one forward pass.")] = 8,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.")] = "auto",
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Load no model: fetch the data where there is a network, name the rest."
        ),
    ] = False,
    again: Again = False,
) -> None:
    """Run standard tasks with lm-evaluation-harness, and compare the models on the same documents.

    Before any model is loaded it says which data are missing and how to bring them. DIR gets results.json,
    and in DIR/MODEL/TASK each document's log-likelihoods or text.

    Example: tunewright evaluate tasks runs/it runs/im --tasks hellaswag,ai2_arc --out runs/tasks
    """
    from tunewright.evaluate.tasks.config import TasksConfig
    from tunewright.run.config import parse_config

    given = {
        "tasks": _names(tasks),
        "include": include,
        "leave_out": _names(leave_out),
        "limit": limit,
        "num_fewshot": num_fewshot,
        "chat": chat,
        "run_code": run_code,
        "batch_size": batch_size,
        "device": device,
        "dtype": dtype,
    }
    config = parse_config(TasksConfig, given, where="the command line")
    if check:
        from tunewright.evaluate.tasks.preflight import preflight

        found = preflight(config)
        for unit in found.units:
            num = f" ({len(unit.tasks)} tasks)" if len(unit.tasks) > 1 else ""
            typer.echo(f"{unit.name}{num}: ready")
        found.demand()
        return
    named = _models(models or [])
    if out is None:
        raise RecipeError("say with --out where the results go")

    from tunewright.evaluate.tasks.run import RESULTS_FILE, run_tasks
    from tunewright.run.progress import Progress

    summary = run_tasks(config, named, out, progress=Progress(sink_for()), again=again)
    for line in lines(summary):
        typer.echo(line)
    typer.echo(f"results: {out / RESULTS_FILE}")


def lines(summary: dict[str, Any]) -> list[str]:
    """The results as text: every metric, groups and tags, the suite's score, the paired comparisons."""
    said = []
    if summary["is_limited"]:
        said.append(f"LIMITED to {summary['limit']} documents of a task: for trying out, not to be reported")
    width = max(len(row["task"]) for row in summary["results"])
    for row in summary["results"]:
        for metric in row["metrics"]:
            mark = "*" if metric["metric"] == row["main"] else " "
            value = "no number" if metric["value"] is None else f"{metric['value']:.4f}"
            error = "" if metric["stderr"] is None else f" ± {metric['stderr']:.4f}"
            lower = "" if metric["higher_is_better"] else "  lower is better"
            cut = f"  {row['num_cut']} cut" if row["num_cut"] else ""
            said.append(
                f"{row['model']}  {row['task']:{width}} {mark}{metric['metric']}  {value}{error}  "
                f"n={metric['num_documents']}{_of(row)}  {row['num_fewshot']}-shot{lower}{cut}"
            )
    for row in summary["aggregates"]:
        error = "" if row["stderr"] is None else f" ± {row['stderr']:.4f}"
        limited = "  limited" if row["is_limited"] else ""
        said.append(
            f"{row['model']}  {row['name']}  {row['metric']}  {row['value']:.4f}{error}  "
            f"n={row['num_documents']}  {row['aggregation']} ({row['num_tasks']}){limited}"
        )
    for score in summary["scores"]:
        value = "no score: a category is missing" if score["value"] is None else f"{score['value']:.2f}"
        missing = f"; without {', '.join(score['missing'])}" if score["missing"] else ""
        limited = "; limited" if score["is_limited"] else ""
        said.append(f"{score['model']}  {score['suite']}: {value} ({score['aggregation']}{missing}{limited})")
    for one in summary["comparisons"]:
        counts = "" if one["gained"] is None else f"; {one['gained']} gained, {one['lost']} lost"
        limited = "; limited" if one["is_limited"] else ""
        said.append(
            f"{one['second']} − {one['first']}  {one['task']}  {one['metric']}  {one['difference']:+.4f} "
            f"[{one['interval']['low']:+.4f}, {one['interval']['high']:+.4f}]  {one['test']}: "
            f"p={one['p']:.3g}, corrected {one['p_holm']:.3g}{counts}{limited}"
        )
    return said


def _of(row: dict[str, Any]) -> str:
    return f" of {row['num_all']} (limited)" if row["is_limited"] else ""


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _models(given: list[str]) -> dict[str, str]:
    """Models by name; RecipeError for two of the same name."""
    named: dict[str, str] = {}
    for text in given:
        name, equals, spec = text.partition("=")
        if not equals:
            spec = text
            path = Path(text)
            path = path.parent if path.name == "model" and len(path.parts) > 1 else path
            name = path.resolve().name if path.exists() else path.name
        if name in named:
            raise RecipeError(f"two models are called {name}; write NAME={spec} to tell them apart")
        if name in ("", ".", "..") or "/" in name:
            raise RecipeError(f"{text}: the name before = is that of a folder, without /")
        named[name] = spec
    return named
