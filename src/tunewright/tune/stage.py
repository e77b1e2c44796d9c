"""One arm: records in, a tuned model and everything that explains it out."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tunewright.errors import DataError, ModelError, RecipeError
from tunewright.records.digest import records_digest
from tunewright.records.record import Record
from tunewright.records.reject import Reject
from tunewright.run.files import JsonlLog, write_text_atomic
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.folder import RunFolder, read_manifest
from tunewright.run.progress import Progress
from tunewright.run.seeds import derive_seed
from tunewright.run.versions import environment
from tunewright.tune.adapters import Save, add_adapter, check_adapter
from tunewright.tune.beside import write_masks, write_rejects
from tunewright.tune.config import TuneConfig
from tunewright.tune.distributed import World, joined
from tunewright.tune.epochs import EpochWatch
from tunewright.tune.examples import role_counts
from tunewright.tune.loop import train
from tunewright.tune.memory import cuda_peak_bytes, peak_bytes, reset_peak
from tunewright.tune.model import default_lr, device_of_choice, enable_checkpointing, load_model, save_model
from tunewright.tune.model_input import model_input
from tunewright.tune.network import Network
from tunewright.tune.precision import choose_dtype
from tunewright.tune.prepare import Prepared, check_set_names, prepare, rows_digest, shared_prompts
from tunewright.tune.sharding import shard, whole_model
from tunewright.tune.token_losses import TokenWatch
from tunewright.tune.trackers import check_trackers, open_trackers


def tune(
    config: TuneConfig,
    records: Sequence[Record],
    out: str | Path,
    *,
    heldout: Mapping[str, Sequence[Record]] | None = None,
    rejects: Sequence[Reject] = (),
    progress: Progress | None = None,
    again: bool = False,
) -> dict[str, Any]:
    """Tune one model on the records, measure it after every epoch, and give back its manifest.

    `heldout` names the sets to measure on beside a sample of the training rows. The folder `out` gets
    `model/` (an ordinary transformers folder), `metrics.jsonl` (a row a step), `losses/epoch-N.jsonl`
    (a row an example), `mask.html`, `rejects.jsonl` (`rejects` from reading, and what was too long or
    could not be proved) and `manifest.json`. A finished folder with the same settings and data is not run
    again; an interrupted one goes on where it stopped. Under `torchrun` all processes call it and train
    together; the first writes, and all get the manifest.
    """
    heldout = dict(heldout or {})
    progress = progress or Progress()
    check_set_names(heldout)
    _check_settings(config, heldout)
    inputs = {"data": records_digest(records)} | {
        name: records_digest(rows) for name, rows in heldout.items()
    }
    inputs |= model_input(config.model)
    fingerprint = Fingerprint("tune", config.settings(), inputs)
    with joined() as world:
        with _opened(world, Path(out), fingerprint, again=again) as folder, _threads_restored():
            if not folder.is_done:
                check_adapter(config.model, config.parsed_adapter(), Save(config.save))
                _run(folder, config, records, heldout, rejects, progress, world)
        return world.from_first(lambda: read_manifest(out))


def _run(
    folder: RunFolder,
    config: TuneConfig,
    records: Sequence[Record],
    heldout: Mapping[str, Sequence[Record]],
    rejects: Sequence[Reject],
    progress: Progress,
    world: World,
) -> None:
    reset_peak()
    # a run that goes on tomorrow tokenises as it began, whatever date its chat template writes
    kept_date = folder.path / "date.txt"
    today = world.from_first(lambda: kept_date.read_text() if kept_date.exists() else str(date.today()))
    prepared = prepare(config, records, heldout, progress=progress, today=date.fromisoformat(today))
    _same_as_before(
        folder.path, kept_date.name, today, world
    )  # after what may fail: a folder stays empty till then
    objective = config.parsed_objective()
    roles = [example.roles for example in prepared.train.kept]
    record_weights = [example.weight for example in prepared.train.kept]
    share = objective.effective_output_share(roles, record_weights)
    network = _network(config, prepared, folder.path, world)
    # sums in another number of threads round differently, and a resumed run must not
    kept_threads = "threads.txt" if world.size == 1 else f"threads-of-{world.size}.txt"
    num_threads = _same_as_before(folder.path, kept_threads, str(torch.get_num_threads()), world)
    torch.set_num_threads(int(num_threads))
    digest = _same_as_before(folder.path, "rows.txt", rows_digest(prepared.train.kept), world)
    if digest != rows_digest(prepared.train.kept):
        raise DataError(
            f"{folder.path}: the rows do not tokenise as when this run began (another version of the "
            "tokenizer does that); move the folder away and run it again"
        )
    trainable = sum(p.numel() for p in network.model.parameters() if p.requires_grad)
    lr = default_lr(config)
    if world.is_first:
        (folder.path / "losses").mkdir(exist_ok=True)
        write_rejects(folder.path / "rejects.jsonl", rejects, prepared)
        write_masks(folder.path, config, records, prepared)
    checkpoint = folder.path / "checkpoint.safetensors"
    with (
        open_trackers(
            config.trackers if world.is_first else (),
            folder.path,
            f"{objective.name} seed {config.seed}",
            config.settings(),
            note=progress.note,
        ) as trackers,
        JsonlLog(folder.path / "metrics.jsonl") if world.is_first else contextlib.nullcontext() as metrics,
    ):
        tokens = TokenWatch(
            prepared.measured,
            {"train": records, **heldout},
            prepared.renderer,
            objective,
            folder.path,
            explanation=config.explanation,
            pack_tokens=config.pack_tokens,
        )
        watch = EpochWatch(network, config, prepared, folder.path, progress, trackers, tokens)
        seconds = train(
            network,
            prepared.train.kept,
            objective=objective,
            config=config,
            lr=lr,
            checkpoint=checkpoint,
            metrics=metrics,
            after_epoch=watch.after_epoch,
            on_step=lambda row: trackers.log(row, row["step"]),
            progress=progress,
        )
        if metrics is not None:
            metrics.sync()
    kept_epoch = watch.restore_best()
    model = whole_model(network, lambda: _model(config, prepared))
    if metrics is None:
        return
    stop_ids = list(dict.fromkeys([prepared.renderer.stop_id, *_eos_ids(prepared.renderer.tokenizer)]))
    num_parameters = sum(p.numel() for p in network.model.parameters())
    weights = {role.name.lower(): weight for role, weight in objective.weights.items()}
    save_model(
        model,
        prepared.renderer.tokenizer,
        folder.path / "model",
        stop_ids=stop_ids,
        chat_template=prepared.renderer.chat_template,
        save=Save(config.save),
    )
    weighted = [int(np.count_nonzero(each)) for each in objective.coefficients(roles, record_weights)]
    folder.finish(
        versions=environment(),
        counts={
            "records": len(records),
            "train": len(prepared.train.kept),
            "dropped": len(prepared.train.dropped),
            "cut": prepared.train.num_cut,
            "steps": metrics.num_rows,
            **{f"heldout.{name}": len(examples.kept) for name, examples in prepared.heldout.items()},
            **{f"dropped.{name}": len(examples.dropped) for name, examples in prepared.heldout.items()},
        },
        extra={
            "objective": {
                "name": objective.name,
                "normalisation": str(objective.normalisation),
                "weights": weights,
                "effective_output_share": share,
                "weighted_tokens_per_epoch": sum(weighted),
                "rows_without_weight": sum(count == 0 for count in weighted),
            },
            "tokens_by_role": role_counts(prepared.train.kept),
            "dropped": prepared.train.reasons(),
            "rows_digest": digest,
            "heldout_prompts_in_training": shared_prompts(records, heldout),
            "template_sha256": _sha256(prepared.renderer.chat_template),
            "tokenizer_sha256": _sha256(prepared.renderer.tokenizer.backend_tokenizer.to_str()),
            "stop_token": prepared.renderer.tokenizer.convert_ids_to_tokens(prepared.renderer.stop_id),
            "appends_eos": prepared.renderer.appends_eos,
            "matches_generation_prompt": prepared.renderer.matches_generation_prompt,
            "num_parameters": num_parameters,
            "num_trainable": trainable,
            "lr": lr,
            "epochs_run": watch.epochs_run,
            "kept_epoch": kept_epoch,
            "dtype": str(network.dtype).removeprefix("torch."),
            "device": str(network.model.device),
            "layout": "packed, attention per document" if network.packed else "right-padded",
            "train_seconds": round(seconds, 2),
            "peak_bytes": peak_bytes(),
            "cuda_peak_bytes": cuda_peak_bytes(),
            "threads": torch.get_num_threads(),
            "processes": world.size,
        },
    )
    checkpoint.unlink(missing_ok=True)
    watch.best.path.unlink(missing_ok=True)


@contextlib.contextmanager
def _threads_restored() -> Iterator[None]:
    """A resumed run takes the number of threads it began with; what comes after it does not."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _check_settings(config: TuneConfig, heldout: Mapping[str, Sequence[Record]]) -> None:
    """What only shows against the data at hand: a rule that needs a held-out set."""
    check_trackers(config.trackers)
    if (config.patience is not None or config.keep == "best") and not heldout:
        raise RecipeError("patience and keep: best go by a held-out set; name one, or hold rows out")
    if config.stop_on is not None and config.stop_on not in heldout:
        known = ", ".join(heldout) or "none"
        raise RecipeError(f"stop_on: there is no held-out set {config.stop_on!r}; there are: {known}")


