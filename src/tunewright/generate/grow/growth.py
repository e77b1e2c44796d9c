"""How far growing is, in numbers: for whoever shows it while it runs."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

MIN_INTERVAL_SECONDS = 0.1  # between two looks: ten a second are as many as an eye can use


@dataclass(frozen=True, slots=True)
class Growth:
    """One look at a run. `reasons` are (step, reason, number), the commonest first.

    `from_before` of the accepted were there when this process began to ask. `cost` is None without prices,
    `per_second` and `eta_seconds` when nothing was accepted in the last rounds that this process asked for.
    """

    accepted: int
    wanted: int
    from_before: int
    candidates: int
    reasons: tuple[tuple[str, str, int], ...]
    cells_filled: int
    cells: int
    rounds: int
    prompt_tokens: int
    output_tokens: int
    cost: float | None
    per_second: float | None
    eta_seconds: float | None

    @property
    def rejected(self) -> int:
        return self.candidates - self.accepted


Show = Callable[[Growth], None]


_ROUNDS_OF_PACE = 4


class Pace:
    """How fast this process grows, over its last rounds: early ones fill the easy cells, and what is left
    takes longer. Replies of an earlier process, which cost no time, do not count."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begins: deque[tuple[float, int]] = deque(maxlen=_ROUNDS_OF_PACE)  # of rounds that asked
        self._from_before: int | None = None
        self._last_look = -MIN_INTERVAL_SECONDS
        self._round: tuple[float, int] = (clock(), 0)

    def begins_round(self, accepted: int) -> None:
        self._round = (self._clock(), accepted)

    def asked(self) -> None:
        """The round that began last had calls to make."""
        if self._from_before is None:
            self._from_before = self._round[1]
        self._begins.append(self._round)

    @property
    def from_before(self) -> int | None:
        """Accepted before anything was asked; None as long as nothing was."""
        return self._from_before

    def per_second(self, accepted: int) -> float | None:
        """Accepted items a second in the last rounds; None when there were none, or none is known yet."""
        if not self._begins:
            return None
        seconds, number = self._clock() - self._begins[0][0], accepted - self._begins[0][1]
        return number / seconds if number > 0 and seconds > 0 else None

    def is_time_to_look(self) -> bool:
        """True at most once in `MIN_INTERVAL_SECONDS`."""
        now = self._clock()
        if now - self._last_look < MIN_INTERVAL_SECONDS:
            return False
        self._last_look = now
        return True
