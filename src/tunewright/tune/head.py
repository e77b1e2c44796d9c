"""Per-token loss from hidden states, without ever holding all logits.

The gradient of a weighted sum of cross entropies with respect to the logits is known in closed form,
softmax − one-hot, so each tile of rows makes its logits, its losses and its share of the gradients in the
forward pass, and then forgets the logits. Only rows with a weight are given to it.

Shapes: N rows, D hidden size, V vocabulary.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

TILE_ROWS = 256


class Loss(NamedTuple):
    """`total` is Σ coefficient·nll, a scalar with a gradient; `nll_N` is per row, detached, float32."""

    total: Tensor
    nll_N: Tensor


def weighted_cross_entropy(
    hidden_ND: Tensor, weight_VD: Tensor, bias_V: Tensor | None, targets_N: Tensor, coefficients_N: Tensor
) -> Loss:
    """Σ coefficient·(−log softmax(hidden·weightᵀ + bias)[target]) and the loss of every row, in nats.

    Under autocast the products run in its dtype; softmax and sums are float32. No rows: a zero that
    still has a gradient.
    """
    return Loss(*_TiledCrossEntropy.apply(hidden_ND, weight_VD, bias_V, targets_N, coefficients_N))  # type: ignore[no-untyped-call]


class _TiledCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden_ND: Tensor,
        weight_VD: Tensor,
        bias_V: Tensor | None,
        targets_N: Tensor,
        coefficients_N: Tensor,
    ) -> tuple[Tensor, Tensor]:
        device = hidden_ND.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden_ND.dtype
        product_VD = weight_VD.to(dtype)
        nll_N = torch.empty(len(targets_N), dtype=torch.float32, device=hidden_ND.device)
        wants_hidden, wants_weight, wants_bias = ctx.needs_input_grad[:3]
        grad_hidden = torch.empty_like(hidden_ND) if wants_hidden else None
        grad_weight = torch.zeros_like(weight_VD, dtype=torch.float32) if wants_weight else None
        grad_bias = (
            torch.zeros_like(bias_V, dtype=torch.float32) if wants_bias and bias_V is not None else None
        )
        with torch.autocast(device, enabled=False):
            for start in range(0, len(targets_N), TILE_ROWS):
                rows = slice(start, start + TILE_ROWS)
                tile_TD = hidden_ND[rows].to(dtype)
                logits_TV = (tile_TD @ product_VD.T).float()
                if bias_V is not None:
                    logits_TV += bias_V.float()
                log_norm_T1 = logits_TV.logsumexp(dim=1, keepdim=True)
                targets_T1 = targets_N[rows, None]
                nll_N[rows] = (log_norm_T1 - logits_TV.gather(1, targets_T1)).squeeze(1)
                if grad_hidden is None and grad_weight is None and grad_bias is None:
                    continue
                slope_TV = logits_TV.sub_(log_norm_T1).exp_()
                slope_TV.scatter_add_(1, targets_T1, torch.full_like(targets_T1, -1, dtype=torch.float32))
                slope_TV *= coefficients_N[rows, None]
                product_slope_TV = slope_TV.to(dtype)
                if grad_hidden is not None:
                    grad_hidden[rows] = (product_slope_TV @ product_VD).to(hidden_ND.dtype)
                if grad_weight is not None:
                    grad_weight += (product_slope_TV.T @ tile_TD).float()
                if grad_bias is not None:
                    grad_bias += slope_TV.sum(dim=0)
        total = (nll_N * coefficients_N).sum()
        ctx.save_for_backward(grad_hidden, grad_weight, grad_bias)
        ctx.weight_dtype = weight_VD.dtype
        ctx.mark_non_differentiable(nll_N)
        return total, nll_N

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        scale = grads[0]
        grad_hidden, grad_weight, grad_bias = ctx.saved_tensors
        return (
            None if grad_hidden is None else grad_hidden * scale,
            None if grad_weight is None else (grad_weight * scale).to(ctx.weight_dtype),
            None if grad_bias is None else (grad_bias * scale).to(ctx.weight_dtype),
            None,
            None,
        )
