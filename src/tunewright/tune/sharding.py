"""Weights, gradients and optimizer state split over the processes: torch's fully_shard (FSDP2).

Each transformer block gathers its weights when it runs and lets them go after; what is outside the blocks
(embeddings, last norm, head) is gathered by the root, whose forward holds the loss too, because the tiled
head reads the head's weight itself, and with tied embeddings that is the embeddings' weight.

Gathering is a joint act: all processes make the same number of forward passes. One with fewer micro-batches
makes up for it with empty ones, which add an exact zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard

from tunewright.errors import ModelError
from tunewright.tune.batches import Micro
from tunewright.tune.distributed import World
from tunewright.tune.head import Loss

if TYPE_CHECKING:
    from tunewright.tune.network import Network


class Root(torch.nn.Module):
    """Owns the model, and a reference that is a copy; its forward is whatever computes with them."""

    def __init__(self, model: Any, reference: Any = None) -> None:
        super().__init__()
        self.model = model
        self.reference = reference

    def forward(self, compute: Callable[[], Loss]) -> Loss:
        """`compute()`, while the weights outside the blocks are whole."""
        return compute()


def shard(network: Network, world: World) -> Network:
    """The network with its weights split over the processes, in place; each keeps about 1/size of them.

    The model may still be on the CPU: its blocks move to the device one by one. In one process nothing
    is to split, and the network comes back as it is.
    """
    if world.size == 1:
        return replace(network, world=world)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    mesh = init_device_mesh(device, (world.size,))
    copied = network.reference is not None and not network.reference.is_base
    reference = network.reference.model if network.reference is not None and copied else None
    for model in [network.model] if reference is None else [network.model, reference]:
        for block in blocks_of(model):
            fully_shard(block, mesh=mesh)
    root = Root(network.model, reference)
    root.train(network.model.training)
    if reference is not None:
        reference.eval()
    fully_shard(root, mesh=mesh, reshard_after_forward=False)
    for module in root.modules():
        if isinstance(module, FSDPModule):  # gradients are sums: the loss is already divided
            module.set_gradient_divide_factor(1.0)
            module.set_force_sum_reduction_for_comms(True)
    return replace(network, world=world, root=root)


def blocks_of(model: torch.nn.Module) -> list[torch.nn.Module]:
    """The transformer blocks: the members of the list of modules that holds the most parameters."""
    lists = [module for module in model.modules() if isinstance(module, torch.nn.ModuleList)]
    if not lists:
        raise ModelError(f"{type(model).__name__} has no list of blocks to shard by; use --sharding none")
    largest = max(lists, key=lambda modules: sum(p.numel() for p in modules.parameters()))
    return list(largest)


def whole_model(network: Network, make: Callable[[], Any]) -> Any:
    """The model with all its weights in one place, to be saved: the network's own where it is not split.

    Else the first process makes it anew and gets the trained weights; the others help, and get None.
    """
    if network.root is None:
        return network.model
    model = make() if network.world.is_first else None
    weights = {} if model is None else dict(model.named_parameters())
    for name, parameter in network.model.named_parameters():
        if not parameter.requires_grad:
            continue
        whole = parameter.detach().full_tensor()
        if model is not None:
            weights[name].data.copy_(whole)
    return model


def made_up(micros: Iterable[Micro], world: World, *, packed: bool) -> Sequence[Micro]:
    """This process's micro-batches, and empty ones up to the number that the busiest process has."""
    own = list(micros)
    return own + [empty_micro(packed=packed)] * (world.most(len(own)) - len(own))


def empty_micro(*, packed: bool) -> Micro:
    """A document of one token and no target: its loss is 0, and so are all gradients."""
    nothing = torch.zeros(0, dtype=torch.int64)
    return Micro(
        ids_BT=torch.zeros(1, 1, dtype=torch.int64),
        positions_BT=torch.zeros(1, 1, dtype=torch.int64),
        is_packed=packed,
        lengths=[1],
        rows_N=nothing,
        targets_N=nothing,
        coefficients_N=torch.zeros(0),
        documents=[0],
        row_document_N=np.zeros(0, dtype=np.int64),
    )
