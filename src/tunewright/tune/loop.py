"""The training loop: order, steps, gradients, and nothing that would make two equal runs differ."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tunewright.errors import ModelError
from tunewright.run.files import JsonlLog, read_jsonl
from tunewright.run.progress import Progress
from tunewright.run.seeds import derive_seed
from tunewright.tune.batches import Micro, micro_batches, steps_of_epoch
from tunewright.tune.checkpoint import load_checkpoint, save_checkpoint, whole
from tunewright.tune.clock import Clock, finish_step_on_interrupt
from tunewright.tune.config import TuneConfig
from tunewright.tune.examples import Example
from tunewright.tune.neftune import Neftune
from tunewright.tune.network import Network
from tunewright.tune.objective import Objective
from tunewright.tune.sharding import made_up


@dataclass(frozen=True)
class Step:
    """What one optimizer step did; a row of `metrics.jsonl`.

    `num_tokens` have weight, of `num_seen`; `num_without` examples have none. `kl` is the part of the loss
    that is λ times the divergence from the reference; None without one.
    """

    step: int
    epoch: int
    loss: float
    lr: float
    gradient_norm: float
    num_tokens: int
    num_seen: int
    num_without: int
    kl: float | None


def train(
    network: Network,
    examples: Sequence[Example],
    *,
    objective: Objective,
    config: TuneConfig,
    lr: float,
    checkpoint: Path,
    metrics: JsonlLog | None,
    after_epoch: Callable[[int], bool],
    on_step: Callable[[dict[str, Any]], None] = lambda row: None,
    progress: Progress,
) -> float:
    """Train in place and give back the seconds it took over all processes (measuring left out).

    Goes on from `checkpoint` when there is one, bit for bit as if it had not stopped. `after_epoch(e)` is
    called before the first step with 0 and after each epoch with 1, 2, …, and ends training when it is true;
    it is called again after a resume that lands there. `on_step` gets each row of `metrics`, after a resume
    the earlier ones again. Ctrl-C finishes the step, writes a checkpoint, and then is raised.

    Of several processes all call it, the first alone with `metrics`, and `after_epoch` must give the same in
    all. Ctrl-C in any of them is raised in all, after the same step.
    """
    world = network.world
    optimizer = torch.optim.AdamW(
        [parameter for parameter in network.model.parameters() if parameter.requires_grad],
        lr=lr,
        weight_decay=config.weight_decay,
        fused=True,
    )
    facts = load_checkpoint(checkpoint, network.model, optimizer) or {"step": 0, "seconds": 0.0}
    done, seconds_before = int(facts["step"]), float(facts["seconds"])
    if metrics is not None:
        metrics.keep(done)
        for row in read_jsonl(metrics.path):
            on_step(row)
    steps_per_epoch = math.ceil(len(examples) / config.batch_size)
    num_steps = steps_per_epoch * config.epochs
    clock = Clock(seconds_before)
    with finish_step_on_interrupt() as interrupted:
        if done % steps_per_epoch == 0:  # the start, or a kill between an epoch's end and its measuring
            with clock.stopped():
                enough = after_epoch(done // steps_per_epoch)
            if enough:
                return clock.seconds()
        for step in range(done, num_steps):
            epoch, within = divmod(step, steps_per_epoch)
            if within == 0 or step == done:
                name = f"{objective.name} seed {config.seed}, epoch {epoch + 1} of {config.epochs}"
                progress.start(name, steps_per_epoch, "steps", done=within)
                rows_of = steps_of_epoch(
                    len(examples), batch_size=config.batch_size, seed=config.seed, epoch=epoch
                )
            took = take_step(
                network,
                optimizer,
                [examples[row] for row in rows_of[within]],
                objective=objective,
                config=config,
                lr=lr * schedule_factor(step, num_steps, config),
                step=step,
                epoch=epoch,
            )
            row = asdict(took)
            if metrics is not None:
                metrics.append(row)
            on_step(row)
            progress.advance(loss=round(took.loss, 3))
            last_of_epoch = within == steps_per_epoch - 1
            is_due = last_of_epoch or clock.checkpoint_is_due()
            must_stop, must_save = world.any(interrupted(), interrupted() or is_due)
            if must_save:
                if metrics is not None:
                    metrics.sync()
                facts = {"step": step + 1, "seconds": clock.seconds()}
                with clock.checkpointing():
                    save_checkpoint(checkpoint, network.model, optimizer, facts, writes=world.is_first)
            if must_stop:
                raise KeyboardInterrupt
            if last_of_epoch:
                progress.finish()
                with clock.stopped():
                    enough = after_epoch(epoch + 1)
                if any(world.any(interrupted())):
                    raise KeyboardInterrupt
                if enough:
                    break
    return clock.seconds()


def take_step(
    network: Network,
    optimizer: torch.optim.Optimizer,
    examples: Sequence[Example],
    *,
    objective: Objective,
    config: TuneConfig,
    lr: float,
    step: int,
    epoch: int,
) -> Step:
    """One optimizer step: loss = Σ w·nll / D with D over the whole step, gradients clipped, AdamW.

    Dropout is drawn by each process from a seed of its own, the first one's being that of a run in a single
    process: the same masks in all of them would tie the noise of unlike documents together. So with dropout
    a run depends on the number of processes, as it does on `pack_tokens`.
    """
    rank = network.world.rank
    torch.manual_seed(derive_seed(config.seed, "dropout", step, *([rank] if rank else [])))
    optimizer.zero_grad(set_to_none=True)
    noise = None if config.neftune is None else Neftune(config.neftune, config.seed, step)
    sums = accumulate_gradients(
        network, examples, objective=objective, pack_tokens=config.pack_tokens, noise=noise
    )
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    norm = float(whole(torch.nn.utils.clip_grad_norm_(parameters, config.clip)))
    if not (math.isfinite(sums.loss) and math.isfinite(norm)):
        raise ModelError(
            f"the loss is {sums.loss} and the gradient's norm {norm} at step {step + 1}; try a lower --lr "
            "or --precision f32"
        )
    for group in optimizer.param_groups:
        group["lr"] = lr
    optimizer.step()
    num_seen = sum(len(example) for example in examples)
    return Step(
        step=step + 1,
        epoch=epoch + 1,
        loss=sums.loss,
        lr=lr,
        gradient_norm=norm,
        num_tokens=sums.num_tokens,
        num_seen=num_seen,
        num_without=sums.num_without,
        kl=sums.kl if network.reference is not None else None,
    )


@dataclass(frozen=True, slots=True)
class Sums:
    """Of one step: the loss, weighted tokens, examples without any, and the part of the loss that is λ·KL."""

    loss: float
    num_tokens: int
    num_without: int
    kl: float


def accumulate_gradients(
    network: Network,
    examples: Sequence[Example],
    *,
    objective: Objective,
    pack_tokens: int,
    noise: Neftune | None = None,
) -> Sums:
    """Add the gradient of one step's loss to the parameters.

    The same for any `pack_tokens`, because every coefficient already holds the step's divisor. Of several
    processes each takes its share of the documents, and all get the sums; gradients are zero before. Raises
    `ModelError` when another number of tokens was trained on than the masks say.
    """
    world = network.world
    coefficients = objective.coefficients(
        [example.roles for example in examples], [example.weight for example in examples]
    )
    expected = [
        int(np.count_nonzero(objective.token_weights(example.roles))) if np.float32(example.weight) else 0
        for example in examples
    ]
    loss, kl, num_tokens = 0.0, 0.0, 0
    lengths = [len(example) if count else 0 for example, count in zip(examples, expected, strict=True)]
    micros: Iterable[Micro] = micro_batches(
        examples, coefficients, pack_tokens=pack_tokens, packed=network.packed, own=world.share(lengths)
    )
    if network.root is not None:
        micros = made_up(micros, world, packed=network.packed)
    for micro in micros:
        part = network.loss(micro, noise=noise)
        part.total.backward()  # type: ignore[no-untyped-call]
        loss += float(part.total.detach())
        if part.kl_N is not None:
            kl += network.kl * float((part.kl_N.cpu() * micro.coefficients_N).sum())
        num_tokens += len(part.nll_N)
    loss, kl, summed_tokens = world.sums(loss, kl, num_tokens)
    num_tokens = int(summed_tokens)
    if num_tokens != sum(expected):
        raise ModelError(
            f"{num_tokens} tokens were trained on where the masks have {sum(expected)}; this is a fault of "
            "Tunewright: please report it with the data, the model and the objective"
        )
    if network.root is None:  # split weights were summed in each backward pass
        world.sum_gradients([p for p in network.model.parameters() if p.requires_grad])
    return Sums(loss, num_tokens, sum(count == 0 for count in expected), kl)


def schedule_factor(step: int, num_steps: int, config: TuneConfig) -> float:
    """The share of the peak learning rate at a step (from 0): linear warm-up, then the named decay to 0."""
    warmup = math.ceil(config.warmup * num_steps)
    if step < warmup:
        return (step + 1) / warmup
    left = (num_steps - step) / max(num_steps - warmup, 1)
    match config.schedule:
        case "constant":
            return 1.0
        case "linear":
            return left
        case "cosine":
            return 0.5 * (1 - math.cos(math.pi * left))