@contextlib.contextmanager
def _opened(world: World, out: Path, fingerprint: Fingerprint, *, again: bool) -> Iterator[RunFolder]:
    """The folder, opened by the first process; the others see it too, without its lock, and write nothing."""
    own: list[RunFolder] = []

    def open_folder() -> bool:
        own.append(RunFolder.open(out, fingerprint=fingerprint, again=again))
        return own[0].is_done

    is_done = world.from_first(open_folder)
    with own[0] if own else RunFolder(out, fingerprint, is_done=is_done) as folder:
        yield folder


def _network(config: TuneConfig, prepared: Prepared, folder: Path, world: World) -> Network:
    model = _model(config, prepared)
    longest = max(len(example) for examples in prepared.measured.values() for example in examples)
    longest = max(longest, *(len(example) for example in prepared.train.kept))
    positions = getattr(model.config, "max_position_embeddings", None)
    if positions is not None and longest > positions:
        raise ModelError(
            f"{config.model} reads at most {positions} tokens and the longest example has {longest}; "
            f"use --max-tokens {positions} or less"
        )
    if config.checkpointing:
        enable_checkpointing(model)
    is_sharded = config.sharding == "fsdp" and world.size > 1
    if not config.is_quantised and not is_sharded:  # those are placed while they are loaded, or split
        model.to(device_of_choice())
    size = sum(parameter.numel() for parameter in model.parameters())
    dtype = _settled_dtype(folder, config, size, world)
    network = Network.prepare(model, dtype=dtype, kl=config.kl or 0.0, world=world)
    return shard(network, world) if is_sharded else network


