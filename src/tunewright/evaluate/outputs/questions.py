"""The prompts that models answer: any data set, or MT-Bench's questions of two turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tunewright.errors import DataError
from tunewright.llm.request import Message
from tunewright.records.read import read_records
from tunewright.records.record import Record
from tunewright.records.reject import Reject, cut
from tunewright.records.row import Row, RowError, optional_text, required_text
from tunewright.records.source import open_parts
from tunewright.tune.conversation import JOIN

OnReject = Callable[[Reject], None]
_ANSWER_COLUMNS = {"output", "response", "completion", "messages", "conversations", "instances"}


@dataclass(frozen=True, slots=True)
class Question:
    """What a model is asked: one user turn, or several where each sees the answers before it.

    `before` is what stands above the first turn (a system message, earlier turns). `references` has a text
    per turn, empty where there is none. Only MT-Bench's questions have a `question_id` and a category.
    """

    turns: tuple[str, ...]
    before: tuple[Message, ...] = ()
    references: tuple[str, ...] = ()
    question_id: str = ""
    category: str = ""
    dataset: str = ""
    datasplit: str = ""


def read_questions(source: str | Path, *, on_reject: OnReject) -> Iterator[Question]:
    """The questions of an MT-Bench file (rows with `turns`), else the prompts of any data set.

    Of a data set only what comes before the answer is read: instruction and input, joined as they are in
    tuning, with system message and earlier turns. A file may also hold prompts alone (`instruction` or
    `prompt`, perhaps `input`). DataError when the source cannot be read or has no row.
    """
    columns = _first_columns(source)
    if {"question_id", "turns"} <= columns:
        yield from mt_bench_questions(source, on_reject=on_reject)
    elif columns & {"instruction", "prompt"} and not columns & _ANSWER_COLUMNS:
        yield from _prompts_alone(source, on_reject=on_reject)
    else:
        for record in read_records(source, on_reject=on_reject):
            yield question_of(record)


def mt_bench_questions(source: str | Path, *, on_reject: OnReject) -> Iterator[Question]:
    """The questions of a file in MT-Bench's form. A question whose number came before is a reject."""
    seen: set[str] = set()
    for row in _rows(source):
        try:
            question = _of_row(row)
            if question.question_id in seen:
                raise RowError("question_id", f"{question.question_id} came before; keep one row each")
        except RowError as error:
            on_reject(reject_of(source, row, error))
            continue
        seen.add(question.question_id)
        yield question
    if not seen:
        raise DataError(f"{source}: holds no MT-Bench question; its rows need question_id and turns")


def texts_of(values: object, field: str) -> tuple[str, ...]:
    """A list of texts; RowError for anything else."""
    if not isinstance(values, list) or not values or not all(isinstance(one, str) for one in values):
        raise RowError(field, "must be a list of texts, one per turn")
    return tuple(values)


def reject_of(source: str | Path, row: Row, error: RowError) -> Reject:
    """A row that cannot be used, as the rejects file keeps it."""
    return Reject(str(source), row.line, error.field, error.reason, cut(row.raw or repr(row.values)))


def _first_columns(source: str | Path) -> set[str]:
    """The names in the first row of a file that can be read; none for a folder or a hub id, whose readers
    know better."""
    if not Path(source).is_file():
        return set()
    return next((set(row.values) for row in _rows(source) if isinstance(row.values, dict)), set())


def _prompts_alone(source: str | Path, *, on_reject: OnReject) -> Iterator[Question]:
    num_found, first = 0, ""
    for row in _rows(source):
        try:
            if isinstance(row.values, RowError):
                raise row.values
            values = row.values if isinstance(row.values, dict) else {}
            field = "instruction" if "instruction" in values else "prompt"
            texts = [required_text(values, field), optional_text(values, "input")]
        except RowError as error:
            reject = reject_of(source, row, error)
            first = first or str(reject)
            on_reject(reject)
            continue
        num_found += 1
        yield Question(
            turns=(JOIN.join(text for text in texts if text),),
            dataset=str(values.get("dataset") or ""),
            datasplit=str(values.get("datasplit") or ""),
        )
    if not num_found:
        raise DataError(f"{source}: holds no prompt that can be used; {first}")


def _rows(source: str | Path) -> Iterator[Row]:
    for part in open_parts(source, split=None, container=None):
        yield from part.rows


def _of_row(row: Row) -> Question:
    if isinstance(row.values, RowError):
        raise row.values
    values = row.values if isinstance(row.values, dict) else {}
    number = values.get("question_id")
    if not isinstance(number, int | str) or isinstance(number, bool):
        raise RowError("question_id", "must be a number or a text")
    turns = texts_of(values.get("turns"), "turns")
    given = values.get("reference") or ()
    references = texts_of(given, "reference") if given else ()
    return Question(
        turns=turns,
        references=(*references, *[""] * len(turns))[: len(turns)],
        question_id=str(number),
        category=str(values.get("category") or ""),
        dataset="mt_bench",
    )


def question_of(record: Record) -> Question:
    """The prompt of a record: what comes before its answer."""
    before = [Message("system", record.system)] if record.system else []
    before += [Message(turn.speaker, turn.text) for turn in record.history]
    texts = [text for text in (record.instruction, record.input) if text]
    return Question(
        turns=(JOIN.join(texts),),
        before=tuple(before),
        dataset=str(record.meta.get("dataset", "")),
        datasplit=str(record.meta.get("datasplit", "")),
    )
