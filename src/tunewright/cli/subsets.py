"""`tunewright subsets DATA --sizes 17000,50000,70000 [--against EVAL]`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    data: Annotated[Path, typer.Argument(help="A folder with records.jsonl, or a file of records.")],
    sizes: Annotated[str, typer.Option(help="How many records, e.g. 17000,50000,70000.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the files [default: DATA/subsets].")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="Evaluation data: what is near it is left out, the rest is unseen.")
    ] = None,
    threshold: Annotated[
        float, typer.Option(help="ROUGE-L F1 above which a prompt counts as seen.", min=0.0, max=1.0)
    ] = 0.7,
    seed: Annotated[int, typer.Option(help="The same seed gives the same subsets.")] = 0,
) -> None:
    """Cut nested subsets from one order, each with all kinds of records in the same proportions.

    The smaller is part of the larger, so that size is the only difference between models tuned on them.

    Example: tunewright subsets runs/grown --sizes 17000,50000 --against eval.jsonl
    """
    from tunewright.generate.grow.subsets import REPORT_FILE, subsets

    found = subsets(data, _sizes(sizes), out, against=against, threshold=threshold, seed=seed)
    if found.unseen is not None:
        typer.echo(
            f"against {found.unseen.num_evaluation:,} evaluation records: {found.unseen.num_near:,} prompts "
            f"too near, {found.unseen.num_shared:,} with a passage in common, left out; the other "
            f"{found.num_records:,} are unseen"
        )
    folder = out if out is not None else (data if data.is_dir() else data.parent) / "subsets"
    for one in found.subsets:
        typer.echo(
            f"{folder / one.file}: {one.size:,} records, {one.num_cells:,} cells, none more than "
            f"{one.farthest_from_ideal:.2f} records from its share"
        )
    typer.echo(f"report: {folder / REPORT_FILE}")


def _sizes(text: str) -> list[int]:
    try:
        return [int(part.replace("_", "")) for part in text.split(",") if part.strip()]
    except ValueError:
        raise typer.BadParameter(f"{text!r}: write whole numbers with commas, e.g. 17000,50000") from None
