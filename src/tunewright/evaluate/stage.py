"""The evaluation of tuned arms: losses, their differences, memorisation, and answers to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import Any

from pydantic import Field

from tunewright.errors import DataError
from tunewright.evaluate.answer import Answer, is_exact
from tunewright.evaluate.answers import greedy_answers, load_tuned
from tunewright.evaluate.intervals import mean_interval
from tunewright.evaluate.losses import (
    Arm,
    Distribution,
    Paired,
    Table,
    best_epoch,
    describe_losses,
    paired_difference,
    read_losses,
)
from tunewright.evaluate.memorisation import memorisation
from tunewright.records.record import Record
from tunewright.run.config import Config
from tunewright.run.files import JsonlLog, read_jsonl, write_json_atomic
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.folder import RunFolder, read_manifest
from tunewright.run.progress import Progress
from tunewright.run.versions import environment


class EvaluateConfig(Config):
    """How much is generated for the evaluation; the losses are those measured while tuning."""

    memorisation_prompts: int = Field(100, ge=0, description="training prompts continued greedily; 0: none")
    heldout_answers: int = Field(100, ge=0, description="records of each held-out set answered greedily")
    max_new_tokens: int = Field(256, ge=1, description="limit of one answer")


def evaluate(
    config: EvaluateConfig,
    arms: Sequence[Arm],
    out: str | Path,
    *,
    train: Sequence[Record],
    heldout: Mapping[str, Sequence[Record]],
    progress: Progress | None = None,
    again: bool = False,
) -> dict[str, Any]:
    """Evaluate finished arms into the folder `out`; gives back its manifest.

    Writes `metrics.jsonl` (a row per arm, seed and epoch), `distributions.json` (per arm, set and epoch),
    `paired.json` (every pair of arms), `answers.jsonl` (greedy answers) and `answers.json` (memorisation
    and exact match per arm and seed).
    """
    progress = progress or Progress()
    if not arms:
        raise DataError("there are no arms to evaluate")
    manifests = {arm: read_manifest(arm.folder) for arm in arms}
    _same_rows(manifests)
    inputs = {
        f"{arm.name}-seed{arm.seed}": str(manifest["fingerprint"]) for arm, manifest in manifests.items()
    }
    with RunFolder.open(
        out, fingerprint=Fingerprint("evaluate", config.settings(), inputs), again=again
    ) as folder:
        if not folder.is_done:
            tables = read_losses(arms)
            _write_losses(folder.path, arms, manifests, tables, progress)
            asked = _asked(config, tables, train, heldout)
            scores = _answer_all(config, manifests, folder.path, asked, progress)
            write_json_atomic(folder.path / "answers.json", scores)
            folder.finish(
                versions=environment(),
                counts={"arms": len(arms), "tables": len(tables), "answers": len(scores)},
            )
    return read_manifest(out)


def _same_rows(manifests: Mapping[Arm, Mapping[str, Any]]) -> None:
    """Arms trained on other rows differ in more than their objective: that comparison is refused."""
    digests = {manifest["extra"]["rows_digest"]: arm for arm, manifest in manifests.items()}
    if len(digests) > 1:
        first, second = list(digests.values())[:2]
        raise DataError(
            f"{first.folder} and {second.folder} were not trained on the same token rows; "
            "compare arms with the same data, template and max_tokens"
        )


def _write_losses(
    folder: Path,
    arms: Sequence[Arm],
    manifests: Mapping[Arm, Mapping[str, Any]],
    tables: Sequence[Table],
    progress: Progress,
) -> None:
    progress.start("intervals", len(tables), "tables")
    distributions = []
    for table in tables:
        distributions.append(describe_losses(table))
        progress.advance()
    progress.finish()
    write_json_atomic(folder / "distributions.json", [asdict(found) for found in distributions])
    write_json_atomic(folder / "paired.json", _paired_rows(tables, distributions))
    with JsonlLog(folder / "metrics.jsonl") as log:
        log.keep(0)
        for row in _metric_rows(arms, manifests, tables):
            log.append(row)


def _paired_rows(tables: Sequence[Table], distributions: Sequence[Distribution]) -> list[dict[str, Any]]:
    """All pairs of arms on all sets: at each epoch, and each arm at its own best epoch on the set."""
    by_key = {(table.arm, table.set, table.epoch): table for table in tables}
    names = list(dict.fromkeys(table.arm for table in tables))
    sets = list(dict.fromkeys(table.set for table in tables))
    epochs = sorted({table.epoch for table in tables})
    rows = []
    for first, second in combinations(names, 2):
        for set_name in sets:
            for epoch in epochs:
                pair = (by_key.get((first, set_name, epoch)), by_key.get((second, set_name, epoch)))
                if pair[0] is not None and pair[1] is not None:
                    rows.append(_paired_row(paired_difference(pair[0], pair[1]), at="epoch"))
            best = [
                by_key[arm, set_name, best_epoch(distributions, arm=arm, set=set_name).epoch]
                for arm in (first, second)
            ]
            rows.append(
                _paired_row(paired_difference(*best), at="best") | {"epochs": [b.epoch for b in best]}
            )
    return rows


def _paired_row(paired: Paired, *, at: str) -> dict[str, Any]:
    return {"at": at, **asdict(paired)}


def _metric_rows(
    arms: Sequence[Arm], manifests: Mapping[Arm, Mapping[str, Any]], tables: Sequence[Table]
) -> list[dict[str, Any]]:
    rows = []
    for arm in arms:
        manifest = manifests[arm]
        objective = manifest["extra"]["objective"]
        steps = list(read_jsonl(arm.folder / "metrics.jsonl"))
        for epoch in sorted({table.epoch for table in tables if table.arm == arm.name}):
            row: dict[str, Any] = {"arm": arm.name, "seed": arm.seed, "epoch": epoch}
            for table in tables:
                if (table.arm, table.epoch) == (arm.name, epoch):
                    values = table.losses_SN[table.seeds.index(arm.seed)]
                    interval = mean_interval(values)
                    row[f"{table.set}_output_loss"] = float(values.mean())
                    row[f"{table.set}_output_loss_interval"] = [interval.low, interval.high]
            row["weighted_tokens"] = objective["weighted_tokens_per_epoch"] * epoch
            row["objective_loss"] = _mean_loss(steps, epoch)
            row["train_seconds"] = manifest["extra"]["train_seconds"]
            row["peak_bytes"] = manifest["extra"]["peak_bytes"]
            rows.append(row)
    return rows


def _mean_loss(steps: Sequence[Mapping[str, Any]], epoch: int) -> float | None:
    """The mean of the training objective over an epoch's steps; none before training."""
    losses = [step["loss"] for step in steps if step["epoch"] == epoch]
    return sum(losses) / len(losses) if losses else None


