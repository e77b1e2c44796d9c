"""Arms tuned side by side, one process and one thread each.

A small model cannot use several cores well: two arms on one thread each finish sooner than one after the
other on two. One thread also makes the numbers the same on machines with more or fewer cores.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunewright.errors import DataError, ModelError
from tunewright.records.record import Record
from tunewright.run.progress import Event, Progress
from tunewright.tune.config import TuneConfig
from tunewright.tune.launch import num_cores
from tunewright.tune.stage import tune


@dataclass(frozen=True)
class Job:
    """One arm to tune: its label, settings, training records and folder."""

    label: str
    config: TuneConfig
    train: Sequence[Record]
    folder: Path
    again: bool

    @property
    def num_steps(self) -> int:
        """Optimizer steps, if no row is dropped."""
        return -(-len(self.train) // self.config.batch_size) * self.config.epochs


def default_jobs(configs: Sequence[TuneConfig]) -> int:
    """One process per usable core if all models are scratch models, else 1: larger ones fill the memory."""
    if all(config.model.startswith("scratch:") for config in configs):
        return min(len(configs), num_cores())
    return 1


def tune_side_by_side(
    jobs: Sequence[Job],
    heldout: Mapping[str, Sequence[Record]],
    *,
    num_processes: int,
    progress: Progress,
    keep_going: bool = False,
) -> dict[str, str]:
    """Tune every job. The first error, or Ctrl-C, stops the rest within seconds and is raised.

    With `keep_going` a job whose training fails stops none of the others; its label and the reason are
    given back. What no other job would survive either (a folder with other settings) is raised all the same.
    """
    context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    events: Any = context.Queue()
    stop: Any = context.Event()
    progress.start(f"tune {len(jobs)} arms", sum(job.num_steps for job in jobs), "steps")
    trained = {job.label: job.train for job in jobs}  # sent once to each process, not with every job
    executor = ProcessPoolExecutor(
        num_processes,
        mp_context=context,
        initializer=_begin_worker,
        initargs=(events, stop, trained, dict(heldout)),
    )
    counted = dict.fromkeys((job.label for job in jobs), 0)
    failed: dict[str, str] = {}
    with _counting(events, counted, progress):
        try:
            for job, error in _done(executor, jobs, num_processes):
                if error is not None:
                    if not (keep_going and is_of_one_arm(error)):
                        raise named(error, job.label) if isinstance(error, DataError) else error
                    failed[job.label] = reason_of(error)
                progress.note(f"{job.label} {'done' if error is None else 'failed: ' + reason_of(error)}")
                # what an earlier process did, and steps that dropped rows did not need
                progress.advance(job.num_steps - counted[job.label])
        except BrokenProcessPool as error:
            raise ModelError(
                "a process that tuned an arm was ended from outside, perhaps for want of memory; "
                "the same command goes on from its checkpoints, --jobs 1 needs the least memory"
            ) from error
        finally:
            stop.set()
            executor.shutdown(wait=True, cancel_futures=True)
    progress.finish()
    return failed


def is_of_one_arm(error: BaseException) -> bool:
    """Whether an error says something about one arm's training, and nothing about the others'.

    torch raises RuntimeError when memory runs out; larger arms can meet that alone.
    """
    return isinstance(error, ModelError | MemoryError | RuntimeError) and not isinstance(
        error, BrokenProcessPool
    )


def named(error: DataError, label: str) -> DataError:
    """The error with its arm in front: it speaks of rows, which arms can have of their own."""
    return DataError(f"arm {label}: {error}")


def reason_of(error: BaseException) -> str:
    """The first line of what an error says."""
    return (str(error) or type(error).__name__).splitlines()[0]


def _done(
    executor: ProcessPoolExecutor, jobs: Sequence[Job], num_processes: int
) -> Iterator[tuple[Job, BaseException | None]]:
    """The jobs as they end, with their errors. No more are handed out than run: none starts after the last
    that is asked for.
    """
    waiting = list(jobs)
    running: dict[Future[None], Job] = {}
    while waiting or running:
        while waiting and len(running) < num_processes:
            job = waiting.pop(0)
            running[executor.submit(_tune, replace(job, train=()))] = job
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            job = running.pop(future)
            error = future.exception()
            if isinstance(error, BrokenProcessPool):
                raise error
            yield job, error


@contextmanager
def _counting(events: Any, counted: dict[str, int], progress: Progress) -> Iterator[None]:
    """While it lasts, steps that the workers report are added to the one progress of this process."""
    stop = threading.Event()

    def count() -> None:
        while not stop.is_set():
            try:
                label, steps, fields = events.get(timeout=0.2)
            except queue.Empty:
                continue
            counted[label] += steps
            progress.advance(steps, **fields)

    thread = threading.Thread(target=count, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


_worker: dict[str, Any] = {}


def _begin_worker(
    events: Any, stop: Any, trained: Mapping[str, Sequence[Record]], heldout: Mapping[str, Sequence[Record]]
) -> None:
    import torch

    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _worker.update(events=events, stop=stop, trained=trained, heldout=heldout)


def _end_with_parent() -> None:
    """A worker whose main process was killed would hold its arm's folder: it ends, its checkpoint stays."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "runs in a worker"
    parent.join()
    os._exit(1)


def _tune(job: Job) -> None:
    sink = _Steps(job.label, _worker["events"], _worker["stop"])
    tune(
        job.config,
        _worker["trained"][job.label],
        job.folder,
        heldout=_worker["heldout"],
        progress=Progress(sink),
        again=job.again,
    )


class _Steps:
    """Sends the optimizer steps done since the last event to the main process, and ends when told to stop."""

    def __init__(self, label: str, events: Any, stop: Any) -> None:
        self._label = label
        self._events = events
        self._stop = stop
        self._done = 0

    def __call__(self, event: Event, /) -> None:
        if self._stop.is_set():
            raise KeyboardInterrupt
        if event.unit != "steps":
            return
        if event.kind != "start":
            self._events.put((self._label, event.done - self._done, dict(event.fields)))
        self._done = event.done
