"""`tunewright answerability DATA --model SPEC --out DIR`."""

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
    max_tokens: Annotated[int, typer.Option(min=16, help="The most tokens of one reply.")] = 256,
    format: Format = None,
    again: Again = False,
) -> None:
    """Let a model judge each option of choice items, with the passage and without it.

    The key true with the passage: the item is answerable. The key true without it: guessable. Another option
    true as well: a double key. DIR/verdicts.jsonl has a row for every item with the reasons.

    Example: tunewright answerability items.jsonl --model openai:NAME --out runs/answerability
    """
    from tunewright.cli.asking import ask_config
    from tunewright.generate.answerability_stage import (
        AnswerabilityConfig,
        estimate_answerability,
        judge_answerability,
    )
    from tunewright.run.progress import Progress

    config = AnswerabilityConfig(ask=ask_config(ask), max_tokens=max_tokens, format=format)
    if dry_run:
        show_estimate(estimate_answerability(config, data, out))
        return
    judge_answerability(config, data, out, progress=Progress(sink_for()), again=again)
    _print_summary(out)


def _print_summary(out: Path) -> None:
    found = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    typer.echo(f"{found['num_items']:,} items")
    for name, shown in (
        ("answerable", "answerable"),
        ("guessable", "guessable"),
        ("double_key", "double key"),
    ):
        typer.echo(f"{shown + ':':<25}{_share(found[name])}")
    if found["difference"] is not None:
        low, high = found["interval"]["low"], found["interval"]["high"]
        typer.echo(
            f"{'answerable − guessable:':<25}{_points(found['difference'])} points "
            f"({_points(low)} to {_points(high)}) in {found['num_paired']:,} items"
        )
    for reason, count in found["not_asked"].items():
        typer.echo(f"{count:,} records not asked about: {reason}")
    if found["num_failed"]:
        typer.echo(f"{found['num_failed']:,} judgements never came; they are in rejects.jsonl")
    if found["num_rejected_rows"]:
        typer.echo(f"{found['num_rejected_rows']:,} rows could not be read; they are in rejects.jsonl")
    typer.echo(f"verdicts: {out / 'verdicts.jsonl'}")


def _share(found: dict[str, Any]) -> str:
    if not found["of"]:
        return "– (no item where it is known)"
    low, high = found["interval"]["low"], found["interval"]["high"]
    share = f"{100 * found['share']:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
    return f"{found['count']:,} of {found['of']:,}, {share}"


def _points(value: float) -> str:
    return f"{100 * value:+.1f}".replace("-", "−")
