"""`tunewright tokens DIR [DIR…] --out page.html`."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from tunewright.cli.tune import Format, Template
from tunewright.errors import DataError, RecipeError


def command(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Folders of tuned arms, or of runs that hold some.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The page to write.")] = Path("tokens.html"),
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="Instead of folders: a model to measure now; may be repeated."),
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="With --model: a file, a data-set folder or a Hugging Face id.")
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="With --model: how many rows of it.")] = 8,
    chat_template: Template = None,
    format: Format = None,
) -> None:
    """Show the loss of single tokens before and after tuning, for several arms: where each learns.

    Example: tunewright tokens runs/first --out tokens.html

    Example: tunewright tokens --model runs/a/model --model runs/b/model --data my.jsonl --out tokens.html
    """
    if bool(folders) == bool(model):
        raise RecipeError("give folders of tuned arms, or models with --model and --data, and not both")
    if folders:
        from tunewright.report.tokens.stage import tokens

        if data is not None:
            raise RecipeError("--data goes with --model; folders of tuned arms hold their own examples")
        typer.echo(f"page: {tokens(folders, out)}")
        return
    if data is None:
        raise RecipeError("--model needs --data: the rows to measure the models on")
    from tunewright.records.read import read_records
    from tunewright.report.tokens.models import tokens_of_models
    from tunewright.tune.templates import template_text

    records = list(islice(read_records(data, format=format, on_reject=lambda reject: None), rows))
    if not records:
        raise DataError(f"{data} has no rows that can be read; 'tunewright check {data}' says why")
    template = None if chat_template is None else template_text(chat_template)
    sets = {Path(data).name.split(".")[0]: records}
    typer.echo(f"page: {tokens_of_models(model or [], sets, out, chat_template=template)}")
