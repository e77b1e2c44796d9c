"""`tunewright import FILE [--format FORMAT] --out FILE.jsonl`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunewright.cli.export import Overwrite


def command(
    file: Annotated[
        Path, typer.Argument(help="An item bank: a QTI package or item, GIFT, Moodle XML, Aiken.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The records to write, a .jsonl file.")],
    format: Annotated[
        str | None,
        typer.Option(
            help="qti21, qti3, gift, moodle, aiken, h5p or csv [default: by the name's ending: .zip, .gift, "
            ".xml, .txt, .h5p, .csv]."
        ),
    ] = None,
    skill: Annotated[str | None, typer.Option(help="The skill of questions that name none.")] = None,
    level: Annotated[str | None, typer.Option(help="The CEFR level of questions that name none.")] = None,
    task: Annotated[str | None, typer.Option(help="The task of questions that name none.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Read an item bank into records: seeds to generate from, or data to check, rate and revise.

    A broken question goes to FILE.jsonl.rejects.jsonl with its line and the reason; the others go on.

    Example: tunewright import quiz.xml --level B1 --out seeds.jsonl
    """
    from tunewright.bank.import_bank import import_bank

    report = import_bank(file, out, format=format, skill=skill, level=level, task=task, overwrite=overwrite)
    kinds = ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in sorted(report.kinds.items()))
    typer.echo(f"{report.num_written:,} questions read as {report.format} ({kinds})")
    for column, count in report.without.items():
        if count:
            typer.echo(f"  {count:,} have no {column}; give --{column} if they share one")
    typer.echo(f"records: {report.path}")
    if report.rejects:
        typer.echo(f"left out: {len(report.rejects):,}, see {report.path}.rejects.jsonl")
        typer.echo(f"  the first: {report.rejects[0]}")
