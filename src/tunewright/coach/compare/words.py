"""Numbers as they stand in sentences and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Data = Mapping[str, Any]

NO_BREAK = "\u00a0"


def count(value: int) -> str:
    return f"{value:,}"


def plural(amount: int, noun: str) -> str:
    return f"{amount:,} {noun if amount == 1 else noun + 's'}"


def percent(share: float | None) -> str:
    """To a tenth; two significant digits where that would read as nothing."""
    if share is None:
        return "–"
    if not share:
        return f"0{NO_BREAK}%"
    value = 100 * share
    text = f"{value:.1f}" if value >= 0.095 else f"{value:.2g}"
    return f"{text}{NO_BREAK}%"


def number(value: float | None, *, digits: int = 2, signed: bool = False) -> str:
    """With a true minus sign; never "−0.00"."""
    if value is None:
        return "–"
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return text.replace("-", "−")


def p_value(p: float) -> str:
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}"


def span(interval: Data | None, *, as_percent: bool = False, digits: int = 2) -> str:
    """`0.10 to 0.32`, or the same in per cent; an en dash where there is no interval."""
    if interval is None:
        return "–"
    if as_percent:
        return f"{100 * interval['low']:.1f} to {100 * interval['high']:.1f}{NO_BREAK}%"
    return f"{number(interval['low'], digits=digits)} to {number(interval['high'], digits=digits)}"


def listed(names: Sequence[str], *, most: int = 8) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


def digits_for(scale: Sequence[float]) -> int:
    """Decimals of a mean score: two on short scales, one on scales of 0 to 100."""
    return 2 if scale[1] - scale[0] <= 10 else 1
