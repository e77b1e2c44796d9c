"""What `tunewright export --model SPEC` does: calls the export of token ids and says what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from tunewright.tune.exports.config import ExportConfig

START = {
    "trl": "trl sft --config trl.yaml",
    "axolotl": "axolotl train axolotl.yaml",
    "hf": "python train.py",
}


def export_tokens(
    data: str, out: Path, settings: Mapping[str, Any], *, format: str | None, again: bool
) -> None:
    """Read the data, write the folder `out` and print what is in it and how to begin."""
    from tunewright.cli.show import sink_for
    from tunewright.run.config import parse_config
    from tunewright.run.progress import Progress
    from tunewright.tune.exports.config import ExportConfig

    config = parse_config(ExportConfig, settings, where="the command line")  # before torch is loaded
    from tunewright.pipeline.stages import read_all

    progress = Progress(sink_for())
    rejects: list[Any] = []
    records = read_all(data, rejects.append, progress=progress, format=format)
    from tunewright.tune.exports.stage import export_tokens

    manifest = export_tokens(config, records, out, rejects=rejects, progress=progress, again=again)
    _print(out, manifest, config, num_unread=len(rejects))


def _print(out: Path, manifest: Mapping[str, Any], config: ExportConfig, *, num_unread: int) -> None:
    counts, objective = manifest["counts"], manifest["extra"]["objective"]
    typer.echo(
        f"{counts['rows']:,} rows, {counts['tokens']:,} tokens, {counts['weighted_tokens']:,} with loss "
        f"({objective['name']}, {objective['normalisation']}, as {objective['as']})"
    )
    if left_out := counts["dropped"] + num_unread:
        typer.echo(f"left out: {left_out:,}, see {out / 'rejects.jsonl'}")
    if counts["cut"]:
        typer.echo(f"cut at {config.tune.max_tokens:,} tokens, without the end: {counts['cut']:,}")
    if counts["rows_without_weight"]:
        typer.echo(f"rows without any loss (Axolotl drops them): {counts['rows_without_weight']:,}")
    if config.tune.neftune is not None:
        typer.echo(
            f"note: {manifest['extra']['to']} scales NEFTune's noise by the padded or packed length, "
            "'tune' by each document's own"
        )
    typer.echo(f"train: cd {out} && {START[config.to]}")
