"""`tunewright evaluate judge A B --judge SPEC[,SPEC…] --out DIR`, and what a judging says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tunewright.cli.asking import asks, judged_by, show_estimate
from tunewright.cli.columns import columns, printable
from tunewright.cli.run import Again, Out
from tunewright.cli.show import sink_for
from tunewright.errors import RecipeError


def _judge(
    a: Annotated[
        Path,
        typer.Argument(
            help="Answers of the baseline: model_outputs.json, MT-Bench's model answers, or the folder of an "
            "answers run."
        ),
    ],
    out: Out,
    ask: dict[str, Any],
    dry_run: bool,
    b: Annotated[Path | None, typer.Argument(help="Answers of the model that is compared with it.")] = None,
    single: Annotated[
        bool, typer.Option("--single", help="Score each answer by itself, from 1 to 10 or by --criteria.")
    ] = False,
    orders: Annotated[
        str, typer.Option(help="both: each pair is asked twice; random: once, in an order drawn by the seed.")
    ] = "both",
    probabilities: Annotated[
        bool,
        typer.Option(
            "--probabilities",
            help="Ask for one letter, and take the preference from its probability where that is given.",
        ),
    ] = False,
    criteria: Annotated[
        str | None, typer.Option(help="What to weigh: a set of criteria, by name or as a YAML file.")
    ] = None,
    prompt: Annotated[
        Path | None,
        typer.Option(help="A question of your own: a text file with {{ texts }} where the answers stand."),
    ] = None,
    references: Annotated[
        Path | None, typer.Option(help="Reference answers, in the same form as the answers.")
    ] = None,
    questions: Annotated[
        Path | None, typer.Option(help="MT-Bench's questions, for answers that name them by number.")
    ] = None,
    max_tokens: Annotated[int, typer.Option(min=1, help="The most tokens of one reply.")] = 512,
    pattern: Annotated[
        str | None,
        typer.Option(help="Reads replies without JSON: a regular expression with a group named verdict."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws the orders.")] = 7,
    again: Again = False,
) -> None:
    """Let judges say which of two models answers better, or score the answers of one.

    A win needs both orders to name the same model, otherwise it is a tie; identical answers are a tie without
    a call. DIR/annotations.json has AlpacaEval's columns (A is the baseline: preference 2 is a win of B),
    DIR/verdicts.jsonl every question with its reply. A reply that cannot be read is `unparsed`, never a tie.

    Example: tunewright evaluate judge runs/base runs/tuned --judge openai:NAME --out runs/judged
    """
    from tunewright.evaluate.judging.config import JudgeConfig
    from tunewright.evaluate.judging.stage import estimate_judging, judge
    from tunewright.run.config import parse_config
    from tunewright.run.progress import Progress

    given = {
        "judges": [ask | {"model": spec.strip()} for spec in ask["model"].split(",") if spec.strip()],
        "mode": "single" if single else "pair",
        "orders": orders,
        "probabilities": probabilities,
        "criteria": criteria,
        "prompt": prompt,
        "references": references,
        "questions": questions,
        "max_tokens": max_tokens,
        "pattern": pattern,
        "seed": seed,
    }
    if b is None and not single:
        raise RecipeError(
            "two files are compared: name a second one, or score the answers of one with --single"
        )
    config = parse_config(JudgeConfig, given, where="the command line")
    if dry_run:
        estimates = estimate_judging(config, a, b, out)
        for spec, found in estimates:
            typer.echo(f"judge          {spec}")
            show_estimate(found)
        if not estimates:
            typer.echo("These judges ask nobody: it costs nothing.")
        return
    show_judging(judge(config, a, b, out, progress=Progress(sink_for()), again=again), out)


def show_judging(manifest: dict[str, Any], folder: Path) -> None:
    """What a judging found, and where it is."""
    from tunewright.evaluate.judging.results import ANNOTATIONS_FILE, SUMMARY_FILE, VERDICTS_FILE
    from tunewright.evaluate.judging.single import SCORES_FILE

    counts = manifest["counts"]
    summary = json.loads((folder / SUMMARY_FILE).read_text(encoding="utf-8"))
    if summary["mode"] == "pair":
        _show_pairs(summary, counts)
    else:
        _show_scores(summary)
    for one in summary["agreement"]:
        kappa = "" if one["quadratic_kappa"] is None else f", quadratic kappa {one['quadratic_kappa']:.2f}"
        said = "nothing that both could judge"
        if one["num_both"]:
            said = f"the same on {one['same']['share']:.0%} of {one['num_both']:,}{kappa}"
        typer.echo(printable(f"{one['first']} and {one['second']}: {said}"))
    _show_first_problem(folder / (VERDICTS_FILE if summary["mode"] == "pair" else SCORES_FILE))
    if counts["rejected_rows"]:
        typer.echo(f"note: {counts['rejected_rows']:,} rows could not be read; they are in rejects.jsonl")
    if manifest["finished"] is None:
        typer.echo(
            f"{counts['unanswered']:,} questions have no reply: run the same command again to ask them"
        )
        return
    typer.echo(f"results: {folder / (ANNOTATIONS_FILE if summary['mode'] == 'pair' else SCORES_FILE)}")


def _show_pairs(summary: dict[str, Any], counts: dict[str, int]) -> None:
    found = summary["counts"]
    typer.echo(
        printable(
            f"A, {summary['a']}: {found['a']:,}   "
            f"tie: {found['tie']:,} ({counts['identical']:,} identical)   "
            f"B, {summary['b']}: {found['b']:,}   unparsed: {found['unparsed']:,}   error: {found['error']:,}"
        )
    )
    rows = [
        [
            table["judge"],
            *(f"{table[name]:,}" for name in ("a", "tie", "b", "unparsed", "error")),
            *(_share(table[name]) for name in ("first_shown", "consistent", "longer")),
        ]
        for table in summary["judges"]
    ]
    head = ["Judge", "A", "Tie", "B", "Unparsed", "Error", "First shown", "Consistent", "Longer"]
    typer.echo(columns(head, rows))
    for key, said in (
        ("only_a", "answers are in A only"),
        ("only_b", "answers are in B only"),
        ("repeated_instructions", "instructions come several times; they are paired in their order"),
    ):
        if counts[key]:
            typer.echo(f"note: {counts[key]:,} {said}")


def _show_scores(summary: dict[str, Any]) -> None:
    rows = [
        [
            row["generator"],
            str(row["turn"]),
            row["criterion"],
            "–" if row["mean"] is None else f"{row['mean']:.2f}",
            f"{row['num_scored']:,} of {row['num']:,}",
            row["judge"],
        ]
        for row in summary["scores"]
    ]
    typer.echo(columns(["Model", "Turn", "Criterion", "Mean", "Scored", "Judge"], rows))


def _show_first_problem(file: Path) -> None:
    from tunewright.run.files import read_jsonl

    for row in read_jsonl(file):
        if row["problem"]:
            typer.echo(printable(f"  the first problem, of {row['judge']}: {row['problem']}"))
            return


def _share(share: dict[str, Any]) -> str:
    return "–" if share["share"] is None else f"{share['share']:.0%}"


command = judged_by(
    asks(_judge),
    "Who judges; several with commas: openai:NAME (any compatible endpoint; OPENAI_API_KEY and "
    "OPENAI_BASE_URL apply), hf:PATH (in this process), vllm:PATH, batch:DIR, scripted:FILE; or without a "
    "call length:, random:SEED, replay:FILE (annotations).",
)
