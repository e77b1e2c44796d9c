"""`tunewright export DATA --to FORMAT --out FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunewright.cli.tune import Data, Format


def command(
    data: Data,
    to: Annotated[
        str,
        typer.Option(
            help="qti21, qti3, gift, moodle, h5p, aiken or csv for item banks; alpaca, messages, sharegpt or "
            "hf (a data-set folder) for training."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write; for hf a folder or .parquet.")],
    format: Format = None,
) -> None:
    """Write assessment records to an item bank, read it back, and keep it only if it says the same.

    What a format cannot hold is counted and said; a record it cannot hold at all goes to
    FILE.rejects.jsonl with the reason.

    Example: tunewright export runs/items --to moodle --out items.xml
    """
    from tunewright.bank.export import export

    report = export(data, to, out, format=format)
    kinds = ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in sorted(report.kinds.items()))
    typer.echo(
        f"{report.num_written:,} of {report.num_records:,} records written{f' ({kinds})' if kinds else ''}, "
        "read back and found the same"
    )
    for name, count in report.lost.items():
        typer.echo(f"  not held by {report.format}: {name}, of {count:,}{_so(report.format, name)}")
    if report.renamed:
        new, given = next(iter(report.renamed.items()))
        typer.echo(
            f"  renamed, for an earlier record has the id: {len(report.renamed):,}, "
            f"the first {given} to {new}; the id given is kept as 'original_id'"
        )
    typer.echo(f"file: {report.path}")
    if report.rejects:
        typer.echo(f"left out: {len(report.rejects):,}, see {report.path}.rejects.jsonl")
        typer.echo(f"  the first: {report.rejects[0]}")


def _so(format: str, name: str) -> str:
    """What follows from a loss, where it is more than a field that is missing."""
    if format == "gift" and name == "model answers of essays":
        return "; `tunewright import` leaves these out"
    return ""
