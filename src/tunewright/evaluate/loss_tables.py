"""The losses that tuning measured, as tables: [seeds, examples] of every arm, set and epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewright.errors import DataError
from tunewright.evaluate.unlike import PER_TOKEN, TRAIN, Unlike
from tunewright.run.files import read_jsonl


@dataclass(frozen=True, slots=True)
class Arm:
    """One tuned model of a comparison: where it lies, what its arm is called, and its seed."""

    name: str
    seed: int
    folder: Path


@dataclass(frozen=True, slots=True)
class Table:
    """Mean output loss per example of one set at one epoch: `losses_SN` is [seeds, examples].

    `seeds` are those that were trained so far; with early stopping they can be fewer in later epochs. With
    `is_own` the rows are this arm's own, as of unlike arms the training rows are: they pair with no other's.
    """

    arm: str
    set: str
    epoch: int
    seeds: tuple[int, ...]
    ids: tuple[str, ...]
    losses_SN: NDArray[np.float64]
    unit: str = PER_TOKEN
    is_own: bool = False


_Sums = dict[str, tuple[float, int]]  # by example: nats, and the tokens that they are of
_BySeed = dict[int, _Sums]
_ByKey = dict[tuple[str, str, int], _BySeed]  # arm, set, epoch


def read_losses(arms: Sequence[Arm], *, group: str = "output", unlike: Unlike | None = None) -> list[Table]:
    """Every (arm, set, epoch) table in the arms' folders, in order of arm, set, epoch.

    Raises `DataError` when arms were not measured on the same examples (they then cannot be compared), when
    a file of an earlier epoch is missing, and when a loss is not a number. Of `unlike` arms the held-out
    sets keep the examples that all of them measured alike, and the training rows are each arm's own.
    """
    by_key: _ByKey = {}
    for arm in arms:
        for file in sorted((arm.folder / "losses").glob("epoch-*.jsonl"), key=_epoch_of):
            for row in read_jsonl(file):
                key = (arm.name, row["set"], _epoch_of(file))
                losses = by_key.setdefault(key, {}).setdefault(arm.seed, {})
                if group in row["losses"]:
                    nll, num_tokens = row["losses"][group]
                    if nll is None:  # JSON has no NaN
                        raise DataError(f"{file}: the loss of {row['id']} ({row['set']}) is not a number")
                    losses[row["id"]] = (nll, num_tokens)
    _no_gaps(arms, by_key)
    if unlike is not None:
        by_key = _measured_alike(by_key, by_tokens=unlike.unit == PER_TOKEN)
    tables = [_table(key, by_seed, unlike) for key, by_seed in by_key.items()]
    _same_examples(tables)
    return tables


def _epoch_of(file: Path) -> int:
    return int(file.stem.removeprefix("epoch-"))


def _measured_alike(by_key: _ByKey, *, by_tokens: bool) -> _ByKey:
    """Of each held-out set the examples that every model measured, by tokens also as equally many of them."""
    alike: dict[str, dict[str, int]] = {}  # by set: example, and its tokens
    for (_, name, _), by_seed in by_key.items():
        for sums in by_seed.values():
            mine = {example: num for example, (_, num) in sums.items()}
            known = alike.setdefault(name, mine)
            alike[name] = {
                example: num
                for example, num in known.items()
                if example in mine and (not by_tokens or mine[example] == num)
            }
    for name, examples in alike.items():
        if name != TRAIN and not examples:
            raise DataError(f"no example of {name} was measured alike by all arms; compare fewer arms")
    return {
        key: {
            seed: sums if key[1] == TRAIN else {example: sums[example] for example in alike[key[1]]}
            for seed, sums in by_seed.items()
        }
        for key, by_seed in by_key.items()
    }


def _table(key: tuple[str, str, int], by_seed: _BySeed, unlike: Unlike | None) -> Table:
    arm, set_name, epoch = key
    seeds = tuple(sorted(by_seed))
    ids = tuple(by_seed[seeds[0]])
    for seed in seeds:
        if tuple(by_seed[seed]) != ids:
            raise DataError(
                f"arm {arm}, seed {seed}: {set_name} was measured on other examples than seed {seeds[0]}"
            )
    lengths = None if unlike is None else unlike.lengths(arm, set_name)
    losses: Any = [
        [
            nll / (num if lengths is None else lengths[example])
            for example, (nll, num) in by_seed[seed].items()
        ]
        for seed in seeds
    ]
    return Table(
        arm,
        set_name,
        epoch,
        seeds,
        ids,
        np.array(losses, dtype=np.float64),
        unit=PER_TOKEN if unlike is None else unlike.unit,
        is_own=unlike is not None and set_name == TRAIN,
    )


def _no_gaps(arms: Sequence[Arm], by_key: Mapping[tuple[str, str, int], Mapping[int, object]]) -> None:
    """A model was measured after every epoch that it was trained; a missing file is named."""
    for arm in arms:
        mine = {
            (set_name, epoch): seeds for (name, set_name, epoch), seeds in by_key.items() if name == arm.name
        }
        for set_name in {set_name for set_name, _ in mine}:
            own = [epoch for (name, epoch), seeds in mine.items() if name == set_name and arm.seed in seeds]
            for name, epoch in mine:
                if name == set_name and epoch not in own and epoch < max(own, default=epoch + 1):
                    file = arm.folder / "losses" / f"epoch-{epoch}.jsonl"
                    raise DataError(
                        f"{file} is missing; restore it, or delete {arm.folder} and tune it again"
                    )


def _same_examples(tables: Sequence[Table]) -> None:
    first_of: dict[str, Table] = {}
    for table in tables:
        if table.is_own:
            continue
        first = first_of.setdefault(table.set, table)
        if table.ids != first.ids:
            raise DataError(
                f"arms {first.arm} and {table.arm} were measured on different examples of {table.set}; "
                "tune both on the same data with the same max_tokens and chat template"
            )
