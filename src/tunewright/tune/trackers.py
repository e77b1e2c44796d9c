"""TensorBoard, Weights & Biases and MLflow, each through its own client, for whoever names them.

The run folder's own files stay the truth; a tracker is a mirror of them. What has been handed to a tracker
is noted in `trackers.jsonl`, so a resumed run goes on in the same tracked run, fills in what is missing
and repeats nothing. Each tracker has its own thread: a slow or dead one neither slows nor ends training.
"""

from __future__ import annotations

import math
import queue
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from tunewright.errors import RecipeError
from tunewright.run.files import JsonlLog, read_jsonl
from tunewright.tune.tracker_clients import CLIENTS, open_client

CLOSE_SECONDS = 60.0  # given to a tracker to hand over what it still has, at the end of training


class Tracker(Protocol):
    """One tracked run. Any method may raise whatever its client raises."""

    @property
    def run(self) -> str:
        """What the tracked run is called where it lies, so that it can be gone on with."""
        ...

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Hand over the values; when this returns, a kill of this process no longer loses them."""
        ...

    def close(self) -> None: ...


def check_trackers(names: Sequence[str]) -> None:
    """Raise RecipeError for a name that is unknown or twice there, before anything is loaded."""
    for name in names:
        if name not in CLIENTS:
            raise RecipeError(f"tracker {name!r} is not known; use {', '.join(CLIENTS)}")
    if len(set(names)) < len(names):
        raise RecipeError(f"a tracker is named twice in {', '.join(names)}")


def open_trackers(
    names: Sequence[str],
    folder: Path,
    run_name: str,
    settings: Mapping[str, Any],
    *,
    note: Callable[[str], None] = lambda text: None,
) -> Trackers:
    """The named trackers as one, on the tracked runs that this folder began, or new ones.

    `settings` are shown with a new run. A tracker whose package is missing, or that cannot be opened (no
    network, not logged in), is a ModelError: better now than a training that nobody can watch. Later
    failures go to `note`, once for each tracker, from the thread that calls `log`.
    """
    check_trackers(names)
    if not names:
        return Trackers((), None, note)
    before = _read_marks(folder / "trackers.jsonl")
    marks = _Marks(folder / "trackers.jsonl")
    feeds: list[_Feed] = []
    try:
        for name in names:
            kept = before.get(name)
            run = kept.run if kept else uuid.uuid4().hex[:12]
            tracker = open_client(name, folder, run_name, settings, run=run, resumed=kept is not None)
            if kept is None:
                marks.begun(name, tracker.run)
            feeds.append(_Feed(name, tracker, marks, {} if kept is None else kept.steps))
    except Exception:
        for feed in feeds:
            feed.close()
        marks.close()
        raise
    return Trackers(tuple(feeds), marks, note)


class Trackers:
    """Several trackers as one, without any of their failures. With none it does nothing."""

    def __init__(self, feeds: tuple[_Feed, ...], marks: _Marks | None, note: Callable[[str], None]) -> None:
        self._feeds = feeds
        self._marks = marks
        self._note = note

    def log(self, values: Mapping[str, Any], step: int) -> None:
        """Hand the numbers among the values to every tracker; returns at once.

        What a tracker already has under that name at that step or a later one is left out, so after a
        resume all rows may be logged again.
        """
        numbers = {name: float(value) for name, value in values.items() if _is_number(value)}
        for feed in self._feeds:
            feed.put(numbers, step)
        self._tell()

    def close(self) -> None:
        """Wait until everything is handed over, but no longer than `CLOSE_SECONDS` for each tracker."""
        for feed in self._feeds:
            feed.close()
        self._tell()
        if self._marks is not None:
            self._marks.close()

    def __enter__(self) -> Trackers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tell(self) -> None:
        for feed in self._feeds:
            text = feed.take_warning()
            if text:
                self._note(text)


class _Feed:
    """One tracker with its thread and the last step it has of each name."""

    def __init__(self, name: str, tracker: Tracker, marks: _Marks, steps: Mapping[str, int]) -> None:
        self._name = name
        self._tracker = tracker
        self._marks = marks
        self._steps = dict(steps)
        self._waiting: queue.SimpleQueue[tuple[dict[str, float], int] | None] = queue.SimpleQueue()
        self._failed = threading.Event()
        self._warning = ""
        self._thread = threading.Thread(target=self._work, name=f"tracker {name}", daemon=True)
        self._thread.start()

    def put(self, numbers: Mapping[str, float], step: int) -> None:
        fresh = {name: value for name, value in numbers.items() if self._steps.get(name, -1) < step}
        if fresh and not self._failed.is_set():
            self._steps.update(dict.fromkeys(fresh, step))
            self._waiting.put((fresh, step))

    def close(self) -> None:
        self._waiting.put(None)
        self._thread.join(CLOSE_SECONDS)
        if self._thread.is_alive():
            self._fail(f"it did not take everything within {CLOSE_SECONDS:.0f} seconds")

    def take_warning(self) -> str:
        """The sentence about its failure, the first time after it; otherwise nothing."""
        text, self._warning = self._warning, ""
        return text

    def _work(self) -> None:
        try:
            while (row := self._waiting.get()) is not None and not self._failed.is_set():
                self._tracker.log(*row)
                if not self._failed.is_set():  # given up on meanwhile, and the log of marks closed
                    self._marks.logged(self._name, sorted(row[0]), row[1])
        except Exception as error:  # whatever a client, its network or its disk raises
            self._fail(f"{type(error).__name__}: {_first_line(error)}")
            with suppress(Exception):
                self._tracker.close()
        else:
            try:
                self._tracker.close()
            except Exception as error:
                self._fail(f"{type(error).__name__}: {_first_line(error)}")

    def _fail(self, reason: str) -> None:
        if not self._failed.is_set():
            self._warning = (
                f"the tracker {self._name} is left out from here on ({reason}); training goes on, and a "
                "resumed run hands over what is missing"
            )
            self._failed.set()


class _Marks:
    """The log of what each tracker has: rows of several threads, each whole."""

    def __init__(self, path: Path) -> None:
        self._log = JsonlLog(path)
        self._lock = threading.Lock()

    def begun(self, tracker: str, run: str) -> None:
        self._append({"tracker": tracker, "run": run})

    def logged(self, tracker: str, names: list[str], step: int) -> None:
        self._append({"tracker": tracker, "step": step, "names": names})

    def close(self) -> None:
        with self._lock:
            self._log.close()

    def _append(self, row: Mapping[str, Any]) -> None:
        with self._lock:
            self._log.append(row)


class _Kept:
    """What the log of marks says about one tracker: its run, and the last step of each name."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.steps: dict[str, int] = {}


def _read_marks(path: Path) -> dict[str, _Kept]:
    found: dict[str, _Kept] = {}
    for row in read_jsonl(path) if path.exists() else ():
        if "run" in row:
            found[row["tracker"]] = _Kept(row["run"])
        else:
            found[row["tracker"]].steps.update(dict.fromkeys(row["names"], row["step"]))
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), "no message")
