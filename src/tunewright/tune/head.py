"""Per-token loss from hidden states, without ever holding all logits.

The gradient of a weighted sum of cross entropies with respect to the logits is known in closed form,
softmax − one-hot, so each tile of rows makes its logits, its losses and its share of the gradients in the
forward pass, and then forgets the logits. So does the divergence from a reference model, whose gradient is
p·(log p − log q − KL). Only rows with a weight are given to it.

Shapes: N rows, D hidden size, V vocabulary.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

# Logits held at a time. Wide tiles pay: each adds a product to the gradient of the whole head.
TILE_BYTES = 64 * 1024 * 1024
# Logits whose softmax is taken at a time on a CPU, so that its passes stay in a core's own cache.
STRIP_BYTES = 1024 * 1024


class Loss(NamedTuple):
    """`total` is Σ coefficient·(nll + λ·KL), a scalar with a gradient; the rest is per row, detached.

    `kl_N` is None without a reference.
    """

    total: Tensor
    nll_N: Tensor
    kl_N: Tensor | None = None


class Reference(NamedTuple):
    """The rows of the model that a tuned one is to stay near, and the weight λ of that wish."""

    hidden_ND: Tensor
    weight_VD: Tensor
    bias_V: Tensor | None
    kl: float


def weighted_cross_entropy(
    hidden_ND: Tensor,
    weight_VD: Tensor,
    bias_V: Tensor | None,
    targets_N: Tensor,
    coefficients_N: Tensor,
    *,
    reference: Reference | None = None,
) -> Loss:
    """Σ coefficient·(−log softmax(hidden·weightᵀ + bias)[target]) and the loss of every row, in nats.

    With a reference, λ·coefficient·Σ_v p(v)·log(p(v)/q(v)) is added, q its distribution: over the whole
    vocabulary, so its gradient is not that of the target's own log-probability. Under autocast the products
    run in its dtype; softmax and sums are float32. No rows: a zero that still has a gradient.
    """
    if not torch.is_grad_enabled():  # a parameter asks for its gradient even then, at twice the time
        hidden_ND, weight_VD = hidden_ND.detach(), weight_VD.detach()
        bias_V = None if bias_V is None else bias_V.detach()
    total, nll_N, kl_N = _TiledCrossEntropy.apply(  # type: ignore[no-untyped-call]
        hidden_ND, weight_VD, bias_V, targets_N, coefficients_N, reference
    )
    return Loss(total, nll_N, kl_N if reference is not None else None)


class _TiledCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden_ND: Tensor,
        weight_VD: Tensor,
        bias_V: Tensor | None,
        targets_N: Tensor,
        coefficients_N: Tensor,
        reference: Reference | None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        device = hidden_ND.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden_ND.dtype
        product_VD = weight_VD.to(dtype)
        nll_N = torch.empty(len(targets_N), dtype=torch.float32, device=hidden_ND.device)
        kl_N = torch.zeros_like(nll_N)
        wants_hidden, wants_weight, wants_bias = ctx.needs_input_grad[:3]
        grad_hidden = torch.empty_like(hidden_ND) if wants_hidden else None
        grad_weight = torch.zeros_like(weight_VD, dtype=torch.float32) if wants_weight else None
        grad_bias = (
            torch.zeros_like(bias_V, dtype=torch.float32) if wants_bias and bias_V is not None else None
        )
        wants_slopes = wants_hidden or wants_weight or wants_bias
        # one buffer for all tiles: memory that is new to the process costs as much as a pass over it
        tile_rows = max(1, min(TILE_BYTES // (product_VD.element_size() * len(weight_VD)), len(targets_N)))
        products_TV = torch.empty(tile_rows, len(weight_VD), dtype=dtype, device=hidden_ND.device)
        strip_rows = max(1, STRIP_BYTES // (4 * len(weight_VD))) if device == "cpu" else tile_rows
        near = None if reference is None else _Near(reference, dtype, tile_rows)
        with torch.autocast(device, enabled=False):
            for start in range(0, len(targets_N), tile_rows):
                rows = slice(start, min(start + tile_rows, len(targets_N)))
                tile_TD = hidden_ND[rows].to(dtype)
                logits_TV = torch.mm(tile_TD, product_VD.T, out=products_TV[: len(tile_TD)])
                if near is not None:
                    near.multiply(rows)
                for first in range(0, len(tile_TD), strip_rows):
                    strip = slice(first, min(first + strip_rows, len(tile_TD)))
                    own = slice(start + strip.start, start + strip.stop)
                    losses = _losses_and_slopes(logits_TV[strip], bias_V, targets_N[own], near, strip)
                    nll_N[own] = losses.nll_S
                    if losses.kl_S is not None:
                        kl_N[own] = losses.kl_S
                    if grad_bias is not None:
                        grad_bias += coefficients_N[own] @ losses.slopes_SV
                if not wants_slopes:
                    continue
                weights_T1 = coefficients_N[rows, None]
                if grad_hidden is not None:
                    torch.mul(logits_TV @ product_VD, weights_T1, out=grad_hidden[rows])
                if grad_weight is not None:
                    weighted_TD = (tile_TD * weights_T1).to(dtype)
                    if dtype == torch.float32:  # the product adds itself, without memory of its own
                        grad_weight.addmm_(logits_TV.T, weighted_TD)
                    else:
                        grad_weight.add_(logits_TV.T @ weighted_TD)
        per_row_N = nll_N if reference is None else nll_N + reference.kl * kl_N
        total = (per_row_N * coefficients_N).sum()
        ctx.save_for_backward(grad_hidden, grad_weight, grad_bias)
        ctx.weight_dtype = weight_VD.dtype
        ctx.mark_non_differentiable(nll_N, kl_N)
        return total, nll_N, kl_N

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        scale = grads[0]
        grad_hidden, grad_weight, grad_bias = ctx.saved_tensors
        return (
            None if grad_hidden is None else _scaled(grad_hidden, scale),
            None if grad_weight is None else _scaled(grad_weight, scale).to(ctx.weight_dtype),
            None if grad_bias is None else _scaled(grad_bias, scale).to(ctx.weight_dtype),
            None,
            None,
            None,
        )


class _Near:
    """The reference's logits of one tile at a time, in a buffer of its own."""

    def __init__(self, reference: Reference, dtype: torch.dtype, tile_rows: int) -> None:
        self.kl = reference.kl
        self._reference = reference
        self._weight_VD = reference.weight_VD.to(dtype)
        self._products_TV = torch.empty(
            tile_rows, len(self._weight_VD), dtype=dtype, device=self._weight_VD.device
        )

    def multiply(self, rows: slice) -> None:
        """Form the logits of these rows."""
        hidden_TD = self._reference.hidden_ND[rows].to(self._weight_VD.dtype)
        torch.mm(hidden_TD, self._weight_VD.T, out=self._products_TV[: len(hidden_TD)])

    def log_probabilities(self, strip: slice) -> Tensor:
        """Of a strip of the tile, float32."""
        logits_SV = self._products_TV[strip].float()
        if self._reference.bias_V is not None:
            logits_SV = logits_SV + self._reference.bias_V.float()
        return logits_SV.log_softmax(dim=1)