def _asked(
    config: EvaluateConfig,
    tables: Sequence[Table],
    train: Sequence[Record],
    heldout: Mapping[str, Sequence[Record]],
) -> dict[str, list[Record]]:
    """The records of each set to answer, out of those that were measured; dropped ones are not asked."""
    measured = {table.set: set(table.ids) for table in tables}
    most = {"train": config.memorisation_prompts} | dict.fromkeys(heldout, config.heldout_answers)
    asked = {}
    for name, rows in {"train": train, **heldout}.items():
        known = measured.get(name, set())
        chosen = _spread([record for record in rows if record.id in known], most[name])
        if chosen:
            asked[name] = chosen
    return asked


def _answer_all(
    config: EvaluateConfig,
    manifests: Mapping[Arm, Mapping[str, Any]],
    folder: Path,
    asked: Mapping[str, Sequence[Record]],
    progress: Progress,
) -> list[dict[str, Any]]:
    """Greedy answers of every arm on the same records; a row of scores per arm, seed and set."""
    scores = []
    with JsonlLog(folder / "answers.jsonl") as log:
        log.keep(0)
        for arm, manifest in manifests.items():
            progress.start(f"answers {arm.name} seed {arm.seed}", sum(map(len, asked.values())), "answers")
            model, renderer = load_tuned(arm.folder / "model")
            explanation = manifest["config"]["explanation"]
            for name, records in asked.items():
                answers = greedy_answers(
                    model,
                    renderer,
                    records,
                    explanation=explanation,
                    max_new_tokens=config.max_new_tokens,
                    progress=progress,
                )
                for answer in answers:
                    log.append({"arm": arm.name, "seed": arm.seed, "set": name, **asdict(answer)})
                scores.append(
                    {"arm": arm.name, "seed": arm.seed, "set": name, **_scores(name, answers, records)}
                )
            progress.finish()
        log.sync()
    return scores


def _scores(name: str, answers: Sequence[Answer], records: Sequence[Record]) -> dict[str, Any]:
    exact = sum(
        is_exact(answer.text, record.output, explained=answer.expected != record.output)
        for answer, record in zip(answers, records, strict=True)
    )
    scores: dict[str, Any] = {
        "num_answers": len(answers),
        "exact_output_share": exact / len(answers),
        "stopped_share": sum(answer.stopped for answer in answers) / len(answers),
    }
    if name == "train":
        scores["memorisation"] = asdict(memorisation(answers))
    return scores


def _spread(records: Sequence[Record], most: int) -> list[Record]:
    """At most `most` records at even distances, the same for every arm."""
    if len(records) <= most:
        return list(records)
    return [records[index * len(records) // most] for index in range(most)]
