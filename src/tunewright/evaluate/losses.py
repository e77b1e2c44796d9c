"""How the output loss is distributed in every arm, and how two arms differ on the same examples.

Both arms of a comparison are measured on output tokens only, whatever they were trained on; an example's
loss is its mean over its output tokens in nats, and a set's is the mean over examples (the definition of
Shi et al. 2024). The difference is paired: the same example under both arms, averaged over seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewright.errors import DataError
from tunewright.evaluate.intervals import Interval, mean_interval, mean_p
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

    `seeds` are those that were trained so far; with early stopping they can be fewer in later epochs.
    """

    arm: str
    set: str
    epoch: int
    seeds: tuple[int, ...]
    ids: tuple[str, ...]
    losses_SN: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Distribution:
    """One arm on one set at one epoch, over all examples and seeds; losses in nats per token."""

    arm: str
    set: str
    epoch: int
    num_examples: int
    num_seeds: int
    mean: float
    interval: Interval
    median: float
    p10: float
    p90: float


@dataclass(frozen=True, slots=True)
class Paired:
    """`second` minus `first` on the same examples and seeds: negative means `second` has the lower loss.

    `p` is two-sided, for this one comparison, and agrees with the interval. It is None where the epochs were
    picked on these examples, and in an evaluation that was made before p was kept.
    """

    first: str
    second: str
    set: str
    epoch: int
    num_examples: int
    num_seeds: int
    difference: float
    interval: Interval
    share_lower: float  # of examples (averaged over seeds) on which `second` has the lower loss
    by_seed: tuple[float, ...]
    p: float | None = None


def read_losses(arms: Sequence[Arm], *, group: str = "output") -> list[Table]:
    """Every (arm, set, epoch) table in the arms' folders, in order of arm, set, epoch.

    Raises `DataError` when arms were not measured on the same examples (they then cannot be compared), when
    a file of an earlier epoch is missing, and when a loss is not a number.
    """
    by_key: dict[tuple[str, str, int], dict[int, dict[str, float]]] = {}
    for arm in arms:
        for file in sorted((arm.folder / "losses").glob("epoch-*.jsonl"), key=_epoch_of):
            for row in read_jsonl(file):
                key = (arm.name, row["set"], _epoch_of(file))
                losses = by_key.setdefault(key, {}).setdefault(arm.seed, {})
                if group in row["losses"]:
                    nll, num_tokens = row["losses"][group]
                    if nll is None:  # JSON has no NaN
                        raise DataError(f"{file}: the loss of {row['id']} ({row['set']}) is not a number")
                    losses[row["id"]] = nll / num_tokens
    _no_gaps(arms, by_key)
    tables = [_table(key, by_seed) for key, by_seed in by_key.items()]
    _same_examples(tables)
    return tables


def describe_losses(table: Table) -> Distribution:
    """The distribution of one table, with the interval of its mean."""
    values = table.losses_SN
    p10, median, p90 = np.percentile(values, [10, 50, 90])
    return Distribution(
        arm=table.arm,
        set=table.set,
        epoch=table.epoch,
        num_examples=values.shape[1],
        num_seeds=values.shape[0],
        mean=float(values.mean()),
        interval=mean_interval(values),
        median=float(median),
        p10=float(p10),
        p90=float(p90),
    )


def paired_difference(first: Table, second: Table) -> Paired:
    """`second` − `first`, paired by example and seed; `DataError` when sets, examples or seeds differ."""
    if (first.set, first.ids, first.seeds) != (second.set, second.ids, second.seeds):
        raise DataError(
            f"arms {first.arm} and {second.arm} were not measured on the same examples and seeds "
            f"of {first.set}"
        )
    differences_SN = second.losses_SN - first.losses_SN
    return Paired(
        first=first.arm,
        second=second.arm,
        set=first.set,
        epoch=second.epoch,
        num_examples=differences_SN.shape[1],
        num_seeds=differences_SN.shape[0],
        difference=float(differences_SN.mean()),
        interval=mean_interval(differences_SN),
        share_lower=float((differences_SN.mean(axis=0) < 0).mean()),
        by_seed=tuple(float(value) for value in differences_SN.mean(axis=1)),
        p=mean_p(differences_SN),
    )


def common_seeds(first: Table, second: Table) -> tuple[Table, Table] | None:
    """Both tables with the seeds that both have, for pairing; None when they share none."""
    seeds = tuple(seed for seed in first.seeds if seed in second.seeds)
    return (_with_seeds(first, seeds), _with_seeds(second, seeds)) if seeds else None


def best_epoch(distributions: Sequence[Distribution], *, arm: str, set: str) -> Distribution:
    """The epoch (after training began) at which the arm's mean on the set is lowest.

    Only epochs that all its seeds reached: a mean over fewer seeds is another arm's, so to speak.
    """
    found = [d for d in distributions if d.arm == arm and d.set == set and d.epoch > 0]
    if not found:
        raise DataError(f"arm {arm} was never measured on {set}")
    most = max(d.num_seeds for d in found)
    return min((d for d in found if d.num_seeds == most), key=lambda d: d.mean)


def at_last_epoch(tables: Sequence[Table], *, arm: str, set: str) -> Table:
    """The arm on the set at the end of training: each seed at its own last epoch; `epoch` is the latest."""
    mine = sorted((t for t in tables if t.arm == arm and t.set == set), key=lambda t: t.epoch)
    if not mine:
        raise DataError(f"arm {arm} was never measured on {set}")
    last_of = {seed: table for table in mine for seed in table.seeds}
    seeds = tuple(sorted(last_of))
    rows = [last_of[seed].losses_SN[last_of[seed].seeds.index(seed)] for seed in seeds]
    return replace(mine[-1], seeds=seeds, losses_SN=np.stack(rows))


def _with_seeds(table: Table, seeds: tuple[int, ...]) -> Table:
    rows = [table.seeds.index(seed) for seed in seeds]
    return replace(table, seeds=seeds, losses_SN=table.losses_SN[rows])


def _epoch_of(file: Path) -> int:
    return int(file.stem.removeprefix("epoch-"))


def _table(key: tuple[str, str, int], by_seed: Mapping[int, Mapping[str, float]]) -> Table:
    arm, set_name, epoch = key
    seeds = tuple(sorted(by_seed))
    ids = tuple(by_seed[seeds[0]])
    for seed in seeds:
        if tuple(by_seed[seed]) != ids:
            raise DataError(
                f"arm {arm}, seed {seed}: {set_name} was measured on other examples than seed {seeds[0]}"
            )
    losses: Any = [[by_seed[seed][example] for example in ids] for seed in seeds]
    return Table(arm, set_name, epoch, seeds, ids, np.array(losses, dtype=np.float64))


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
        first = first_of.setdefault(table.set, table)
        if table.ids != first.ids:
            raise DataError(
                f"arms {first.arm} and {table.arm} were measured on different examples of {table.set}; "
                "tune both on the same data with the same max_tokens and chat template"
            )
