"""The rows of an arm for another trainer: the same token ids, the same loss, a config that it accepts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from tunewright.errors import DataError, ModelError, RecipeError
from tunewright.records.digest import records_digest
from tunewright.records.record import Record
from tunewright.records.reject import Reject
from tunewright.run.files import write_text_atomic
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.folder import RunFolder, read_manifest
from tunewright.run.progress import Progress
from tunewright.run.seeds import derive_seed
from tunewright.run.versions import environment
from tunewright.tune.examples import Example, Examples, role_counts
from tunewright.tune.exports.config import NAMES, ExportConfig, why_not_labels
from tunewright.tune.exports.rows import COLUMNS, WEIGHTED, Row, write_rows
from tunewright.tune.exports.targets import target_of, why_not_labels_of
from tunewright.tune.exports.tool_files import ROWS, TOKENIZER, Facts, write_tool_files
from tunewright.tune.model import Spec, default_lr, load_model, save_model
from tunewright.tune.model_input import model_input
from tunewright.tune.objective import Objective
from tunewright.tune.prepare import prepare
from tunewright.tune.roles import Renderer

UNTRAINED = "model"  # where the weights of a scratch model are put: a tool cannot draw them


def export_tokens(
    config: ExportConfig,
    records: Sequence[Record],
    out: str | Path,
    *,
    rejects: Sequence[Reject] = (),
    progress: Progress | None = None,
    again: bool = False,
) -> dict[str, Any]:
    """Write what `tune` would train on for another trainer, and give back the manifest.

    The folder `out` gets `data/train.parquet` (or `.jsonl`), the tool's config (`trl.yaml`, `axolotl.yaml`,
    or `train.json` and `train.py`), `tokenizer/` with the chat template, `rejects.jsonl` and `manifest.json`;
    for a scratch model also `model/`, the weights that `tune` begins with. A finished folder with the same
    settings and data is not written again; an interrupted one is.

    Raises `RecipeError` when the tool cannot take the records' weights, `DataError` when no row or no loss is
    left, `ModelError` when a row is longer than the model reads.
    """
    inputs = {"data": records_digest(records)} | model_input(config.tune.model)
    with RunFolder.open(
        out, fingerprint=Fingerprint("export", config.settings(), inputs), again=again
    ) as folder:
        if not folder.is_done:
            _run(folder, config, records, rejects, progress or Progress())
    return read_manifest(out)


def _run(
    folder: RunFolder,
    config: ExportConfig,
    records: Sequence[Record],
    rejects: Sequence[Reject],
    progress: Progress,
) -> None:
    objective = config.tune.parsed_objective()
    prepared = prepare(config.tune, records, {}, progress=progress)
    examples, renderer = prepared.train, prepared.renderer
    is_weighted = _is_weighted(config, objective, examples)
    facts = _facts(config, examples, renderer)
    if not any(target_of(example, objective).num_labels for example in examples.kept):
        raise DataError(f"objective {objective.name!r} gives no token of these records any weight")
    _write_rejects(folder.path / "rejects.jsonl", rejects, examples)
    renderer.tokenizer.chat_template = renderer.chat_template
    renderer.tokenizer.save_pretrained(str(folder.path / TOKENIZER))
    if Spec.parse(config.tune.model).scratch:
        _save_untrained(config, renderer, folder.path / UNTRAINED)
    (folder.path / ROWS).parent.mkdir(exist_ok=True)
    progress.start("write", len(examples.kept), "rows")
    written = write_rows(
        folder.path / f"{ROWS}.{config.rows}",
        _targets(examples.kept, objective, progress),
        COLUMNS[config.to] + (WEIGHTED if is_weighted else ()),
    )
    progress.finish()
    write_tool_files(config, facts, folder.path)
    folder.finish(
        versions=environment(),
        counts={
            "records": len(records),
            "rows": written.num_rows,
            "dropped": len(examples.dropped),
            "cut": examples.num_cut,
            "tokens": written.num_tokens,
            "weighted_tokens": written.num_labels,
            "rows_without_weight": written.num_rows_without_labels,
        },
        extra={
            "to": NAMES[config.to],
            "objective": {
                "name": objective.name,
                "normalisation": str(objective.normalisation),
                "weights": {role.name.lower(): weight for role, weight in objective.weights.items()},
                "by_output_share": objective.by_output_share,
                "as": "weights" if is_weighted else "labels",
            },
            "tokens_by_role": role_counts(examples.kept),
            "dropped": examples.reasons(),
            "longest_tokens": facts.longest_tokens,
            "template_sha256": _sha256(renderer.chat_template),
            "tokenizer_sha256": _sha256(renderer.tokenizer.backend_tokenizer.to_str()),
            "stop_token": renderer.tokenizer.convert_ids_to_tokens(renderer.stop_id),
        },
    )


def _targets(examples: Sequence[Example], objective: Objective, progress: Progress) -> Iterator[Row]:
    for example in examples:
        yield example, target_of(example, objective)
        progress.advance()


def _is_weighted(config: ExportConfig, objective: Objective, examples: Examples) -> bool:
    """Whether the rows need weights beside labels; RecipeError when the tool cannot take them."""
    if why_not_labels(objective):
        return True  # of hf: the config refuses it for the others
    reason = why_not_labels_of(examples.kept)
    if reason and config.to != "hf":
        raise RecipeError(
            f"{reason}. {NAMES[config.to]} takes labels alone: leave out the record weights, or export to "
            "hf, whose train.py takes a weight for every token"
        )
    return bool(reason)


def _facts(config: ExportConfig, examples: Examples, renderer: Renderer) -> Facts:
    longest = max(map(len, examples.kept))
    spec = Spec.parse(config.tune.model)
    model, is_mixture = UNTRAINED, False
    if not spec.scratch:
        model = str(Path(spec.source).resolve()) if Path(spec.source).is_dir() else spec.source
        is_mixture = _check_model(spec.source, longest, examples.kept)
    return Facts(
        model=model,
        lr=default_lr(config.tune),
        num_tokens=sum(map(len, examples.kept)),
        num_rows=len(examples.kept),
        longest_tokens=longest,
        is_mixture=is_mixture,
        pad_token=renderer.tokenizer.pad_token or renderer.tokenizer.eos_token,
    )


def _check_model(source: str, longest: int, examples: Sequence[Example]) -> bool:
    """ModelError when the model cannot read the rows; else whether it is a mixture of experts."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(source, trust_remote_code=False).get_text_config()
    positions = getattr(config, "max_position_embeddings", None)
    if positions is not None and longest > positions:
        raise ModelError(
            f"{source} reads at most {positions} tokens and the longest example has {longest}; "
            f"use --max-tokens {positions} or less"
        )
    largest = max(int(example.ids.max()) for example in examples)
    if largest >= config.vocab_size:
        raise ModelError(f"{source}: the tokenizer gives token {largest}, the model has {config.vocab_size}")
    return hasattr(config, "output_router_logits")


def _save_untrained(config: ExportConfig, renderer: Renderer, folder: Path) -> None:
    tokenizer = renderer.tokenizer
    model = load_model(config.tune.model, tokenizer, seed=derive_seed(config.tune.seed, "init"))
    save_model(model, tokenizer, folder, stop_ids=[renderer.stop_id], chat_template=renderer.chat_template)


def _write_rejects(file: Path, rejects: Sequence[Reject], examples: Examples) -> None:
    rows = [asdict(reject) for reject in rejects] + [asdict(drop) for drop in examples.dropped]
    write_text_atomic(file, "".join(orjson.dumps(row).decode() + "\n" for row in rows))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
