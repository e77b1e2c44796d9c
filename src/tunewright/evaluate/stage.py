"""The evaluation of tuned arms: losses, their differences, memorisation, and answers to look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from tunewright.errors import DataError
from tunewright.evaluate.arm_answers import EvaluateConfig, answer_arm, asked_records
from tunewright.evaluate.loss_tables import Arm, Table, read_losses
from tunewright.evaluate.losses import Distribution, describe_losses
from tunewright.evaluate.rows import metric_rows, paired_rows
from tunewright.evaluate.unlike import unlike
from tunewright.records.record import Record
from tunewright.run.files import write_json_atomic, write_text_atomic
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.folder import RunFolder, read_manifest
from tunewright.run.progress import Progress
from tunewright.run.versions import environment

__all__ = ["EvaluateConfig", "evaluate", "evaluation_of"]


def evaluation_of(config: EvaluateConfig, arms: Sequence[Arm]) -> Fingerprint:
    """What an evaluation of these finished arms is known by: their order too, the first is the baseline."""
    inputs = {"arms": ", ".join(dict.fromkeys(arm.name for arm in arms))}
    inputs |= {f"{arm.name}-seed{arm.seed}": str(read_manifest(arm.folder)["fingerprint"]) for arm in arms}
    return Fingerprint("evaluate", config.settings(), inputs)


def evaluate(
    config: EvaluateConfig,
    arms: Sequence[Arm],
    out: str | Path,
    *,
    train: Mapping[str, Sequence[Record]],
    heldout: Mapping[str, Sequence[Record]],
    progress: Progress | None = None,
    again: bool = False,
) -> dict[str, Any]:
    """Evaluate finished arms into the folder `out`; gives back its manifest. `train` is by arm.

    Arms need not have the same rows, model or template (see `unlike`). Writes `metrics.jsonl` (a row per arm,
    seed and epoch), `distributions.json` (per arm, set and epoch), `paired.json` (every pair of arms),
    `answers.jsonl` (greedy answers) and `answers.json` (memorisation and exact match per arm and seed). The
    answers are made once per arm and kept in its folder.
    """
    progress = progress or Progress()
    if not arms:
        raise DataError("there are no arms to evaluate")
    manifests = {arm: read_manifest(arm.folder) for arm in arms}
    how = unlike({str(arm.folder): manifest for arm, manifest in manifests.items()}, train, heldout)
    with RunFolder.open(out, fingerprint=evaluation_of(config, arms), again=again) as folder:
        if not folder.is_done:
            tables = read_losses(arms, unlike=how)
            found = [
                answer_arm(
                    config,
                    arm,
                    asked_records(config, tables, arm.name, train[arm.name], heldout),
                    progress=progress,
                    again=again,
                )
                for arm in arms
            ]
            scores = [score for _, of_arm in found for score in of_arm]
            _write_rows(folder.path / "answers.jsonl", (row for rows, _ in found for row in rows))
            write_json_atomic(folder.path / "answers.json", scores)
            _write_losses(folder.path, arms, manifests, tables, scores, progress)
            if how is not None:
                how.write(folder.path)
            folder.finish(
                versions=environment(),
                counts={"arms": len(arms), "tables": len(tables), "answers": len(scores)},
            )
    return read_manifest(out)


def _write_losses(
    folder: Path,
    arms: Sequence[Arm],
    manifests: Mapping[Arm, Mapping[str, Any]],
    tables: Sequence[Table],
    scores: Sequence[Mapping[str, Any]],
    progress: Progress,
) -> None:
    progress.start("intervals", len(tables), "tables")
    distributions: list[Distribution] = []
    for table in tables:
        distributions.append(describe_losses(table))
        progress.advance()
    progress.finish()
    write_json_atomic(folder / "distributions.json", [asdict(found) for found in distributions])
    write_json_atomic(folder / "paired.json", paired_rows(tables, distributions))
    _write_rows(folder / "metrics.jsonl", metric_rows(arms, manifests, tables, scores))


def _write_rows(file: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    write_text_atomic(file, "".join(orjson.dumps(row).decode() + "\n" for row in rows))
