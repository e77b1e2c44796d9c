"""Which number format the products run in, by measuring it here rather than by asking what the CPU is."""

from __future__ import annotations

import time

import torch

# Below this (both scratch sizes) matrices are too small for bf16 to pay: casts cost more than they save.
SMALLEST_FOR_BF16 = 8_000_000
PROBE_SECONDS = 0.05


def choose_dtype(precision: str, *, num_parameters: int, device: torch.device) -> torch.dtype:
    """`f32` and `bf16` as named; `auto` takes bf16 where a product is at least 1.2 times as fast."""
    if precision == "f32":
        return torch.float32
    if precision == "bf16":
        return torch.bfloat16
    if num_parameters < SMALLEST_FOR_BF16:
        return torch.float32
    gain = _products_per_second(torch.bfloat16, device) / _products_per_second(torch.float32, device)
    return torch.bfloat16 if gain >= 1.2 else torch.float32


def _products_per_second(dtype: torch.dtype, device: torch.device) -> float:
    left = torch.ones(512, 512, dtype=dtype, device=device)
    right = torch.ones(512, 512, dtype=dtype, device=device)
    left @ right  # the first call sets up threads and kernels
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < PROBE_SECONDS:
        left @ right
        if device.type == "cuda":
            torch.cuda.synchronize()
        count += 1
    return count / (time.perf_counter() - start)
