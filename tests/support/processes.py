"""Several processes that train together, as `torchrun` would start them, without a start of Python for each.

A fork server imports the libraries once; what runs in a process must be a function of an importable module.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import socket
import sys
import tempfile
from collections.abc import Callable, Sequence
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import peft  # noqa: F401 - loaded in the fork server once, where the program loads it late
import pytest
import torch
from transformers import PreTrainedTokenizerFast  # noqa: F401
from transformers.models.llama import modeling_llama  # noqa: F401

from tunewright.records.record import Record
from tunewright.run.progress import Event, Progress
from tunewright.tune import clock, loop
from tunewright.tune.adapters import Adapter, add_adapter
from tunewright.tune.config import TuneConfig
from tunewright.tune.distributed import joined
from tunewright.tune.examples import make_examples
from tunewright.tune.model import enable_checkpointing, load_model, load_tokenizer
from tunewright.tune.neftune import Neftune
from tunewright.tune.network import Network
from tunewright.tune.objective_names import parse_objective
from tunewright.tune.roles import Renderer
from tunewright.tune.sharding import shard
from tunewright.tune.stage import tune

SECONDS = 120.0


def in_processes(size: int, work: Callable[..., Any], *given: Any) -> tuple[list[Any], list[int]]:
    """What `work(*given)` gave in each of `size` processes (None if it did not end), and the exit codes."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["support.processes"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # the server imports by it, or silently not
        forkserver.ensure_running()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        results = [Path(folder) / str(rank) for rank in range(size)]
        processes = [
            context.Process(target=_in_rank, args=(rank, size, port, results[rank], work, given))
            for rank in range(size)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(SECONDS)
            if process.exitcode is None:
                process.kill()
                process.join()
        made = [pickle.loads(file.read_bytes()) if file.exists() else None for file in results]
        return made, [process.exitcode for process in processes]


def _in_rank(
    rank: int, size: int, port: int, result: Path, work: Callable[..., Any], given: Sequence[Any]
) -> None:
    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in place.items()}, MASTER_ADDR="127.0.0.1")
    torch.set_num_threads(1)
    result.write_bytes(pickle.dumps(work(*given)))


class Interrupter:
    """A progress sink that sends this process, if it is that rank, a signal at the n-th step."""

    def __init__(self, rank: int, step: int, number: int) -> None:
        self._is_me = os.environ.get("RANK") == str(rank)
        self._left = step
        self._number = number

    def __call__(self, event: Event) -> None:
        if event.kind == "advance" and event.unit == "steps":
            self._left -= 1
            if self._left == 0 and self._is_me:
                os.kill(os.getpid(), self._number)


class EveryEvent(Progress):
    """Progress without thinning, so that a test can act at an exact step."""

    def advance(self, n: int = 1, **fields: Any) -> None:
        self._last_sent = float("-inf")
        super().advance(n, **fields)


def tune_together(
    config: dict[str, Any],
    records: list[Record],
    heldout: list[Record],
    out: Path,
    stop: tuple[int, int, int] | None = None,
) -> str:
    """`tune` with a checkpoint after every step; `stop` is (rank, step, signal). What ended it, by name."""
    clock.CHECKPOINT_SECONDS = clock.CHECKPOINT_PAUSE = 0.0
    progress = None if stop is None else EveryEvent(Interrupter(*stop))
    try:
        tune(TuneConfig.model_validate(config), records, out, heldout={"heldout": heldout}, progress=progress)
    except (Exception, KeyboardInterrupt) as problem:
        return type(problem).__name__
    return "done"


def write_checkpoints_seen(config: dict[str, Any], records: list[Record], out: Path) -> tuple[int, int]:
    """How many steps this process took and how many checkpoints it wrote, counted where they are written."""
    from tunewright.tune import checkpoint

    written: list[str] = []
    write = checkpoint.save_file

    def counted(tensors: Any, name: str, **rest: Any) -> None:
        written.append(name)
        write(tensors, name, **rest)

    checkpoint.save_file = counted
    steps: list[int] = []
    take = loop.take_step

    def counted_step(*args: Any, **given: Any) -> Any:
        steps.append(given["step"])
        return take(*args, **given)

    loop.take_step = counted_step
    tune_together(config, records, records[:2], out)
    return len(steps), len(written)


def step_of(
    records: list[Record], rows: list[int], options: dict[str, Any]
) -> tuple[float, float, int, dict[str, torch.Tensor]]:
    """Loss, its KL part, weighted tokens and all gradients, whole, of one step over those rows.

    The options are `sharding`, `lora`, `kl`, `neftune`, `pack_tokens`, `checkpointing`, `model`.
    """
    tokenizer = load_tokenizer("scratch:tiny", records)
    kept = make_examples(records, Renderer(tokenizer), max_tokens=512, explanation=True).kept
    model = load_model("scratch:tiny", tokenizer, seed=1)
    if options.get("lora"):
        model = add_adapter(model, Adapter(options["lora"]), seed=1)
        for name, parameter in model.named_parameters():  # B is zero at first, and A's gradient with it
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.02, generator=torch.Generator().manual_seed(2))
    if options.get("checkpointing"):
        enable_checkpointing(model)
    with joined() as world:
        network = Network.prepare(model, dtype=torch.float32, kl=options.get("kl", 0.0), world=world)
        if network.reference is not None and not network.reference.is_base:
            for parameter in model.parameters():  # else the divergence is zero
                parameter.data.mul_(1.05)
        if options.get("sharding") == "fsdp":
            network = shard(network, world)
        noise = Neftune(options["neftune"], 1, 3) if options.get("neftune") else None
        sums = loop.accumulate_gradients(
            network,
            [kept[row] for row in rows],
            objective=parse_objective("plw:0.25"),
            pack_tokens=options.get("pack_tokens", 4096),
            noise=noise,
        )
        gradients = {
            name: loop.whole(parameter.grad).clone()
            for name, parameter in network.model.named_parameters()
            if parameter.grad is not None
        }
    return sums.loss, sums.kl, sums.num_tokens, gradients
