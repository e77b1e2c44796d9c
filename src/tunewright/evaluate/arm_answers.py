"""The greedy answers of every arm on the same records, kept beside each arm and never made twice.

They are the slow part of an evaluation. Each arm's lie in `answers/` in its own folder, so that another
arm or seed in the comparison costs only its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pydantic import Field

from tunewright.evaluate.answer import Answer, is_exact
from tunewright.evaluate.answers import greedy_answers, load_tuned
from tunewright.evaluate.loss_tables import Arm, Table
from tunewright.evaluate.memorisation import memorisation
from tunewright.records.digest import records_digest
from tunewright.records.record import Record
from tunewright.run.config import Config
from tunewright.run.files import JsonlLog, read_jsonl
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.folder import RunFolder, read_manifest
from tunewright.run.progress import Progress
from tunewright.run.versions import environment

FOLDER = "answers"  # in an arm's folder
FILE = "answers.jsonl"


class EvaluateConfig(Config):
    """How much is generated for the evaluation; the losses are those measured while tuning."""

    memorisation_prompts: int = Field(100, ge=0, description="training prompts continued greedily; 0: none")
    heldout_answers: int = Field(100, ge=0, description="records of each held-out set answered greedily")
    max_new_tokens: int = Field(256, ge=1, description="limit of one answer")
    to_the_end: bool = Field(
        False,
        description="answers up to that limit; else a little beyond the longest expected one",
    )


def asked_records(
    config: EvaluateConfig,
    tables: Sequence[Table],
    arm: str,
    train: Sequence[Record],
    heldout: Mapping[str, Sequence[Record]],
) -> dict[str, list[Record]]:
    """The records of each set that an arm answers, out of those that were measured; dropped ones are not
    asked."""
    measured = {table.set: set(table.ids) for table in tables if table.arm == arm}
    most = {"train": config.memorisation_prompts} | dict.fromkeys(heldout, config.heldout_answers)
    asked = {}
    for name, rows in {"train": train, **heldout}.items():
        known = measured.get(name, set())
        chosen = _spread([record for record in rows if record.id in known], most[name])
        if chosen:
            asked[name] = chosen
    return asked


def answer_arm(
    config: EvaluateConfig,
    arm: Arm,
    asked: Mapping[str, Sequence[Record]],
    *,
    progress: Progress,
    again: bool = False,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A finished arm's answers, a row each, and its scores, a row a set; made now or found in its folder."""
    manifest = read_manifest(arm.folder)
    inputs = {"arm": str(manifest["fingerprint"])}
    inputs |= {name: records_digest(records) for name, records in asked.items()}
    where = Fingerprint("answers", config.settings(), inputs)
    with RunFolder.open(arm.folder / FOLDER, fingerprint=where, again=again) as folder:
        if not folder.is_done:
            _answer(folder, config, arm, manifest["config"], asked, progress)
    name = {"arm": arm.name, "seed": arm.seed}
    rows = [name | row for row in read_jsonl(arm.folder / FOLDER / FILE)]
    return rows, [name | score for score in read_manifest(arm.folder / FOLDER)["extra"]["scores"]]


def _answer(
    folder: RunFolder,
    config: EvaluateConfig,
    arm: Arm,
    tuned: Mapping[str, Any],
    asked: Mapping[str, Sequence[Record]],
    progress: Progress,
) -> None:
    progress.start(f"answers {arm.name} seed {arm.seed}", sum(map(len, asked.values())), "answers")
    scores = []
    with JsonlLog(folder.path / FILE) as log:
        log.keep(0)
        model, renderer = load_tuned(arm.folder / "model")
        for name, records in asked.items():
            answers = greedy_answers(
                model,
                renderer,
                records,
                explanation=tuned["explanation"],
                max_new_tokens=config.max_new_tokens,
                to_the_end=config.to_the_end and name != "train",
                progress=progress,
            )
            for answer in answers:
                log.append({"set": name, **asdict(answer)})
            scores.append({"set": name, **_scores(name, answers, records)})
        log.sync()
    progress.finish()
    counts = {"answers": sum(map(len, asked.values()))}
    folder.finish(versions=environment(), counts=counts, extra={"scores": scores})


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
