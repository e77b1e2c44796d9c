"""A CSV table, one question a row: for spreadsheets, and for platforms with an import of their own.

Columns: id, kind, instruction, passage, prompt, explanation, shuffle, key (option ids), option_1 … with
feedback_1 …, answer_1 …, cloze (the pieces and gaps as JSON), and one meta_… for each piece of metadata.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunewright.bank.decode import decoded
from tunewright.bank.question import Gap, Option, Question
from tunewright.errors import DataError
from tunewright.records import Reject

_TEXTS = ("id", "kind", "instruction", "passage", "prompt", "explanation")
_KINDS = ("choice", "multiple_response", "cloze", "short_answer", "essay")
MAX_CELL_CHARS = 8 << 20


def write_csv_table(questions: Sequence[Question], path: Path) -> None:
    """The questions as one table, UTF-8 with a byte order mark, without which spreadsheets guess wrong."""
    num_options = max((len(question.options) for question in questions), default=0)
    num_answers = max((len(question.answers) for question in questions), default=0)
    names = list(dict.fromkeys(name for question in questions for name in question.meta))
    columns = [*_TEXTS, "shuffle", "key", "option_ids"]
    for number in range(1, num_options + 1):
        columns += [f"option_{number}", f"feedback_{number}"]
    columns += [f"answer_{number}" for number in range(1, num_answers + 1)]
    columns += ["cloze", *(f"meta_{name}" for name in names)]
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, columns, restval="", lineterminator="\r\n")
        writer.writeheader()
        for question in questions:
            writer.writerow(_row(question))


def _row(question: Question) -> dict[str, str]:
    row = {name: getattr(question, name) for name in _TEXTS}
    row["shuffle"] = "yes" if question.shuffle else "no"
    if question.options:
        row["key"] = " ".join(question.key)
        row["option_ids"] = " ".join(option.id for option in question.options)
    for number, option in enumerate(question.options, 1):
        row |= {f"option_{number}": option.text, f"feedback_{number}": option.feedback}
    row |= {f"answer_{number}": answer for number, answer in enumerate(question.answers, 1)}
    if question.gaps:
        gaps = [
            {"answers": list(gap.answers), "options": [[o.id, o.text, o.correct] for o in gap.options]}
            for gap in question.gaps
        ]
        row["cloze"] = json.dumps({"pieces": list(question.pieces), "gaps": gaps}, ensure_ascii=False)
    return row | {f"meta_{name}": value for name, value in question.meta.items()}


def read_csv_table(path: Path) -> Iterator[Question | Reject]:
    """The questions of a table with these columns; a row that does not fit is a reject with its line."""
    csv.field_size_limit(MAX_CELL_CHARS)
    rows = csv.DictReader(io.StringIO(decoded(path), newline=""), strict=True)
    missing = {"id", "kind"} - set(rows.fieldnames or ())
    if missing:
        raise DataError(f"{path}: has no column {sorted(missing)[0]!r}; it is no table of questions")
    try:
        for row in rows:
            try:
                yield replace(_question(row), line=rows.line_num)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                yield Reject(str(path), rows.line_num, "", f"is no question: {error}", str(row)[:500])
    except csv.Error as error:
        yield Reject(str(path), rows.line_num, "", f"is broken from here on: {error}", "")


def _question(row: dict[str, Any]) -> Question:
    if None in row or None in row.values():
        raise ValueError("has more or fewer cells than the header")
    if row["kind"] not in _KINDS:
        raise ValueError(f"the kind {row['kind']!r} is none of {', '.join(_KINDS)}")
    ids = row.get("option_ids", "").split()
    key = row.get("key", "").split()
    if set(key) - set(ids):
        raise ValueError(f"the key {row['key']!r} points at none of {', '.join(ids) or 'no options'}")
    options = tuple(
        Option(identifier, row[f"option_{n}"], identifier in key, row.get(f"feedback_{n}", ""))
        for n, identifier in enumerate(ids, 1)
    )
    answers = (value for name, value in row.items() if name.startswith("answer_") and value)
    cloze = json.loads(row["cloze"]) if row.get("cloze") else {"pieces": [], "gaps": []}
    gaps = tuple(
        Gap(tuple(gap["answers"]), tuple(Option(*option) for option in gap["options"]))
        for gap in cloze["gaps"]
    )
    meta = {name.removeprefix("meta_"): v for name, v in row.items() if name.startswith("meta_") and v}
    texts = {name: row.get(name, "") for name in _TEXTS}
    return Question(
        **texts,
        options=options,
        answers=tuple(answers),
        pieces=tuple(cloze["pieces"]),
        gaps=gaps,
        shuffle=row.get("shuffle") == "yes",
        meta=meta,
    )
