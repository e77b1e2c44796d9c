"""`tunewright advise DATA [--model SPEC]`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from tunewright.cli.show import sink_for
from tunewright.cli.tune import Data, Format, Template

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from tunewright.evaluate.advice import Advice
    from tunewright.tune.recommend import Recommendation

WIDEST = 100
LEANS = {"for": "leans to loss on prompts", "against": "leans against it", "neither": "no lean"}
NOTHING = "No objective is suggested: no record has an instruction or an input to put loss on."


def command(
    data: Data,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "-m", help="Count this model's tokens, in its chat template [default: a BPE of DATA]."
        ),
    ] = None,
    chat_template: Template = None,
    format: Format = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say which objective to tune with, from the data and what was seen on data like it.

    Length ratio, repeats, the share of the loss on outputs under each objective, the nearest published sets,
    conflicting evidence, warnings with record ids, one recommendation, and the command that would settle it.

    Example: tunewright advise my.jsonl --model path/to/model
    """
    from tunewright.evaluate.advice import advise
    from tunewright.run.progress import Progress

    advice = advise(
        data, model=model, chat_template=chat_template, format=format, progress=Progress(sink_for())
    )
    if as_json:
        typer.echo(json.dumps(advice.as_dict(), ensure_ascii=False, indent=1))
        return
    console = console_for_pages()
    _print_data(console, advice)
    _print_shares(console, advice)
    if advice.recommendation is not None:
        _print_published(console, advice)
        _print_evidence(console, advice)
    _print_cautions(console, advice)
    print_recommendation(console, advice)


def console_for_pages() -> Console:
    """A console on stdout, never wider than what reads well."""
    from rich.console import Console

    console = Console(highlight=False, emoji=False)
    console.width = min(console.width, WIDEST)
    return console


def _print_data(console: Console, advice: Advice) -> None:
    counts = advice.counts
    formats = ", ".join(counts.formats)
    _heading(console, "The data")
    console.print(f"{advice.data}: {counted(counts.num_records, 'record')} ({formats})", markup=False)
    facts = [
        counted(counts.num_rejects, "broken row"),
        counted(counts.num_exact_duplicates, "exact duplicate"),
        counted(counts.num_near_duplicates, "prompt")
        + " almost equal to an earlier one (ROUGE-L above 0.7)"
        + ("" if counts.num_compared == counts.num_records else f" (of the first {counts.num_compared:,})"),
        f"{counts.num_with_history:,} with earlier turns",
        f"{counts.num_with_system:,} with a system text",
    ]
    if counts.num_with_explanation:
        facts.append(f"{counts.num_with_explanation:,} with an explanation")
    console.print("; ".join(facts) + "\n", markup=False)
    table = _table("mean (median) length", "prompt", "output", "ratio")
    sample = advice.sample
    for name, pair in (
        ("words, as the paper counts", advice.paper_words),
        ("words, plain", advice.plain_words),
        (f"tokens, {counted(sample.num_records, 'record')}", sample.tokens),
    ):
        table.add_row(
            name,
            f"{pair.prompt_mean:,.1f} ({pair.prompt_median:,.0f})",
            f"{pair.output_mean:,.1f} ({pair.output_median:,.0f})",
            f"{pair.ratio:.3f}" if pair.ratio < 10 else f"{pair.ratio:,.1f}",
        )
    console.print(table)
    note = (
        "The paper counts whitespace words plus one role tag for each message, over all turns. "
        f"Plain: instruction, input and last output. Tokens: {sample.tokenizer}."
    )
    console.print(note, style="dim", markup=False)


def _print_shares(console: Console, advice: Advice) -> None:
    sample = advice.sample
    left_out = sum(sample.left_out.values())
    _heading(console, "Share of the loss on outputs")
    table = _table("objective", "normalisation", "share")
    for one in sample.shares:
        table.add_row(one.objective, one.normalisation, f"{100 * one.output_share:.0f} %")
    console.print(table)
    note = f"From proved roles in a sample of {counted(sample.num_records, 'record')}"
    if left_out:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sample.left_out.items())
        note += f"; {left_out:,} more left out ({reasons})"
    console.print(note + ".", style="dim", markup=False)


