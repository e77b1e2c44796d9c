"""`tunewright revise DATA --coach DIR|SPEC --out DIR`."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tunewright.cli.asking import asks, show_estimate
from tunewright.cli.run import Again, Out
from tunewright.cli.show import sink_for
from tunewright.cli.tune import Data, Format


@functools.partial(asks, only_sometimes=True)
def command(
    data: Data,
    out: Out,
    ask: dict[str, Any],
    dry_run: bool,
    coach: Annotated[
        str,
        typer.Option(
            help="The folder of `coach train`, or any model that is told what to do: openai:NAME, hf:PATH, "
            "vllm:PATH, batch:DIR. With a folder, --model says where that coach is served."
        ),
    ],
    form: Annotated[
        str | None,
        typer.Option(help="lines, marked or flat [default: the coach's own, else lines]."),
    ] = None,
    temperature: Annotated[
        float, typer.Option(min=0, help="0 is greedy: the likeliest token every time.")
    ] = 0.0,
    top_p: Annotated[float, typer.Option(help="With a temperature: the share of likely tokens.")] = 1.0,
    max_tokens: Annotated[
        int | None,
        typer.Option(min=16, help="The most tokens of one reply [default: 1024, or more if a coach says]."),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="With a temperature: each record's seed follows from it and its id.")
    ] = 7,
    language: Annotated[
        str | None, typer.Option(help="The set's language as ISO 639-1: other scripts are foreign (any).")
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(
            help="YAML with a table after: (when a reply is no revision) and a table accept: (which "
            "revisions are accepted)."
        ),
    ] = None,
    revise_trained: Annotated[
        bool, typer.Option("--revise-trained", help="Revise also the pairs that the coach was trained on.")
    ] = False,
    format: Format = None,
    again: Again = False,
) -> None:
    """Let a coach revise every record; whatever is no good revision leaves the record as it was.

    DIR/records.jsonl holds all records in order, each with what became of it in `meta` and the texts it had;
    DIR/revisions.jsonl both versions, reasons and replies that could not be used. Stopped and started again,
    no finished call is repeated.

    Example: tunewright revise my.jsonl --coach runs/coach --out runs/revised

    Example: tunewright revise my.jsonl --coach openai:NAME --out runs/revised
    """
    from tunewright.coach.revise import estimate_accepting, estimate_revising, revise
    from tunewright.coach.revise_config import ReviseConfig
    from tunewright.run.config import parse_config
    from tunewright.run.progress import Progress

    given: dict[str, Any] = {
        "coach": coach,
        "ask": ask,
        "form": form,
        "decoding": {"temperature": temperature, "top_p": top_p, "max_tokens": max_tokens, "seed": seed},
        "revise_trained": revise_trained,
        "language": language,
    }
    given |= _tables(settings)
    config = parse_config(ReviseConfig, given, where="the command line")
    if dry_run:
        show_estimate(estimate_revising(config, data, out, format=format))
        for policy, found in estimate_accepting(config, data, out, format=format).items():
            typer.echo(f"\nto accept by {policy}, if every record is changed and stays as long as it is:")
            show_estimate(found)
        return
    manifest = revise(config, data, out, format=format, progress=Progress(sink_for()), again=again)
    show_summary(out)
    if manifest["finished"] is None:
        without = "" if config.ask.calls else " without --no-calls"
        typer.echo(
            f"{manifest['counts']['unanswered']:,} requests have no reply: run the same command again"
            f"{without} to ask them"
        )


def show_summary(folder: Path) -> None:
    """What became of the records, why, what a person should look at, and where it all is."""
    from tunewright.coach.results import MEANINGS, REVISIONS_FILE
    from tunewright.coach.revise import SUMMARY_FILE

    summary = json.loads((folder / SUMMARY_FILE).read_text(encoding="utf-8"))
    n = summary["num_records"]
    for status, meaning in MEANINGS.items():
        count = summary["statuses"][status]
        if not count:
            continue
        typer.echo(f"{status.replace('_', ' '):<12}{count:>9,}  {count / n:>6.1%}  {meaning}")
        reasons = summary["reasons"].get(status, {})
        if status in ("rejected", "fell_back"):
            for reason, times in reasons.items():
                typer.echo(f"  {reason.replace('_', ' '):<22}{times:>9,}")
    typer.echo(f"{'records':<12}{n:>9,}")
    if summary["num_rejected_rows"]:
        typer.echo(f"{summary['num_rejected_rows']:,} rows could not be read; they are in rejects.jsonl")
    if summary["num_flagged"]:
        kinds = ", ".join(f"{kind.replace('_', ' ')} {times:,}" for kind, times in summary["flags"].items())
        typer.echo(f"to look at: {summary['num_flagged']:,} revised records are flagged ({kinds})")
    typer.echo(f"records:   {folder / 'records.jsonl'}")
    typer.echo(f"revisions: {folder / REVISIONS_FILE}")
    typer.echo(f"summary:   {folder / SUMMARY_FILE}")


def _tables(file: Path | None) -> dict[str, Any]:
    """The tables `after` and `accept` of a settings file. RecipeError for anything else in it, and for
    what is wrong in them, with the file and the line."""
    from tunewright.coach.accept import AcceptConfig
    from tunewright.coach.after import AfterConfig
    from tunewright.errors import RecipeError
    from tunewright.run.config import parse_config
    from tunewright.run.strict_yaml import load_yaml

    if file is None:
        return {}
    found = load_yaml(file)
    others = sorted(set(found) - {"after", "accept"})
    if others:
        raise RecipeError(f"{file}: holds '{others[0]}'; a settings file has the tables after: and accept:")
    if found.get("after") is not None:
        parse_config(AfterConfig, found["after"], where=str(file), table="after")
    if found.get("accept") is not None:
        parse_config(AcceptConfig, found["accept"], where=str(file), table="accept")
    return {name: table for name, table in found.items() if table is not None}
