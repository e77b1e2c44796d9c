"""How the output loss is distributed in every arm, and how two arms differ on the same examples.

Both arms of a comparison are measured on output tokens only, whatever they were trained on; an example's
loss is its mean over its output tokens in nats, and a set's is the mean over examples (the definition of
Shi et al. 2024). Arms with different tokenizers are measured per byte of the output instead (`unlike.py`).
The difference is paired: the same example under both arms, averaged over seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tunewright.errors import DataError
from tunewright.evaluate.intervals import Interval, mean_interval, mean_p
from tunewright.evaluate.loss_tables import Table
from tunewright.evaluate.unlike import PER_TOKEN


@dataclass(frozen=True, slots=True)
class Distribution:
    """One arm on one set at one epoch, over all examples and seeds; losses in its unit."""

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
    unit: str = PER_TOKEN


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
    unit: str = PER_TOKEN


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
        unit=table.unit,
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
        unit=first.unit,
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
