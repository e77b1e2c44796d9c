"""`tunewright compare-sets BEFORE AFTER --out DIR`: what changed, how much, and is it better?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tunewright.cli.asking import asks, judged_by, show_estimate
from tunewright.cli.run import Again, Out
from tunewright.cli.show import sink_for
from tunewright.cli.tune import Format, Template
from tunewright.errors import RecipeError

STUDENT = "The student"


def _student(*names: str, help: str, **more: Any) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=STUDENT, **more)


def _compare_sets(
    before: Annotated[str, typer.Argument(help="The set as it was: data, or the folder of a run.")],
    after: Annotated[str, typer.Argument(help="The set as it is now; best the folder of a revise run.")],
    out: Out,
    ask: dict[str, Any],
    dry_run: bool,
    by_position: Annotated[
        bool, typer.Option("--by-position", help="The n-th record belongs to the n-th, whatever their ids.")
    ] = False,
    rated_before: Annotated[
        Path | None, typer.Option(help="Folder of a rating of BEFORE (tunewright rate).")
    ] = None,
    rated_after: Annotated[
        Path | None, typer.Option(help="Folder of a rating of AFTER by the same criteria.")
    ] = None,
    score_before: Annotated[
        str | None, typer.Option(help="Instead: a column of BEFORE that holds scores.")
    ] = None,
    score_after: Annotated[
        str | None, typer.Option(help="The column of AFTER [default: that of BEFORE].")
    ] = None,
    criteria: Annotated[
        str, typer.Option(help="For columns: the criteria whose scale and bins apply.")
    ] = "accuracy",
    no_detectors: Annotated[bool, typer.Option("--no-detectors", help="Look for no defects.")] = False,
    language: Annotated[str, typer.Option(help="For detectors: the data's language, e.g. en.")] = "any",
    cutoff: Annotated[
        str | None, typer.Option(help="For detectors: YYYY-MM; dates from then on are reported.")
    ] = None,
    judge_sample: Annotated[
        int | None, typer.Option(min=1, help="Judge so many of the changed pairs, drawn by chance.")
    ] = None,
    judge_max_tokens: Annotated[int, typer.Option(min=16, help="The most tokens of one verdict.")] = 512,
    student: Annotated[
        str | None, _student(help="Tune this model on either set: an id, a folder, scratch:tiny.")
    ] = None,
    heldout: Annotated[
        Path | None, _student(help="Human-written records on which the students are measured.")
    ] = None,
    student_seeds: Annotated[int, _student(min=1, help="Students per set.")] = 3,
    student_epochs: Annotated[int, _student(min=1, help="Passes over the data.")] = 3,
    student_lora: Annotated[
        int | None, _student(help="Rank of a LoRA adapter [default: train all weights].")
    ] = None,
    student_max_tokens: Annotated[int, _student(help="Longer examples are dropped, never cut.")] = 1024,
    chat_template: Template = None,
    examples: Annotated[int, typer.Option(min=0, help="Improvements and failures shown, of each.")] = 8,
    seed: Annotated[int, typer.Option(help="Draws the sample that is judged.")] = 7,
    format: Format = None,
    again: Again = False,
) -> None:
    """What changed between two versions of a data set, how much, and is it better?

    Records are matched by id. DIR/comparison.html shows edits, defects, ratings, a judge's win rates, a
    student's held-out loss, and the largest improvements beside the worst failures; each part is there when
    its options are. DIR/comparison.json holds all numbers.

    Example: tunewright compare-sets my.jsonl runs/revised --judge openai:NAME --out runs/compared
    """
    from tunewright.coach.compare.config import CompareConfig
    from tunewright.coach.compare.stage import compare_sets, estimate_comparison
    from tunewright.run.config import parse_config
    from tunewright.run.progress import Progress

    given: dict[str, Any] = {
        "match": "position" if by_position else "id",
        "format": format,
        "check": None if no_detectors else {"language": language, "cutoff": cutoff},
        "rated_before": rated_before,
        "rated_after": rated_after,
        "score_before": score_before,
        "score_after": score_after,
        "criteria": criteria,
        "judge": _judge(ask),
        "judge_sample": judge_sample,
        "judge_max_tokens": judge_max_tokens,
        "student": None,
        "heldout": heldout,
        "student_seeds": student_seeds,
        "seed": seed,
        "examples": examples,
    }
    if student is not None:
        given["student"] = {
            "model": student,
            "epochs": student_epochs,
            "lora": student_lora,
            "max_tokens": student_max_tokens,
            "chat_template": chat_template,
        }
    config = parse_config(CompareConfig, given, where="the command line")
    if dry_run:
        estimate = estimate_comparison(config, before, after, out)
        if estimate is None:
            typer.echo("Nothing is asked without --judge; the sets can be read and matched.")
        else:
            show_estimate(estimate)
        return
    manifest = compare_sets(config, before, after, out, progress=Progress(sink_for()), again=again)
    show_comparison(out)
    if manifest["finished"] is None:
        without = "" if config.judge is None or config.judge.calls else " without --no-calls"
        typer.echo(
            f"{manifest['counts']['unanswered']:,} verdicts have no reply: run the same command again"
            f"{without} to ask them"
        )


def show_comparison(folder: Path) -> None:
    """What a comparison found, and where it is."""
    from tunewright.coach.compare import sentences
    from tunewright.coach.compare.stage import COMPARISON_FILE, PAGE_FILE

    data = json.loads((folder / COMPARISON_FILE).read_text(encoding="utf-8"))
    typer.echo(sentences.lead(data))
    for sentence in [sentences.verdict(data), *sentences.findings(data)]:
        if sentence:
            typer.echo(f"- {sentence}")
    about = data["about"]
    alone = about["only_before"]["count"] + about["only_after"]["count"]
    if alone:
        typer.echo(f"note: records in one of the sets only: {alone:,}")
    if about["ambiguous"]["count"]:
        typer.echo(f"note: ids that occur unequally often, left out: {about['ambiguous']['count']:,}")
    for part in data["missing"]:
        typer.echo(f"not there: {part['part']} ({part['option']})")
    typer.echo(f"page: {folder / PAGE_FILE}")


def _judge(ask: dict[str, Any]) -> dict[str, Any] | None:
    """The judge's settings; None without a judge. Options of asking without one are a mistake."""
    if "model" in ask:
        return ask
    named = sorted(name for name, value in ask.items() if value and name != "calls")
    if named:
        raise RecipeError(f"--{named[0].replace('_', '-')} says how the judge is asked; name it with --judge")
    return None


command = judged_by(
    asks(_compare_sets, only_sometimes=True),
    "Who says which version is better, each pair in both orders: openai:NAME (any compatible endpoint; "
    "OPENAI_API_KEY and OPENAI_BASE_URL apply), hf:PATH (in this process), vllm:PATH, batch:DIR (an OpenAI "
    "batch file), scripted:FILE (for tests).",
)
