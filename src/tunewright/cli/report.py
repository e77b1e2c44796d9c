"""`tunewright report DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    folder: Annotated[Path, typer.Argument(help="A run's folder, or that of a single tuned model.")],
) -> None:
    """Write the report of a run: one page, to be opened in any browser.

    Example: tunewright report runs/first
    """
    from tunewright.report.stage import report

    typer.echo(f"report: {report(folder)}")
