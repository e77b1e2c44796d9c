"""When to stop for a moment: the time that training took, when a checkpoint is due, and Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

CHECKPOINT_SECONDS = 20.0
CHECKPOINT_PAUSE = 20.0  # at least so many times as long as the last one took to write


class Clock:
    """Seconds of training, over all processes and without the pauses for measuring."""

    def __init__(self, seconds_before: float) -> None:
        self._before = seconds_before
        self._start = self._last_checkpoint = time.monotonic()
        self._writing = 0.0

    def seconds(self) -> float:
        """Of training so far."""
        return self._before + time.monotonic() - self._start

    def checkpoint_is_due(self) -> bool:
        """Writing takes at most a twentieth of the time, however large the model."""
        return time.monotonic() - self._last_checkpoint > max(
            CHECKPOINT_SECONDS, CHECKPOINT_PAUSE * self._writing
        )

    @contextlib.contextmanager
    def checkpointing(self) -> Iterator[None]:
        """Written meanwhile, and not counted as training."""
        start = time.monotonic()
        with self.stopped():
            yield
        self._last_checkpoint = time.monotonic()
        self._writing = self._last_checkpoint - start

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """What happens meanwhile is not training."""
        pause = time.monotonic()
        yield
        self._start += time.monotonic() - pause


@contextlib.contextmanager
def finish_step_on_interrupt() -> Iterator[Callable[[], bool]]:
    """Ctrl-C or SIGTERM sets a flag that the loop reads between steps; a second one interrupts at once."""
    flag = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield flag.is_set
        return

    def remember(signum: int, frame: Any) -> None:
        if flag.is_set():
            raise KeyboardInterrupt
        flag.set()

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield flag.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
