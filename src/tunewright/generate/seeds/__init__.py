"""The hand-written seeds that everything generated grows from, read from package data.

Each row of `<name>.jsonl` is one seed; `DATASHEET.md` beside it says what the set is and is not for.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

import orjson

from tunewright.errors import DataError
from tunewright.records.record import Record

_FIELDS = ("id", "instruction", "input", "output", "explanation")


def load_seeds(name: str = "elpa") -> list[Record]:
    """The seeds called `name`, in the order of their ids.

    The columns `skill`, `level`, `task`, `mode` ("solve" or "author") and `topic` are in `meta`; an item with
    one right option also has `options` (a list of letter and text) and `key` (a letter), and an item on a
    passage has `evidence`, a literal span of the input. Raises `DataError` for a name that is not there.
    """
    folder = resources.files(__name__)
    known = sorted(
        file.name.removesuffix(".jsonl") for file in folder.iterdir() if file.name.endswith(".jsonl")
    )
    if name not in known:
        raise DataError(f"there are no seeds called {name!r}; choose one of: {', '.join(known)}")
    lines = folder.joinpath(f"{name}.jsonl").read_bytes().splitlines()
    return [_record(orjson.loads(line)) for line in lines]


def _record(row: dict[str, Any]) -> Record:
    texts = {field: row.pop(field) for field in _FIELDS}
    return Record(**texts, meta=row)
