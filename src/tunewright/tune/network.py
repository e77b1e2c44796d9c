"""A model with the two facts the loop needs proved: how documents are laid out, and where its head is."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from tunewright.tune.batches import Micro
from tunewright.tune.distributed import ALONE, World
from tunewright.tune.head import Loss, Reference, weighted_cross_entropy
from tunewright.tune.model import decoder_of, supports_packing
from tunewright.tune.neftune import Neftune, added_to_embeddings
from tunewright.tune.reference import FrozenReference
from tunewright.tune.sharding import Root


@dataclass(frozen=True)
class Network:
    """A causal model ready to give losses.

    `packed`: documents may lie end to end in one row. `plain_head`: its logits are hidden·weightᵀ + bias
    and nothing else, so the tiled head may be used. `dtype` is what products run in (autocast). With a
    `reference`, λ = `kl` times the divergence from it is part of a training loss. `world` is this process's
    place among those that train together; with a `root` the weights are split over them.
    """

    model: Any
    packed: bool
    plain_head: bool
    dtype: torch.dtype
    reference: FrozenReference | None = None
    kl: float = 0.0
    world: World = ALONE
    root: Root | None = None

    @classmethod
    def prepare(cls, model: Any, *, dtype: torch.dtype, kl: float = 0.0, world: World = ALONE) -> Network:
        """Prove both facts on the model itself, with random tokens; with `kl`, freeze what it is now."""
        packed, plain_head = supports_packing(model), _has_plain_head(model)
        reference = FrozenReference.of(model) if kl else None
        return cls(model, packed, plain_head, dtype, reference, kl, world)

    def takes(self, piece: int) -> bool:
        """Whether this process measures the piece of that number; with split weights all do all of them."""
        return self.root is not None or piece % self.world.size == self.world.rank

    def loss(self, micro: Micro, *, noise: Neftune | None = None) -> Loss:
        """Σ coefficient·(nll + λ·KL) over the scored targets of one forward pass, and the parts of each.

        The divergence is formed in training mode only; `noise` is added to the embeddings of this model, not
        to its reference's. With split weights all processes call it together.
        """
        if self.root is None:
            return self._loss(micro, noise)
        loss: Loss = self.root(lambda: self._loss(micro, noise))
        if not torch.is_grad_enabled():
            self.root.reshard()  # type: ignore[operator]  # else only a backward pass lets the weights go
        return loss

    def _loss(self, micro: Micro, noise: Neftune | None) -> Loss:
        device = self.model.device
        inputs: dict[str, Any] = {"input_ids": micro.ids_BT.to(device), "use_cache": False}
        if self.packed:
            inputs |= {"position_ids": micro.positions_BT.to(device), "document_lengths": micro.lengths}
        rows, targets = micro.rows_N.to(device), micro.targets_N.to(device)
        coefficients = micro.coefficients_N.to(device)
        reference = self.reference if self.model.training else None
        noise_BTD = None
        if noise is not None:
            noise_BTD = noise.of(micro, self.model.get_input_embeddings().weight.shape[1]).to(device)
        with self._autocast(device):
            if not self.plain_head:
                return self._loss_of_logits(inputs, rows, targets, coefficients, reference, noise_BTD)
            near = None
            if reference is not None:
                with reference.asked() as model:
                    hidden_ND = decoder_of(model)(**inputs)[0].flatten(0, 1)[rows]
                    near = Reference(hidden_ND, *_head_of(model), self.kl)
            with added_to_embeddings(self.model, noise_BTD):
                hidden_BTD = decoder_of(self.model)(**inputs)[0]
            return weighted_cross_entropy(
                hidden_BTD.flatten(0, 1)[rows],
                *_head_of(self.model),
                targets,
                coefficients,
                reference=near,
            )

    def _loss_of_logits(
        self,
        inputs: dict[str, Any],
        rows: Tensor,
        targets: Tensor,
        coefficients: Tensor,
        reference: FrozenReference | None,
        noise_BTD: Tensor | None,
    ) -> Loss:
        """The same through whole logits, for heads that do more than multiply."""
        with added_to_embeddings(self.model, noise_BTD):
            logits_NV = self.model(**inputs).logits.flatten(0, 1)[rows].float()
        nll_N = cross_entropy(logits_NV, targets, reduction="none")
        if reference is None:
            return Loss((nll_N * coefficients).sum(), nll_N.detach())
        with reference.asked() as model:
            log_q_NV = model(**inputs).logits.flatten(0, 1)[rows].float().log_softmax(dim=1)
        log_p_NV = logits_NV.log_softmax(dim=1)
        kl_N = (log_p_NV.exp() * (log_p_NV - log_q_NV)).sum(dim=1)
        total = ((nll_N + self.kl * kl_N) * coefficients).sum()
        return Loss(total, nll_N.detach(), kl_N.detach())

    def _autocast(self, device: torch.device) -> contextlib.AbstractContextManager[Any]:
        if self.dtype == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(device.type, dtype=self.dtype)


def _head_of(model: Any) -> tuple[Tensor, Tensor | None]:
    head = model.get_output_embeddings()
    return head.weight, getattr(head, "bias", None)


def _has_plain_head(model: Any) -> bool:
    """Whether decoder and output embeddings alone reproduce the model's own logits on random tokens."""
    head = model.get_output_embeddings()
    if head is None or not isinstance(getattr(head, "weight", None), Tensor):
        return False
    if getattr(model.config, "final_logit_softcapping", None):
        return False  # on the small logits of fresh weights a soft cap would not show in the comparison
    ids = torch.randint(0, head.weight.shape[0], (1, 7), generator=torch.Generator().manual_seed(0)).to(
        model.device
    )
    was_training = model.training
    model.eval()
    with torch.no_grad():
        logits = model(input_ids=ids, use_cache=False).logits
        hidden = decoder_of(model)(input_ids=ids, use_cache=False)[0]
        if hidden.shape[-1] != head.weight.shape[1]:
            model.train(was_training)
            return False
        product = hidden @ head.weight.T
        bias = getattr(head, "bias", None)
        own = product if bias is None else product + bias
    model.train(was_training)
    return own.shape == logits.shape and torch.allclose(own, logits, atol=1e-4, rtol=1e-4)
