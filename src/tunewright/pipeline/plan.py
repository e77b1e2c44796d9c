"""What a comparison would train, and about how long that takes, before any of it is begun."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tunewright.pipeline.recipe import Recipe
from tunewright.pipeline.stages import Sets, arms_of, part, read_all
from tunewright.records.record import Record
from tunewright.run.files import read_jsonl
from tunewright.run.progress import Progress
from tunewright.tune.config import TuneConfig
from tunewright.tune.examples import Example
from tunewright.tune.prepare import prepare
from tunewright.tune.stage import tune

PROBE_STEPS = 4


@dataclass(frozen=True)
class PlannedArm:
    """One arm: its optimizer steps with one seed, how many seeds are asked for, and how many are there."""

    name: str
    num_steps: int
    num_seeds: int
    num_done: int


@dataclass(frozen=True)
class Plan:
    """The arms, the rows that all of them use, and the seconds of training that are left in one process."""

    arms: Sequence[PlannedArm]
    num_rows: int
    num_dropped: int
    num_heldout: dict[str, int]
    tokens_per_epoch: int
    tokens_per_second: float
    seconds: float


def plan(recipe: Recipe, out: str | Path, *, progress: Progress | None = None) -> Plan:
    """Read and tokenise the data and take a few steps in a temporary folder; nothing is written into `out`.

    The steps are those of the dearest arm (a reference model, then the most tokens with loss), so training
    takes rather less than `seconds`; measuring after each epoch and answers come on top.
    """
    progress = progress or Progress()
    sets = _read(recipe, progress)
    configs = arms_of(recipe, Path(out))
    prepared = prepare(next(iter(configs.values())), sets.train, sets.heldout, progress=progress)
    rows = prepared.train.kept
    tokens = sum(len(row) for row in rows)
    arms, epochs_left = [], 0
    for name in recipe.arms:
        mine = {arm: config for arm, config in configs.items() if arm.name == name}
        config = next(iter(mine.values()))
        done = sum((arm.folder / "manifest.json").exists() for arm in mine)
        epochs_left += (len(mine) - done) * config.epochs
        arms.append(PlannedArm(name, -(-len(rows) // config.batch_size) * config.epochs, len(mine), done))
    usable = {row.id for row in rows}
    records = [record for record in sets.train if record.id in usable]
    rate = _tokens_per_second(_dearest(list(configs.values()), rows), records)
    return Plan(
        arms=arms,
        num_rows=len(rows),
        num_dropped=len(prepared.train.dropped),
        num_heldout={name: len(examples.kept) for name, examples in prepared.heldout.items()},
        tokens_per_epoch=tokens,
        tokens_per_second=rate,
        seconds=epochs_left * tokens / rate,
    )


def _read(recipe: Recipe, progress: Progress) -> Sets:
    assert recipe.data is not None, "a comparison is of data that is there"
    records = read_all(recipe.data, lambda _: None, progress=progress, format=recipe.format)
    heldout = {
        name: read_all(file, lambda _: None, progress=progress) for name, file in recipe.heldout.items()
    }
    return part(records, heldout, num_holdout=recipe.holdout, by=recipe.holdout_by)


def _dearest(configs: Sequence[TuneConfig], rows: Sequence[Example]) -> TuneConfig:
    def price(config: TuneConfig) -> tuple[bool, int]:
        objective = config.parsed_objective()
        weighted = sum(int(np.count_nonzero(objective.token_weights(row.roles))) for row in rows)
        return config.kl is not None, weighted

    return max(configs, key=price)


def _tokens_per_second(config: TuneConfig, records: Sequence[Record]) -> float:
    """All tokens of a few steps over the seconds that they took, the first of them included.

    Nothing is held out for these steps, so nothing can stop them, and no tracker hears of them. A scratch
    model learns its tokenizer from these few records, with which some may become too long: they are cut.
    """
    alone = {"patience": None, "keep": "last", "stop_on": None, "trackers": (), "too_long": "cut"}
    short = config.model_copy(update={"epochs": 1, "measured_rows": 1, **alone})
    with tempfile.TemporaryDirectory() as folder:
        manifest = tune(short, records[: PROBE_STEPS * config.batch_size], Path(folder) / "probe")
        seen = sum(int(step["num_seen"]) for step in read_jsonl(Path(folder) / "probe" / "metrics.jsonl"))
    return seen / max(float(manifest["extra"]["train_seconds"]), 0.01)
