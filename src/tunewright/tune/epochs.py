"""What is done between two epochs: measure every set, keep the best weights, and decide whether to go on.

All of it follows from the files of the epochs, so a resumed run decides as an uninterrupted one.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from tunewright.run.progress import Progress
from tunewright.tune.beside import write_rows
from tunewright.tune.config import TuneConfig
from tunewright.tune.measure import ExampleLoss, example_losses
from tunewright.tune.network import Network
from tunewright.tune.prepare import Prepared
from tunewright.tune.stopping import BestWeights, EarlyStopping, output_losses
from tunewright.tune.token_losses import TokenWatch
from tunewright.tune.trackers import Trackers


class EpochWatch:
    """Measures an arm after each epoch into `losses/epoch-N.jsonl`, and says when it has trained enough.

    `epochs_run` is the last epoch that was measured.
    """

    def __init__(
        self,
        network: Network,
        config: TuneConfig,
        prepared: Prepared,
        folder: Path,
        progress: Progress,
        trackers: Trackers,
        tokens: TokenWatch,
    ) -> None:
        self._network = network
        self._config = config
        self._prepared = prepared
        self._folder = folder
        self._progress = progress
        self._trackers = trackers
        self._tokens = tokens
        self._set = config.stop_on or next(iter(prepared.heldout), None)
        self.best = BestWeights(folder / "best.safetensors")
        self.epochs_run = 0

    def after_epoch(self, epoch: int) -> bool:
        """Measure after `epoch` (0: before training); whether training should stop here."""
        self.epochs_run = epoch
        self._tokens.measure(self._network, epoch)
        self._measure(epoch)
        if epoch == 0 or self._set is None:
            return False
        losses = output_losses(self._folder, self._set, epochs=epoch)
        steps_per_epoch = math.ceil(len(self._prepared.train.kept) / self._config.batch_size)
        for number, loss in enumerate(losses, start=1):  # what a tracker has already it leaves out
            self._trackers.log({f"heldout/{self._set}/output_loss": loss}, number * steps_per_epoch)
        if self._config.keep == "best":
            self.best.keep(self._network.model, losses, world=self._network.world)
        if self._config.patience is None:
            return False
        return EarlyStopping(self._config.patience, self._config.min_delta).should_stop(losses)

    def restore_best(self) -> int:
        """Put the weights that are to be saved into the model; the epoch they are of."""
        if self._config.keep == "last":
            return self.epochs_run
        assert self._set is not None, "checked before anything was loaded"
        losses = output_losses(self._folder, self._set, epochs=self.epochs_run)
        return self.best.restore(self._network.model, losses)

    def _measure(self, epoch: int) -> None:
        """Per-example losses of every set, into one file, written whole."""
        file = self._folder / "losses" / f"epoch-{epoch}.jsonl"
        world = self._network.world
        if world.from_first(file.exists):
            return
        sets = self._prepared.measured
        self._progress.start(f"measure epoch {epoch}", sum(map(len, sets.values())), "examples")
        rows = []
        for name, examples in sets.items():
            losses = example_losses(
                self._network,
                examples,
                pack_tokens=self._config.pack_tokens,
                on_progress=lambda done: self._progress.advance(done),
            )
            rows += [_loss_row(name, loss) for loss in losses]
        world.from_first(lambda: write_rows(file, rows))
        self._progress.finish()


def _loss_row(set_name: str, loss: ExampleLoss) -> dict[str, Any]:
    return {
        "set": set_name,
        "id": loss.id,
        "losses": {name: [group.nll, group.num_tokens] for name, group in loss.groups.items()},
    }
