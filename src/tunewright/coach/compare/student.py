"""The student: the same model tuned on either set with equal settings and seeds, measured on the same
human-written records it has not seen.

A lower loss says that the set brings the student closer to what people write, under this model and this
budget. It does not say that its answers are better liked.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tunewright.errors import DataError
from tunewright.rate.summary import REPLICATES, Interval, percentile_interval
from tunewright.records.record import Record
from tunewright.run.files import read_jsonl
from tunewright.run.progress import Progress
from tunewright.run.seeds import derive_seed
from tunewright.tune.config import TuneConfig

SET = "heldout"
SCRATCH_LR = 2e-3  # what `tune` takes for a model from scratch; here such a model comes from a folder

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Epoch:
    """Mean output loss on the held-out records, in nats per token, and the paired difference after − before.

    An example's loss is the mean over its output tokens, a set's the mean over examples (Shi et al. 2024).
    The interval resamples seeds and examples; with one seed it speaks of other examples only.
    """

    epoch: int
    before: float
    after: float
    difference: float
    interval: Interval
    by_seed: tuple[float, ...]
    share_lower: float  # of examples, averaged over seeds, on which AFTER has the lower loss


@dataclass(frozen=True)
class Student:
    """All epochs; the last one is what is reported. `num_seen` are held-out prompts that a set holds too."""

    model: str
    num_examples: int
    num_seeds: int
    num_trained: tuple[int, int]
    num_seen: tuple[int, int]
    epochs: tuple[Epoch, ...]


def tune_students(
    config: TuneConfig,
    before: Sequence[Record],
    after: Sequence[Record],
    heldout: Sequence[Record],
    folder: Path,
    *,
    num_seeds: int,
    progress: Progress | None = None,
) -> Student:
    """Tune `num_seeds` students on each set, in run folders of their own below `folder`, and compare them."""
    from tunewright.tune.stage import tune

    manifests: dict[str, list[dict[str, Any]]] = {"before": [], "after": []}
    sets = {"before": before, "after": after}
    for seed in range(1, num_seeds + 1):
        settings = config.model_copy(update={"seed": seed})
        if config.model.startswith("scratch:"):
            model = _same_beginning(config.model, seed, [*before, *after], folder / f"begin-{seed}")
            lr = config.lr or (SCRATCH_LR if config.lora is None else None)
            settings = settings.model_copy(update={"model": str(model), "lr": lr})
        for name, records in sets.items():
            out = folder / f"{name}-{seed}"
            manifests[name].append(tune(settings, records, out, heldout={SET: heldout}, progress=progress))
    folders = {name: [folder / f"{name}-{seed}" for seed in range(1, num_seeds + 1)] for name in sets}
    ids, epochs = _compare(folders["before"], folders["after"])
    first = (manifests["before"][0], manifests["after"][0])
    return Student(
        model=config.model,
        num_examples=len(ids),
        num_seeds=num_seeds,
        num_trained=(first[0]["counts"]["train"], first[1]["counts"]["train"]),
        num_seen=(_seen(first[0]), _seen(first[1])),
        epochs=tuple(epochs),
    )


def read_losses(folder: Path, epoch: int) -> dict[str, float]:
    """Mean output loss per held-out example, by id, as `tune` wrote it."""
    found = {}
    for row in read_jsonl(folder / "losses" / f"epoch-{epoch}.jsonl"):
        if row["set"] == SET and "output" in row["losses"]:
            nll, num_tokens = row["losses"]["output"]
            found[row["id"]] = nll / num_tokens
    return found


def paired(before_SN: ArrayLike, after_SN: ArrayLike, *, epoch: int) -> Epoch:
    """The difference of two [seeds, examples] tables of losses, example by example and seed by seed."""
    old: Floats = np.atleast_2d(np.asarray(before_SN, dtype=np.float64))
    new: Floats = np.atleast_2d(np.asarray(after_SN, dtype=np.float64))
    assert old.shape == new.shape, "both arms are measured on the same examples"
    difference_SN = new - old
    return Epoch(
        epoch=epoch,
        before=float(old.mean()),
        after=float(new.mean()),
        difference=float(difference_SN.mean()),
        interval=_interval(difference_SN),
        by_seed=tuple(float(one) for one in difference_SN.mean(axis=1)),
        share_lower=float((difference_SN.mean(axis=0) < 0).mean()),
    )


def _interval(table_SN: Floats, *, seed: int = 0) -> Interval:
    """The percentile bootstrap interval of the mean: seeds and examples are drawn, each with replacement."""
    num_seeds, num_examples = table_SN.shape
    rng = np.random.default_rng(seed)
    means = np.empty(REPLICATES)
    for replicate in range(REPLICATES):
        seeds = rng.integers(num_seeds, size=num_seeds)
        examples = rng.integers(num_examples, size=num_examples)
        means[replicate] = table_SN[seeds].mean(axis=0)[examples].mean()
    interval = percentile_interval(means)
    assert interval is not None, "there are many replicates"
    return interval


def _compare(before: Sequence[Path], after: Sequence[Path]) -> tuple[list[str], list[Epoch]]:
    numbers = sorted(int(file.stem.removeprefix("epoch-")) for file in (before[0] / "losses").glob("epoch-*"))
    ids: list[str] = []
    epochs = []
    for number in numbers:
        tables = [[read_losses(folder, number) for folder in folders] for folders in (before, after)]
        ids = list(tables[0][0])
        if any(list(losses) != ids for losses in [*tables[0], *tables[1]]):
            raise DataError(f"the students in {before[0].parent} were not measured on the same examples")
        old, new = ([[losses[id] for id in ids] for losses in side] for side in tables)
        epochs.append(paired(old, new, epoch=number))
    return ids, epochs


def _same_beginning(spec: str, seed: int, records: Sequence[Record], path: Path) -> Path:
    """A folder with the model and tokenizer that both students of a seed begin with.

    A `scratch:` model makes its tokenizer from its data: tuned on either set alone, the two would count in
    different tokens, and their losses could not be compared.
    """
    path = path.resolve()
    if path.is_dir():
        return path
    from transformers.utils import logging

    from tunewright.tune.model import load_model, load_tokenizer

    partial = path.with_name(f".{path.name}.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    tokenizer = load_tokenizer(spec, records)
    model = load_model(spec, tokenizer, seed=derive_seed(seed, "init"))
    logging.disable_progress_bar()
    model.save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    partial.rename(path)
    return path


def _seen(manifest: dict[str, Any]) -> int:
    return int(manifest["extra"]["heldout_prompts_in_training"][SET])
