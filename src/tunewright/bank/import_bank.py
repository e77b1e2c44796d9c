"""An item bank into records: seeds to generate from, rate or tune on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from tunewright.bank.check import check_questions
from tunewright.bank.formats import BANK_FORMATS, bank_format_named
from tunewright.bank.qti import qti_format
from tunewright.bank.question import Question
from tunewright.bank.target import check_target, rejects_file
from tunewright.bank.to_record import record_of
from tunewright.errors import DataError
from tunewright.records import Reject, write_records, write_rejects
from tunewright.records.reject import cut

_BY_SUFFIX = {
    ".zip": "qti21",
    ".xml": "moodle",
    ".gift": "gift",
    ".txt": "aiken",
    ".h5p": "h5p",
    ".csv": "csv",
}


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. `format` is what was read, of QTI the version that the file has; `without` counts
    the questions that have no skill, level or task."""

    format: str
    path: Path
    num_written: int
    rejects: tuple[Reject, ...]
    kinds: dict[str, int]
    without: dict[str, int]


def import_bank(
    file: str | Path,
    out: str | Path,
    *,
    format: str | None = None,
    skill: str | None = None,
    level: str | None = None,
    task: str | None = None,
    overwrite: bool = False,
) -> ImportReport:
    """Read the questions of `file` and write them to `out` as native records.

    Without `format` the name's ending says it. `skill`, `level` and `task` fill in where a question brings
    none. A broken or unsound question goes to `OUT.rejects.jsonl`; DataError when the file cannot be read or
    none of its questions can be used, or when `out` is a place that `check_target` refuses.
    """
    source, target = Path(file), Path(out)
    check_target(target, data=source, overwrite=overwrite)
    name = format or _guessed(source)
    bank_format = bank_format_named(name)
    questions: list[Question] = []
    places: list[int] = []
    rejects: list[Reject] = []
    for place, found in enumerate(bank_format.read(source), 1):
        if isinstance(found, Reject):
            rejects.append(found)
        else:
            questions.append(found)
            places.append(place)
    unsound = {id(question): fault for question, fault in check_questions(questions)}
    given = {"skill": skill, "level": level, "task": task}
    sound = []
    for place, question in zip(places, questions, strict=True):
        fault = unsound.get(id(question), "")
        if question.kind == "essay" and not question.answers:
            fault = fault or "is an essay without a model answer, and a record needs an output"
        if fault:
            reason = f"{question.id}: {fault}"
            if not question.line:
                reason = f"question {place}: {reason}"
            rejects.append(Reject(str(source), question.line, "", reason, cut(question.prompt)))
            continue
        columns = {column: value for column, value in given.items() if value}
        sound.append(replace(question, meta={**columns, **question.meta}))
    if not sound:
        first = f"; the first: {rejects[0]}" if rejects else ""
        raise DataError(f"{source}: none of its questions can be used as {name}{first}")
    write_records((record_of(question) for question in sound), target, format="native")
    rejects_path = rejects_file(target)
    if rejects:
        write_rejects(rejects_path, rejects)
    else:
        rejects_path.unlink(missing_ok=True)  # of an import before
    return ImportReport(
        format=qti_format(source) if name in ("qti21", "qti3") else name,
        path=target,
        num_written=len(sound),
        rejects=tuple(rejects),
        kinds=dict(Counter(question.kind for question in sound)),
        without={column: sum(column not in question.meta for question in sound) for column in given},
    )


def _guessed(source: Path) -> str:
    name = _BY_SUFFIX.get(source.suffix.lower())
    if name is None:
        raise DataError(
            f"{source}: the name does not say the format; give --format, one of: {', '.join(BANK_FORMATS)}"
        )
    return name
