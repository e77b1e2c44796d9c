"""`tunewright reparse DIR --out NEW`: a finished rating read again, without a call."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunewright.cli.run import Again, Out
from tunewright.cli.show import sink_for


def command(
    folder: Annotated[Path, typer.Argument(help="The folder of a finished rating.")],
    out: Out,
    pattern: Annotated[
        str | None,
        typer.Option(
            help="Reads replies without JSON: a regular expression with a group named score, and perhaps one "
            "named reason."
        ),
    ] = None,
    again: Again = False,
) -> None:
    """Read the replies of a rating with another parser; nothing is asked.

    The parser is the one of this version, with --pattern for replies that hold no JSON object. What it
    cannot read is kept as failed, with its raw text.

    Example: tunewright reparse runs/rated --pattern "(?i)score: *(?P<score>[0-9.]+)" --out runs/reparsed
    """
    from tunewright.cli.rate import show_summary
    from tunewright.rate.reparse import reparse
    from tunewright.run.progress import Progress

    reparse(folder, out, pattern=pattern, progress=Progress(sink_for()), again=again)
    show_summary(out)
