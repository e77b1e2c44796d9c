"""`tunewright dedup DATA --threshold .7 --by instruction --out DIR`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tunewright.cli.run import Again, Out
from tunewright.cli.show import sink_for
from tunewright.cli.tune import Data, Format

_SHOWN_CHARS = 100  # of each text of a pair


def command(
    data: Data,
    out: Out,
    threshold: Annotated[
        float,
        typer.Option(help="Drop a record whose ROUGE-L F1 with a kept one is above this; between 0 and 1."),
    ] = 0.7,
    by: Annotated[
        str, typer.Option(help="The text compared: instruction, input, output, or all (the three together).")
    ] = "instruction",
    within: Annotated[
        str,
        typer.Option(
            help="Compare only records that are equal in these columns, e.g. level,topic. 'cell' is short "
            "for skill,task,level,target, those of them that there are."
        ),
    ] = "",
    against: Annotated[
        list[str] | None,
        typer.Option(
            help="Also drop what is like a record of this file, such as evaluation data; may be repeated."
        ),
    ] = None,
    tokens: Annotated[
        str,
        typer.Option(
            help="rouge: as rouge_score decides, which sees only a-z and 0-9. unicode: words of every "
            "script, with accents and blanks (____)."
        ),
    ] = "rouge",
    format: Format = None,
    again: Again = False,
) -> None:
    """Drop near-duplicates: every record too much like one kept before it.

    It is the rule of Self-Instruct, exactly and fast: no pair is missed, and a million instructions take
    minutes. Order matters, for of two that are alike the first is kept. Instructions made from templates
    differ in a word or two and are nearly all dropped: compare those --within cell, --by input or with a
    higher --threshold. DIR/records.jsonl is what is kept; DIR/rejects.jsonl has each dropped record, what
    it is like and how much.

    Example: tunewright dedup my.jsonl --against test.jsonl --out runs/dedup
    """
    from tunewright.rate.dedup import DedupConfig, dedup
    from tunewright.run.config import parse_config
    from tunewright.run.progress import Progress

    given = {
        "threshold": threshold,
        "by": by,
        "within": [name.strip() for name in within.split(",") if name.strip()],
        "tokens": tokens,
        "format": format,
    }
    config = parse_config(DedupConfig, given, where="the command line")
    folder = dedup(config, data, out, against=against or [], progress=Progress(sink_for()), again=again)
    _print(folder, by)


def _print(folder: Path, by: str) -> None:
    found = json.loads((folder / "metrics" / "summary.json").read_text(encoding="utf-8"))
    typer.echo(
        f"{found['kept']:,} of {found['records']:,} records kept; {found['dropped']:,} dropped "
        f"({found['dropped_share']:.1%}), {found['dropped_same_text']:,} of them with the very same text"
    )
    if found["broken"]:
        typer.echo(f"{found['broken']:,} rows could not be read")
    if found["without_words"]:
        typer.echo(
            f"note: {found['without_words']:,} of {found['records']:,} texts have no word to compare and are "
            "kept; --by another field, or --tokens unicode for other scripts, may see more"
        )
    if len(found["dropped_by_file"]) > 1:
        for name, count in found["dropped_by_file"].items():
            typer.echo(f"  {count:,} like a record of {name}")
    if by == "instruction" and found["dropped_other_input"] > found["dropped"] / 2:
        typer.echo(
            f"note: {found['dropped_other_input']:,} of the dropped have another input than what they are "
            "like; if the instruction alone does not say the task, compare --by all or --by input"
        )
    for pair in found["most_alike"]:
        typer.echo(f"{pair['score']:.3f}  {pair['id']} is dropped:  {_shown(pair['text'])}")
        typer.echo(f"       like {pair['like_id']}:  {_shown(pair['like_text'])}")
    typer.echo(f"records: {folder / 'records.jsonl'}")
    typer.echo(f"dropped: {folder / 'rejects.jsonl'}")


def _shown(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 1]}…"
