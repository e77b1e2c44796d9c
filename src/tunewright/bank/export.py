"""Records into an item bank: checked before, written, read back by our own reader and compared.

The file takes its place only when what was read back is what was written, so a file that is there is right.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tunewright.bank.check import alike_options, check_questions, fault_of
from tunewright.bank.formats import BANK_FORMATS, RECORD_FORMATS, BankFormat, bank_format_named
from tunewright.bank.from_record import NotAQuestion, question_of
from tunewright.bank.question import Question, first_difference
from tunewright.bank.target import check_target, rejects_file
from tunewright.errors import DataError, ItemError
from tunewright.generate.grow.finished import check_finished
from tunewright.records import Record, Reject, read_records, write_records, write_rejects
from tunewright.records.reject import cut
from tunewright.run.files import disk_errors
from tunewright.run.folder import MANIFEST_FILE, STAGE_FILE


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export did. `num_records` counts all rows of the data, those too that no record could be read
    from. `lost` counts, per field, the questions of which the format holds less; `num_one_way` those of which
    it holds so little that `import_bank` leaves them out: essays without their model answers.

    `renamed` gives, for each record written whose id an earlier one has, its new id and the one it had.
    """

    format: str
    path: Path
    num_records: int
    num_written: int
    rejects: tuple[Reject, ...] = ()
    kinds: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    num_one_way: int = 0


def export(
    data: str | Path, to: str, out: str | Path, *, format: str | None = None, overwrite: bool = False
) -> ExportReport:
    """Write the records of `data` (of `format`) to `out` in the format `to`, and say what was not written.

    What cannot be held goes to `OUT.rejects.jsonl` with the reason. DataError for an unknown format, when
    nothing can be written, or when `out` is a place that `check_target` refuses: the data, a run folder or,
    without `overwrite`, a file that is there. RunFolderError when the data is a finished run's and not what
    the run wrote. ItemError, naming the first difference, when the file does not read back the same.
    """
    known = (*BANK_FORMATS, *RECORD_FORMATS)
    if to not in known:
        raise DataError(f"there is no export format {to!r}; choose one of: {', '.join(known)}")
    target = Path(out)
    check_target(target, data=data, overwrite=overwrite)
    if target.is_dir() and to != "hf":
        raise DataError(f"{target}: is a folder; give --out the name of a file")
    _check_run(Path(data))
    rejects: list[Reject] = []
    records = list(read_records(data, format=format, on_reject=rejects.append))
    if to in RECORD_FORMATS:
        report = _export_records(records, to, target)
    else:
        report = export_records(records, bank_format_named(to, known), target, source=str(data))
    report = replace(
        report, num_records=report.num_records + len(rejects), rejects=(*rejects, *report.rejects)
    )
    rejects_path = rejects_file(target)
    if report.rejects:
        write_rejects(rejects_path, report.rejects)
    else:
        rejects_path.unlink(missing_ok=True)  # of an export before
    return report


def _check_run(data: Path) -> None:
    """RunFolderError when the data is of a finished run and was cut or changed since."""
    folder = data if data.is_dir() else data.parent
    if (folder / STAGE_FILE).is_file() and (folder / MANIFEST_FILE).is_file():
        check_finished(folder)


def export_records(
    records: Sequence[Record], bank_format: BankFormat, path: Path, *, source: str = ""
) -> ExportReport:
    """The questions of these records in one bank; the report's rejects say which were left out and why."""
    rejects: list[Reject] = []
    questions: list[Question] = []
    seen: set[str] = set()
    renamed: dict[str, str] = {}
    for number, record in enumerate(records, 1):
        place = (record.origin.file, record.origin.line) if record.origin else (source, number)
        try:
            questions.append(question_of(record))
        except NotAQuestion as error:
            rejects.append(Reject(*place, "", f"{record.id}: {error}", cut(record.instruction)))
            continue
        question = questions[-1]
        if given := _given_id(record, seen):
            question = replace(question, meta={**question.meta, "original_id": given})
            questions[-1] = question
        fault = fault_of(question) or alike_options(question) or bank_format.refused(question)
        if question.id in seen:
            fault = "its id is used by an earlier record"
        seen.add(question.id)
        if fault:
            questions.pop()
            rejects.append(Reject(*place, "", f"{record.id}: {fault}", cut(record.instruction)))
        elif given:
            renamed[question.id] = given
    if not questions:
        first = f"; the first: {rejects[0]}" if rejects else ""
        raise DataError(f"none of {len(records):,} records can be written as {bank_format.name}{first}")
    write_bank(questions, bank_format, path)
    return ExportReport(
        format=bank_format.name,
        path=path,
        num_records=len(records),
        num_written=len(questions),
        rejects=tuple(rejects),
        kinds=dict(Counter(question.kind for question in questions)),
        lost=_losses(questions, bank_format),
        renamed=renamed,
        num_one_way=sum(
            question.kind == "essay" and not bank_format.held(question).answers for question in questions
        ),
    )


