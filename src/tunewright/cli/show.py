"""How the command line shows progress and errors: a live bar on a terminal, JSON lines everywhere else.

Everything here goes to stderr, so that a command's result on stdout can be piped. rich is imported when
first needed: `--help` does without it.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

from tunewright.run.progress import Event, Sink

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


def sink_for(stream: TextIO | None = None) -> Sink:
    """A `TerminalSink` when the stream (stderr by default) is a terminal, else a `JsonLinesSink`."""
    stream = stream if stream is not None else sys.stderr
    return TerminalSink(stream) if stream.isatty() else JsonLinesSink(stream)


def error(message: str, *, stream: TextIO | None = None) -> None:
    """Print "error: message", in red on a terminal that has colours, to stderr."""
    _console(stream if stream is not None else sys.stderr).print(
        f"error: {message}", style="red", markup=False, highlight=False, soft_wrap=True, emoji=False
    )


class TerminalSink:
    """One live line: stage, bar, count, rate, time left, fields such as the loss; a summary at the end."""

    def __init__(self, stream: TextIO) -> None:
        self.console = _console(stream)
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def __call__(self, event: Event, /) -> None:
        if event.kind == "note":
            self._say(f"{event.stage}: {event.message}")
            return
        if event.kind == "start":
            self._stop()
            self._start(event)
        if self._progress is not None and self._task is not None:
            self._progress.update(
                self._task, completed=event.done, figures=figures(event), values=values(event.fields)
            )
        if event.kind == "finish":
            self._stop()
            self._say(summary(event))

    def _start(self, event: Event) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[figures]}", markup=False),
            TextColumn("{task.fields[values]}", style="cyan", markup=False),
            console=self.console,
            transient=True,  # the summary line stays instead
        )
        self._task = self._progress.add_task(
            event.stage, total=event.total, completed=event.done, figures="", values=""
        )
        self._progress.start()

    def _stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = self._task = None

    def _say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True, emoji=False)


class JsonLinesSink:
    """One JSON object per event; "advance" at most every `every_seconds`, but always the last one."""

    def __init__(self, stream: TextIO, *, every_seconds: float = 1.0) -> None:
        self._stream = stream
        self._every_seconds = every_seconds
        self._last_seconds = -math.inf

    def __call__(self, event: Event, /) -> None:
        if event.kind == "start":
            self._last_seconds = -math.inf
        if event.kind == "advance":
            if event.done != event.total and event.seconds - self._last_seconds < self._every_seconds:
                return
            self._last_seconds = event.seconds
        self._stream.write(json.dumps(_row(event), ensure_ascii=False, default=str) + "\n")
        self._stream.flush()


def figures(event: Event) -> str:
    """Count, rate and time left: "120/400 records  3.1/s  1:30 left"; what is not known is left out."""
    total = f"/{event.total:,}" if event.total is not None else ""
    parts = [f"{event.done:,}{total} {event.unit}".rstrip()]
    if event.rate is not None:
        parts.append(_rate(event.rate))
    if event.eta_seconds is not None and event.kind != "finish":
        parts.append(f"{duration(event.eta_seconds)} left")
    return "  ".join(parts)


def values(fields: Mapping[str, Any]) -> str:
    """Latest values: "loss 1.234  lr 0.0001"; floats with four significant digits."""
    return "  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in fields.items())


def summary(event: Event) -> str:
    """The line that stays: "tune: 400 steps in 2:05  3.2/s  loss 1.23"."""
    parts = [f"{event.stage}: {event.done:,} {event.unit}".rstrip() + f" in {duration(event.seconds)}"]
    if event.rate is not None:
        parts.append(_rate(event.rate))
    parts += [part for part in (values(event.fields), event.message) if part]
    return "  ".join(parts)


def duration(seconds: float) -> str:
    """ "0:07", "12:30" or "1:02:03" (hours:minutes:seconds)."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def _rate(rate: float) -> str:
    """Per second, or per minute when a second sees less than one: "3.1/s", "12/min"."""
    return (
        f"{rate:,.3g}/s" if 1 <= rate < 1000 else f"{rate:,.0f}/s" if rate >= 1000 else f"{rate * 60:.3g}/min"
    )


def _row(event: Event) -> dict[str, Any]:
    """An event as a flat row without its empty entries; a NaN, which JSON lacks, becomes a text."""
    row = {
        "event": event.kind,
        "stage": event.stage,
        "message": event.message,
        "done": event.done,
        "total": event.total,
        "unit": event.unit,
        "seconds": round(event.seconds, 3),
        "rate": round(event.rate, 3) if event.rate is not None else None,
        "eta_seconds": round(event.eta_seconds, 1) if event.eta_seconds is not None else None,
        "fields": {
            k: str(v) if isinstance(v, float) and not math.isfinite(v) else v for k, v in event.fields.items()
        },
    }
    return {key: value for key, value in row.items() if value not in (None, "", {})}


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    return Console(file=stream)
