"""The processes of one run: who is first, who takes which document, and sums over all of them.

A process learns its place from the variables that `torchrun` sets (RANK, WORLD_SIZE, LOCAL_RANK,
MASTER_ADDR, MASTER_PORT). Without them the run is one process and nothing here does anything.

Gradients are summed once a step, in flat pieces, after the last backward pass. Not torch's
DistributedDataParallel: it wants the same number of backward passes in every process, and here they differ
(a step's documents are shared by tokens, and a process may have none); it also averages where the loss's
divisor is already that of the whole step. What is lost is the overlap of the sum with one backward pass.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from tunewright.errors import ProcessLost
from tunewright.tune.launch import LAUNCHED, stop_when_launcher_is_gone

T = TypeVar("T")

# How long a process waits for the others. A killed one is noticed at once; this is for one that hangs, and
# the others wait as long while the first writes a model.
TIMEOUT = timedelta(minutes=20)
BUCKET_ELEMENTS = 1 << 23  # summed in one call: 32 MiB of float32


@dataclass(frozen=True)
class World:
    """This process's place among `size`. Every method is called by all of them, in the same order."""

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process prints, and writes the files."""
        return self.rank == 0

    def share(self, costs: Sequence[int]) -> list[int]:
        """The indices that this process takes, ascending; together the processes take each one once.

        The costliest goes first, each to the process with the least so far, so no two differ by more than
        the largest cost. Nothing is sent: all processes know all costs.
        """
        if self.size == 1:
            return list(range(len(costs)))
        taken = [0] * self.size
        own = []
        for index in sorted(range(len(costs)), key=lambda index: (-costs[index], index)):
            rank = min(range(self.size), key=lambda rank: (taken[rank], rank))
            taken[rank] += costs[index]
            if rank == self.rank:
                own.append(index)
        return sorted(own)

    def sums(self, *values: float) -> tuple[float, ...]:
        """Each value summed over the processes, in float64; the same on all of them."""
        return self._reduced(values, dist.ReduceOp.SUM)

    def most(self, value: int) -> int:
        """The largest of the processes' values."""
        return int(self._reduced((value,), dist.ReduceOp.MAX)[0])

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """For each flag whether some process has it set."""
        return tuple(value > 0 for value in self._reduced(flags, dist.ReduceOp.MAX))

    def from_first(self, make: Callable[[], T]) -> T:
        """What `make` gives in the first process, given to all. Its error is raised there, and ends the
        others without a word of their own: one message is enough."""
        if self.size == 1:
            return make()
        held: list[Any] = [None, None]
        if self.is_first:
            try:
                held = [True, make()]
            except BaseException:
                dist.broadcast_object_list([False, None], src=0)
                raise
        dist.broadcast_object_list(held, src=0)
        if not held[0]:
            raise SystemExit(1)
        made: T = held[1]
        return made

    def gathered(self, value: T) -> list[T]:
        """The values of all processes, by rank."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value)
        return values

    def sum_gradients(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """Replace each gradient by its sum over the processes; one without any counts as zero.

        A parameter that has a gradient nowhere keeps none, as it would in a single process.
        """
        if self.size == 1:
            return
        present = torch.tensor([parameter.grad is not None for parameter in parameters], dtype=torch.uint8)
        dist.all_reduce(present, op=dist.ReduceOp.MAX)
        somewhere = [parameter for parameter, has in zip(parameters, present.tolist(), strict=True) if has]
        for bucket in _buckets(somewhere):
            flat = torch.cat([_gradient(parameter).flatten() for parameter in bucket])
            dist.all_reduce(flat)
            pieces = torch.split(flat, [parameter.numel() for parameter in bucket])
            for parameter, piece in zip(bucket, pieces, strict=True):
                parameter.grad = piece.view_as(parameter)

    def _reduced(self, values: Sequence[float], operation: Any) -> tuple[float, ...]:
        if self.size == 1:
            return tuple(values)
        tensor = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(tensor, op=operation)
        return tuple(tensor.tolist())


ALONE = World()


@contextlib.contextmanager
def joined() -> Iterator[World]:
    """This process's place among those of the run, connected while it lasts.

    gloo joins CPUs, nccl gradients on GPUs; the GPU is the one of LOCAL_RANK. Raises `ProcessLost` when
    another process ended or hangs.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE
        return
    if LAUNCHED in os.environ:
        threading.Thread(target=stop_when_launcher_is_gone, daemon=True).start()
    has_gpu = torch.cuda.is_available()
    if has_gpu:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    try:
        dist.init_process_group("cpu:gloo,cuda:nccl" if has_gpu else "gloo", timeout=TIMEOUT)
        yield World(dist.get_rank(), size)
    except RuntimeError as error:  # what gloo raises has no type of its own
        if not _is_of_connection(error):
            raise
        raise ProcessLost(
            "another process of this run ended or does not answer; the same command goes on from the last "
            "checkpoint"
        ) from error
    finally:
        with contextlib.suppress(Exception):  # its own complaint must not hide the reason
            dist.destroy_process_group()


def _is_of_connection(error: RuntimeError) -> bool:
    signs = ("gloo", "connection", "nccl", "broken pipe", "timed out")
    return isinstance(error, dist.DistError) or any(sign in str(error).lower() for sign in signs)


def _gradient(parameter: torch.nn.Parameter) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def _buckets(parameters: Sequence[torch.nn.Parameter]) -> Iterator[list[torch.nn.Parameter]]:
    """Neighbours of one type, up to `BUCKET_ELEMENTS` together; a larger one makes its own."""
    bucket: list[torch.nn.Parameter] = []
    elements = 0
    for parameter in parameters:
        elements += parameter.numel()
        if bucket and (elements > BUCKET_ELEMENTS or parameter.dtype != bucket[0].dtype):
            yield bucket
            bucket, elements = [], parameter.numel()
        bucket.append(parameter)
    if bucket:
        yield bucket
