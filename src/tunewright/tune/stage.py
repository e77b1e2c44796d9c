"""One arm: records in, a tuned model and everything that explains it out."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tunewright.errors import DataError, ModelError
from tunewright.records.digest import prompt_digest, records_digest
from tunewright.records.record import Record
from tunewright.records.reject import Reject
from tunewright.run.files import JsonlLog, write_json_atomic, write_text_atomic
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.folder import RunFolder, read_manifest
from tunewright.run.progress import Progress
from tunewright.run.seeds import derive_seed
from tunewright.run.versions import environment
from tunewright.tune.config import TuneConfig
from tunewright.tune.examples import Dropped, Example, Examples, make_examples, role_counts
from tunewright.tune.loop import train
from tunewright.tune.measure import ExampleLoss, example_losses
from tunewright.tune.memory import cuda_peak_bytes, peak_bytes, reset_peak
from tunewright.tune.model import (
    add_lora,
    default_lr,
    device_of_choice,
    load_model,
    load_tokenizer,
    save_model,
)
from tunewright.tune.network import Network
from tunewright.tune.precision import choose_dtype
from tunewright.tune.preview import Preview, mask, mask_html
from tunewright.tune.roles import Renderer

PREVIEWS = 3  # records whose mask is written beside the model


@dataclass(frozen=True)
class Prepared:
    """What training needs, before any weight is loaded: the same for every arm on the same data."""

    renderer: Renderer
    train: Examples
    heldout: Mapping[str, Examples]
    measured: Mapping[str, tuple[Example, ...]]  # by set; of the training set a fixed sample


def prepare(
    config: TuneConfig,
    records: Sequence[Record],
    heldout: Mapping[str, Sequence[Record]],
    *,
    progress: Progress | None = None,
) -> Prepared:
    """Tokenise and filter all sets. Raises `DataError` when nothing is left to train on, with the reasons."""
    if not records:
        raise DataError("there are no training records; check the data file and --holdout")
    progress = progress or Progress()
    tokenizer = load_tokenizer(config.model, records)
    renderer = Renderer(tokenizer, chat_template=config.chat_template)
    progress.start("tokenise", len(records) + sum(map(len, heldout.values())), "records")

    def examples_of(rows: Sequence[Record]) -> Examples:
        limit = min(config.max_tokens, _longest(tokenizer))
        made = make_examples(
            rows,
            renderer,
            max_tokens=limit,
            explanation=config.explanation,
            too_long=config.too_long,
            weight_column=config.record_weight,
        )
        progress.advance(len(rows))
        return made

    train_set = examples_of(records)
    if not train_set.kept:
        drop = train_set.dropped[0]
        raise DataError(
            f"no training record is left: all {len(train_set.dropped)} were dropped; the first, {drop.id}: "
            f"{drop.reason} ({drop.detail}). Try a larger --max-tokens or another --chat-template"
        )
    held = {name: examples_of(rows) for name, rows in heldout.items()}
    for name, examples in held.items():
        if not examples.kept:
            drop = examples.dropped[0]
            raise DataError(
                f"no record of the held-out set {name!r} is left; the first, {drop.id}: {drop.reason} "
                f"({drop.detail})"
            )
    progress.finish()
    measured = {"train": _sample(train_set.kept, config.measured_rows)}
    measured |= {name: examples.kept for name, examples in held.items()}
    return Prepared(renderer, train_set, held, measured)


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
    again; an interrupted one goes on where it stopped.
    """
    heldout = dict(heldout or {})
    progress = progress or Progress()
    _known_sets(heldout)
    inputs = {"data": records_digest(records)} | {
        name: records_digest(rows) for name, rows in heldout.items()
    }
    inputs |= model_input(config.model)
    with RunFolder.open(
        out, fingerprint=Fingerprint("tune", config.settings(), inputs), again=again
    ) as folder:
        if not folder.is_done:
            _run(folder, config, records, heldout, rejects, progress)
    return read_manifest(out)


