"""Answers in the two forms that others read: AlpacaEval's `model_outputs.json` and MT-Bench's JSON Lines.

Both become `Answered`: the turns of one prompt with a model's answer to each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tunewright.errors import DataError
from tunewright.evaluate.outputs.questions import OnReject, Question, reject_of, texts_of
from tunewright.llm.request import Message, Role
from tunewright.records.row import RowError
from tunewright.records.source import open_parts

OUTPUTS_FILE = "model_outputs.json"
MT_BENCH_FILE = "model_answers.jsonl"
_ROLES: tuple[Role, ...] = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True)
class Answered:
    """A model's answers to the turns of one prompt, as many as there are turns.

    `before` is what the prompt's file has above the first turn (a system message, earlier turns): a judge
    must see it too. `question_id` is MT-Bench's, empty elsewhere.
    """

    prompts: tuple[str, ...]
    answers: tuple[str, ...]
    generator: str
    dataset: str = ""
    datasplit: str = ""
    question_id: str = ""
    category: str = ""
    references: tuple[str, ...] = ()
    before: tuple[Message, ...] = ()

    def reference(self, turn: int) -> str:
        """The reference answer to a turn, counted from 1; empty without one."""
        return self.references[turn - 1] if turn <= len(self.references) else ""


def read_answers(
    source: str | Path, *, questions: Mapping[str, Question], on_reject: OnReject
) -> list[Answered]:
    """The answers of one model in a file, or in the folder of a `tunewright evaluate answers` run.

    A row needs `instruction` (or `prompt`) and `output`; `generator`, `dataset` and `datasplit` are
    AlpacaEval's. An empty answer is an answer; a missing one is a reject; a JSON value that is no text (a
    bare `true` in a published file) is taken as its JSON. MT-Bench's rows name their question, whose turns
    come from `questions`. DataError when there is no usable row, or answers of several models.
    """
    file = file_of_answers(source)
    found: list[Answered] = []
    first = ""
    for part in open_parts(file, split=None, container=None):
        for row in part.rows:
            try:
                if isinstance(row.values, RowError):
                    raise row.values
                values = row.values if isinstance(row.values, dict) else {}
                if "choices" in values and not questions:
                    raise DataError(
                        f"{file}: holds MT-Bench's answers, which name their questions by number; give the "
                        "question file (--questions)"
                    )
                found.append(
                    _of_mt_bench(values, questions)
                    if "choices" in values
                    else _of_alpaca_eval(values, fallback=file.stem)
                )
            except RowError as error:
                reject = reject_of(file, row, error)
                first = first or str(reject)
                on_reject(reject)
    if not found:
        raise DataError(f"{file}: holds no answer that can be used{f'; {first}' if first else ''}")
    names = list(dict.fromkeys(one.generator for one in found))
    if len(names) > 1:
        raise DataError(
            f"{file}: holds answers of {len(names)} models ({', '.join(names[:3])}); keep one model per file"
        )
    return found


def file_of_answers(source: str | Path) -> Path:
    """The file itself, or the one in a run folder."""
    path = Path(source)
    if path.is_dir():
        for name in (OUTPUTS_FILE, MT_BENCH_FILE):
            if (path / name).is_file():
                return path / name
        raise DataError(
            f"{path}: holds no answers ({OUTPUTS_FILE} or {MT_BENCH_FILE}); make them with "
            "'tunewright evaluate answers', or name a file"
        )
    if not path.is_file():
        raise DataError(f"{path}: there is no such file or folder; check the path")
    return path


def alpaca_eval_row(one: Answered) -> dict[str, Any]:
    """The row of `model_outputs.json`; `before` is a column of ours, where there is anything before."""
    row: dict[str, Any] = {
        "instruction": one.prompts[-1],
        "output": one.answers[-1],
        "generator": one.generator,
        "dataset": one.dataset,
        "datasplit": one.datasplit,
    }
    if one.before:
        row["before"] = [{"role": message.role, "content": message.text} for message in one.before]
    return row


def mt_bench_row(one: Answered) -> dict[str, Any]:
    """The row of FastChat's `model_answer/MODEL.jsonl`. Its id is a hash and its time is 0, so that the same
    answers are the same file."""
    number = one.question_id
    known = "\0".join((number, one.generator, *one.answers)).encode("utf-8", "replace")
    return {
        "question_id": int(number) if number.isdecimal() else number,
        "answer_id": hashlib.sha256(known).hexdigest()[:22],
        "model_id": one.generator,
        "choices": [{"index": 0, "turns": list(one.answers)}],
        "tstamp": 0.0,
    }


def rows_as_json(rows: Iterator[dict[str, Any]]) -> str:
    """One JSON array with an object per line."""
    return "[\n" + ",\n".join(orjson.dumps(row).decode() for row in rows) + "\n]\n"


def _of_alpaca_eval(values: Mapping[str, Any], *, fallback: str) -> Answered:
    prompt = values.get("instruction", values.get("prompt"))
    if not isinstance(prompt, str):
        raise RowError("instruction", "is missing or no text")
    extra = values.get("input")
    if isinstance(extra, str) and extra:
        prompt = f"{prompt}\n\n{extra}"
    if values.get("output") is None:
        raise RowError("output", "is missing; a model that said nothing has the empty text")
    output = values["output"]
    return Answered(
        prompts=(prompt,),
        answers=(output if isinstance(output, str) else orjson.dumps(output).decode(),),
        generator=str(values.get("generator") or fallback),
        dataset=str(values.get("dataset") or ""),
        datasplit=str(values.get("datasplit") or ""),
        before=_before(values.get("before")),
    )


def _before(value: object) -> tuple[Message, ...]:
    if value is None:
        return ()
    found = []
    for one in value if isinstance(value, list) else [value]:
        given = one if isinstance(one, dict) else {}
        role = next((role for role in _ROLES if given.get("role") == role), None)
        text = given.get("content")
        if role is None or not isinstance(text, str):
            raise RowError("before", "must be a list of {role: system, user or assistant, content: text}")
        found.append(Message(role, text))
    return tuple(found)


def _of_mt_bench(values: Mapping[str, Any], questions: Mapping[str, Question]) -> Answered:
    number = str(values.get("question_id", ""))
    if number not in questions:
        raise RowError("question_id", f"{number!r} is not in the question file")
    question = questions[number]
    choices = values["choices"]
    first = choices[0] if isinstance(choices, list) and choices else {}
    answers = texts_of(first.get("turns") if isinstance(first, Mapping) else None, "choices")
    if len(answers) != len(question.turns):
        raise RowError("choices", f"has {len(answers)} turns, its question {len(question.turns)}")
    return Answered(
        prompts=question.turns,
        answers=answers,
        generator=str(values.get("model_id") or "model"),
        dataset=question.dataset,
        question_id=number,
        category=question.category,
        references=question.references,
    )
