"""What `compare` prints: its plan, its tables and sentences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tunewright.cli.show import error, sink_for

if TYPE_CHECKING:
    from tunewright.pipeline.compare import Comparison
    from tunewright.pipeline.plan import Plan
    from tunewright.pipeline.recipe import Recipe
    from tunewright.report.grids import Grid


def show_plan(recipe: Recipe, out: Path) -> None:
    """What would be trained, on how many rows, and about how long that takes."""
    from tunewright.cli.show import duration
    from tunewright.pipeline.plan import plan
    from tunewright.run.progress import Progress

    found = plan(recipe, out, progress=Progress(sink_for()))
    held = ", ".join(f"{count:,} of {name}" for name, count in found.num_heldout.items())
    typer.echo(
        "\n".join(f"{rows}{_whose(names, found)}" for rows, names in _rows_of(found).items())
        + f"; measured on {held}"
    )
    for arm in found.arms:
        there = f", {arm.num_done} of them there already" if arm.num_done else ""
        typer.echo(f"{arm.name}: {arm.num_steps:,} steps with each of {arm.num_seeds} seeds{there}")
    typer.echo(
        f"about {duration(found.seconds)} of training in one process, at {found.tokens_per_second:,.0f} "
        "tokens/s with the dearest arm; measuring and answers come on top"
    )


def _rows_of(found: Plan) -> dict[str, list[str]]:
    """What arms are trained on, with the arms; one entry where all have the same rows."""
    rows: dict[str, list[str]] = {}
    for arm in found.arms:
        said = (
            f"{arm.num_rows:,} rows to train on ({arm.num_dropped:,} dropped), {arm.tokens_per_epoch:,} "
            "tokens an epoch"
        )
        rows.setdefault(said, []).append(arm.name)
    return rows


def _whose(names: Sequence[str], found: Plan) -> str:
    return "" if len(names) == len(found.arms) else f" ({', '.join(names)})"


def show(done: Comparison) -> None:
    """The tables, what may be claimed, what failed, and where the pages are."""
    from tunewright.report.comparison_grids import costs, levels
    from tunewright.report.contrasts import judges_grid, judging_sentence, suites_grid, tasks_grid
    from tunewright.report.overview import overview

    run = done.run
    families = [judges_grid(run), tasks_grid(run), suites_grid(run)]
    for grid in [overview(run), *levels(run, training_too=True), *families, costs(run)]:
        if grid is not None:
            typer.echo(as_text(grid) + "\n")
    if run.measured.judging is not None:
        typer.echo(judging_sentence(run))
    for sentence in done.sentences:
        typer.echo(sentence)
    for failure in done.failures:
        error(f"arm {failure.arm}, seed {failure.seed} failed: {failure.reason}")
    if (tokens := done.page.with_name("tokens.html")).exists():
        typer.echo(f"token by token: {tokens}")
    typer.echo(f"report: {done.page}")


def as_text(grid: Grid) -> str:
    """A table in columns as wide as their widest cell; texts flush left, numbers flush right."""
    rows = [list(grid.head), *grid.cells()]
    widths = [max(len(row[column]) for row in rows) for column in range(len(grid.head))]
    lines = [
        "  ".join(
            cell.ljust(width) if column in grid.texts else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([grid.caption, *lines])
