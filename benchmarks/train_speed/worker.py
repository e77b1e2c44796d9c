"""A contender's process: imports once, then runs each cell it is told of in a fork of its own.

So no cell inherits another's memory, and starting up is paid for once. Lines of JSON come in on standard
input; "done" goes out when a cell's result lies in its file. Needs nothing but the standard library, since
it runs in every contender's own environment.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Meter:
    """CPU seconds, loss and token counts of every step, and the peak of resident memory."""

    def __init__(self) -> None:
        self.steps: list[dict[str, float]] = []
        self._noted: dict[str, float] = {}
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
        self._level = _status("VmRSS")
        self._start = time.process_time()

    def note(self, **values: float) -> None:
        """Facts of the step under way: loss, real tokens, supervised tokens, slots; added up."""
        for name, value in values.items():
            self._noted[name] = self._noted.get(name, 0.0) + value

    def end_step(self) -> None:
        now = time.process_time()
        self.steps.append({"seconds": now - self._start, **self._noted})
        self._noted, self._start = {}, now

    def result(self) -> dict[str, Any]:
        return {"steps": self.steps, "peak_mib": (_status("VmHWM") - self._level) / 1024}


def serve(run: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Answer jobs until standard input ends. A job that fails leaves its traceback as the result."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries that print must not be taken for answers
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                result = run(job)
            except BaseException:
                result = {"error": traceback.format_exc()}
            result["all_seconds"] = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
            Path(job["result"]).write_text(json.dumps(result))
            os._exit(0)
        os.waitpid(child, 0)
        print("done", file=answers, flush=True)


def _status(name: str) -> int:
    """A line of /proc/self/status in KiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise KeyError(name)
