"""`tunewright generate --from items -n N` or `--seeds elpa|FILE --model SPEC -n N`, into `--out DIR`."""

from __future__ import annotations

import contextlib
import functools
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunewright.cli.asking import ask_config, asks, show_estimate
from tunewright.cli.run import Again, Out
from tunewright.cli.show import sink_for
from tunewright.errors import RecipeError

if TYPE_CHECKING:
    from tunewright.generate.config import GenerateConfig

PANEL = "Growing with a model"
SHORT = 3  # exit code of a run that is finished with fewer records than were asked for


def _grow(*names: str, help: str, **given: Any) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=PANEL, **given)


@functools.partial(asks, only_sometimes=True)
def command(
    out: Out,
    ask: dict[str, Any],
    dry_run: bool,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="items (automatic item generation, the default) or model (the default with --seeds).",
        ),
    ] = None,
    n: Annotated[int, typer.Option("-n", min=1, help="How many records.")] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same file.")] = 7,
    skills: Annotated[
        list[str] | None, typer.Option("--skill", help="Only this skill; may be repeated.")
    ] = None,
    levels: Annotated[
        list[str] | None, typer.Option("--level", help="Only this CEFR level; may be repeated.")
    ] = None,
    seeds: Annotated[
        str | None, _grow("--seeds", help="elpa (130 of ours) or a file of records to grow from.")
    ] = None,
    domain: Annotated[
        str | None, _grow("--domain", help="elpa (assessment items by cell) or general (any tasks).")
    ] = None,
    plan: Annotated[
        Path | None, _grow("--plan", help="YAML with your own cells: skill, tasks, levels, topics, weight.")
    ] = None,
    topics: Annotated[
        list[str] | None, _grow("--topic", help="Only this topic; may be repeated [the seeds' own].")
    ] = None,
    author_tasks: Annotated[
        bool,
        _grow(
            "--author-tasks",
            help="Also tasks for an author of items, half of elpa's seeds: no item rule looks at them and no "
            "item bank takes them.",
        ),
    ] = False,
    per_call: Annotated[
        int | None, _grow("--per-call", help="Items asked for in one call (4).", min=1)
    ] = None,
    calls_per_round: Annotated[
        int | None,
        _grow("--calls-per-round", help="Calls between two looks at what is missing (32).", min=1),
    ] = None,
    temperature: Annotated[
        float | None, _grow("--temperature", help="Of the model's sampling (0.8).")
    ] = None,
    max_tokens: Annotated[
        int | None, _grow("--max-tokens", help="The most tokens of one reply (4096).", min=16)
    ] = None,
    language: Annotated[str | None, _grow("--language", help="ISO 639-1 code, or any (en).")] = None,
    refuse_level: Annotated[
        str | None,
        _grow(
            "--refuse-level",
            help="Texts whose estimated level band lies above the level asked for (the default), outside it, "
            "or none.",
        ),
    ] = None,
    near_duplicate: Annotated[
        float | None, _grow("--near-duplicate", help="ROUGE-L F1 above which an item is one (0.7).")
    ] = None,
    skip_detectors: Annotated[
        list[str] | None, _grow("--skip-detector", help="A detector that does not refuse; may be repeated.")
    ] = None,
    licence: Annotated[
        str | None, _grow("--licence", help="Terms of the model's output, stored with every record.")
    ] = None,
    push: Annotated[
        str | None, _grow("--push", help="Upload records and card to this data-set repository of the hub.")
    ] = None,
    again: Again = False,
) -> None:
    """Make instruction data: items with keys right by construction, or grown from seeds by a model.

    Grown records pass a gate; DIR/rejects.jsonl has every other candidate with its reason, DIR/README.md is
    the data-set card. Stopped and started again, no finished call is repeated. Exit code 3: finished, but
    with fewer records than -n, because cells could not be filled.

    Example: tunewright generate --from items -n 2000 --seed 7 --out runs/items

    Example: tunewright generate --seeds elpa -n 17000 --model openai:NAME --out runs/grown
    """
    from tunewright.generate.config import GenerateConfig, plan_rows
    from tunewright.generate.grow.cells import LEVELS, SKILLS
    from tunewright.generate.grow.summary import is_short
    from tunewright.generate.stage import generate
    from tunewright.run.config import parse_config
    from tunewright.run.progress import Progress

    given: dict[str, Any] = {
        "seeds": seeds,
        "domain": domain,
        "plan": plan_rows(plan) if plan is not None else None,
        "topics": topics,
        "author_tasks": author_tasks or None,
        "per_call": per_call,
        "calls_per_round": calls_per_round,
        "temperature": temperature,
        "max_tokens": max_tokens,
        "language": language,
        "refuse_level": refuse_level,
        "near_duplicate": near_duplicate,
        "skip_detectors": skip_detectors,
        "licence": licence,
    }
    given = {name: value for name, value in given.items() if value is not None}
    source = source or ("model" if given or "model" in ask else "items")
    _fit_together(source, given, ask)
    levels, skills = _known(levels, LEVELS, "--level"), _known(skills, SKILLS, "--skill")
    settings: dict[str, Any] = {"source": source}
    settings |= {"n": n, "seed": seed, "skills": skills, "levels": levels}
    if given:
        settings["grow"] = given
    if "model" in ask:
        ask_config(ask)  # its errors name options
        settings["ask"] = ask
    with _option_names():
        config = parse_config(GenerateConfig, settings, where="the command line")
    if push is not None:
        from tunewright.generate.grow.push import check_name

        check_name(push)
    if dry_run:
        with _option_names():
            _show_dry_run(config)
        return
    if config.source == "model":
        with _option_names():
            folder = _grown(config, out, again=again)
        show_grown(folder)
    else:
        folder = generate(config, out, progress=Progress(sink_for()), again=again)
    typer.echo(f"records: {folder / 'records.jsonl'}")
    if push is not None:
        from tunewright.generate.grow.push import push as upload

        typer.echo(f"pushed: {upload(folder, push)}")
    if config.source == "model" and is_short(folder):
        raise typer.Exit(SHORT)


