"""`tunewright run RECIPE --out DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunewright.cli.show import sink_for

Out = Annotated[
    Path, typer.Option("--out", "-o", help="Folder for the results; an interrupted run goes on there.")
]
Again = Annotated[
    bool,
    typer.Option("--again", help="Where settings have changed, move the old result aside and run afresh."),
]


def command(
    recipe: Annotated[Path, typer.Argument(help="A recipe, e.g. recipes/first.yaml.")],
    out: Out,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Arms tuned at a time [default: one per core for scratch models, else 1]."),
    ] = None,
    again: Again = False,
) -> None:
    """Run all stages of a recipe and write the report.

    Stages that are done with the same settings are not run again; a stopped run goes on where it was.

    Example: tunewright run recipes/first.yaml --out runs/first
    """
    from tunewright.pipeline import load_recipe, run
    from tunewright.pipeline.jobs import default_jobs
    from tunewright.run.progress import Progress

    wanted = load_recipe(recipe)
    num_jobs = jobs or default_jobs(list(wanted.arm_configs().values()))
    page = run(wanted, out, progress=Progress(sink_for()), again=again, jobs=num_jobs)
    typer.echo(f"report: {page}")
