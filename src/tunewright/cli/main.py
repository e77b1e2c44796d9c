"""`tunewright`: one command per stage; each parses, calls one function, prints what came back.

Commands import what they need when they are called, so that `--help` costs a fraction of a second.
"""

from __future__ import annotations

import logging
import os
import signal
import sys

import typer

from tunewright.cli import (
    advise,
    answerability,
    check,
    check_items,
    coach,
    compare,
    compare_sets,
    dedup,
    evaluate,
    export,
    generate,
    import_,
    inspect,
    mask,
    rate,
    reparse,
    replies,
    report,
    review,
    revise,
    run,
    select,
    study,
    subsets,
    tokens,
    tune,
)
from tunewright.cli.show import error
from tunewright.errors import TunewrightError
from tunewright.tune.launch import LAUNCHED

INTERRUPTED = 130

app = typer.Typer(
    name="tunewright",
    help="Make instruction data better, and prove what that did to the model tuned on it.\n\n"
    "Start with `tunewright run recipes/first.yaml --out runs/first`, or look at your own data with "
    "`tunewright inspect DATA`. DATA is a file (Alpaca, messages, ShareGPT, prompt/completion; JSON, JSONL, "
    "CSV, Parquet; .gz), a Hugging Face data-set folder or an id.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)
app.command("run")(run.command)
app.command("generate")(generate.command)
app.command("subsets")(subsets.command)
app.command("inspect")(inspect.command)
app.command("advise")(advise.command)
app.command("check")(check.command)
app.command("check-items")(check_items.command)
app.command("answerability")(answerability.command)
app.command("dedup")(dedup.command)
app.command("rate")(rate.command)
app.command("select")(select.command)
app.add_typer(coach.app, name="coach")
app.command("revise")(revise.command)
app.command("compare-sets")(compare_sets.command)
app.command("replies")(replies.command)
app.command("reparse")(reparse.command)
app.command("mask")(mask.command)
app.command("export")(export.command)
app.command("import")(import_.command)
app.command("tune")(tune.command)
app.command("compare")(compare.command)
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(study.app, name="study")
app.add_typer(review.app, name="review")
app.command("report")(report.command)
app.command("tokens")(tokens.command)


@app.callback(invoke_without_command=True)
def _version(version: bool = typer.Option(False, "--version", help="Show the version and exit.")) -> None:
    if version:
        from tunewright import __version__

        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line: users' mistakes end in one sentence and exit code 1, never in a traceback."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # torch's threads spin while they wait; beside one busy process that halved the speed of a small model
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # its retries are not news
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what a batch system sends ends like Ctrl-C
    try:
        app()
    except SystemExit as stop:
        if stop.code == INTERRUPTED and LAUNCHED not in os.environ:  # typer's own answer to Ctrl-C
            error("interrupted; nothing finished is lost, the same command goes on from here")
        raise
    except TunewrightError as problem:
        error(str(problem))
        sys.exit(1)
    except ImportError as problem:
        error(f"{problem}; this command needs the training libraries: pip install 'tunewright[train]'")
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as problem:  # a full disk under stdout; stages name their own files
        error(f"{problem.strerror or problem}; what was written before is kept, the same command goes on")
        sys.exit(1)
