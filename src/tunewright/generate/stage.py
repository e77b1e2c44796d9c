"""The generate stage: a folder with `records.jsonl`, made the same for the same settings."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tunewright.generate.config import GenerateConfig
from tunewright.generate.items import generate_items
from tunewright.records.record import Record
from tunewright.records.write import write_records
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.folder import RunFolder
from tunewright.run.progress import Progress
from tunewright.run.versions import environment


def generate(
    config: GenerateConfig, out: str | Path, *, progress: Progress | None = None, again: bool = False
) -> Path:
    """Make the records the config asks for and give back the folder that holds `records.jsonl`.

    A finished folder with the same settings is left as it is. Raises `ItemError` when the item models
    cannot give as many different items as asked for. With source `model` a model is asked: see
    `grow.stage.grow`.
    """
    if config.source == "model":
        from tunewright.generate.grow.stage import grow  # item models need no model to be asked

        return grow(config, out, progress=progress, again=again)
    out = Path(out)
    progress = progress or Progress()
    with RunFolder.open(out, fingerprint=Fingerprint("generate", config.settings()), again=again) as folder:
        if folder.is_done:
            return out
        progress.start("generate", config.n, "items")
        records: list[Record] = []
        for record in generate_items(config.n, seed=config.seed, levels=config.levels, skills=config.skills):
            records.append(record)
            progress.advance()
        write_records(records, out / "records.jsonl", format="native")
        progress.finish()
        folder.finish(
            versions=environment(),
            counts={"records": len(records)},
            extra={
                "by_skill": _count(records, "skill"),
                "by_level": _count(records, "level"),
                "by_model": _count(records, "item_model"),
            },
        )
    return out


def _count(records: list[Record], column: str) -> dict[str, int]:
    return dict(sorted(Counter(str(record.meta[column]) for record in records).items()))
