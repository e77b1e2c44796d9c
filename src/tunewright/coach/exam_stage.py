"""`tunewright coach evaluate`: coaches, and two baselines that ask no model, on one frozen set of revisions.

The folder gets `report.json` (every coach summed up, and how it differs from the first), `marks/` (a file per
coach and baseline in the order of the report, a row per question) and `replies-VERSION/` (the journal of each
coach).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tunewright.coach.asked_coach import AskedCoach, find_coach
from tunewright.coach.exam import Mark, Question, Report, mark, mark_row, questions_of, report
from tunewright.coach.exam_config import ExamConfig
from tunewright.coach.mended import read_mended
from tunewright.coach.proposal import proposal_of
from tunewright.coach.revise_config import ReviseConfig
from tunewright.errors import DataError
from tunewright.llm.ask import Asker
from tunewright.llm.request import Request
from tunewright.rate.detectors import DETECTORS
from tunewright.rate.fixes import fix
from tunewright.rate.paired_tests import mcnemar
from tunewright.run.files import JsonlLog, write_json_atomic
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.folder import RunFolder
from tunewright.run.progress import Progress
from tunewright.run.versions import environment

STAGE = "coach evaluate"
REPORT_FILE = "report.json"
MARKS_FOLDER = "marks"
ALONE = "leave alone"
FIXES = "check --fix"


def evaluate_coaches(
    config: ExamConfig,
    frozen: str | Path,
    out: str | Path,
    *,
    format: str | None = None,
    after: str | Path | None = None,
    progress: Progress | None = None,
    again: bool = False,
) -> dict[str, Any]:
    """Put every revision of the frozen set to every coach; gives back the report.

    Records that a coach was trained on, in either version, are left out of the exam for all of them, so that
    all are measured on the same; the report says how many. `DataError` when none is left. With requests that
    got no answer the exam is not finished, and the same call asks them.
    """
    progress = progress or Progress()
    coaches = {spec: find_coach(_as_revising(config, spec)) for spec in dict.fromkeys(config.coaches)}
    read = read_mended(frozen, format=format, after=after, progress=progress)
    sound = [one for number, one in enumerate(read.revisions) if not read.is_refused(number)]
    asked = [
        question
        for question in questions_of(sound, good=config.good)
        if not any(_knows(coach, question) for coach in coaches.values())
    ]
    num_known = sum(1 for _ in questions_of(sound, good=config.good)) - len(asked)
    if not asked:
        raise DataError(
            f"{frozen}: holds no question for these coaches"
            + (f"; all {num_known:,} were among their training pairs" if num_known else "")
        )
    settings = config.settings() | {"coaches": [coach.settings() for coach in coaches.values()]}
    with RunFolder.open(
        out, fingerprint=Fingerprint(STAGE, settings, {"frozen": read.digest}), again=again
    ) as folder:
        if not folder.is_done:
            marks = _baselines(asked)
            for spec, coach in coaches.items():
                place = folder.path / f"replies-{coach.version[:12]}"
                marks[spec] = list(_marks(coach, asked, config, place, progress))
            _write_marks(folder.path / MARKS_FOLDER, marks)
            summary = _summary(marks, num_known=num_known, num_refused=len(read.revisions) - len(sound))
            write_json_atomic(folder.path / REPORT_FILE, summary)
            if any(one.reason == "unanswered" for rows in marks.values() for one in rows):
                return summary  # not done: the same call asks what has no reply yet
            folder.finish(versions=environment(), counts={"questions": len(asked), "known": num_known})
    return read_report(out)


def read_report(folder: str | Path) -> dict[str, Any]:
    """The report of a finished exam."""
    import json

    found: dict[str, Any] = json.loads((Path(folder) / REPORT_FILE).read_bytes())
    return found


def _knows(coach: AskedCoach, question: Question) -> bool:
    """Whether the coach has learnt the question or its answer."""
    return coach.was_trained_on(question.original) or coach.was_trained_on(question.expert)


def _as_revising(config: ExamConfig, spec: str) -> ReviseConfig:
    ask = config.ask.model_copy(update={"model": "" if Path(spec).is_dir() else spec})
    form = None if Path(spec).is_dir() else config.form
    return ReviseConfig(coach=spec, ask=ask, form=form, decoding=config.decoding, after=config.after)


def _baselines(asked: Sequence[Question]) -> dict[str, list[Mark]]:
    """Doing nothing, and the repairs that the detectors make by rule."""
    return {
        ALONE: [mark(question, None) for question in asked],
        FIXES: [mark(question, fix(question.original, DETECTORS)[0]) for question in asked],
    }


def _marks(
    coach: AskedCoach, asked: Sequence[Question], config: ExamConfig, place: Path, progress: Progress
) -> Iterator[Mark]:
    def requests() -> Iterable[Request]:
        return (coach.request(question.original) for question in asked)

    place.mkdir(exist_ok=True)
    with Asker.open(coach.ask, place, run=place.parent, progress=progress, backend=coach.backend) as asker:
        asker.ask(requests, coach.parser(), total=len(asked), stage="ask")
        for question, outcome in zip(asked, asker.outcomes(requests(), coach.parser()), strict=True):
            proposal = proposal_of(outcome, config.after)
            yield mark(question, proposal.revised, reason=proposal.reason)


def _write_marks(folder: Path, marks: dict[str, list[Mark]]) -> None:
    folder.mkdir(exist_ok=True)
    for number, (name, rows) in enumerate(marks.items()):
        path = folder / f"{number}.jsonl"
        path.unlink(missing_ok=True)
        with JsonlLog(path) as log:
            for one in rows:
                log.append({"coach": name, **mark_row(one)})
            log.sync()


def _summary(marks: dict[str, list[Mark]], *, num_known: int, num_refused: int) -> dict[str, Any]:
    reports = {name: report(rows) for name, rows in marks.items()}
    coaches = [name for name in marks if name not in (ALONE, FIXES)]
    first = coaches[0]
    return {
        "num_known": num_known,
        "num_refused": num_refused,
        "coaches": {name: _row(one) for name, one in reports.items()},
        "against_first": {name: _compared(marks[first], marks[name]) for name in marks if name != first},
    }


def _row(one: Report) -> dict[str, Any]:
    edits = {
        "precision": one.edits.precision,
        "recall": one.edits.recall,
        "f0.5": one.edits.f_half,
        "undone": None if one.edits.precision is None else 1 - one.edits.precision,
    }
    return asdict(one) | {"edits": asdict(one.edits) | edits}


def _compared(first: Sequence[Mark], other: Sequence[Mark]) -> dict[str, Any]:
    """Record by record, revisions and good records apart: how often one of the two gives the expert's version
    and the other does not."""
    compared: dict[str, Any] = {}
    for kind in ("revision", "good"):
        pairs = [(a, b) for a, b in zip(first, other, strict=True) if a.question.kind == kind]
        only_first = sum(a.is_exact and not b.is_exact for a, b in pairs)
        only_other = sum(b.is_exact and not a.is_exact for a, b in pairs)
        compared[kind] = {
            "only_first_exact": only_first,
            "only_other_exact": only_other,
            "mcnemar_p": mcnemar(only_first, only_other),
        }
    return compared
