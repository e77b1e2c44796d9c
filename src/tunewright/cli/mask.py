"""`tunewright mask DATA --model SPEC --objective im --row 3`."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunewright.cli.tune import (
    Data,
    Format,
    Model,
    Normalised,
    Objective,
    RoleWeights,
    Template,
    role_weights_of,
)
from tunewright.errors import DataError, TemplateError

if TYPE_CHECKING:
    from tunewright.records.reject import Reject
    from tunewright.tune.preview import Preview


def command(
    data: Data,
    model: Model = "scratch:tiny",
    objective: Objective = "it",
    row: Annotated[list[int], typer.Option(min=1, help="Which record, from 1; may be repeated.")] = [1],  # noqa: B006
    normalisation: Normalised = None,
    role_weight: RoleWeights = None,
    explanation: Annotated[bool, typer.Option(help="Train on explanations too.")] = True,
    chat_template: Template = None,
    format: Format = None,
    html: Annotated[Path | None, typer.Option(help="Write a page instead of colouring the terminal.")] = None,
) -> None:
    """Show where the loss goes: one rendered example with every token's role and weight.

    Example: tunewright mask my.jsonl --model scratch:tiny --objective im --row 3
    """
    from tunewright.records.read import read_records
    from tunewright.run.html_page import write_page
    from tunewright.tune.model import load_tokenizer
    from tunewright.tune.objective_names import parse_objective
    from tunewright.tune.preview import mask, mask_html
    from tunewright.tune.roles import Renderer
    from tunewright.tune.templates import template_text

    wanted = parse_objective(
        objective, normalisation=normalisation, role_weights=role_weights_of(role_weight or [])
    )
    broken: list[Reject] = []
    found = read_records(data, format=format, on_reject=broken.append)
    records = list(found if model.startswith("scratch:") else islice(found, max(row)))
    for number in row:  # a scratch model's tokenizer is trained on all of them
        if number > len(records):
            left_out = f", and {len(broken):,} broken rows" if broken else ""
            raise DataError(f"{data} has {len(records)} records{left_out}; there is no record {number}")
    template = None if chat_template is None else template_text(chat_template)
    renderer = Renderer(load_tokenizer(model, records), chat_template=template)
    previews = []
    for number in row:
        try:
            previews.append(mask(records[number - 1], renderer, wanted, explanation=explanation))
        except TemplateError as error:
            raise TemplateError(f"{data}, record {number}: {error}; 'tune' leaves such a row out") from error
    if html is not None:
        write_page(html, mask_html(previews))
        typer.echo(f"page: {html}")
        return
    for preview in previews:
        _print(preview)


def _print(preview: Preview) -> None:
    from rich.console import Console
    from rich.text import Text

    from tunewright.tune.colours import COLOURS, visible

    console = Console(highlight=False)
    console.print(
        f"record {preview.record_id}, objective {preview.objective.name}: {preview.num_weighted} of "
        f"{len(preview.tokens)} tokens carry loss (filled); an answer ends with {preview.stop_token}",
        markup=False,
    )
    line = Text()
    for token in preview.tokens:
        colour = COLOURS[token.role]
        style = f"white on {colour}" if token.weight else f"{colour}"
        line.append(visible(token.text), style=style)
    console.print(line)
    if not console.is_terminal:  # without colour the roles must be readable all the same
        for token in preview.tokens:
            console.print(f"{token.role.name.lower():<12}{token.weight:<6g}{token.text!r}", markup=False)
    for role, count, weight in preview.role_table():
        console.print(
            Text.assemble(
                ("■ ", COLOURS[role]), f"{role.name.lower():<12} {count:>5} tokens  weight {weight:g}"
            )
        )
