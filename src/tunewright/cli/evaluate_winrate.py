"""`tunewright evaluate winrate ANNOTATIONS…`: how often models win, how surely, and at equal length."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunewright.errors import RecipeError

if TYPE_CHECKING:
    from tunewright.evaluate.winrate.summary import LengthControl


class Join(StrEnum):
    """What joins difficulties and comparisons."""

    INSTRUCTION = "instruction"
    POSITION = "position"


class Merge(StrEnum):
    """How two orders become one preference."""

    BOTH = "both"
    MAJORITY = "majority"


def command(
    annotations: Annotated[
        list[Path],
        typer.Argument(help="AlpacaEval annotations, MT-Bench judgements, or the folder of a judging."),
    ],
    baseline: Annotated[
        str | None, typer.Option(help="The model all are compared with [default: the one that is answer 1].")
    ] = None,
    length_controlled: Annotated[
        bool, typer.Option("--length-controlled", help="Win rates at equal length too.")
    ] = False,
    gamma: Annotated[
        Path | None, typer.Option(help="The instructions' difficulties; without, the form without them.")
    ] = None,
    gamed: Annotated[
        Path | None, typer.Option(help="The baseline against verbose and concise versions of itself.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Published weights: nothing is fitted; needs --gamma.")
    ] = None,
    prompts: Annotated[
        Path | None, typer.Option(help="The prompt set, whose order numbers the difficulties.")
    ] = None,
    join: Annotated[
        Join, typer.Option(help="position: the n-th difficulty for a file's n-th row, as published.")
    ] = Join.INSTRUCTION,
    merge: Annotated[
        Merge | None,
        typer.Option(
            help="Merge the verdicts of both orders anew: both must name the winner, or a win and a tie do."
        ),
    ] = None,
    own: Annotated[
        list[str] | None,
        typer.Option(help="JUDGE=MODEL: the judge's own model, for self-preference; may be repeated."),
    ] = None,
    leaderboard: Annotated[
        Path | None, typer.Option(help="A published leaderboard to show differences from.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write a leaderboard (CSV) here.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with intervals here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    seed: Annotated[int, typer.Option(help="Draws the bootstrap's instructions.")] = 0,
) -> None:
    """How often models win against a baseline, from judged pairs: standard errors, length, places, tests.

    Pairs that could not be read are counted, and are in no rate. With several models every pair of them is
    tested on the instructions in common, and corrected for their number (Holm).

    Example: tunewright evaluate winrate annotations.json --length-controlled --html winrates.html
    """
    from tunewright.evaluate.winrate.preference import MergeRule
    from tunewright.evaluate.winrate.summary import read_judgements, summarise
    from tunewright.evaluate.winrate.tables import read_leaderboard, write_leaderboard

    if not length_controlled and (gamma or gamed or weights):
        raise RecipeError("--gamma, --gamed and --weights are about length: give --length-controlled too")
    rule = None if merge is None else MergeRule(merge.value)
    pairs, means = read_judgements(annotations, baseline=baseline, rule=rule)
    summary = summarise(
        pairs,
        length_control=_length_control(gamma, gamed, weights, prompts, join) if length_controlled else None,
        published=None if leaderboard is None else read_leaderboard(leaderboard),
        mean_scores=means,
        own=_own(own),
        seed=seed,
    )
    if as_json:
        typer.echo(json.dumps(summary.as_json(), indent=2, ensure_ascii=False))
    else:
        from tunewright.cli.winrate_tables import said

        typer.echo("\n".join(said(summary)))
    if out is not None:
        write_leaderboard([(one.rates, one.length_controlled) for one in summary.models], out)
        typer.echo(f"leaderboard: {out}", err=as_json)
    if html is not None:
        from tunewright.evaluate.winrate.page import write_page

        typer.echo(f"page: {write_page(summary, html)}", err=as_json)


def _length_control(
    gamma: Path | None, gamed: Path | None, weights: Path | None, prompts: Path | None, join: Join
) -> LengthControl:
    from tunewright.evaluate.winrate.join import JoinBy, with_texts
    from tunewright.evaluate.winrate.rows import read_rows
    from tunewright.evaluate.winrate.summary import LengthControl
    from tunewright.evaluate.winrate.tables import read_difficulties, read_gamed, read_weights

    if gamma is None and (weights is not None or gamed is not None or prompts is not None):
        raise RecipeError("--weights, --gamed and --prompts go with the difficulties: give --gamma too")
    difficulties = None if gamma is None else read_difficulties(gamma)
    if difficulties is not None and prompts is not None:
        rows = read_rows(prompts)
        if any("instruction" not in row for row in rows):
            raise RecipeError(f"{prompts}: every row of a prompt set needs an 'instruction'")
        difficulties = with_texts(difficulties, [str(row["instruction"]) for row in rows])
    return LengthControl(
        difficulties=difficulties,
        gamed=None if gamed is None else read_gamed(gamed),
        weights=None if weights is None else read_weights(weights),
        by=JoinBy(join.value),
    )


def _own(pairs: Sequence[str] | None) -> dict[str, str] | None:
    if not pairs:
        return None
    wrong = next((pair for pair in pairs if "=" not in pair), None)
    if wrong is not None:
        raise RecipeError(f"--own {wrong}: write JUDGE=MODEL")
    return dict(pair.split("=", 1) for pair in pairs)
