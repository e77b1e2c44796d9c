"""`tunewright select DATA --min-score S | --share A | -n N [--diversity ngram] --out DIR`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tunewright.cli.run import Again, Out
from tunewright.cli.show import sink_for
from tunewright.cli.tune import Data, Format


def command(
    data: Data,
    out: Out,
    score: Annotated[
        str | None,
        typer.Option(help="The column to select by, e.g. rating_accuracy.response [default: the rating]."),
    ] = None,
    min_score: Annotated[float | None, typer.Option(help="Keep scores of at least this.")] = None,
    share: Annotated[
        float | None, typer.Option(help="Keep this share of all records, the best first.")
    ] = None,
    n: Annotated[int | None, typer.Option("-n", min=1, help="Keep this many, the best first.")] = None,
    diversity: Annotated[
        str,
        typer.Option(
            help="Drop what is too much like a better record: none, ngram (by words), embedding (by "
            "--embeddings)."
        ),
    ] = "none",
    max_similarity: Annotated[
        float | None,
        typer.Option(help="The highest cosine similarity to any kept record [default: 0.6; embedding: 0.9]."),
    ] = None,
    embeddings: Annotated[
        Path | None, typer.Option(help="A .npy file with one vector per usable record, in order.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides between records with the same score.")] = 7,
    format: Format = None,
    again: Again = False,
) -> None:
    """Keep the best and most different records, and say why each other one was dropped.

    DATA is the folder of a rating or any records with a column of numbers. DIR/records.jsonl is what is kept,
    in its order; DIR/rejects.jsonl has each dropped record with the reason.

    Example: tunewright select runs/rated --min-score 4.5 --diversity ngram --out runs/selected
    """
    from tunewright.rate.config import SelectConfig
    from tunewright.rate.select import select
    from tunewright.run.config import parse_config
    from tunewright.run.progress import Progress

    given: dict[str, Any] = {
        "score": score,
        "min_score": min_score,
        "share": share,
        "n": n,
        "diversity": diversity,
        "max_similarity": max_similarity,
        "embeddings": str(embeddings) if embeddings is not None else None,
        "seed": seed,
    }
    config = parse_config(SelectConfig, given, where="the command line")
    select(config, data, out, format=format, progress=Progress(sink_for()), again=again)
    _print(json.loads((out / "summary.json").read_text(encoding="utf-8")))
    typer.echo(f"records: {out / 'records.jsonl'}")
    typer.echo(f"dropped: {out / 'rejects.jsonl'}")


def _print(found: dict[str, Any]) -> None:
    by = f", selected by {found['score']}" if found["score"] else ""
    typer.echo(f"{found['num_kept']:,} of {found['num_records']:,} records kept{by}")
    for kind, count in found["dropped"].items():
        typer.echo(f"  {count:,} dropped: {kind}")
    if found["cut_score"] is not None:
        typer.echo(f"the lowest score kept is {found['cut_score']:g}", nl=False)
        tied = found["num_at_cut"] - found["num_kept_at_cut"]
        typer.echo(
            f"; {tied:,} of {found['num_at_cut']:,} records with it were dropped, drawn by the seed"
            if tied
            else ""
        )
    if found["mean_score_before"] is not None:
        typer.echo(f"mean score {found['mean_score_before']:.2f} before, {found['mean_score_kept']:.2f} kept")
    if found["num_broken_rows"]:
        typer.echo(f"{found['num_broken_rows']:,} rows could not be read")
