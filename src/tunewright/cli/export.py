"""`tunewright export DATA --to FORMAT --out FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunewright.cli.tune import Data, Format

if TYPE_CHECKING:
    from tunewright.bank.export import ExportReport

Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace the file of --out and its .rejects.jsonl.")
]


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
    overwrite: Overwrite = False,
) -> None:
    """Write assessment records to an item bank, read it back, and keep it only if it says the same.

    What a format cannot hold is counted and said; a record it cannot hold at all goes to
    FILE.rejects.jsonl with the reason. A file that is there stays, unless you say --overwrite; the data and
    run folders are never written to.

    Example: tunewright export runs/items --to moodle --out items.xml
    """
    from tunewright.bank.export import export

    report = export(data, to, out, format=format, overwrite=overwrite)
    kinds = ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in sorted(report.kinds.items()))
    typer.echo(
        f"{report.num_written:,} of {report.num_records:,} records written{f' ({kinds})' if kinds else ''}"
        f"{_read_back(report)}"
    )
    for name, count in report.lost.items():
        typer.echo(f"  not held by {report.format}: {_in_words(name)}, of {count:,}")
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


def _read_back(report: ExportReport) -> str:
    """How far the file says what the records say."""
    end = ", except:" if report.lost else ""
    if not report.num_one_way:
        return f", read back and found the same{end}"
    essays = "1 essay goes" if report.num_one_way == 1 else f"{report.num_one_way:,} essays go"
    return (
        f"; {essays} without a model answer and cannot be imported again; "
        f"all else was read back and is the same{end}"
    )


_WORDS = {
    "id": "the record's id",
    "text": "line breaks, and where instruction, passage and question begin",
    "options": "line breaks in options",
    "option ids": "the options' own letters or ids (they become A, B, C)",
    "option feedback": "what is said about each option when it is chosen",
    "answers": "accepted answers",
    "model answers of essays": "model answers of essays (all, or all after the first)",
    "shuffle": "whether the options may be shown in any order",
}


def _in_words(name: str) -> str:
    """A name of `ExportReport.lost` as a user knows it."""
    return _WORDS.get(name, name.removeprefix("meta "))
