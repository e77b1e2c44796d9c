"""`tunewright evaluate answers --model SPEC --prompts FILE --out DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tunewright.cli.asking import asks, show_estimate
from tunewright.cli.run import Again, Out
from tunewright.cli.show import sink_for


@asks
def command(
    prompts: Annotated[
        Path,
        typer.Option(help="A data set (only its prompts are read), prompts alone, or MT-Bench's questions."),
    ],
    out: Out,
    ask: dict[str, Any],
    dry_run: bool,
    name: Annotated[
        str | None, typer.Option(help="The model's name in the file [default: the spec itself].")
    ] = None,
    system: Annotated[
        str | None, typer.Option(help="A system message [default: that of the prompts].")
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(min=0, help="[default: 0; for MT-Bench's questions its own, by category]"),
    ] = None,
    top_p: Annotated[float, typer.Option(help="Nucleus, when the temperature is not 0.")] = 1.0,
    max_tokens: Annotated[int, typer.Option(min=1, help="The most tokens of one answer.")] = 1024,
    seed: Annotated[int, typer.Option(help="Of sampling, when the temperature is not 0.")] = 7,
    again: Again = False,
) -> None:
    """Let a model answer prompts, in the files that judges read.

    DIR/model_outputs.json has AlpacaEval's columns, for MT-Bench's questions DIR/model_answers.jsonl has
    FastChat's. The folder of a tuned run stands for the model in it. A prompt without an answer is in
    DIR/rejects.jsonl, never an empty answer.

    Example: tunewright evaluate answers --model runs/tuned --prompts prompts.jsonl --out runs/answers
    """
    from tunewright.evaluate.outputs.answered import file_of_answers
    from tunewright.evaluate.outputs.config import AnswersConfig
    from tunewright.evaluate.outputs.stage import answers, estimate_answers
    from tunewright.run.config import parse_config
    from tunewright.run.progress import Progress

    given = {
        "ask": ask,
        "generator": name,
        "system": system,
        "temperature": temperature,
        "top_p": top_p,
        "max_tokens": max_tokens,
        "seed": seed,
    }
    config = parse_config(AnswersConfig, given, where="the command line")
    if dry_run:
        show_estimate(estimate_answers(config, prompts, out))
        return
    manifest = answers(config, prompts, out, progress=Progress(sink_for()), again=again)
    counts = manifest["counts"]
    typer.echo(f"{counts['answers']:,} of {counts['prompts']:,} prompts answered")
    for key, said in (
        ("failed", "have no answer; they are in rejects.jsonl"),
        ("rejected_rows", "rows could not be read; they are in rejects.jsonl"),
        ("cut_at_the_limit", "answers were cut at --max-tokens"),
        ("empty", "answers are empty"),
    ):
        if counts[key]:
            typer.echo(f"note: {counts[key]:,} {said}")
    if manifest["finished"] is None:
        typer.echo(f"{counts['unanswered']:,} requests have no reply: the same command asks them again")
        return
    typer.echo(f"answers: {file_of_answers(out)}")
