"""A model with the two facts the loop needs proved: how documents are laid out, and where its head is."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from tunewright.tune.batches import Micro
from tunewright.tune.head import Loss, weighted_cross_entropy
from tunewright.tune.model import decoder_of, supports_packing


@dataclass(frozen=True)
class Network:
    """A causal model ready to give losses.

    `packed`: documents may lie end to end in one row. `plain_head`: its logits are hidden·weightᵀ + bias
    and nothing else, so the tiled head may be used. `dtype` is what products run in (autocast).
    """

    model: Any
    packed: bool
    plain_head: bool
    dtype: torch.dtype

    @classmethod
    def prepare(cls, model: Any, *, dtype: torch.dtype) -> Network:
        """Prove both facts on the model itself, with random tokens."""
        return cls(model, supports_packing(model), _has_plain_head(model), dtype)

    def loss(self, micro: Micro) -> Loss:
        """Σ coefficient·nll over the scored targets of one forward pass, and the nll of each."""
        device = self.model.device
        inputs: dict[str, Any] = {"input_ids": micro.ids_BT.to(device), "use_cache": False}
        if self.packed:
            inputs |= {
                "position_ids": micro.positions_BT.to(device),
                "document_lengths": micro.document_lengths,
            }
        rows, targets = micro.rows_N.to(device), micro.targets_N.to(device)
        coefficients = micro.coefficients_N.to(device)
        with self._autocast(device):
            if not self.plain_head:
                logits_NV = self.model(**inputs).logits.flatten(0, 1)[rows].float()
                nll_N = cross_entropy(logits_NV, targets, reduction="none")
                return Loss((nll_N * coefficients).sum(), nll_N.detach())
            hidden_BTD = decoder_of(self.model)(**inputs)[0]
            head = self.model.get_output_embeddings()
            return weighted_cross_entropy(
                hidden_BTD.flatten(0, 1)[rows],
                head.weight,
                getattr(head, "bias", None),
                targets,
                coefficients,
            )

    def _autocast(self, device: torch.device) -> contextlib.AbstractContextManager[Any]:
        if self.dtype == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(device.type, dtype=self.dtype)


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
