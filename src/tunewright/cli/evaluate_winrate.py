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
    from tunewright.evaluate.winrate.comparisons import PairTest
    from tunewright.evaluate.winrate.summary import LengthControl, ModelSummary, Summary

_MOST_TESTS = 15  # six models' pairs; of more, each with the next


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
        list[Path], typer.Argument(help="Files of AlpacaEval annotations or MT-Bench judgements.")
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
    from tunewright.evaluate.winrate.files import read_leaderboard, write_leaderboard
    from tunewright.evaluate.winrate.preference import MergeRule
    from tunewright.evaluate.winrate.summary import read_judgements, summarise

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
        _print(summary)
    if out is not None:
        write_leaderboard([(one.rates, one.length_controlled) for one in summary.models], out)
        typer.echo(f"leaderboard: {out}", err=as_json)
    if html is not None:
        from tunewright.evaluate.winrate.page import write_page

        typer.echo(f"page: {write_page(summary, html)}", err=as_json)


def _length_control(
    gamma: Path | None, gamed: Path | None, weights: Path | None, prompts: Path | None, join: Join
) -> LengthControl:
    from tunewright.evaluate.winrate.files import read_difficulties, read_gamed, read_rows, read_weights
    from tunewright.evaluate.winrate.join import JoinBy, with_texts
    from tunewright.evaluate.winrate.summary import LengthControl

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


def _print(summary: Summary) -> None:
    if summary.models:
        typer.echo(f"Wins against {summary.baseline}, %")
        typer.echo(_table(*_model_rows(summary.models)))
    if any(one.position.consistency.of for one in summary.models):
        typer.echo("\nThe judge's places; half choosing the first is fair")
        typer.echo(_table(*_place_rows(summary.models)))
    if summary.tests:
        tests = summary.tests if len(summary.tests) <= _MOST_TESTS else tuple(summary.neighbours())
        which = "all pairs" if len(tests) == len(summary.tests) else "each model and the next"
        shown = sum(test.is_shown() for test in summary.tests)
        typer.echo(f"\nPaired by instruction, {which}; p corrected over {len(summary.tests):,} (Holm)")
        typer.echo(_table(*_test_rows(tests)))
        assert summary.separability is not None
        typer.echo(
            f"{shown:,} of {len(summary.tests):,} pairs differ; separability {summary.separability:.2f} "
            "(pairs whose intervals do not overlap)"
        )
    for one in summary.self_preference:
        from tunewright.evaluate.winrate.page import number, span

        against = "no other judge saw these pairs"
        if one.difference is not None:
            against = (
                f"{number(one.difference)} points more than other judges do "
                f"({span(one.interval)}; {one.num_compared:,} pairs)"
            )
        typer.echo(f"{one.annotator} gives its own {one.generator} {one.own:.1f} %: {against}")
    if summary.mean_scores:
        typer.echo("\nSingle scores")
        typer.echo(_table(*_score_rows(summary)))
    for note in summary.notes:
        typer.echo(f"note: {note}")


def _model_rows(models: Sequence[ModelSummary]) -> tuple[list[str], list[list[str]]]:
    from tunewright.evaluate.winrate.page import number

    controlled = any(one.length_controlled for one in models)
    published = any(one.published for one in models)
    head = ["Model", "Win rate"]
    head += ["At equal length"] if controlled else []
    head += ["− published"] if published else []
    head += ["− published, equal length"] if published and controlled else []
    head += ["Discrete", "n", "Ties", "Unparsed", "Errors", "Missing", "Longer wins", "Mean length"]
    rows = []
    for one in models:
        rates, at_equal = one.rates, one.length_controlled
        row = [rates.generator, f"{number(rates.win_rate, 2)} ± {number(rates.standard_error, 2)}"]
        if controlled:
            row.append(
                f"{number(at_equal.win_rate, 2)} ± {number(at_equal.standard_error, 2)}" if at_equal else "–"
            )
        if published:
            known = one.published or {}
            row.append(_difference(rates.win_rate, known.get("win_rate")))
            if controlled:
                row.append(
                    _difference(
                        at_equal.win_rate if at_equal else None, known.get("length_controlled_winrate")
                    )
                )
        row += [number(rates.discrete_win_rate, 2), f"{rates.num_judged:,}", str(rates.num_draws)]
        row += [str(rates.num_unparsed), str(rates.num_errors), str(rates.num_missing)]
        row.append("–" if one.longer.share is None else f"{100 * one.longer.share:.0f} %")
        row.append("–" if rates.mean_length_chars is None else f"{rates.mean_length_chars:,.0f}")
        rows.append(row)
    return head, rows


def _difference(value: float | None, published: float | None) -> str:
    if value is None or published is None:
        return "–"
    gap = value - published
    return f"{gap:.1e}".replace("-", "−") if 0 < abs(gap) < 0.0005 else f"{gap:+.3f}".replace("-", "−")


def _place_rows(models: Sequence[ModelSummary]) -> tuple[list[str], list[list[str]]]:
    from tunewright.evaluate.winrate.page import percent

    head = ["Model", "Both orders agree", "Chooses the first", "Unparsed verdicts", "Failed"]
    rows = []
    for one in models:
        shares = (one.position.consistency, one.position.first, one.failures.unparsed, one.failures.errors)
        rows.append([one.rates.generator, *(percent(share) for share in shares)])
    return head, rows


def _test_rows(tests: Sequence[PairTest]) -> tuple[list[str], list[list[str]]]:
    from tunewright.evaluate.winrate.page import number, p_value, span

    head = ["Model", "− against", "Points", "95 % interval", "Only one wins", "p", "p (Holm)"]
    rows = [
        [
            test.model_a,
            test.model_b,
            number(test.difference, 2),
            span(test.interval),
            f"{test.only_a} : {test.only_b}",
            p_value(test.p),
            p_value(test.p_holm),
        ]
        for test in tests
    ]
    return head, rows


def _score_rows(summary: Summary) -> tuple[list[str], list[list[str]]]:
    from tunewright.evaluate.winrate.page import number

    rows = [
        [
            one.model,
            number(one.mean, 2),
            number(one.first_turn, 2),
            number(one.second_turn, 2),
            str(one.num_scores),
            str(one.num_unparsed),
        ]
        for one in summary.mean_scores
    ]
    return ["Model", "Mean", "First turn", "Second turn", "Scores", "Unparsed"], rows


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns side by side: the first one to the left, numbers to the right."""
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in [head, *rows]
    )
