"""How far training rows and held-out rows part, by group of roles, with intervals.

The level of a loss depends on the rows, so levels of two sets are not compared; changes since the start of
training are. The gap's growth is the change on held-out rows minus that on training rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunewright.evaluate.intervals import Interval, difference_interval, mean_interval
from tunewright.evaluate.loss_tables import Table
from tunewright.report.tokens.gather import Tokens, best_known


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean in nats per token with its interval over examples and seeds."""

    value: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Gap:
    """One arm on one group of tokens: the training rows against one held-out set.

    `grown` > 0: held-out loss fell less than training loss. `since_best` > 0: the held-out loss is higher
    at the end than at the arm's best epoch (best by output loss), None where the two are one.
    """

    arm: str
    group: str
    heldout: str
    best: int | None
    last: int
    train: tuple[float, float]  # mean before and at the end
    held: tuple[float, float]
    train_change: Estimate
    held_change: Estimate
    grown: Estimate
    since_best: Estimate | None


def gaps(tokens: Tokens) -> list[Gap]:
    """Every group, held-out set and arm that was measured before and after training."""
    found = []
    for group in tokens.tables:
        for heldout in tokens.sets():
            if heldout != "train":
                found += [g for arm in tokens.arms if (g := _gap(tokens, arm, group, heldout)) is not None]
    return found


def _gap(tokens: Tokens, arm: str, group: str, heldout: str) -> Gap | None:
    states = {state.name: state.epoch_of[arm] for state in tokens.states}
    before, last = states.get("before"), states.get("last")
    if before is None or last is None or before == last:
        return None
    best = best_known(arm, tokens.tables.get("output", []), heldout)
    train_then, train_now = (tokens.table(group, arm, "train", epoch) for epoch in (before, last))
    held_then, held_now = (tokens.table(group, arm, heldout, epoch) for epoch in (before, last))
    if train_then is None or train_now is None or held_then is None or held_now is None:
        return None
    train_SN = train_now.losses_SN - train_then.losses_SN
    held_SM = held_now.losses_SN - held_then.losses_SN
    at_best = None if best is None or best == last else tokens.table(group, arm, heldout, best)
    return Gap(
        arm,
        group,
        heldout,
        best,
        last,
        (_mean(train_then), _mean(train_now)),
        (_mean(held_then), _mean(held_now)),
        estimate(train_SN),
        estimate(held_SM),
        difference(held_SM, train_SN),
        None if at_best is None else estimate(held_now.losses_SN - at_best.losses_SN),
    )


def estimate(values_SN: NDArray[np.float64]) -> Estimate:
    """The mean of a [seeds, examples] table."""
    return Estimate(float(values_SN.mean()), mean_interval(values_SN))


def difference(first_SN: NDArray[np.float64], second_SM: NDArray[np.float64]) -> Estimate:
    """mean(first) − mean(second): the same seeds, but other examples in each."""
    return Estimate(float(first_SN.mean() - second_SM.mean()), difference_interval(first_SN, second_SM))


def _mean(table: Table) -> float:
    return float(table.losses_SN.mean())
