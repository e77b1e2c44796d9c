"""`tunewright evaluate agreement RATINGS`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

MOST_SHOWN = 20  # values whose shares fit on a screen


def command(
    ratings: Annotated[
        Path,
        typer.Argument(help="JSONL or CSV with a row per rating: item, rater, value [, question, system]."),
    ],
    question: Annotated[str | None, typer.Option(help="Only this question's rows.")] = None,
    scale: Annotated[
        str | None, typer.Option(help="All values raters could give, by commas, in order: 1,2,3,4,5.")
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Column of what belongs together, such as prompt.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
) -> None:
    """How far raters agree: percent, Cohen, Fleiss, Krippendorff, Gwet, with intervals and prevalence.

    Example: tunewright evaluate agreement ratings.jsonl --question readiness --scale 1,2,3,4
    """
    import json
    from dataclasses import asdict

    from tunewright.rate.agreement import measure_agreement
    from tunewright.rate.agreement.read import parse_scale, read_ratings_file

    table = read_ratings_file(
        ratings, question=question, scale=parse_scale(scale) if scale else (), cluster=cluster
    )
    found = measure_agreement(table, where=str(ratings))
    if json_:
        typer.echo(json.dumps(asdict(found), indent=2, ensure_ascii=False))
        return
    typer.echo(
        f"{found.num_items:,} items, {found.num_pairable:,} with two ratings or more; {found.num_ratings:,} "
        f"ratings by {found.num_raters} raters"
    )
    shares = [
        f"{value:g} {share:.1%}" if not isinstance(value, str) else f"{value} {share:.1%}"
        for value, share in zip(found.categories, found.prevalence, strict=True)
    ]
    more = f", … ({len(shares)} values; --json has all)" if len(shares) > MOST_SHOWN else ""
    typer.echo(f"prevalence: {', '.join(shares[:MOST_SHOWN])}{more}")
    for one in found.coefficients:
        value = f"{one.value:9.4f}" if one.value is not None else f"{'–':>9}"
        interval = f"[{one.interval.low:.4f}, {one.interval.high:.4f}]" if one.interval else one.problem
        typer.echo(f"{one.name:<8} {one.weighting:<10} {value}  {interval}")
    for note in found.notes:
        typer.echo(note)
