"""`tunewright coach train`: from revisions to a coach, a model that revises as they do.

The folder gets `pairs.jsonl` (each training pair, where it went and the digests by which it is known again),
`records.jsonl` (the pairs as they are trained on), `tune/` (the run of `tunewright tune`, with the model) and
`rejects.jsonl` (rows, damage and pairs that cannot be learnt from).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.coach.coach_folder import MODEL_FOLDER, PAIRS_FILE, STAGE
from tunewright.coach.distance import flat_distance, num_kept
from tunewright.coach.leakage import pair_digest
from tunewright.coach.mended import Read, read_mended, write_rejects
from tunewright.coach.pairs import Pair, as_record, families, training_pairs
from tunewright.coach.prompt import prompt_hash
from tunewright.coach.revision import Revision
from tunewright.coach.select import by_distance
from tunewright.coach.select_stage import SELECTION
from tunewright.coach.train_config import PAPERS_ALPHA, CoachConfig
from tunewright.errors import DataError
from tunewright.llm.structured import Unparsable
from tunewright.records.digest import records_digest
from tunewright.records.read import read_records
from tunewright.records.record import Record
from tunewright.records.reject import Reject, cut
from tunewright.records.split import holdout
from tunewright.records.write import write_records
from tunewright.run.config import parse_config
from tunewright.run.files import JsonlLog, read_jsonl
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.folder import RunFolder, read_manifest
from tunewright.run.progress import Progress
from tunewright.run.versions import environment

RECORDS_FILE = "records.jsonl"
REJECTS_FILE = "rejects.jsonl"
TUNE_FOLDER = "tune"
_LEAST_TOKENS = 1024
_ROOM = 1.5  # a reply may be this much longer than the longest one learnt


def train_coach(
    config: CoachConfig,
    revisions: str | Path,
    out: str | Path,
    *,
    format: str | None = None,
    after: str | Path | None = None,
    progress: Progress | None = None,
    again: bool = False,
) -> dict[str, Any]:
    """Train a coach on the revisions in a file (or in two data sets, `revisions` and `after`, joined by id).

    Of the revisions the share α with the largest edits is learnt from, as `coach select` chooses them, and
    good records beside them that must come back unchanged. Gives back the manifest. A finished folder with
    the same settings and data is not run again; an interrupted one goes on where it stopped.

    `DataError` when no revision is left to learn from, `ModelError` from the tuning.
    """
    from tunewright.tune.config import TuneConfig
    from tunewright.tune.model_input import model_input

    progress = progress or Progress()
    tuning = parse_config(TuneConfig, config.tuning(), where="coach", table="tune")
    read = read_mended(revisions, format=format, after=after, progress=progress)
    good = None if config.good is None else list(read_records(config.good))
    inputs = {"revisions": read.digest} | ({} if good is None else {"good": records_digest(good)})
    inputs |= model_input(config.model)
    settings = config.settings() | {"tune": tuning.settings(), "prompt": prompt_hash("trained", config.form)}
    settings["good"] = None if good is None else "given"  # known by what it holds, wherever it lies
    with RunFolder.open(out, fingerprint=Fingerprint(STAGE, settings, inputs), again=again) as folder:
        if not folder.is_done:
            training = _training(config, read, good)
            _write(folder.path, read, training)
            _tune(folder, config, tuning, training, progress)
    return read_manifest(out)


@dataclass(frozen=True)
class _Training:
    """All pairs as records, each with its pair; which of them validate; what no form could hold."""

    pairs: list[Pair]
    records: list[Record]
    validation: list[Record]
    unwritable: list[Reject]

    @property
    def trained(self) -> list[Record]:
        held = {record.id for record in self.validation}
        return [record for record in self.records if record.id not in held]


def _training(config: CoachConfig, read: Read, good: Sequence[Record] | None) -> _Training:
    chosen = _chosen(config, read)
    pairs: list[Pair] = []
    records: list[Record] = []
    unwritable: list[Reject] = []
    wanted = training_pairs(chosen, good=good, good_share=config.good_share, seed=config.seed)
    for pair, family in zip(wanted, families(wanted), strict=True):
        try:
            records.append(as_record(pair, config.form, number=len(records) + 1, family=family))
        except Unparsable as problem:
            unwritable.append(_reject(pair.revision, f"cannot be learnt from: {problem}"))
        else:
            pairs.append(pair)
    if not any(pair.kind == "revision" for pair in pairs):
        raise DataError(
            "there is no revision to learn from: none that was read changes anything"
            + (f", and {len(unwritable):,} do not fit the form" if unwritable else "")
        )
    num_held = round(config.validation * len(records))
    validation: list[Record] = []
    if 0 < num_held < len(records):
        _, validation = holdout(records, num_held, seed=config.seed, group_by="family")
    return _Training(pairs, records, validation, unwritable)


def _chosen(config: CoachConfig, read: Read) -> list[Revision]:
    """The share α with the largest edits, and all that change nothing, in the file's order."""
    alpha = config.alpha
    if alpha is None:
        is_selection = all(SELECTION in revision.meta for revision in read.revisions)
        alpha = 1.0 if is_selection else PAPERS_ALPHA
    kept = set(by_distance(read.revisions).cut(num_kept(alpha, len(read.revisions))).chosen)
    return [
        revision
        for number, revision in enumerate(read.revisions)
        if not read.is_refused(number) and (number in kept or not revision.changed)
    ]


