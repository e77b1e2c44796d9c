"""Measuring the student's losses, in chunks, with a log that a killed run goes on from."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewright.coach.accept.config import StudentLoss
from tunewright.coach.accept.finding import Finding, Proposals
from tunewright.coach.accept.student import judge, texts_to_measure
from tunewright.llm.weights import Checkpoint, context_tokens, load_config, load_model, load_tokenizer
from tunewright.records.digest import records_digest
from tunewright.records.record import Record
from tunewright.run.aside import newest_aside
from tunewright.run.files import JsonlLog, read_jsonl
from tunewright.run.fingerprint import canonical_json
from tunewright.run.progress import Progress

if TYPE_CHECKING:
    from tunewright.tune.examples import Example

LOG_FILE = "losses.jsonl"
# Proposals measured between two writes. Losses depend in the last digits on what is measured together, so
# a killed run always begins again at a whole chunk.
CHUNK = 32

Measure = Callable[[Sequence[Record]], list[float | None]]


def by_student(
    config: StudentLoss,
    proposals: Proposals,
    folder: Path,
    *,
    run: Path,
    num_proposals: int,
    progress: Progress,
) -> Iterator[Finding]:
    """A finding per proposal, in order. ModelError when the student cannot be loaded.

    `folder`, inside that of the run, gets `losses.jsonl`, a row per proposal; chunks that are whole in it, of
    the same texts and student, are not measured again. A run begun again takes the log of the folder that was
    moved aside along.
    """
    _inherit(folder / LOG_FILE, run)
    student = student_revision(config)
    progress.start("accept by student", num_proposals, "revisions")
    measure: Measure | None = None
    with JsonlLog(folder / LOG_FILE) as log:
        known = [row["digest"] for row in read_jsonl(log.path)]
        num_rows = 0
        for wanted in _chunks(config, proposals, student):
            digests = [digest for digest, _ in wanted]
            if known[num_rows : num_rows + len(wanted)] != digests:
                log.keep(num_rows)
                known = []
                measure = measure or _load(config)
                for row in _measured(wanted, measure):
                    log.append(row)
                log.sync()
            num_rows += len(wanted)
            progress.advance(len(wanted))
        log.keep(num_rows)
    progress.finish()
    for row in read_jsonl(folder / LOG_FILE):
        yield judge(row["losses"], config)


def _inherit(log: Path, run: Path) -> None:
    """Copy the log of the newest folder that `--again` moved aside, where there is none yet."""
    older = None if log.exists() else newest_aside(run, log.relative_to(run))
    if older is not None:
        partial = log.with_name(f".{log.name}.0.tmp")
        shutil.copyfile(older, partial)
        partial.replace(log)


def student_revision(config: StudentLoss) -> str:
    """A hash of the student's weights and tokenizer, or of its hub id's commit."""
    return Checkpoint.find(config.model).revision()


Row = dict[str, Any]
_Wanted = list[tuple[str, dict[str, Record]]]  # of each proposal: its digest, and what is measured of it


def _chunks(config: StudentLoss, proposals: Proposals, student: str) -> Iterator[_Wanted]:
    """The proposals in chunks, each with a digest of all that decides its losses."""
    decisive = ("chat_template", "max_tokens", "precision", "pack_tokens")  # what else there is, judges
    settings = config.settings()
    salt = canonical_json({"student": student, **{name: settings[name] for name in decisive}})
    remaining = iter(proposals())
    while chunk := list(islice(remaining, CHUNK)):
        wanted = []
        for revision in chunk:
            texts = texts_to_measure(revision, config)
            whole = f"{salt} {list(texts)} {records_digest(texts.values())}"
            wanted.append((hashlib.sha256(whole.encode()).hexdigest(), texts))
        yield wanted


def _measured(wanted: _Wanted, measure: Measure) -> Iterator[Row]:
    """The rows of a chunk, which is measured together."""
    losses = iter(measure([record for _, texts in wanted for record in texts.values()]))
    for digest, texts in wanted:
        yield {"digest": digest, "losses": {name: next(losses) for name in texts}}


def _load(config: StudentLoss) -> Measure:
    """The function that measures the mean loss of records' outputs with the student; torch from here on."""
    import torch

    from tunewright.tune.examples import make_examples
    from tunewright.tune.measure import example_losses
    from tunewright.tune.model import device_of_choice
    from tunewright.tune.network import Network
    from tunewright.tune.roles import Renderer

    checkpoint = Checkpoint.find(config.model)
    tokenizer = load_tokenizer(checkpoint)
    renderer = Renderer(tokenizer, chat_template=config.chat_template)
    model = load_model(checkpoint, device=str(device_of_choice()), dtype="float32")
    dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
    network = Network.prepare(model, dtype=dtype)
    context = context_tokens(load_config(checkpoint), tokenizer)
    most_tokens = config.max_tokens if context is None else min(config.max_tokens, context)

    def measure(records: Sequence[Record]) -> list[float | None]:
        numbered = [replace(record, id=str(number)) for number, record in enumerate(records)]
        examples = make_examples(numbered, renderer, max_tokens=most_tokens, explanation=False)
        kept = [_last_answer_only(example) for example in examples.kept]
        found: list[float | None] = [None] * len(records)
        for loss in example_losses(network, kept, pack_tokens=config.pack_tokens):
            if "output" in loss.groups:
                found[int(loss.id)] = loss.groups["output"].mean
        return found

    return measure


def _last_answer_only(example: Example) -> Example:
    """The example with earlier answers as part of the question: they too have the role of output."""
    import numpy as np

    from tunewright.tune.conversation import Role

    asked = np.flatnonzero(np.isin(example.roles, (Role.INSTRUCTION, Role.INPUT)))
    if not len(asked):
        return example
    roles = example.roles.copy()
    earlier = roles[: asked[-1]]
    earlier[earlier == Role.OUTPUT] = Role.HEADER
    return replace(example, roles=roles)
