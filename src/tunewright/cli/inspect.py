"""`tunewright inspect DATA`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from tunewright.cli.advise import caution_line, console_for_pages, print_recommendation
from tunewright.cli.show import sink_for
from tunewright.cli.tune import Data, Format

if TYPE_CHECKING:
    from rich.table import Table

    from tunewright.evaluate.advice import Advice
    from tunewright.records.describe import Summary
    from tunewright.tune.inspect import Inspection


def command(
    data: Data,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="Count this model's tokens [default: a BPE trained on DATA]."),
    ] = None,
    format: Format = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what is in a data file, and in short which objective it suggests.

    Counts, lengths in words and in tokens, their ratio, duplicates, and broken rows with their reasons.
    `tunewright advise` gives the advice in full.

    Example: tunewright inspect my.jsonl
    """
    from tunewright.evaluate.advice import advise
    from tunewright.run.progress import Progress
    from tunewright.tune.inspect import inspect

    progress = Progress(sink_for())
    progress.start("inspect", unit="records")
    found = inspect(data, model=model, format=format, on_progress=progress.advance)
    progress.finish()
    advice = advise(data, model=model, format=format, progress=progress)
    if as_json:
        recommendation = advice.as_dict()["recommendation"]
        row = asdict(found) | {"recommendation": recommendation}
        typer.echo(json.dumps(row, ensure_ascii=False, indent=1))
        return
    _print(data, found)
    _print_short(advice)


def _print_short(advice: Advice) -> None:
    """The warnings by name and the recommendation; `tunewright advise` says why."""
    console = console_for_pages()
    if advice.cautions:
        named = "; ".join(caution_line(one.name, one.count, one.share, {}) for one in advice.cautions)
        console.print(f"\nWarnings: {named}.", markup=False)
    print_recommendation(console, advice)
    console.print("\nAll of the evidence: tunewright advise", markup=False)


def _print(data: str, found: Inspection) -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    formats = ", ".join(f"{count:,} {name}" for name, count in found.formats.items())
    total = found.summary.num_records
    lines = [f"{data}: {total:,} records ({formats}), {found.num_rejects:,} broken rows"]
    lines += [f"  broken: {count:,} × {reason}" for reason, count in list(found.reject_reasons.items())[:5]]
    lines += [f"  e.g. {reject}" for reject in found.first_rejects[:3]]
    console.print("\n".join(lines) + "\n", markup=False)
    console.print(_lengths(found.summary))
    lines = [f"\nTokens are those of {found.tokenizer}.", *_facts(found.summary)]
    console.print("\n".join(lines), markup=False)


def _lengths(summary: Summary) -> Table:
    from rich.table import Table

    assert summary.tokens is not None
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True, min_width=11)
    table.add_column("n", justify="right", no_wrap=True)
    for unit in ("words", "tokens"):
        for figure in ("mean", "median", "95 %", "max"):
            table.add_column(f"{figure}\n{unit}", justify="right", no_wrap=True)
    for name, words in summary.words.fields.items():
        if not words.num_records:
            continue
        parts = (words, summary.tokens.fields[name])
        figures = [
            f"{value:,.0f}" for part in parts for value in (part.mean, part.median, part.p95, part.max)
        ]
        table.add_row(name, f"{words.num_records:,}", *figures)
    return table


def _facts(summary: Summary) -> list[str]:
    units = {"words": summary.words, "tokens": summary.tokens}
    lines = [
        f"Instruction + input to output, in {unit}: {lengths.ratio_of_means:.2f} (ratio of the means), "
        f"{lengths.median_ratio:.2f} (median record)."
        for unit, lengths in units.items()
        if lengths is not None
    ]
    return [
        *lines,
        f"{summary.num_exact_duplicates:,} exact duplicates; "
        f"{summary.num_contested_prompts:,} prompts with several outputs.",
    ]