def _given_id(record: Record, seen: set[str]) -> str:
    """The id a record had before reading made it unique ("q" of "q~2"), or '' when it still has its own."""
    match = re.fullmatch(r"(.+)~\d+", record.id.strip())
    if match is None or match[1] not in seen:
        return ""
    shape = record.origin.shape if record.origin else {}
    if "keys" in shape and str(shape.get("id")) != match[1]:  # its file itself has the id with the suffix
        return ""
    return match[1]


def write_bank(questions: Sequence[Question], bank_format: BankFormat, path: Path) -> None:
    """Write, read back, compare, and only then put the file in its place.

    ItemError when a question is unsound or refused, or when one does not come back as the format holds it.
    """
    for question, fault in check_questions(questions):
        raise ItemError(f"question {question.id}: {fault}")
    for question in questions:
        if refusal := bank_format.refused(question):
            raise ItemError(f"question {question.id}: {refusal}")
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{bank_format.suffix}")
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            bank_format.write(questions, temporary)
            compare(questions, bank_format.read(temporary), bank_format)
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def compare(
    questions: Sequence[Question], found: Iterable[Question | Reject], bank_format: BankFormat
) -> None:
    """ItemError at the first question that is not, in its place, what the format holds of it."""
    others: Iterator[Question | Reject] = iter(found)
    for number, question in enumerate(questions, 1):
        expected = bank_format.held(question)
        other = next(others, None)
        where = (
            f"{bank_format.name}: question {number} ({question.id}) was read back wrong, nothing is written"
        )
        if other is None:
            raise ItemError(f"{where}: it is missing")
        if isinstance(other, Reject):
            raise ItemError(f"{where}: {other.reason}")
        if not bank_format.keeps_ids:
            other = replace(other, id=expected.id)
        if difference := first_difference(expected, other):
            raise ItemError(f"{where}: {difference}")
    if next(others, None) is not None:
        raise ItemError(
            f"{bank_format.name}: more questions were read back than the {len(questions):,} written"
        )


def _losses(questions: Iterable[Question], bank_format: BankFormat) -> dict[str, int]:
    lost: Counter[str] = Counter()
    for question in questions:
        held = _compared(bank_format.held(question))
        lost.update(name for name, value in _compared(question).items() if value != held.get(name))
        lost.update([] if bank_format.keeps_ids else ["id"])
    return dict(sorted(lost.items()))


def _compared(question: Question) -> dict[str, object]:
    """A question's fields under the names a report uses; the texts of the learner's page count as one."""
    options = [*question.options, *(option for gap in question.gaps for option in gap.options)]
    return {
        "text": (question.instruction, question.passage, question.prompt, question.pieces),
        "options": [(option.text, option.correct) for option in options],
        "option ids": [option.id for option in options],
        "option feedback": [option.feedback for option in options],
        "model answers of essays" if question.kind == "essay" else "answers": question.answers,
        "explanation": question.explanation,
        "shuffle": question.shuffle,
        **{f"meta {name}": value for name, value in question.meta.items()},
    }


def _export_records(records: Sequence[Record], to: str, target: Path) -> ExportReport:
    layout = {"hf": "native"}.get(to, to)
    if to == "hf" and target.suffix not in ("", ".parquet"):
        raise DataError(f"{target}: a data set is a folder without a suffix, or a .parquet file")
    num_written = write_records(records, target, format=layout)
    back = list(read_records(target, on_reject=lambda _: None))
    if len(back) != num_written:
        raise ItemError(f"{target}: {num_written:,} records were written but {len(back):,} are read back")
    for record, other in zip(records, back, strict=True):
        for name in ("instruction", "input", "output", "explanation"):
            if getattr(record, name) != getattr(other, name):
                raise ItemError(
                    f"{target}: record {record.id}: '{name}' was read back as another text; do not use it"
                )
    return ExportReport(format=to, path=target, num_records=len(records), num_written=num_written)