def _print_published(console: Console, advice: Advice) -> None:
    _heading(console, "What was seen on the nearest published sets, IT → IM")
    table = _table("set", "N", "ratio", "dist.", "NLP", "MT-Bench", "AlpacaEval", "BLEU*")
    for near in advice.nearest:
        one = near.published
        figures = (one.nlp_mean, one.mt_bench, one.alpaca_eval_1, one.bleu)
        table.add_row(
            one.name.removeprefix("Alpagasus ").removeprefix("Less "),
            f"{one.num_records:,}",
            f"{one.word_ratio:g}",
            f"{near.distance:.2f}",
            *(f"{it:.{2 if it < 10 else 1}f}→{im:.{2 if im < 10 else 1}f}" for it, im in figures),
        )
    console.print(table)
    note = (
        f"{advice.nearest_source}; AlpacaEval 1. Distance in (ln ratio, ln N): 0.69 is a factor of two. "
        "*Repeated training text: lower is better."
    )
    console.print(note, style="dim", markup=False)
    console.print("\nSeen here:", markup=False)
    _items(console, "·", advice.seen_here)


def _print_evidence(console: Console, advice: Advice) -> None:
    _heading(console, "Evidence that conflicts, and what it means here")
    for one in advice.evidence:
        console.print(f"{one.source}: {LEANS[one.leans]}", style="bold", markup=False)
        _items(console, " ", (one.finding + ".",))
        _items(console, "→", (one.here + ".",))


def _print_cautions(console: Console, advice: Advice) -> None:
    _heading(console, "Warnings")
    if not advice.cautions:
        console.print("None.")
    for one in advice.cautions:
        _items(console, "!", (caution_line(one.name, one.count, one.share, one.kinds) + f": {one.why}",))
        if one.ids:
            _items(console, " ", (f"e.g. {', '.join(one.ids)}",), style="dim")


def caution_line(name: str, count: int, share: float, kinds: dict[str, int]) -> str:
    """ "private text in prompts, 7 records (0.17 %; e-mail address: 6)"; without a count, the name alone."""
    if not count:
        return name
    from tunewright.rate.check_page import percent

    parts = "".join(f"; {kind}: {number:,}" for kind, number in kinds.items())
    return f"{name}, {counted(count, 'record')} ({percent(share)}{parts})"


def print_recommendation(console: Console, advice: Advice) -> None:
    """The objective with its confidence, what to do first, for and against, and what would settle it."""
    _heading(console, "Recommendation")
    found = advice.recommendation
    if found is None:
        console.print(NOTHING)
        return
    _print_advice(console, found)
    if advice.command is None:
        console.print("\nNo comparison settles anything with so few records: gather more.")
        return
    console.print(
        f"\nTo settle it, compare on {advice.heldout_records:,} held-out records, three seeds each:",
        markup=False,
    )
    console.print(shell_lines(advice.command, console.width), markup=False, soft_wrap=True)


def _print_advice(console: Console, found: Recommendation) -> None:
    if found.first:
        console.print("First, before any loss on prompts:", markup=False)
        _items(console, "!", found.first)
        console.print()
    console.print(
        f"Suggested objective: {found.objective} (confidence: {found.confidence})", style="bold", markup=False
    )
    _items(console, "+", found.reasons)
    _items(console, "−", found.against)


def counted(count: int, noun: str) -> str:
    """ "1 record", "2,000 records"."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def shell_lines(command: str, width: int) -> str:
    """A command over lines that a shell reads as one, parted before its options where it is too long."""
    lines = [""]
    for number, part in enumerate(command.split(" --")):
        word = part if number == 0 else f"--{part}"
        if number and len(lines[-1]) + len(word) + 3 > width:
            lines[-1] += " \\"
            lines.append(f"    {word}")
        else:
            lines[-1] += f" {word}" if number else word
    return "\n".join(f"  {line}" for line in lines)


def _heading(console: Console, text: str) -> None:
    console.print(f"\n{text}", style="bold underline", markup=False)


def _items(console: Console, mark: str, texts: Iterable[str], *, style: str = "") -> None:
    """Each text behind the mark, wrapped with its lines under one another."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=2, justify="right")
    table.add_column(overflow="fold")
    for text in texts:
        table.add_row(mark, Text(text, style=style))
    console.print(table)


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, name in enumerate(columns):
        left = number == 0 or name == "normalisation"
        table.add_column(name, justify="left" if left else "right", no_wrap=number == 0)
    return table
