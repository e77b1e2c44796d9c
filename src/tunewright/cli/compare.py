"""`tunewright compare DATA --heldout FILE --arms it,im --seeds 3 --out DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunewright.cli.compared import show, show_plan
from tunewright.cli.run import Again, Out
from tunewright.cli.show import sink_for
from tunewright.cli.tune import Format, Model, Template, named_files
from tunewright.errors import RecipeError

if TYPE_CHECKING:
    from tunewright.evaluate.judging.config import JudgeConfig
    from tunewright.evaluate.tasks.config import TasksConfig


def command(
    context: typer.Context,
    data: Annotated[
        str,
        typer.Argument(
            help="What the arms are trained on: a file, folder or data-set id. Or a recipe (.yaml), which "
            "holds all the settings below."
        ),
    ],
    out: Out,
    arms: Annotated[
        str,
        typer.Option(
            help="[NAME=]OBJECTIVE[+MODIFIER…], by commas: it,im,plw:.25,it_example_weighted,im+neftune,"
            "it+kl:0.1,im+explanation:0.5,it+lr:1e-4,revised=it+data:FILE,it+model:SPEC. The first is what "
            "the others are compared with."
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
    tasks: Annotated[
        str | None,
        typer.Option(
            help="Standard tasks to run on every model: im18, or names by commas, or a YAML file with the "
            "settings of evaluate tasks."
        ),
    ] = None,
    include: Annotated[
        Path | None, typer.Option(help="A folder of task files (YAML) of your own, with their data.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only the first documents of each task; stamped everywhere.")
    ] = None,
    judge: Annotated[
        str | None,
        typer.Option(
            help="Who compares the held-out answers with the first arm's: openai:NAME, hf:PATH, vllm:PATH, "
            "length:, several by commas; or a YAML file with the settings of evaluate judge."
        ),
    ] = None,
    judge_budget: Annotated[
        int | None, typer.Option(min=0, help="Stop before the judges use more tokens than this, in and out.")
    ] = None,
    hour_price: Annotated[
        float | None, typer.Option(min=0, help="Price of an hour of this machine, for the table.")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Arms tuned at a time [default: one per core for scratch models, else 1]."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be trained and about how long it takes.")
    ] = False,
    again: Again = False,
) -> None:
    """Train arms with the same seeds, measure them alike, and say what may be claimed.

    Arms may differ in objective, data, model or any other setting. What DIR holds already is not trained or
    asked again: add an arm, a seed, tasks or a judge and run it again. DIR gets metrics.jsonl (a row per arm,
    seed and epoch), paired.json (differences, paired by example and seed) and report.html.

    Example: tunewright compare my.jsonl --holdout 300 --arms it,im,plw:.25 --seeds 3 --out runs/arms
    """
    from tunewright.evaluate.stage import EvaluateConfig
    from tunewright.pipeline.arms import parse_setting, split_arms
    from tunewright.pipeline.compare import compare_arms, comparison_recipe
    from tunewright.pipeline.jobs import default_jobs
    from tunewright.pipeline.recipe import load_recipe
    from tunewright.run.progress import Progress

    if Path(data).suffix in (".yaml", ".yml"):
        _nothing_else_given(context, data)
        recipe = load_recipe(data)
    else:
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
            tasks=_tasks(tasks, include, limit),
            judge=_judge(judge, judge_budget),
            hour_price=hour_price,
            baseline=baseline,
        )
    if dry_run:
        show_plan(recipe, out)
        return
    num_jobs = jobs or default_jobs(list(recipe.arm_configs().values()))
    done = compare_arms(recipe, out, progress=Progress(sink_for()), again=again, jobs=num_jobs)
    show(done)
    if done.failures:
        raise typer.Exit(1)


def _nothing_else_given(context: typer.Context, recipe: str) -> None:
    """A recipe has all settings; an option beside it would be without effect."""
    of_the_run = ("data", "out", "jobs", "dry_run", "again")
    for name in context.params:
        source = context.get_parameter_source(name)
        if name not in of_the_run and source is not None and source.name == "COMMANDLINE":
            option = "--" + name.strip("_").replace("_", "-")
            raise RecipeError(f"{recipe} is a recipe, which holds the settings: write {option} into it")


def _tasks(text: str | None, include: Path | None, limit: int | None) -> TasksConfig | None:
    from tunewright.evaluate.tasks.config import TasksConfig
    from tunewright.run.config import parse_config
    from tunewright.run.strict_yaml import load_yaml

    options: dict[str, Any] = {"include": include, "limit": limit}
    given = {key: value for key, value in options.items() if value is not None}
    if text is None:
        if given:
            raise RecipeError(f"--{next(iter(given))} says how tasks are run: name some with --tasks")
        return None
    if Path(text).suffix in (".yaml", ".yml"):
        return parse_config(TasksConfig, {**load_yaml(text), **given}, where=text)
    names = [name.strip() for name in text.split(",") if name.strip()]
    return parse_config(TasksConfig, {"tasks": names, **given}, where="--tasks")


def _judge(text: str | None, budget: int | None) -> JudgeConfig | None:
    from tunewright.evaluate.judging.config import JudgeConfig
    from tunewright.run.config import parse_config
    from tunewright.run.strict_yaml import load_yaml

    if text is None:
        if budget is not None:
            raise RecipeError("--judge-budget limits a judge: name one with --judge")
        return None
    if Path(text).suffix in (".yaml", ".yml"):
        if budget is not None:
            raise RecipeError(f"--judge-budget: write budget_tokens under the judges in {text}")
        return parse_config(JudgeConfig, load_yaml(text), where=text)
    judges = [{"model": spec.strip(), "budget_tokens": budget} for spec in text.split(",") if spec.strip()]
    return parse_config(JudgeConfig, {"judges": judges}, where="--judge")


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
