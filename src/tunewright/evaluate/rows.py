"""The rows of an evaluation: one per arm, seed and epoch, and one per pair of arms, set and moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import accumulate, combinations
from typing import Any

from tunewright.evaluate.intervals import mean_interval
from tunewright.evaluate.loss_tables import Arm, Table
from tunewright.evaluate.losses import (
    Distribution,
    at_last_epoch,
    best_epoch,
    common_seeds,
    paired_difference,
)
from tunewright.run.files import read_jsonl


def paired_rows(tables: Sequence[Table], distributions: Sequence[Distribution]) -> list[dict[str, Any]]:
    """All pairs of arms on all sets: at each epoch both reached, and `at` "last" and "best".

    These two take each arm at its own last or best epoch (`epochs`: first's, second's), since arms may be
    trained for different lengths. Arms are paired over the seeds that both have; none in common, no row, nor
    where the rows of a set are each arm's own.
    "best" is for looking: its epochs are picked on the rows that they are compared on, so it has no p.
    """
    names = list(dict.fromkeys(table.arm for table in tables))
    sets = list(dict.fromkeys(table.set for table in tables))
    rows = []
    for first, second in combinations(names, 2):
        for set_name in sets:
            rows += list(_pair(tables, distributions, first, second, set_name))
    return rows


def _pair(
    tables: Sequence[Table], distributions: Sequence[Distribution], first: str, second: str, set_name: str
) -> Iterator[dict[str, Any]]:
    of_first, of_second = (
        {table.epoch: table for table in tables if (table.arm, table.set) == (arm, set_name)}
        for arm in (first, second)
    )
    for epoch in sorted(of_first.keys() & of_second.keys()):
        yield from _row("epoch", of_first[epoch], of_second[epoch])
    yield from _row("last", *(at_last_epoch(tables, arm=arm, set=set_name) for arm in (first, second)))
    best = [best_epoch(distributions, arm=arm, set=set_name).epoch for arm in (first, second)]
    yield from _row("best", of_first[best[0]], of_second[best[1]])


def _row(at: str, first: Table, second: Table) -> Iterator[dict[str, Any]]:
    both = None if first.is_own else common_seeds(first, second)
    if both is not None:
        row = {"at": at, **asdict(paired_difference(*both))}
        if at == "best":
            row["p"] = None
        yield row if at == "epoch" else row | {"epochs": [first.epoch, second.epoch]}


def metric_rows(
    arms: Sequence[Arm],
    manifests: Mapping[Arm, Mapping[str, Any]],
    tables: Sequence[Table],
    scores: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """A row per arm, seed and epoch: losses with intervals over examples, tokens so far, cost, memorisation.

    `weighted_tokens` (with loss) and `real_tokens` (all that the model read) count from the start;
    `train_seconds` and `peak_bytes` are of the whole training. Memorisation is measured on the saved model
    and stands in the row of its epoch; it is null in the others.
    """
    return [
        row
        for arm in arms
        for row in _rows_of(arm, manifests[arm], tables, [s for s in scores if _is_of(s, arm)])
    ]


def _is_of(score: Mapping[str, Any], arm: Arm) -> bool:
    return (score["arm"], score["seed"]) == (arm.name, arm.seed)


def _rows_of(
    arm: Arm, manifest: Mapping[str, Any], tables: Sequence[Table], scores: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    mine = [table for table in tables if table.arm == arm.name and arm.seed in table.seeds]
    epochs = sorted({table.epoch for table in mine})
    steps = list(read_jsonl(arm.folder / "metrics.jsonl"))
    weighted, real = (_until(steps, count, epochs) for count in ("num_tokens", "num_seen"))
    saved = manifest["extra"].get("kept_epoch") or epochs[-1]
    memorised = next((score["memorisation"] for score in scores if "memorisation" in score), None)
    for epoch in epochs:
        row: dict[str, Any] = {"arm": arm.name, "seed": arm.seed, "epoch": epoch}
        for table in mine:
            if table.epoch == epoch:
                values = table.losses_SN[table.seeds.index(arm.seed)]
                interval = mean_interval(values)
                row[f"{table.set}_output_loss"] = float(values.mean())
                row[f"{table.set}_output_loss_interval"] = [interval.low, interval.high]
        here = memorised if epoch == saved else None
        row["memorisation_bleu"] = here["bleu"] if here else None
        row["memorisation_exact_share"] = here["exact_share"] if here else None
        row["weighted_tokens"], row["real_tokens"] = weighted[epoch], real[epoch]
        row["objective_loss"] = _mean_loss(steps, epoch)
        row["train_seconds"] = manifest["extra"]["train_seconds"]
        row["peak_bytes"] = manifest["extra"]["peak_bytes"]
        row["cuda_peak_bytes"] = manifest["extra"].get("cuda_peak_bytes")
        yield row


def _until(steps: Sequence[Mapping[str, Any]], count: str, epochs: Sequence[int]) -> dict[int, int]:
    """The sum of a step's count up to the end of each epoch."""
    each = [sum(step[count] for step in steps if step["epoch"] == epoch) for epoch in epochs]
    return dict(zip(epochs, accumulate(each), strict=True))


def _mean_loss(steps: Sequence[Mapping[str, Any]], epoch: int) -> float | None:
    """The mean of the training objective over an epoch's steps; none before training."""
    losses = [step["loss"] for step in steps if step["epoch"] == epoch]
    return sum(losses) / len(losses) if losses else None
