"""What a comparison would train, and about how long that takes, before any of it is begun."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tunewright.errors import RecipeError
from tunewright.evaluate.loss_tables import Arm
from tunewright.evaluate.unlike import ROW_SETTINGS
from tunewright.pipeline.improve import writes_data
from tunewright.pipeline.recipe import Recipe
from tunewright.pipeline.stages import Sets, arms_of, read_sets
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
    """One arm: its rows, its optimizer steps with one seed, how many seeds are asked for and are there."""

    name: str
    num_rows: int
    num_dropped: int
    tokens_per_epoch: int
    num_steps: int
    num_seeds: int
    num_done: int


@dataclass(frozen=True)
class Plan:
    """The arms, the held-out rows that they are measured on, and the seconds of training that are left in one
    process. `tokens_per_second` is that of the slowest arms."""

    arms: Sequence[PlannedArm]
    num_heldout: dict[str, int]
    tokens_per_second: float
    seconds: float


def plan(recipe: Recipe, out: str | Path, *, progress: Progress | None = None) -> Plan:
    """Read and tokenise the data and take a few steps in a temporary folder; nothing is written into `out`.

    The steps are those of the dearest arm (a reference model, then the most tokens with loss) on each model
    and set of rows, so training takes rather less than `seconds`; measuring after each epoch and answers come
    on top. A recipe that makes or improves its data first has none to plan with: RecipeError.
    """
    progress = progress or Progress()
    sets = _read(recipe, progress)
    configs = arms_of(recipe, Path(out))
    arms: dict[str, PlannedArm] = {}
    num_heldout: dict[str, int] = {}
    rates, seconds = [], 0.0
    for names in _alike(recipe, configs).values():
        mine = {arm: config for arm, config in configs.items() if arm.name in names}
        train = sets.of_arm(names[0])
        prepared = prepare(next(iter(mine.values())), train, sets.heldout, progress=progress)
        num_heldout = num_heldout or {name: len(found.kept) for name, found in prepared.heldout.items()}
        rows = prepared.train.kept
        usable = {row.id for row in rows}
        records = [record for record in train if record.id in usable]
        rates.append(_tokens_per_second(_dearest(list(mine.values()), rows), records))
        for name in names:
            seeds = {arm: config for arm, config in mine.items() if arm.name == name}
            planned = _planned(name, seeds, rows, len(prepared.train.dropped))
            epochs = next(iter(seeds.values())).epochs * (planned.num_seeds - planned.num_done)
            seconds += epochs * planned.tokens_per_epoch / rates[-1]
            arms[name] = planned
    return Plan([arms[name] for name in recipe.arms], num_heldout, min(rates), seconds)


def _planned(
    name: str, seeds: Mapping[Arm, TuneConfig], rows: Sequence[Example], num_dropped: int
) -> PlannedArm:
    config = next(iter(seeds.values()))
    return PlannedArm(
        name=name,
        num_rows=len(rows),
        num_dropped=num_dropped,
        tokens_per_epoch=sum(len(row) for row in rows),
        num_steps=-(-len(rows) // config.batch_size) * config.epochs,
        num_seeds=len(seeds),
        num_done=sum((arm.folder / "manifest.json").exists() for arm in seeds),
    )


def _alike(recipe: Recipe, configs: Mapping[Arm, TuneConfig]) -> dict[Any, list[str]]:
    """The arms' names, those with the same rows and model together."""
    own = recipe.data_of_arms()
    groups: dict[Any, list[str]] = {}
    for arm, config in configs.items():
        settings = [str(getattr(config, name)) for name in ("model", *ROW_SETTINGS)]
        names = groups.setdefault((own.get(arm.name), *settings), [])
        if arm.name not in names:
            names.append(arm.name)
    return groups


def _read(recipe: Recipe, progress: Progress) -> Sets:
    if recipe.data is None or writes_data(recipe):
        raise RecipeError(
            "the recipe makes or changes its data before it tunes, so there is nothing to plan "
            "with yet; run it"
        )
    with tempfile.TemporaryDirectory() as folder:  # for the rejects, which the run itself writes
        return read_sets(recipe, Path(folder), progress=progress)


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
