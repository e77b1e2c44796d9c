"""How a stage tells how far it is. It counts here; showing the events is the command line's business.

A stage is handed a `Progress` and calls `start`, `advance`, `note`, `finish`. Rate and time left are
worked out here, once, so that every way of showing them agrees.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Kind = Literal["start", "advance", "note", "finish"]

# The rate forgets with this time constant: long enough to smooth batches of unlike size, short enough to
# follow a server that slows down.
MEMORY_SECONDS = 30.0
MIN_INTERVAL_SECONDS = 0.1  # between two "advance" events: ten a second are as many as an eye can use


@dataclass(frozen=True, slots=True)
class Event:
    """One thing to show. `done` and `total` count `unit`s; `total` is None when the end is not known.

    `seconds` run from the stage's start. `rate` is units per second, None until something was done;
    `eta_seconds` is None when rate or total is unknown. `fields` are the latest values, e.g. loss.
    """

    kind: Kind
    stage: str
    message: str = ""
    done: int = 0
    total: int | None = None
    unit: str = ""
    seconds: float = 0.0
    rate: float | None = None
    eta_seconds: float | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


class Sink(Protocol):
    """Shows events, or keeps them, or forgets them."""

    def __call__(self, event: Event, /) -> None: ...


class NullSink:
    """Forgets every event: the default for a stage called from Python."""

    def __call__(self, event: Event, /) -> None:
        return None


class Progress:
    """Counts one stage at a time and sends events to `sink`.

    "advance" events are thinned to one per `MIN_INTERVAL_SECONDS`; the first and the one that reaches
    the total are always sent, and the fields of those left out go into the next. `clock` gives seconds.
    """

    def __init__(self, sink: Sink | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._sink: Sink = sink if sink is not None else NullSink()
        self._clock = clock
        self.start("")

    def start(self, stage: str, total: int | None = None, unit: str = "", *, done: int = 0) -> None:
        """Begin a stage of `total` units; `done` of them were finished by an earlier process (resume)."""
        self._stage, self._total, self._unit = stage, total, unit
        self._done = self._num_before = done
        self._started = self._last_advance = self._clock()
        self._last_sent = -math.inf
        self._recent_units = self._recent_seconds = 0.0
        self._fields: dict[str, Any] = {}
        if stage:
            self._send("start")

    def advance(self, n: int = 1, **fields: Any) -> None:
        """`n` more units are done; `fields` are values worth showing. `n=0` only updates the fields."""
        now = self._clock()
        self._done += n
        self._fields.update(fields)
        self._remember(n, now - self._last_advance)
        self._last_advance = now
        reached_total = n > 0 and self._done == self._total
        if reached_total or now - self._last_sent >= MIN_INTERVAL_SECONDS:
            self._last_sent = now
            self._send("advance")

    def note(self, message: str) -> None:
        """Say something in words, e.g. why it waits. Never left out."""
        self._send("note", message)

    def finish(self, message: str = "") -> None:
        """The stage is done; its event carries the mean rate over the whole stage's time in this process."""
        self._send("finish", message)

    def _remember(self, n: int, seconds: float) -> None:
        """Add to the units and seconds of the recent past, both fading at the same pace.

        Their quotient is a weighted mean from the first event on, without the bias towards zero that a
        plain exponential average has at its start.
        """
        fade = math.exp(-seconds / MEMORY_SECONDS)
        self._recent_units = self._recent_units * fade + n
        self._recent_seconds = self._recent_seconds * fade + seconds

    def _rate(self) -> float | None:
        if self._recent_units == 0 or self._recent_seconds == 0:
            return None
        return self._recent_units / self._recent_seconds

    def _send(self, kind: Kind, message: str = "") -> None:
        seconds = self._clock() - self._started
        rate = self._rate()
        if kind == "finish":
            num_here = self._done - self._num_before
            rate = num_here / seconds if num_here and seconds > 0 else None
        eta = (self._total - self._done) / rate if rate and self._total is not None else None
        self._sink(
            Event(
                kind=kind,
                stage=self._stage,
                message=message,
                done=self._done,
                total=self._total,
                unit=self._unit,
                seconds=seconds,
                rate=rate,
                eta_seconds=max(eta, 0.0) if eta is not None else None,
                fields=dict(self._fields),
            )
        )
