"""How long an endpoint asks to be left alone, read from its headers."""

from __future__ import annotations

import email.utils
import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2

_LONGEST_WAIT_SECONDS = 7 * 24 * 3600.0  # a longer one is taken for a mistake


def retry_after_seconds(headers: httpx2.Headers) -> float | None:
    """The longest wait the headers ask for: `retry-after-ms`, or `Retry-After` in seconds or as a date.

    A date counts from the server's own clock when it tells it; one that has passed is 0. None when there is
    no such header, or only nonsense: a negative number, no number, or more than a week.
    """
    waits = [_number(text, 1 / 1000) for text in headers.get_list("retry-after-ms")]
    for text in headers.get_list("retry-after"):
        waits.append(_number(text, 1.0))
        until = _time_of(text)
        if until is not None:
            now = _time_of(headers.get("date", ""))
            waits.append(max(0.0, until - (time.time() if now is None else now)))
    sane = [wait for wait in waits if wait is not None and 0 <= wait <= _LONGEST_WAIT_SECONDS]
    return max(sane, default=None)


def _number(text: str, unit: float) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number * unit if math.isfinite(number) else None


def _time_of(text: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
