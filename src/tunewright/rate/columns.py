"""Numbers in the columns that records carry, and scores that people wrote into a file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tunewright.errors import DataError
from tunewright.records.record import Record
from tunewright.run.files import read_jsonl


def number_at(meta: Mapping[str, Any], column: str) -> float | None:
    """The number in a column, or inside one: `rating_accuracy.response` is a member of `rating_accuracy`.

    A member's own name may hold dots. None when there is nothing, a null, or no finite number. A text that is
    a number counts, for CSV knows no types.
    """
    return next((number for value in _values(meta, column) if (number := _number(value)) is not None), None)


def human_scores(source: str, records: Iterable[Record]) -> dict[str, float]:
    """People's scores by record id: from a JSONL file of `id` and `score`, or from a column of the records.

    DataError when a row of the file has no such members, when an id comes twice, or when no record has a
    number in the column.
    """
    path = Path(source)
    if path.is_file():
        return _scores_in(path)
    found = {}
    for record in records:
        number = number_at(record.meta, source)
        if number is not None:
            found[record.id] = number
    if not found:
        raise DataError(
            f"human scores '{source}': neither a file nor a column with numbers in any record; check the name"
        )
    return found


def _scores_in(path: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    for line, row in enumerate(read_jsonl(path), start=1):
        record_id, number = row.get("id"), _number(row.get("score"))
        if record_id is None or number is None:
            raise DataError(
                f'{path}:{line}: must hold "id" and a number "score", such as {{"id": "7", "score": 4.5}}'
            )
        if str(record_id) in found:
            raise DataError(
                f"{path}:{line}: the id {record_id!r} has a score already; keep one row per record"
            )
        found[str(record_id)] = number
    if not found:
        raise DataError(f"{path}: holds no scores")
    return found


def _values(value: Any, column: str) -> Iterator[Any]:
    """Whatever the dotted name may mean, the longest first name first."""
    if not isinstance(value, Mapping):
        return
    if column in value:
        yield value[column]
    parts = column.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:cut])
        if name in value:
            yield from _values(value[name], ".".join(parts[cut:]))


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
