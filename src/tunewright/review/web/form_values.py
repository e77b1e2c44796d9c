"""Numbers as forms and addresses bring them: read exactly, or none."""

from __future__ import annotations

import math


def whole_number(text: str) -> int | None:
    """A number from 0 on of at most 9 digits, which every column holds; None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def seconds(text: str) -> float | None:
    """A duration; None for what is no finite number from 0 on."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
