"""Ratings from a file: a row per rating, as a study exports them or a spreadsheet holds them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunewright.errors import DataError
from tunewright.rate.agreement.rows import whole_rows
from tunewright.rate.agreement.table import RatingTable, Value, rating_table

NEEDED = ("item", "rater", "value")
NOT_RESULTS = ("gold", "repeat", "training")  # kinds of items in a study's unblinded ratings


def read_ratings_file(
    path: Path, *, question: str | None = None, scale: Sequence[Value] = (), cluster: str | None = None
) -> RatingTable:
    """The table of a JSONL or CSV file with columns item, rater, value; with a column system, item and system
    together are what is rated. Empty values are missing ratings and are left out; so are a study's gold,
    repeated and training items where a column `kind` tells them, as on its results page.

    DataError: a line cannot be read, a column or a name is missing, or there are several questions and
    `question` names none of them.
    """
    triples, cluster_of = [], {}
    questions: dict[str, int] = {}
    needed = (*NEEDED, *([cluster] if cluster else []))
    for line, row in whole_rows(path, needed=needed):
        missing = next((name for name in needed if name not in row), None)
        if missing:
            raise DataError(
                f"{path}:{line}: the column {missing!r} is missing; a row needs {', '.join(needed)}"
            )
        asked = str(row.get("question") or "")
        questions[asked] = questions.get(asked, 0) + 1
        if (question is not None and asked != question) or row["value"] in (None, ""):
            continue
        if row.get("kind") in NOT_RESULTS:
            continue
        nameless = next((name for name in ("item", "rater") if row[name] in (None, "")), None)
        if nameless:
            raise DataError(f"{path}:{line}: {nameless!r} is empty; say whose rating of what it is")
        item = f"{row['item']} {row['system']}" if row.get("system") else str(row["item"])
        triples.append((item, str(row["rater"]), _value(row["value"])))
        if cluster:
            cluster_of[item] = str(row[cluster])
    if question is None and len(questions) > 1:
        raise DataError(
            f"{path}: several questions ({', '.join(sorted(questions))}); choose one with --question"
        )
    if question is not None and question not in questions:
        there = ", ".join(sorted(filter(None, questions)))
        raise DataError(
            f"{path}: no row has the question {question!r}; "
            + (f"there are {there}" if there else "there is no column 'question': leave --question out")
        )
    return rating_table(triples, scale=scale, cluster_of=cluster_of if cluster else None, where=str(path))


def parse_scale(text: str) -> tuple[Value, ...]:
    """The values of "1,2,3" or "no,partly,yes", in that order."""
    parts = [part.strip() for part in text.split(",")]
    values = tuple(_value(part) for part in parts)
    if len(set(values)) < 2 or len(set(values)) != len(values) or "" in parts:
        raise DataError(f"--scale {text}: give two different values or more, each once")
    return values


def _value(value: Any) -> Value:
    """A number where it is one, in a spreadsheet too; else the text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return str(value)
    try:
        number = float(value)
    except ValueError:
        return str(value)
    return number if math.isfinite(number) else str(value)
