"""The loss of every example, by role, as evaluation means it.

Trainers report a mean over batches of means over tokens, which changes with the batch size. Here each
example's summed loss and token count are kept apart for each group of roles, in eval mode, so any mean
can be formed later and none depends on how examples were laid out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tunewright.tune.conversation import Role
from tunewright.tune.examples import Example
from tunewright.tune.network import Network
from tunewright.tune.token_losses import token_losses

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
    """Per-example losses in eval mode, without gradient, in the order given. Training mode is restored.

    Several processes call it together and share the work by whole chunks, so that no sum changes.
    """
    found: dict[int, list[ExampleLoss]] = {}
    starts = range(0, len(examples), CHUNK)
    for number, start in enumerate(starts):
        chunk = examples[start : start + CHUNK]
        if network.takes(number):
            found[number] = _measure(network, chunk, pack_tokens)
        on_progress(len(chunk))
    for others in network.world.gathered(found):
        found |= others
    return [loss for number in range(len(starts)) for loss in found[number]]


def _measure(network: Network, examples: Sequence[Example], pack_tokens: int) -> list[ExampleLoss]:
    scored_roles = [role for roles in GROUPS.values() for role in roles]
    score = [np.isin(example.roles, scored_roles) for example in examples]
    for mask in score:
        mask[:1] = False
    found = []
    nll_of = token_losses(network, examples, pack_tokens=pack_tokens, score=score)
    for example, mask, nll in zip(examples, score, nll_of, strict=True):
        roles = example.roles[mask]
        sums = np.bincount(roles, weights=nll[mask].astype(np.float64), minlength=len(Role))
        counts = np.bincount(roles, minlength=len(Role))
        found.append(ExampleLoss(example.id, _groups(sums, counts)))
    return found


def _groups(sums: np.ndarray, counts: np.ndarray) -> dict[str, GroupLoss]:
    found = {}
    for name, roles in GROUPS.items():
        num_tokens = int(counts[list(roles)].sum())
        if num_tokens:
            found[name] = GroupLoss(float(sums[list(roles)].sum()), num_tokens)
    return found
