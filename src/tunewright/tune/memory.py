"""Peak memory of a part of a process, in bytes."""

from __future__ import annotations

import contextlib
import resource
from pathlib import Path

import torch


def reset_peak() -> None:
    """Start counting the peak from now, where the system allows it (Linux, CUDA)."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_bytes() -> int:
    """The largest resident memory of this process since `reset_peak` (since its start elsewhere)."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def cuda_peak_bytes() -> int | None:
    """The largest memory allocated on the CUDA device since `reset_peak`; None without one."""
    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None
