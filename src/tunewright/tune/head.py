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

TILE_ROWS = 256


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
        with torch.autocast(device, enabled=False):
            for start in range(0, len(targets_N), TILE_ROWS):
                rows = slice(start, start + TILE_ROWS)
                tile_TD = hidden_ND[rows].to(dtype)
                log_p_TV = _log_probabilities(tile_TD, product_VD, bias_V)
                targets_T1 = targets_N[rows, None]
                nll_N[rows] = -log_p_TV.gather(1, targets_T1).squeeze(1)
                gap_TV = None
                if reference is not None:
                    gap_TV = log_p_TV - _reference_log_probabilities(reference, rows, dtype)
                p_TV = log_p_TV.exp_()
                if gap_TV is not None:
                    kl_N[rows] = (p_TV * gap_TV).sum(dim=1)
                if grad_hidden is None and grad_weight is None and grad_bias is None:
                    continue
                if reference is not None and gap_TV is not None:
                    slope_TV = p_TV * (1 + reference.kl * gap_TV.sub_(kl_N[rows, None]))
                else:
                    slope_TV = p_TV
                slope_TV.scatter_add_(1, targets_T1, torch.full_like(targets_T1, -1, dtype=torch.float32))
                slope_TV *= coefficients_N[rows, None]
                product_slope_TV = slope_TV.to(dtype)
                if grad_hidden is not None:
                    grad_hidden[rows] = (product_slope_TV @ product_VD).to(hidden_ND.dtype)
                if grad_weight is not None:
                    grad_weight += (product_slope_TV.T @ tile_TD).float()
                if grad_bias is not None:
                    grad_bias += slope_TV.sum(dim=0)
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
            None if grad_hidden is None else grad_hidden * scale,
            None if grad_weight is None else (grad_weight * scale).to(ctx.weight_dtype),
            None if grad_bias is None else (grad_bias * scale).to(ctx.weight_dtype),
            None,
            None,
            None,
        )


def _log_probabilities(hidden_TD: Tensor, weight_VD: Tensor, bias_V: Tensor | None) -> Tensor:
    logits_TV = (hidden_TD @ weight_VD.T).float()
    if bias_V is not None:
        logits_TV += bias_V.float()
    return logits_TV.sub_(logits_TV.logsumexp(dim=1, keepdim=True))


def _reference_log_probabilities(reference: Reference, rows: slice, dtype: torch.dtype) -> Tensor:
    weight_VD = reference.weight_VD.to(dtype)
    return _log_probabilities(reference.hidden_ND[rows].to(dtype), weight_VD, reference.bias_V)
