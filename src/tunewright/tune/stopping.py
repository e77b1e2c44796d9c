"""When to stop, and which epoch's weights to keep: rules on the held-out output losses alone.

Both are pure functions of the losses that lie in `losses/epoch-N.jsonl`, so a run that was cut needs to
remember nothing: it reads them again and decides the same. Epoch 0, the untrained model, is no candidate.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from tunewright.errors import DataError, ModelError, RecipeError, RunFolderError
from tunewright.run.files import read_jsonl
from tunewright.tune.checkpoint import load_checkpoint, save_checkpoint
from tunewright.tune.distributed import ALONE, World


@dataclass(frozen=True)
class EarlyStopping:
    """Stop after `patience` epochs in a row without a loss more than `min_delta` nats under the best."""

    patience: int
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        if self.patience < 1 or self.min_delta < 0:
            raise RecipeError(
                f"early stopping needs a patience of at least 1 and a min_delta of at least 0, not "
                f"{self.patience} and {self.min_delta}"
            )

    def should_stop(self, losses: Sequence[float]) -> bool:
        """Whether to stop after the last of `losses`, which are of epochs 1, 2, ….

        A loss that is NaN or infinite counts as worse than any other: it uses up patience.
        """
        best, waited = math.inf, 0
        for loss in losses:
            better = math.isfinite(loss) and loss < best - self.min_delta
            best, waited = (loss, 0) if better else (best, waited + 1)
        return waited >= self.patience


def best_epoch(losses: Sequence[float]) -> int:
    """The epoch, from 1, with the smallest of `losses`; the earliest of equals, as it has trained less.

    NaN and infinity are never best. When nothing else is there, that is a ModelError.
    """
    finite = [(loss, epoch) for epoch, loss in enumerate(losses, start=1) if math.isfinite(loss)]
    if not finite:
        raise ModelError(
            f"no epoch has a finite held-out output loss (of {len(losses)}); try a lower --lr or "
            "--precision f32"
        )
    return min(finite)[1]


def output_losses(folder: Path, name: str, *, epochs: int) -> list[float]:
    """The output loss of set `name` after epochs 1 … `epochs`, from the files in the run folder.

    It is the mean over examples of each one's mean nll in nats, as everywhere in a comparison; examples
    without output tokens are left out. Raises DataError for a set that has none.
    """
    return [_output_loss(folder / "losses" / f"epoch-{epoch}.jsonl", name) for epoch in range(1, epochs + 1)]


def _output_loss(file: Path, name: str) -> float:
    means = list(_output_means(file, name))
    if not means:
        raise DataError(f"{file}: the set {name!r} has no output tokens, so no loss to stop by")
    return math.fsum(means) / len(means)


def _output_means(file: Path, name: str) -> Iterator[float]:
    for row in read_jsonl(file):
        if row["set"] == name and "output" in row["losses"]:
            nll, num_tokens = row["losses"]["output"]
            yield math.nan if nll is None else nll / num_tokens  # JSON has no NaN: it was written as null


class BestWeights:
    """The trainable weights of the best epoch so far, in one file that names its epoch.

    `keep` after every epoch's measuring, also when it is repeated after a resume; `restore` before the
    model is saved. The loop's checkpoint is written before the measuring, so at any moment either this
    file holds the best of the measured epochs, or `keep` is about to be called again with those weights.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, model: Any, losses: Sequence[float], *, world: World = ALONE) -> bool:
        """Write the model's weights if the last of `losses` is the best; whether that was done.

        Several processes call it together, and the first one writes.
        """
        epoch = len(losses)
        is_best = any(map(math.isfinite, losses)) and best_epoch(losses) == epoch
        if not world.from_first(lambda: is_best and self.epoch() != epoch):
            return False
        facts = {"epoch": epoch, "loss": losses[-1]}
        save_checkpoint(self.path, model, _without_state(model), facts, writes=world.is_first)
        world.from_first(lambda: None)  # nobody looks for the file before it is there
        return True

    def restore(self, model: Any, losses: Sequence[float]) -> int:
        """Put the best epoch's weights into the model and give back the epoch.

        Raises RunFolderError when the file is missing or of another epoch than the losses say.
        """
        epoch = best_epoch(losses)
        if self.epoch() != epoch:
            raise RunFolderError(
                f"{self.path} should hold the weights of epoch {epoch}, the best, and holds "
                f"{'none' if self.epoch() is None else f'epoch {self.epoch()}'}; restore the file or run "
                "again with --again"
            )
        load_checkpoint(self.path, model, _without_state(model))
        return epoch

    def epoch(self) -> int | None:
        """The epoch of the weights in the file; None when there is no file."""
        if not self.path.exists():
            return None

        with safe_open(str(self.path), framework="pt") as stored:
            return int(json.loads(stored.metadata()["facts"])["epoch"])


def _without_state(model: Any) -> torch.optim.Optimizer:
    """An optimizer that holds nothing, for a checkpoint of the weights alone."""
    return torch.optim.SGD([parameter for parameter in model.parameters() if parameter.requires_grad])
