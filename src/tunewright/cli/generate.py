"""`tunewright generate --from items -n N --seed S --out DIR`."""

from __future__ import annotations

from typing import Annotated

import typer

from tunewright.cli.run import Again, Out
from tunewright.cli.show import sink_for


def command(
    out: Out,
    source: Annotated[
        str, typer.Option("--from", help="Where records come from: items (automatic item generation).")
    ] = "items",
    n: Annotated[int, typer.Option("-n", min=1, help="How many records.")] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same file.")] = 7,
    skills: Annotated[
        list[str] | None, typer.Option("--skill", help="Only this skill; may be repeated.")
    ] = None,
    levels: Annotated[
        list[str] | None, typer.Option("--level", help="Only this CEFR level; may be repeated.")
    ] = None,
    again: Again = False,
) -> None:
    """Make instruction data: assessment items whose key is right by construction.

    Example: tunewright generate --from items -n 2000 --seed 7 --out runs/items
    """
    from tunewright.generate.config import GenerateConfig
    from tunewright.generate.stage import generate
    from tunewright.run.config import parse_config
    from tunewright.run.progress import Progress

    settings = {"source": source, "n": n, "seed": seed, "skills": skills, "levels": levels}
    config = parse_config(GenerateConfig, settings, where="the command line")
    folder = generate(config, out, progress=Progress(sink_for()), again=again)
    typer.echo(f"records: {folder / 'records.jsonl'}")