def _write(folder: Path, read: Read, training: _Training) -> None:
    write_rejects(folder / REJECTS_FILE, read, training.unwritable)
    write_records(training.records, folder / RECORDS_FILE)


def _write_pairs(folder: Path, training: _Training) -> int:
    """Where each pair went, by what the tuning has done with it; how many were too long to train on."""
    held = {record.id for record in training.validation}
    dropped = {row["id"] for row in read_jsonl(folder / TUNE_FOLDER / REJECTS_FILE) if "id" in row}
    pairs_file = folder / PAIRS_FILE
    pairs_file.unlink(missing_ok=True)  # of a run that was killed here
    with JsonlLog(pairs_file) as log:
        for pair, record in zip(training.pairs, training.records, strict=True):
            log.append(
                {
                    "id": pair.revision.id,
                    "kind": pair.kind,
                    "split": _split(record.id, held, dropped),
                    "distance": flat_distance(pair.revision),
                    "original": pair_digest(pair.revision.original).hex(),
                    "revised": pair_digest(pair.revision.revised).hex(),
                }
            )
        log.sync()
    return len(dropped)


def _split(record_id: str, held: set[str], dropped: set[str]) -> str:
    if record_id in dropped:
        return "dropped"
    return "validation" if record_id in held else "training"


def _tune(
    folder: RunFolder, config: CoachConfig, tuning: Any, training: _Training, progress: Progress
) -> None:
    from tunewright.tune.stage import tune

    heldout = {"validation": training.validation} if training.validation else {}
    manifest = tune(tuning, training.trained, folder.path / TUNE_FOLDER, heldout=heldout, progress=progress)
    num_dropped = _write_pairs(folder.path, training)
    prompt = prompt_hash("trained", config.form)
    kinds = [pair.kind for pair in training.pairs]
    folder.finish(
        versions=environment(),
        counts={
            "pairs": len(training.pairs),
            "revisions": kinds.count("revision"),
            "good": kinds.count("good"),
            "training": manifest["counts"]["train"],
            "validation": manifest["counts"].get("heldout.validation", 0),
            "unwritable": len(training.unwritable),
            "dropped": num_dropped,
        },
        extra={
            "version": _version(folder.path / MODEL_FOLDER, prompt),
            "prompt_sha256": prompt,
            "max_tokens": _most_tokens(folder.path / MODEL_FOLDER, training.records),
            "pairs": PAIRS_FILE,
        },
    )


def _version(model: Path, prompt: str) -> str:
    from tunewright.llm.weights import Checkpoint

    return hashlib.sha256(f"{Checkpoint.find(str(model)).revision()}\0{prompt}".encode()).hexdigest()


def _most_tokens(model: Path, records: Sequence[Record]) -> int:
    """How long a reply may be: half as long again as the longest one learnt, in the model's tokens."""
    from tunewright.tune.model import load_tokenizer

    tokenizer = load_tokenizer(str(model), records)
    longest = max(len(tokenizer(record.output).input_ids) for record in records)
    return max(_LEAST_TOKENS, round(_ROOM * longest))


def _reject(revision: Revision, reason: str) -> Reject:
    origin = revision.original.origin
    where = (origin.file, origin.line) if origin is not None else ("", 0)
    return Reject(*where, field="", reason=reason, row=cut(revision.id))
