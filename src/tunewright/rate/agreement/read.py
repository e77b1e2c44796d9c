"""Ratings from a file: a row per rating, as a study exports them or a spreadsheet holds them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunewright.errors import DataError
from tunewright.rate.agreement.table import RatingTable, Value, rating_table
from tunewright.run.files import read_jsonl

NEEDED = ("item", "rater", "value")


def read_ratings_file(
    path: Path, *, question: str | None = None, scale: Sequence[Value] = (), cluster: str | None = None
) -> RatingTable:
    """The table of a JSONL or CSV file with columns item, rater, value; with a column system, item and system
    together are what is rated. Empty values are missing ratings and are left out.

    DataError: a column is missing, or there are several questions and `question` names none of them.
    """
    triples, cluster_of = [], {}
    questions: dict[str, int] = {}
    for line, row in _rows(path):
        missing = next((name for name in (*NEEDED, *([cluster] if cluster else [])) if name not in row), None)
        if missing:
            raise DataError(
                f"{path}:{line}: the column {missing!r} is missing; a row needs {', '.join(NEEDED)}"
            )
        asked = str(row.get("question") or "")
        questions[asked] = questions.get(asked, 0) + 1
        if (question is not None and asked != question) or row["value"] in (None, ""):
            continue
        item = f"{row['item']} {row['system']}" if row.get("system") else str(row["item"])
        triples.append((item, str(row["rater"]), _value(row["value"])))
        if cluster:
            cluster_of[item] = str(row[cluster])
    if question is None and len(questions) > 1:
        raise DataError(
            f"{path}: several questions ({', '.join(sorted(questions))}); choose one with --question"
        )
    if question is not None and question not in questions:
        raise DataError(
            f"{path}: no row has the question {question!r}; there are {', '.join(sorted(questions))}"
        )
    return rating_table(triples, scale=scale, cluster_of=cluster_of if cluster else None, where=str(path))


def parse_scale(text: str) -> tuple[Value, ...]:
    """The values of "1,2,3" or "no,partly,yes", in that order."""
    values = tuple(_value(part.strip()) for part in text.split(","))
    if len(set(values)) < 2 or len(set(values)) != len(values):
        raise DataError(f"--scale {text}: give two different values or more, each once")
    return values


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if not path.is_file():
        raise DataError(f"{path}: there is no such file; check the path")
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from enumerate(csv.DictReader(file), start=2)
    else:
        yield from enumerate(read_jsonl(path), start=1)


def _value(value: Any) -> Value:
    """A number where it is one, in a spreadsheet too; else the text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return str(value)
    try:
        return float(value)
    except ValueError:
        return str(value)
