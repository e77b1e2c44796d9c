"""Flash attention over documents end to end in one call, where this machine has a kernel for it.

torch's own (`varlen_attn`, from 2.10 on) comes first, then the `flash_attn` package. Both are CUDA kernels
for half precision. One is used only after it has given, here and for this shape, what torch's plain
attention gives for each document alone, forward and backward; else attention stays per document.

Shapes: T tokens of all documents, H heads, K key-value heads, D head size.
"""

from __future__ import annotations

import functools
import importlib.util
import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

DEVICES = ("cuda",)
DTYPES = (torch.float16, torch.bfloat16)
LARGEST_HEAD = 256  # of flash attention 2 and 3, in steps of 8
TOLERANCE = 0.03  # bfloat16 has 8 bits; the values compared are about 1

# query [T, H, D], key and value [T, K, D], bounds of the documents [N+1] int32, longest document in tokens,
# scale of the scores, and how many earlier tokens a token sees (-1: all); the result is [T, H, D].
Kernel = Callable[[Tensor, Tensor, Tensor, Tensor, int, float, int], Tensor]


def kernel_for(query_THD: Tensor, key_TKD: Tensor, *, window: int) -> Kernel | None:
    """A kernel that has proved itself for these shapes, number format and device; None when there is none."""
    head_size = query_THD.shape[2]
    if query_THD.device.type not in DEVICES or query_THD.dtype not in DTYPES:
        return None
    if head_size > LARGEST_HEAD or head_size % 8:
        return None
    return _proved(
        query_THD.device, query_THD.dtype, query_THD.shape[1], key_TKD.shape[1], head_size, window >= 0
    )


@functools.lru_cache(maxsize=16)
def bounds_of(lengths: tuple[int, ...], device: torch.device) -> Tensor:
    """Where each document begins, and the end of the last: int32 on the device, made once for all layers."""
    ends = torch.tensor([0, *lengths]).cumsum(0)
    return ends.to(device=device, dtype=torch.int32)


def kernels() -> list[Kernel]:
    """The kernels installed here, best first."""
    return [kernel for kernel in (_of_torch(), _of_flash_attn()) if kernel is not None]


def _of_torch() -> Kernel | None:
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return None
    known = inspect.signature(varlen_attn).parameters
    if not {"scale", "window_size", "enable_gqa"} <= known.keys():
        return None  # the first versions had neither windows nor grouped heads
    attend: Any = varlen_attn

    def kernel(
        query: Tensor, key: Tensor, value: Tensor, bounds: Tensor, longest: int, scale: float, window: int
    ) -> Tensor:
        grouped = key.shape[1] != query.shape[1]
        result: Tensor = attend(
            query, key, value, bounds, bounds, longest, longest,
            scale=scale, window_size=(window, 0), enable_gqa=grouped,
        )  # fmt: skip
        return result

    return kernel


def _of_flash_attn() -> Kernel | None:
    if importlib.util.find_spec("flash_attn") is None:
        return None
    attend = importlib.import_module("flash_attn").flash_attn_varlen_func

    def kernel(
        query: Tensor, key: Tensor, value: Tensor, bounds: Tensor, longest: int, scale: float, window: int
    ) -> Tensor:
        result: Tensor = attend(
            query, key, value, bounds, bounds, longest, longest,
            softmax_scale=scale, causal=True, window_size=(window, 0),
        )  # fmt: skip
        return result

    return kernel


@functools.cache
def _proved(
    device: torch.device,
    dtype: torch.dtype,
    num_heads: int,
    num_key_heads: int,
    head_size: int,
    has_window: bool,
) -> Kernel | None:
    lengths, window = (7, 12), 3 if has_window else -1
    generator = torch.Generator().manual_seed(0)  # its own: dropout's numbers are not to change
    drawn = [
        torch.randn(sum(lengths), heads, head_size, generator=generator).to(device, dtype)
        for heads in (num_heads, num_key_heads, num_key_heads, num_heads)
    ]
    bounds, scale = bounds_of(lengths, device), head_size**-0.5
    with torch.enable_grad(), torch.autocast(device.type, enabled=False):
        expected = _with_gradients(_plainly(lengths), drawn, bounds, scale, window)
        for kernel in kernels():
            try:
                found = _with_gradients(kernel, drawn, bounds, scale, window)
            except (RuntimeError, TypeError, ValueError):  # an older device, or another version's arguments
                continue
            if all(
                torch.allclose(a.float(), b.float(), atol=TOLERANCE, rtol=TOLERANCE)
                for a, b in zip(found, expected, strict=True)
            ):
                return kernel
    return None


def _with_gradients(
    kernel: Kernel, drawn: list[Tensor], bounds: Tensor, scale: float, window: int
) -> list[Tensor]:
    inputs = [tensor.detach().clone().requires_grad_() for tensor in drawn[:3]]
    query, key, value = inputs
    output = kernel(query, key, value, bounds, 12, scale, window)
    return [output.detach(), *torch.autograd.grad(output, inputs, drawn[3])]


def _plainly(lengths: tuple[int, ...]) -> Kernel:
    """The same by plain attention in float32, one document after the other."""

    def kernel(
        query: Tensor, key: Tensor, value: Tensor, bounds: Tensor, longest: int, scale: float, window: int
    ) -> Tensor:
        outputs = []
        parts = zip(
            *(torch.split(tensor.float(), list(lengths)) for tensor in (query, key, value)), strict=True
        )
        for parts_of_one in parts:
            q, k, v = (part.transpose(0, 1)[None] for part in parts_of_one)
            steps = torch.arange(q.shape[2], device=q.device)
            distance = steps[:, None] - steps[None, :]
            seen = (distance >= 0) & ((distance <= window) | (window < 0))
            grouped = k.shape[1] != q.shape[1]
            attended = scaled_dot_product_attention(q, k, v, attn_mask=seen, scale=scale, enable_gqa=grouped)
            outputs.append(attended[0].transpose(0, 1))
        return torch.cat(outputs)

    return kernel
