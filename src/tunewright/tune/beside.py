"""What a tune folder holds beside the model: what was left out, and masks to be looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from tunewright.records.record import Record
from tunewright.records.reject import Reject
from tunewright.run.files import write_json_atomic, write_text_atomic
from tunewright.tune.config import TuneConfig
from tunewright.tune.examples import Dropped
from tunewright.tune.prepare import Prepared
from tunewright.tune.preview import Preview, mask, mask_html

PREVIEWS = 3  # records whose mask is written beside the model


def write_rows(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """All rows of a JSON-lines file at once, or none."""
    write_text_atomic(file, "".join(orjson.dumps(row).decode() + "\n" for row in rows))


def write_rejects(file: Path, rejects: Sequence[Reject], prepared: Prepared) -> None:
    """One row for every record that was not read, and for every one that is not trained or measured on."""
    rows = [asdict(reject) for reject in rejects]
    sets: dict[str, Sequence[Dropped]] = {"train": prepared.train.dropped}
    sets |= {name: examples.dropped for name, examples in prepared.heldout.items()}
    rows += [{"set": name, **asdict(drop)} for name, drops in sets.items() for drop in drops]
    write_rows(file, rows)


def write_masks(folder: Path, config: TuneConfig, records: Sequence[Record], prepared: Prepared) -> None:
    """The first few training rows with their roles and weights, as a page and as data."""
    objective = config.parsed_objective()
    by_id = {record.id: record for record in records}
    shown = [by_id[example.id] for example in prepared.train.kept[:PREVIEWS]]
    previews = [
        mask(record, prepared.renderer, objective, explanation=config.explanation) for record in shown
    ]
    write_text_atomic(folder / "mask.html", mask_html(previews))
    write_json_atomic(folder / "mask.json", [_preview_row(preview) for preview in previews])


def _preview_row(preview: Preview) -> dict[str, Any]:
    return {
        "id": preview.record_id,
        "tokens": [[token.text, token.role.name.lower(), token.weight] for token in preview.tokens],
    }
