"""`tunewright coach select REVISIONS --alpha .3 --out DIR`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tunewright.cli.run import Again, Out
from tunewright.cli.show import sink_for


def command(
    revisions: Annotated[
        Path,
        typer.Argument(
            help="Revisions: CoachLM's published form, or rows with 'original' and 'revised' (also before, "
            "after); with --after, the data set as it was."
        ),
    ],
    out: Out,
    alpha: Annotated[
        float, typer.Option(help="The share to choose: round(alpha · N), above 0 and at most 1.")
    ] = 0.3,
    by: Annotated[
        str,
        typer.Option(
            help="distance (CoachLM's), instruction, input, output or explanation (distance in that field "
            "alone), rating-gain or diversity."
        ),
    ] = "distance",
    gain_column: Annotated[
        str | None,
        typer.Option(
            help="For rating-gain: a column of the revision, a rating that both records carry, or two "
            "columns 'before,after' [default: rating_before,rating_after]."
        ),
    ] = None,
    after: Annotated[
        Path | None, typer.Option(help="The revised data set, whose records have the ids of REVISIONS.")
    ] = None,
    originals: Annotated[
        Path | None,
        typer.Option(
            help="Records in which to look up what damage has taken, e.g. the data set that was revised."
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(help="published or pairs, when the content does not tell; a data set's with --after."),
    ] = None,
    published: Annotated[
        bool, typer.Option("--published", help="Also write DIR/published.json, in CoachLM's published form.")
    ] = False,
    again: Again = False,
) -> None:
    """Choose the revisions that teach a coach most: those that changed most, in characters.

    Known damage of the published file is repaired where the text is proved and else refused, each by name.
    DIR/records.jsonl is what is chosen, DIR/selection.html shows what each alpha would keep.

    Example: tunewright coach select expert_revisions.json --alpha .3 --out runs/selection
    """
    from tunewright.coach.select_config import CoachSelectConfig
    from tunewright.coach.select_stage import coach_select
    from tunewright.run.config import parse_config
    from tunewright.run.progress import Progress

    given = {"alpha": alpha, "by": by, "gain_column": gain_column, "format": format}
    given["published"] = published
    config = parse_config(CoachSelectConfig, given, where="the command line")
    folder = coach_select(
        config, revisions, out, after=after, originals=originals, progress=Progress(sink_for()), again=again
    )
    _print(folder)


def _print(folder: Path) -> None:
    from tunewright.coach.select_stage import (
        PAGE_FILE,
        RECORDS_FILE,
        REJECTS_FILE,
        REPAIRED_FILE,
        SELECTION_FILE,
    )

    found = json.loads((folder / SELECTION_FILE).read_text(encoding="utf-8"))
    typer.echo("alpha  revisions  smallest distance  tied and left  response words before > after")
    for row in found["alphas"]:
        typer.echo(_alpha_line(row, is_chosen=row["alpha"] == found["alpha"]))
    _print_damage(found, folder / REPAIRED_FILE, folder / REJECTS_FILE)
    stored = found["stored_distances"]
    if stored["stored"]:
        typer.echo(f"stored distances: {stored['equal']:,} of {stored['stored']:,} come out the same")
    for row in found["measures"]:
        if row["by"] != found["by"]:
            typer.echo(f"by {row['by']}: {row['in_both']:,} ({row['share']:.1%}) of the same would be chosen")
    typer.echo(
        f"{found['num_written']:,} of {found['num_revisions']:,} revisions chosen by {found['by']}: "
        f"{folder / RECORDS_FILE}"
    )
    typer.echo(f"page: {folder / PAGE_FILE}")


def _alpha_line(row: dict[str, Any], *, is_chosen: bool) -> str:
    mark = "*" if is_chosen else " "
    if not row["n"]:
        return f"{mark}{row['alpha']:<6g}{0:>9}"
    words = row["mean_words"]["response"]
    return (
        f"{mark}{row['alpha']:<6g}{row['n']:>9,}{row['smallest_distance']:>19,}{row['num_tied_out']:>15,}"
        f"{words['before']:>18.1f} > {words['after']:.1f}"
    )


def _print_damage(found: dict[str, Any], repaired: Path, rejects: Path) -> None:
    damage = found["damage"]
    for row in damage["kinds"]:
        named = f", {row['named']:,} only named: it may be sound" if row["named"] else ""
        typer.echo(f"damage, {row['kind']}: {row['repaired']:,} repaired, {row['refused']:,} refused{named}")
    if damage["comma_unknown"]:
        typer.echo(f"  in {damage['comma_unknown']:,} of them a comma after 'input' may be missing")
    if damage["repaired"]:
        typer.echo(f"  before and after: {repaired}")
    if damage["refused"]:
        typer.echo(f"  refused: {rejects}")
    if found["broken_rows"]:
        typer.echo(f"{found['broken_rows']:,} rows could not be used: {rejects}")
        for reason, count in list(found["broken_reasons"].items())[:3]:
            typer.echo(f"  {count:,} x {reason}")
    if found["num_without_score"]:
        typer.echo(f"{found['num_without_score']:,} revisions have nothing to rank by and come last")
    if found["num_written"] != found["num_chosen"]:
        left_out = found["num_chosen"] - found["num_written"]
        typer.echo(f"{left_out:,} of the chosen are refused for damage and left out")
