"""Attention per document over a packed row: no padding, no mask, nothing seen across a boundary.

Registered with `transformers` under a name; any model class that takes its attention from there can run
packed. Others are run as right-padded rows, which causal attention leaves exact without a mask. On a CUDA
device in half precision all documents go through one flash-attention call where there is one (`varlen`);
everywhere else there is one call of torch's attention a document.

Shapes: B=1 row, H heads, K key-value heads, T tokens, D head size.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from tunewright.tune import varlen

NAME = "tunewright_per_document"


def per_document_attention(
    module: torch.nn.Module,
    query_BHTD: Tensor,
    key_BKTD: Tensor,
    value_BKTD: Tensor,
    attention_mask: Tensor | None,
    *,
    document_lengths: list[int] | None = None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Causal attention inside each document. Returns [B, T, H, D] as `transformers` expects.

    Without `document_lengths` the row is one document. A sliding window shorter than a document gets an
    explicit band; a soft cap on the scores is not supported, and the caller's probe then avoids this path.
    """
    if softcap:
        raise ValueError("soft-capped scores are not supported here")
    lengths = document_lengths or [query_BHTD.shape[2]]
    if document_lengths is not None and not dropout and query_BHTD.device.type in varlen.DEVICES:
        attended = _in_one_call(
            query_BHTD, key_BKTD, value_BKTD, lengths, scaling=scaling, sliding_window=sliding_window
        )
        if attended is not None:
            return attended, None
    grouped = key_BKTD.shape[1] != query_BHTD.shape[1]
    dtype = value_BKTD.dtype  # under autocast the rotated queries and keys are float32 already
    if dtype == torch.bfloat16 and query_BHTD.device.type == "cpu":
        # here bf16 takes up to 2.6 times as long backward as float32 does
        query_BHTD, key_BKTD, value_BKTD = query_BHTD.float(), key_BKTD.float(), value_BKTD.float()
    outputs = []
    with torch.autocast("cpu", enabled=False):
        for query, key, value in zip(
            torch.split(query_BHTD, lengths, dim=2),
            torch.split(key_BKTD, lengths, dim=2),
            torch.split(value_BKTD, lengths, dim=2),
            strict=True,
        ):
            band = _band(query, sliding_window)
            attended = scaled_dot_product_attention(
                query,
                key,
                value,
                attn_mask=band,
                is_causal=band is None,
                scale=scaling,
                dropout_p=dropout,
                enable_gqa=grouped,
            )
            outputs.append(attended.transpose(1, 2))
    return torch.cat(outputs, dim=1).to(dtype), None


def _band(query: Tensor, window: int | None) -> Tensor | None:
    """What each token may look at where a window is shorter than the document; None: all before it."""
    if window is None or query.shape[2] <= window:
        return None
    steps = torch.arange(query.shape[2], device=query.device)
    distance = steps[:, None] - steps[None, :]
    return (distance >= 0) & (distance < window)


def _in_one_call(
    query_BHTD: Tensor,
    key_BKTD: Tensor,
    value_BKTD: Tensor,
    lengths: list[int],
    *,
    scaling: float | None,
    sliding_window: int | None,
) -> Tensor | None:
    """[1, T, H, D] by a kernel for documents of unlike lengths; None where there is none for this."""
    device, dtype = query_BHTD.device, query_BHTD.dtype
    if torch.is_autocast_enabled(device.type):  # which casts for torch's attention, and not for a kernel
        dtype = torch.get_autocast_dtype(device.type)
    query, key, value = (tensor[0].transpose(0, 1).to(dtype) for tensor in (query_BHTD, key_BKTD, value_BKTD))
    # a window of W tokens counts the token itself, a kernel's only those before it
    window = -1 if sliding_window is None or max(lengths) <= sliding_window else sliding_window - 1
    kernel = varlen.kernel_for(query, key, window=window) if query.shape[2] == value.shape[2] else None
    if kernel is None:
        return None
    scale = query.shape[2] ** -0.5 if scaling is None else scaling
    bounds = varlen.bounds_of(tuple(lengths), device)
    return kernel(query, key, value, bounds, max(lengths), scale, window)[None]


def register() -> None:
    """Make the attention known to `transformers` under `NAME`, with no mask built for it."""
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface

    AttentionInterface.register(NAME, per_document_attention)
    AttentionMaskInterface.register(NAME, lambda *_, **__: None)
