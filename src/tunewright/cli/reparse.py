"""`tunewright reparse DIR --out NEW`: the replies of a finished rating or judging read again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunewright.cli.run import Again, Out
from tunewright.cli.show import sink_for


def command(
    folder: Annotated[Path, typer.Argument(help="The folder of a finished rating or judging.")],
    out: Out,
    pattern: Annotated[
        str | None,
        typer.Option(
            help="Reads replies without JSON: a regular expression with a group named score (verdict, where "
            "two answers were compared), and perhaps one named reason."
        ),
    ] = None,
    again: Again = False,
) -> None:
    """Read the replies of a rating or a judging with another parser; nothing is asked.

    The parser is the one of this version, with --pattern for replies that hold no JSON object. What it
    cannot read is kept as failed, with its raw text.

    Example: tunewright reparse runs/rated --pattern "(?i)score: *(?P<score>[0-9.]+)" --out runs/reparsed
    """
    from tunewright.run.folder import read_manifest
    from tunewright.run.progress import Progress

    progress = Progress(sink_for())
    if read_manifest(folder)["stage"] == "judge":
        from tunewright.cli.evaluate_judge import show_judging
        from tunewright.evaluate.judging.reparse import reparse_judging

        show_judging(reparse_judging(folder, out, pattern=pattern, progress=progress, again=again), out)
        return
    from tunewright.cli.rate import show_summary
    from tunewright.rate.reparse import reparse

    reparse(folder, out, pattern=pattern, progress=progress, again=again)
    show_summary(out)
