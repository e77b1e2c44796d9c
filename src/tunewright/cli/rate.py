"""`tunewright rate DATA --model SPEC --criteria accuracy|coachlm|elpa|FILE --out DIR`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tunewright.cli.asking import asks, show_estimate
from tunewright.cli.run import Again, Out
from tunewright.cli.show import sink_for
from tunewright.cli.tune import Data, Format


@asks
def command(
    data: Data,
    out: Out,
    ask: dict[str, Any],
    dry_run: bool,
    criteria: Annotated[
        str,
        typer.Option(
            help="accuracy (0 to 5), coachlm (nine criteria, 0 to 100), elpa (test items, 1 to 5), or a "
            "YAML file of your own."
        ),
    ] = "accuracy",
    expected: Annotated[
        bool,
        typer.Option(
            "--expected",
            help="Ask for the score alone and take its mean over the model's own probabilities.",
        ),
    ] = False,
    max_tokens: Annotated[int, typer.Option(min=16, help="The most tokens of one reply.")] = 512,
    pattern: Annotated[
        str | None,
        typer.Option(help="Reads replies without JSON: a regular expression with a group named score."),
    ] = None,
    human: Annotated[
        str | None,
        typer.Option(help="People's scores to compare with: a column, or a JSONL file of id and score."),
    ] = None,
    human_score: Annotated[
        str | None, typer.Option(help="What people scored, e.g. response.accuracy [default: the main side].")
    ] = None,
    before: Annotated[
        Path | None, typer.Option(help="Folder of an earlier rating of the same records to compare with.")
    ] = None,
    worst: Annotated[int, typer.Option(min=0, help="How many of the lowest records the page shows.")] = 20,
    format: Format = None,
    again: Again = False,
) -> None:
    """Let a model rate every record, criterion by criterion, and write a summary page.

    DIR/records.jsonl holds all records with their scores in `meta`, DIR/ratings.jsonl the reasons,
    DIR/rejects.jsonl what could not be rated. Instruction and response are scored apart. A reply that cannot
    be read is asked again and then kept as failed: it is never a score.

    Example: tunewright rate my.jsonl --model openai:NAME --criteria coachlm --out runs/rated
    """
    from tunewright.rate.config import RateConfig
    from tunewright.rate.stage import estimate_rating, rate
    from tunewright.run.config import parse_config
    from tunewright.run.progress import Progress

    given = {
        "criteria": criteria,
        "ask": ask,
        "expected": expected,
        "max_tokens": max_tokens,
        "pattern": pattern,
        "human": human,
        "human_score": human_score,
        "before": before,
        "worst": worst,
    }
    config = parse_config(RateConfig, given, where="the command line")
    if dry_run:
        show_estimate(estimate_rating(config, data, out, format=format))
        return
    manifest = rate(config, data, out, format=format, progress=Progress(sink_for()), again=again)
    show_summary(out)
    if manifest["finished"] is None:
        without = "" if config.ask.calls else " without --no-calls"
        typer.echo(
            f"{manifest['counts']['unanswered']:,} requests have no reply: run the same command again"
            f"{without} to ask them"
        )


def show_summary(folder: Path) -> None:
    """What a finished rating found, and where it is."""
    from tunewright.rate.page import lead
    from tunewright.rate.stage import PAGE_FILE, SUMMARY_FILE
    from tunewright.rate.tally import headline

    summary = json.loads((folder / SUMMARY_FILE).read_text(encoding="utf-8"))
    typer.echo(f"{summary['main_side']}: {lead(headline(summary, summary['main_side']))}")
    if summary["num_failed"]:
        typer.echo(f"{summary['num_failed']:,} ratings failed; they are in rejects.jsonl")
        _print_first_failure(folder)
    if summary["num_rejected_rows"]:
        typer.echo(f"{summary['num_rejected_rows']:,} rows could not be read")
    for score in summary["scores"]:
        for flag in score["flags"]:
            typer.echo(f"note: {score['key']}: {flag}")
    _print_comparisons(summary)
    typer.echo(f"records: {folder / 'records.jsonl'}")
    typer.echo(f"summary: {folder / PAGE_FILE}")


def _print_first_failure(folder: Path) -> None:
    from tunewright.run.files import read_jsonl

    for row in read_jsonl(folder / "ratings.jsonl"):
        for key, result in row["criteria"].items():
            if result["status"] not in ("rated", "absent"):
                typer.echo(f"  the first, {row['id']} {key}: {result['status']}: {result['problem']}")
                return


def _print_comparisons(summary: dict[str, Any]) -> None:
    agreement = summary["agreement"]
    if agreement is not None:
        found = agreement["problem"] or ", ".join(
            f"{name} {agreement[name]:.2f}" for name in ("pearson", "spearman") if agreement[name] is not None
        )
        typer.echo(f"agreement with people on {agreement['num_pairs']:,} records: {found}")
    for side in (summary["comparison"] or {"sides": []})["sides"]:
        alone = side["num_only_before"] + side["num_only_after"]
        if alone:
            typer.echo(f"note: {side['key']}: {alone:,} records are in one of the two ratings only")
