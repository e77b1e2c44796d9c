"""`tunewright subsets DATA --sizes 17000,50000,70000 [--against EVAL]`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer


def command(
    data: Annotated[Path, typer.Argument(help="A folder with records.jsonl, or a file of records.")],
    sizes: Annotated[str, typer.Option(help="How many records, in any order, e.g. 17000,50000,70000.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the files [default: DATA/subsets].")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="Evaluation data: records that hold a piece of it are left out.")
    ] = None,
    threshold: Annotated[
        float, typer.Option(help="ROUGE-L F1 above which a prompt counts as seen.", min=0.0, max=1.0)
    ] = 0.7,
    seed: Annotated[int, typer.Option(help="The same seed gives the same subsets.")] = 0,
) -> None:
    """Cut nested subsets from one order, each with all kinds of records in the same proportions.

    The smaller is part of the larger, so that size is the only difference between models tuned on them.
    With --against, what is left shares no 13 words in a row with the evaluation data, no half of a text (in
    runs of 8 words) and no short input, and no prompt is near one of it; case, punctuation and line breaks do
    not count. It proves no more: a paraphrase or a translation is not found. subsets.json names what was left
    out and why. A folder holds the subsets of one call: what an earlier call wrote there is taken away.

    Example: tunewright subsets runs/grown --sizes 17000,50000 --against eval.jsonl
    """
    from tunewright.generate.grow.subsets import REPORT_FILE, subsets
    from tunewright.generate.grow.unseen import LONG_RUN_WORDS

    found = subsets(data, _sizes(sizes), out, against=against, threshold=threshold, seed=seed)
    if found.unseen is not None:
        compared = _counted(found.unseen.num_evaluation, "evaluation record")
        near = _counted(found.unseen.num_near, "prompt")
        shared = f"{found.unseen.num_shared:,} with text in common"
        typer.echo(
            f"against {compared}: {near} too near, {shared}, left out; "
            f"the other {found.num_records:,} share no {LONG_RUN_WORDS} words in a row and no half of a text "
            "with it (a paraphrase or a translation is not found)"
        )
    folder = out if out is not None else (data if data.is_dir() else data.parent) / "subsets"
    if found.cleared:
        typer.echo(f"taken away, of an earlier call with other sizes: {', '.join(found.cleared)}")
    for one in found.subsets:
        typer.echo(
            f"{folder / one.file}: {_counted(one.size, 'record')}, {_counted(one.num_cells, 'cell')}, "
            f"none more than {one.farthest_from_ideal:.2f} records from its share"
        )
    typer.echo(f"report: {folder / REPORT_FILE}")


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _sizes(text: str) -> list[int]:
    """The numbers of "17000,50000", in the order given, each above 0 and given once."""
    parts = [part.strip() for part in text.split(",")]
    for part in parts:
        if re.fullmatch(r"-[0-9]+(?:_[0-9]+)*", part):
            raise typer.BadParameter(
                f"{part} is not positive; a size is a number of records, from 1 on", param_hint="--sizes"
            )
    wrong = [part for part in parts if not re.fullmatch(r"[0-9]+(?:_[0-9]+)*", part)]
    if wrong:
        where = f" in {text!r}" if len(parts) > 1 else ""
        what = f"{wrong[0]!r}{where} is no whole number" if text.strip() else "it is empty"
        raise typer.BadParameter(f"{what}; write numbers with commas, e.g. 17000,50000", param_hint="--sizes")
    sizes = [int(part) for part in parts]
    for size in sizes:
        if size == 0 or sizes.count(size) > 1:
            what = "0 is no size" if size == 0 else f"{size} is given {sizes.count(size)} times"
            raise typer.BadParameter(f"{what}; give each size once, from 1 on", param_hint="--sizes")
    return sizes
