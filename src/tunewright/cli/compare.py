"""`tunewright compare DATA --heldout FILE --arms it,im --seeds 3 --out DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunewright.cli.run import Again, Out
from tunewright.cli.show import error, sink_for
from tunewright.cli.tune import Data, Format, Model, Template, named_files
from tunewright.errors import RecipeError

if TYPE_CHECKING:
    from tunewright.pipeline.compare import Comparison
    from tunewright.pipeline.recipe import Recipe
    from tunewright.report.grids import Grid


def command(
    data: Data,
    out: Out,
    arms: Annotated[
        str,
        typer.Option(
            help="OBJECTIVE[+MODIFIER…], by commas: it,im,plw:.25,it_example_weighted,im+neftune,it+kl:0.1,"
            "im+explanation:0.5,it+lr:1e-4. The first is what the others are compared with."
        ),
    ] = "it,im",
    heldout: Annotated[
        list[str] | None, typer.Option(help="FILE or NAME=FILE to measure on; may be repeated.")
    ] = None,
    holdout: Annotated[
        int, typer.Option(min=0, help="Rows of DATA kept out of training and measured on.")
    ] = 0,
    holdout_by: Annotated[str | None, typer.Option(help="Column whose values stay on one side.")] = None,
    model: Model = "scratch:tiny",
    seeds: Annotated[str, typer.Option(help="How many (3 is 1,2,3), or which: 1,4,9.")] = "3",
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the data.")] = 3,
    lr: Annotated[
        float | None,
        typer.Option(help="Peak learning rate [default: 2e-3 scratch, 2e-4 LoRA, 2e-5 full]."),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Examples per optimizer step.")] = 16,
    normalisation: Annotated[
        str | None, typer.Option(help="Of all arms that do not name one [default: the objective's own].")
    ] = None,
    max_tokens: Annotated[int, typer.Option(help="Longer examples are dropped in every arm.")] = 1024,
    lora: Annotated[
        int | None, typer.Option(help="Rank of a LoRA adapter [default: train all weights].")
    ] = None,
    explanation: Annotated[bool, typer.Option(help="Train on explanations too.")] = True,
    precision: Annotated[str, typer.Option(help="auto, f32 or bf16.")] = "auto",
    chat_template: Template = None,
    format: Format = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any other setting of tune, for all arms; repeated."),
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="The arm the others are compared with [default: the first].")
    ] = None,
    memorisation_prompts: Annotated[
        int, typer.Option(min=0, help="Training prompts continued greedily; 0: none.")
    ] = 100,
    heldout_answers: Annotated[
        int, typer.Option(min=0, help="Records of each held-out set answered greedily; 0: none.")
    ] = 100,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Limit of one answer.")] = 256,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Arms tuned at a time [default: one per core for scratch models, else 1]."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be trained and about how long it takes.")
    ] = False,
    again: Again = False,
) -> None:
    """Train arms on the same rows with the same seeds, measure them alike, and say what may be claimed.

    What DIR holds already is not trained again: add an arm or a seed and run it again. DIR gets metrics.jsonl
    (a row per arm, seed and epoch), paired.json (differences, paired by example and seed) and report.html.

    Example: tunewright compare my.jsonl --holdout 300 --arms it,im,plw:.25 --seeds 3 --out runs/arms
    """
    from tunewright.evaluate.stage import EvaluateConfig
    from tunewright.pipeline.arms import parse_setting, split_arms
    from tunewright.pipeline.compare import compare_arms, comparison_recipe
    from tunewright.pipeline.jobs import default_jobs
    from tunewright.run.progress import Progress

    given: dict[str, Any] = {
        "model": model,
        "epochs": epochs,
        "lr": lr,
        "batch_size": batch_size,
        "normalisation": normalisation,
        "max_tokens": max_tokens,
        "lora": lora,
        "explanation": explanation,
        "precision": precision,
        "chat_template": chat_template,
    }
    for text in set_ or []:
        key, value = parse_setting(text)
        if key in given:
            raise RecipeError(f"--set {text}: use --{key.replace('_', '-')}")
        given[key] = value
    recipe = comparison_recipe(
        data,
        arms=split_arms(arms),
        seeds=_seeds(seeds),
        heldout=named_files(heldout or []),
        holdout=holdout,
        holdout_by=holdout_by,
        format=format,
        tune=given,
        evaluate=EvaluateConfig(
            memorisation_prompts=memorisation_prompts,
            heldout_answers=heldout_answers,
            max_new_tokens=max_new_tokens,
        ),
        baseline=baseline,
    )
    if dry_run:
        _show_plan(recipe, out)
        return
    num_jobs = jobs or default_jobs(list(recipe.arm_configs().values()))
    done = compare_arms(recipe, out, progress=Progress(sink_for()), again=again, jobs=num_jobs)
    _show(done)
    if done.failures:
        raise typer.Exit(1)


def _seeds(text: str) -> int | list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        raise RecipeError(
            f"--seeds {text!r}: give a number, such as 3, or the seeds, such as 1,4,9"
        ) from None
    if "," not in text:
        if numbers[0] < 1:
            raise RecipeError(f"--seeds {text}: at least one seed is needed")
        return numbers[0]
    return numbers


def _show_plan(recipe: Recipe, out: Path) -> None:
    from tunewright.cli.show import duration
    from tunewright.pipeline.plan import plan
    from tunewright.run.progress import Progress

    found = plan(recipe, out, progress=Progress(sink_for()))
    held = ", ".join(f"{count:,} of {name}" for name, count in found.num_heldout.items())
    typer.echo(
        f"{found.num_rows:,} rows to train on ({found.num_dropped:,} dropped), {found.tokens_per_epoch:,} "
        f"tokens an epoch; measured on {held}"
    )
    for arm in found.arms:
        there = f", {arm.num_done} of them there already" if arm.num_done else ""
        typer.echo(f"{arm.name}: {arm.num_steps:,} steps with each of {arm.num_seeds} seeds{there}")
    typer.echo(
        f"about {duration(found.seconds)} of training in one process, at {found.tokens_per_second:,.0f} "
        "tokens/s with the dearest arm; measuring and answers come on top"
    )


def _show(done: Comparison) -> None:
    from tunewright.report.comparison_grids import costs, levels

    for grid in [*levels(done.run, training_too=True), costs(done.run)]:
        typer.echo(_as_text(grid) + "\n")
    for sentence in done.sentences:
        typer.echo(sentence)
    for failure in done.failures:
        error(f"arm {failure.arm}, seed {failure.seed} failed: {failure.reason}")
    typer.echo(f"token by token: {done.page.with_name('tokens.html')}")
    typer.echo(f"report: {done.page}")


def _as_text(grid: Grid) -> str:
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