def _fit_together(source: str, given: Mapping[str, Any], ask: Mapping[str, Any]) -> None:
    """RecipeError for options of growing without a model or with --from items, in the words typed."""
    typed = [_option(name) for name in given] + (["--model"] if "model" in ask else [])
    named = ", ".join(typed)
    if source == "items" and typed:
        raise RecipeError(f"--from items asks no model: leave out {named}, or leave out --from items")
    if source == "model" and "model" not in ask:
        raise RecipeError(
            f"{named or '--from model'} needs a model: add --model, such as --model openai:NAME"
        )


def _known(names: list[str] | None, known: Sequence[str], option: str) -> list[str] | None:
    """The names; RecipeError for one that is known but for its capitals, which says how to write it."""
    spelled = {one.lower(): one for one in known}
    for name in names or ():
        if name not in known and (right := spelled.get(name.strip().lower())):
            raise RecipeError(f"{option} {name}: did you mean {option} {right}?")
    return names


_PLURALS = {"topics": "topic", "skip_detectors": "skip_detector", "skills": "skill", "levels": "level"}


@contextlib.contextmanager
def _option_names() -> Iterator[None]:
    """Wrong settings are told in the words of the command line."""
    try:
        yield
    except RecipeError as problem:
        raise RecipeError(_with_option_names(str(problem))) from None


def _with_option_names(message: str) -> str:
    """The message with the options instead of the settings they fill: --topic for 'grow.topics[0]'."""

    message = message.replace("skip_detectors: 'skip'", "--skip-detector").replace("'source'", "--from")
    message = re.sub(r"'n'(?= is )", "-n", message)
    return re.sub(
        r"'(?:grow\.(\w+)|(?=(?:skills|levels)\b)(\w+))(?:\[\d+\])?'",
        lambda match: _option(match[1] or match[2]),
        message,
    )


def _option(name: str) -> str:
    return "--" + _PLURALS.get(name, name).replace("_", "-")


def _grown(config: GenerateConfig, out: Path, *, again: bool) -> Path:
    """Grow with a live table on a terminal, and with lines of progress everywhere else."""
    from tunewright.cli.grow_table import GrowTable
    from tunewright.generate.grow.stage import grow
    from tunewright.run.progress import Progress

    if not sys.stderr.isatty():
        return grow(config, out, progress=Progress(sink_for()), again=again)
    with GrowTable(sys.stderr) as table:
        return grow(config, out, progress=Progress(table), again=again, show=table.show)


def _show_dry_run(config: GenerateConfig) -> None:
    if config.source == "items":
        typer.echo("No model is asked: nothing to estimate.")
        return
    from tunewright.generate.grow.stage import estimate_growth

    show_estimate(estimate_growth(config))
    typer.echo("This is if every item is accepted; rejected ones are asked for again.")


def show_grown(folder: Path) -> None:
    """What became of all candidates: by reason, and by skill and level."""
    from tunewright.generate.grow.summary import summary_of

    for line in summary_of(folder):
        typer.echo(line)