def _model(config: TuneConfig, prepared: Prepared) -> Any:
    """The model before training, with its adapter; the same each time it is asked for."""
    adapter = config.parsed_adapter()
    seed = derive_seed(config.seed, "init")
    model = load_model(config.model, prepared.renderer.tokenizer, seed=seed, quantised=config.is_quantised)
    if adapter is None:
        return model
    return add_adapter(model, adapter, seed=derive_seed(config.seed, "lora"))


def _settled_dtype(folder: Path, config: TuneConfig, size: int, world: World) -> torch.dtype:
    """The probe's choice, kept in the folder so that a resumed run computes as it began."""
    dtype = choose_dtype(config.precision, num_parameters=size, device=device_of_choice())
    kept = _same_as_before(folder, "dtype.txt", str(dtype).removeprefix("torch."), world)
    return torch.bfloat16 if kept == "bfloat16" else torch.float32


def _same_as_before(folder: Path, name: str, value: str, world: World) -> str:
    """The value that the run began with, kept in the folder; where it begins now the first process's."""

    def kept() -> str:
        if not (folder / name).exists():
            write_text_atomic(folder / name, value)
        return (folder / name).read_text()

    return world.from_first(kept)


def _eos_ids(tokenizer: Any) -> list[int]:
    return [] if tokenizer.eos_token_id is None else [int(tokenizer.eos_token_id)]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
