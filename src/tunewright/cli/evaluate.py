"""`tunewright evaluate arms RUN`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunewright.cli import (
    agreement,
    evaluate_answers,
    evaluate_judge,
    evaluate_tasks,
    evaluate_winrate,
)
from tunewright.cli.run import Again
from tunewright.cli.show import sink_for

app = typer.Typer(help="Measure tuned models.", no_args_is_help=True, rich_markup_mode=None)
app.command("answers")(evaluate_answers.command)
app.command("judge")(evaluate_judge.command)
app.command("agreement")(agreement.command)
app.command("tasks")(evaluate_tasks.command)
app.command("winrate")(evaluate_winrate.command)


@app.command("arms")
def arms(
    folder: Annotated[Path, typer.Argument(help="A run's folder, with tuned arms in it.")],
    memorisation_prompts: Annotated[
        int, typer.Option(min=0, help="Training prompts continued greedily.")
    ] = 100,
    heldout_answers: Annotated[int, typer.Option(min=0, help="Held-out records answered greedily.")] = 100,
    again: Again = False,
) -> None:
    """Compare the arms of a run: losses, paired differences, memorisation, answers.

    Example: tunewright evaluate arms runs/first --again --heldout-answers 300
    """
    from tunewright.evaluate.stage import EvaluateConfig
    from tunewright.pipeline.stages import evaluate_run
    from tunewright.run.progress import Progress

    config = EvaluateConfig(memorisation_prompts=memorisation_prompts, heldout_answers=heldout_answers)
    out = evaluate_run(folder, config, progress=Progress(sink_for()), again=again)
    typer.echo(f"evaluation: {out}")