def _run(
    folder: RunFolder,
    config: TuneConfig,
    records: Sequence[Record],
    heldout: Mapping[str, Sequence[Record]],
    rejects: Sequence[Reject],
    progress: Progress,
) -> None:
    reset_peak()
    prepared = prepare(config, records, heldout, progress=progress)
    objective = config.parsed_objective()
    roles = [example.roles for example in prepared.train.kept]
    record_weights = [example.weight for example in prepared.train.kept]
    share = objective.effective_output_share(roles, record_weights)
    network = _network(config, prepared, folder.path)
    # sums in another number of threads round differently, and a resumed run must not
    torch.set_num_threads(int(_same_as_before(folder.path, "threads.txt", str(torch.get_num_threads()))))
    digest = _same_as_before(folder.path, "rows.txt", _rows_digest(prepared.train.kept))
    if digest != _rows_digest(prepared.train.kept):
        raise DataError(
            f"{folder.path}: the rows do not tokenise as when this run began (a chat template with today's "
            "date does that); move the folder away and run it again"
        )
    trainable = sum(p.numel() for p in network.model.parameters() if p.requires_grad)
    lr = default_lr(config)
    (folder.path / "losses").mkdir(exist_ok=True)
    _write_rejects(folder.path / "rejects.jsonl", rejects, prepared)
    _write_masks(folder.path, config, records, prepared)
    checkpoint = folder.path / "checkpoint.safetensors"
    with JsonlLog(folder.path / "metrics.jsonl") as metrics:
        seconds = train(
            network,
            prepared.train.kept,
            objective=objective,
            config=config,
            lr=lr,
            checkpoint=checkpoint,
            metrics=metrics,
            after_epoch=_measurer(network, config, prepared, folder.path, progress),
            progress=progress,
        )
        metrics.sync()
        num_steps = metrics.num_rows
    stop_ids = list(dict.fromkeys([prepared.renderer.stop_id, *_eos_ids(prepared.renderer.tokenizer)]))
    num_parameters = sum(p.numel() for p in network.model.parameters())
    weights = {role.name.lower(): weight for role, weight in objective.weights.items()}
    save_model(
        network.model,
        prepared.renderer.tokenizer,
        folder.path / "model",
        stop_ids=stop_ids,
        chat_template=prepared.renderer.chat_template,
    )
    weighted = [int(np.count_nonzero(each)) for each in objective.coefficients(roles, record_weights)]
    folder.finish(
        versions=environment(),
        counts={
            "records": len(records),
            "train": len(prepared.train.kept),
            "dropped": len(prepared.train.dropped),
            "cut": prepared.train.num_cut,
            "steps": num_steps,
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
            "heldout_prompts_in_training": _shared_prompts(records, heldout),
            "template_sha256": _sha256(prepared.renderer.chat_template),
            "tokenizer_sha256": _sha256(prepared.renderer.tokenizer.backend_tokenizer.to_str()),
            "stop_token": prepared.renderer.tokenizer.convert_ids_to_tokens(prepared.renderer.stop_id),
            "appends_eos": prepared.renderer.appends_eos,
            "matches_generation_prompt": prepared.renderer.matches_generation_prompt,
            "num_parameters": num_parameters,
            "num_trainable": trainable,
            "lr": lr,
            "dtype": str(network.dtype).removeprefix("torch."),
            "device": str(network.model.device),
            "layout": "packed, attention per document" if network.packed else "right-padded",
            "train_seconds": round(seconds, 2),
            "peak_bytes": peak_bytes(),
            "cuda_peak_bytes": cuda_peak_bytes(),
            "threads": torch.get_num_threads(),
        },
    )
    checkpoint.unlink(missing_ok=True)


def _network(config: TuneConfig, prepared: Prepared, folder: Path) -> Network:
    model = load_model(config.model, prepared.renderer.tokenizer, seed=derive_seed(config.seed, "init"))
    longest = max(len(example) for examples in prepared.measured.values() for example in examples)
    longest = max(longest, *(len(example) for example in prepared.train.kept))
    positions = getattr(model.config, "max_position_embeddings", None)
    if positions is not None and longest > positions:
        raise ModelError(
            f"{config.model} reads at most {positions} tokens and the longest example has {longest}; "
            f"use --max-tokens {positions} or less"
        )
    if config.lora is not None:
        model = add_lora(
            model, rank=config.lora, alpha=config.lora_alpha, seed=derive_seed(config.seed, "lora")
        )
    model.to(device_of_choice())
    size = sum(parameter.numel() for parameter in model.parameters())
    dtype = _settled_dtype(folder, config, size, model.device)
    return Network.prepare(model, dtype=dtype, kl=config.kl or 0.0)


def _settled_dtype(folder: Path, config: TuneConfig, size: int, device: torch.device) -> torch.dtype:
    """The probe's choice, kept in the folder so that a resumed run computes as it began."""
    dtype = choose_dtype(config.precision, num_parameters=size, device=device)
    kept = _same_as_before(folder, "dtype.txt", str(dtype).removeprefix("torch."))
    return torch.bfloat16 if kept == "bfloat16" else torch.float32