class _Strip(NamedTuple):
    nll_S: Tensor
    slopes_SV: Tensor
    kl_S: Tensor | None


def _losses_and_slopes(
    products_SV: Tensor, bias_V: Tensor | None, targets_S: Tensor, near: _Near | None, strip: slice
) -> _Strip:
    """The losses of a strip of rows; its logits become their slopes in place, not yet weighted."""
    logits_SV = products_SV.float()
    if bias_V is not None:
        logits_SV = logits_SV + bias_V.float()
    targets_S1 = targets_S[:, None]
    behind_S1 = logits_SV.amax(dim=1, keepdim=True) - logits_SV.gather(1, targets_S1)
    shares_SV = torch.softmax(logits_SV, dim=1)
    # the largest logit's share is 1/total, at least 1/V: its log neither overflows nor loses digits
    nll_S = (behind_S1 - shares_SV.amax(dim=1, keepdim=True).log()).squeeze(1)
    kl_S = None
    slopes_SV = shares_SV
    if near is not None:
        gap_SV = logits_SV.log_softmax(dim=1) - near.log_probabilities(strip)
        kl_S = (shares_SV * gap_SV).sum(dim=1)
        slopes_SV = shares_SV * (1 + near.kl * (gap_SV - kl_S[:, None]))
    slopes_SV.scatter_add_(1, targets_S1, torch.full_like(behind_S1, -1))
    products_SV.copy_(slopes_SV)
    return _Strip(nll_S, slopes_SV, kl_S)


def _scaled(gradient: Tensor, scale: Tensor) -> Tensor:
    """Without a pass over memory where the scale is 1; on a GPU looking would cost a wait."""
    return gradient if scale.device.type == "cpu" and scale == 1 else gradient * scale
