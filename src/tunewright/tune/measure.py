"""The loss of every example, by role, as evaluation means it.

Trainers report a mean over batches of means over tokens, which changes with the batch size. Here each
example's summed loss and token count are kept apart for each group of roles, in eval mode, so any mean
can be formed later and none depends on how examples were laid out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from tunewright.tune.batches import micro_batches
from tunewright.tune.conversation import Role
from tunewright.tune.examples import Example
from tunewright.tune.network import Network

GROUPS: dict[str, tuple[Role, ...]] = {
    "instruction": (Role.INSTRUCTION, Role.INPUT),
    "output": (Role.OUTPUT,),
    "explanation": (Role.EXPLANATION,),
    "eos": (Role.EOS,),
}
CHUNK = 256  # examples measured between two signs of progress


@dataclass(frozen=True, slots=True)
class GroupLoss:
    """Summed nll in nats over `num_tokens` scored tokens."""

    nll: float
    num_tokens: int

    @property
    def mean(self) -> float:
        """Nats per token. There is none for no tokens: an error, not 0."""
        if self.num_tokens == 0:
            raise ValueError("the mean loss of no tokens is undefined")
        return self.nll / self.num_tokens


@dataclass(frozen=True, slots=True)
class ExampleLoss:
    """The losses of one example, by group; a group without tokens is absent."""

    id: str
    groups: dict[str, GroupLoss]


def example_losses(
    network: Network,
    examples: Sequence[Example],
    *,
    pack_tokens: int,
    on_progress: Callable[[int], None] = lambda done: None,
) -> list[ExampleLoss]:
    """Per-example losses in eval mode, without gradient, in the order given. Training mode is restored."""
    was_training = network.model.training
    network.model.eval()
    losses: list[ExampleLoss] = []
    try:
        for start in range(0, len(examples), CHUNK):
            chunk = examples[start : start + CHUNK]
            losses += _measure(network, chunk, pack_tokens)
            on_progress(len(chunk))
    finally:
        network.model.train(was_training)
    return losses


@torch.no_grad()
def _measure(network: Network, examples: Sequence[Example], pack_tokens: int) -> list[ExampleLoss]:
    scored_roles = [role for roles in GROUPS.values() for role in roles]
    score = [np.isin(example.roles, scored_roles) for example in examples]
    for mask in score:
        mask[:1] = False
    zeros = [np.zeros(len(example), dtype=np.float32) for example in examples]
    sums = np.zeros((len(examples), len(Role)))
    counts = np.zeros((len(examples), len(Role)), dtype=np.int64)
    for micro in micro_batches(examples, zeros, pack_tokens=pack_tokens, packed=network.packed, score=score):
        nll_N = network.loss(micro).nll_N.double().cpu().numpy()
        owners = np.array(micro.documents)[micro.row_document_N]
        roles = np.concatenate([examples[index].roles[score[index]] for index in micro.documents])
        np.add.at(sums, (owners, roles), nll_N)
        np.add.at(counts, (owners, roles), 1)
    return [
        ExampleLoss(example.id, _groups(sums[index], counts[index])) for index, example in enumerate(examples)
    ]


def _groups(sums: np.ndarray, counts: np.ndarray) -> dict[str, GroupLoss]:
    found = {}
    for name, roles in GROUPS.items():
        num_tokens = int(counts[list(roles)].sum())
        if num_tokens:
            found[name] = GroupLoss(float(sums[list(roles)].sum()), num_tokens)
    return found
