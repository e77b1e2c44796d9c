"""Attention per document over a packed row: no padding, no mask, nothing seen across a boundary.

Registered with `transformers` under a name; any model class that takes its attention from there can run
packed. Others are run as right-padded rows, which causal attention leaves exact without a mask.

Shapes: B=1 row, H heads, K key-value heads, T tokens, D head size.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

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
        raise NotImplementedError("soft-capped scores")
    lengths = document_lengths or [query_BHTD.shape[2]]
    grouped = key_BKTD.shape[1] != query_BHTD.shape[1]
    outputs = []
    for query, key, value in zip(
        torch.split(query_BHTD, lengths, dim=2),
        torch.split(key_BKTD, lengths, dim=2),
        torch.split(value_BKTD, lengths, dim=2),
        strict=True,
    ):
        band = None
        if sliding_window is not None and query.shape[2] > sliding_window:
            steps = torch.arange(query.shape[2], device=query.device)
            distance = steps[:, None] - steps[None, :]
            band = (distance >= 0) & (distance < sliding_window)
        outputs.append(
            scaled_dot_product_attention(
                query,
                key,
                value,
                attn_mask=band,
                is_causal=band is None,
                scale=scaling,
                dropout_p=dropout,
                enable_gqa=grouped,
            )
        )
    return torch.cat(outputs, dim=2).transpose(1, 2).contiguous(), None


def register() -> None:
    """Make the attention known to `transformers` under `NAME`, with no mask built for it."""
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface

    AttentionInterface.register(NAME, per_document_attention)
    AttentionMaskInterface.register(NAME, lambda *_, **__: None)