def _same_as_before(folder: Path, name: str, value: str) -> str:
    """The value that the run began with, kept in the folder; this one where it begins now."""
    kept = folder / name
    if not kept.exists():
        write_text_atomic(kept, value)
    return kept.read_text()


def _measurer(
    network: Network, config: TuneConfig, prepared: Prepared, folder: Path, progress: Progress
) -> Callable[[int], None]:
    """What is done after each epoch: per-example losses of every set, into one file, written whole."""

    def measure(epoch: int) -> None:
        file = folder / "losses" / f"epoch-{epoch}.jsonl"
        if file.exists():
            return
        progress.start(f"measure epoch {epoch}", sum(map(len, prepared.measured.values())), "examples")
        rows = []
        for name, examples in prepared.measured.items():
            losses = example_losses(
                network,
                examples,
                pack_tokens=config.pack_tokens,
                on_progress=lambda done: progress.advance(done),
            )
            rows += [_loss_row(name, loss) for loss in losses]
        _write_rows(file, rows)
        progress.finish()

    return measure


def _loss_row(set_name: str, loss: ExampleLoss) -> dict[str, Any]:
    return {
        "set": set_name,
        "id": loss.id,
        "losses": {name: [group.nll, group.num_tokens] for name, group in loss.groups.items()},
    }


def _write_rows(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    import orjson

    write_text_atomic(file, "".join(orjson.dumps(row).decode() + "\n" for row in rows))


def _write_rejects(file: Path, rejects: Sequence[Reject], prepared: Prepared) -> None:
    rows = [asdict(reject) for reject in rejects]
    sets: dict[str, Sequence[Dropped]] = {"train": prepared.train.dropped}
    sets |= {name: examples.dropped for name, examples in prepared.heldout.items()}
    rows += [{"set": name, **asdict(drop)} for name, drops in sets.items() for drop in drops]
    _write_rows(file, rows)


def _write_masks(folder: Path, config: TuneConfig, records: Sequence[Record], prepared: Prepared) -> None:
    objective = config.parsed_objective()
    by_id = {record.id: record for record in records}
    shown = [by_id[example.id] for example in prepared.train.kept[:PREVIEWS]]
    previews = [
        mask(record, prepared.renderer, objective, explanation=config.explanation) for record in shown
    ]
    write_text_atomic(folder / "mask.html", mask_html(previews))
    write_json_atomic(folder / "mask.json", [_preview_row(preview) for preview in previews])


def _preview_row(preview: Preview) -> dict[str, Any]:
    return {
        "id": preview.record_id,
        "tokens": [[token.text, token.role.name.lower(), token.weight] for token in preview.tokens],
    }


def _sample(examples: Sequence[Example], most: int) -> tuple[Example, ...]:
    """At most `most` examples, spread over the set and the same for every arm and seed."""
    if len(examples) <= most:
        return tuple(examples)
    chosen = np.random.default_rng(derive_seed(0, "measured")).choice(len(examples), size=most, replace=False)
    return tuple(examples[index] for index in sorted(chosen))


def _known_sets(heldout: Mapping[str, Sequence[Record]]) -> None:
    for name, rows in heldout.items():
        if name in ("train", "data", "model"):
            raise DataError(f"a held-out set cannot be called {name!r}; choose another name")
        if not rows:
            raise DataError(f"the held-out set {name!r} has no records")


def model_input(spec: str) -> dict[str, str]:
    """A local model's files by name and size: a folder that changed is noticed without reading it all."""
    folder = Path(spec)
    if not folder.is_dir():
        return {}
    listing = sorted((file.name, file.stat().st_size) for file in folder.iterdir() if file.is_file())
    return {"model": hashlib.sha256(repr(listing).encode()).hexdigest()}


def _longest(tokenizer: Any) -> int:
    """The tokenizer's own limit; unset ones hold a number beyond any model."""
    return int(min(tokenizer.model_max_length, 1 << 40))


def _eos_ids(tokenizer: Any) -> list[int]:
    return [] if tokenizer.eos_token_id is None else [int(tokenizer.eos_token_id)]


def _shared_prompts(records: Sequence[Record], heldout: Mapping[str, Sequence[Record]]) -> dict[str, int]:
    """How many records of each held-out set have a prompt that is trained on: they measure memory."""
    trained = {prompt_digest(record) for record in records}
    return {name: sum(prompt_digest(record) in trained for record in rows) for name, rows in heldout.items()}


def _rows_digest(examples: Sequence[Example]) -> str:
    digest = hashlib.sha256()
    for example in examples:
        digest.update(example.id.encode() + b"\0" + example.ids.tobytes())
        digest.update(struct.pack("<d", example.weight))
    return digest.hexdigest()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
