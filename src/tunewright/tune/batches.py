"""Which examples make a step, in which order, and how they are laid out for the model.

The order depends on the seed, the epoch and the number of examples alone: arms with one seed see the same
rows in the same steps. How a step is cut into forward passes changes memory and speed, never the loss.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tunewright.run.seeds import derive_seed
from tunewright.tune.examples import Example


@dataclass(frozen=True, slots=True)
class Micro:
    """One forward pass. Shapes: B rows, T slots, N scored targets.

    Packed: one row, documents end to end, positions starting again at 0 in each. Padded: one document a
    row, filled on the right with zeros, which causal attention never looks at.
    `rows_N` are the flat places (in B·T) whose hidden state predicts `targets_N`.
    """

    ids_BT: Tensor
    positions_BT: Tensor
    is_packed: bool
    lengths: list[int]  # of each document
    rows_N: Tensor
    targets_N: Tensor
    coefficients_N: Tensor
    documents: list[int]  # index of each document within the step
    row_document_N: NDArray[np.int64]  # index within `documents` of each scored target


def order(num_examples: int, *, seed: int, epoch: int) -> NDArray[np.int64]:
    """The examples of one epoch as a permutation, the same for every arm with this seed."""
    return np.random.default_rng(derive_seed(seed, "order", epoch)).permutation(num_examples)


def steps_of_epoch(num_examples: int, *, batch_size: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """The epoch's order cut into steps; the last one may be smaller, none is dropped."""
    permutation = order(num_examples, seed=seed, epoch=epoch)
    return [permutation[start : start + batch_size] for start in range(0, num_examples, batch_size)]


def micro_batches(
    examples: Sequence[Example],
    coefficients: Sequence[NDArray[np.float32]],
    *,
    pack_tokens: int,
    packed: bool,
    score: Sequence[NDArray[np.bool_]] | None = None,
    own: Sequence[int] | None = None,
) -> Iterator[Micro]:
    """Cut a step into forward passes of at most `pack_tokens` slots (one longer document makes its own).

    `score` names the targets whose loss is wanted; by default those with a non-zero coefficient.
    Documents without any are left out: they would add nothing. `own` are the documents of this process.
    """
    wanted = [coefficient != 0 for coefficient in coefficients] if score is None else list(score)
    useful = [index for index in (range(len(examples)) if own is None else own) if wanted[index].any()]
    if not packed:
        useful.sort(key=lambda index: len(examples[index]))
    group: list[int] = []
    for index in useful:
        if group and _slots(examples, [*group, index], packed=packed) > pack_tokens:
            yield _layout(examples, coefficients, wanted, group, packed=packed)
            group = []
        group.append(index)
    if group:
        yield _layout(examples, coefficients, wanted, group, packed=packed)


def _slots(examples: Sequence[Example], group: list[int], *, packed: bool) -> int:
    lengths = [len(examples[index]) for index in group]
    return sum(lengths) if packed else max(lengths) * len(lengths)


def _layout(
    examples: Sequence[Example],
    coefficients: Sequence[NDArray[np.float32]],
    wanted: Sequence[NDArray[np.bool_]],
    group: list[int],
    *,
    packed: bool,
) -> Micro:
    lengths = [len(examples[index]) for index in group]
    width = sum(lengths) if packed else max(lengths)
    ids = np.zeros((1 if packed else len(group), width), dtype=np.int64)
    positions = np.zeros_like(ids)
    rows, targets, weights, owners = [], [], [], []
    start = 0
    for number, index in enumerate(group):
        example = examples[index]
        row, column = (0, start) if packed else (number, 0)
        ids[row, column : column + len(example)] = example.ids
        positions[row, column : column + len(example)] = np.arange(len(example))
        scored = np.flatnonzero(wanted[index])
        assert not len(scored) or scored[0] > 0, "position 0 has nothing to be predicted from"
        rows.append(row * width + column + scored - 1)
        targets.append(example.ids[scored])
        weights.append(coefficients[index][scored])
        owners.append(np.full(len(scored), number, dtype=np.int64))
        start += len(example)
    return Micro(
        ids_BT=torch.from_numpy(ids),
        positions_BT=torch.from_numpy(positions),
        is_packed=packed,
        lengths=lengths,
        rows_N=torch.from_numpy(np.concatenate(rows)),
        targets_N=torch.from_numpy(np.concatenate(targets)),
        coefficients_N=torch.from_numpy(np.concatenate(weights)),
        documents=group,
        row_document_N=np.concatenate(owners),
    )
