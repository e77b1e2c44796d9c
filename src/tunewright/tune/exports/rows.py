"""The file of rows: written in parts, read back whole, and only then given its name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from tunewright.errors import RunFolderError
from tunewright.run.files import disk_errors, sync_folder
from tunewright.tune.examples import Example
from tunewright.tune.exports.targets import IGNORED, Target

PART_ROWS = 2000  # in memory at once beside the examples, and a row group of the Parquet file
Row = tuple[Example, Target]
COLUMNS = {
    "trl": ("id", "input_ids", "labels"),
    "axolotl": ("input_ids", "attention_mask", "labels"),  # it takes no other for a tokenised set
    "hf": ("id", "input_ids", "labels"),
}
WEIGHTED = ("weights", "divisor")  # for hf, where labels alone do not say the objective
_TYPES = {
    "id": pa.string(),
    "input_ids": pa.list_(pa.int32()),
    "attention_mask": pa.list_(pa.int8()),
    "labels": pa.list_(pa.int32()),
    "weights": pa.list_(pa.float32()),
    "divisor": pa.float32(),
}


@dataclass(frozen=True)
class Written:
    """What the file holds: rows, tokens, and tokens with a label, in all rows and in none of a row."""

    num_rows: int
    num_tokens: int
    num_labels: int
    num_rows_without_labels: int


def write_rows(path: Path, rows: Iterable[Row], columns: Sequence[str]) -> Written:
    """Write the rows as Parquet or JSON Lines, by the suffix of `path`, and give the counts of the file.

    The file is read back before it takes its name: a RunFolderError says that the disk did not keep the rows.
    """
    temporary = path.with_name(f".{path.name}.tmp")  # one writer, as the folder's lock ensures
    write, read = (
        (_write_parquet, _read_parquet) if path.suffix == ".parquet" else (_write_jsonl, _read_jsonl)
    )
    with disk_errors(path):
        expected = write(temporary, rows, columns)
        found = _count(read(temporary))
        if found != expected:
            raise RunFolderError(
                f"{path}: {found} was read back where {expected} was written; check the disk"
            )
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    return found


def _write_parquet(path: Path, rows: Iterable[Row], columns: Sequence[str]) -> Written:
    schema = pa.schema([(name, _TYPES[name]) for name in columns])
    tally = _Tally()
    with pq.ParquetWriter(path, schema) as writer:
        for part in _parts(rows):
            tally.add(part)
            writer.write_table(pa.table([_column(name, part) for name in columns], schema=schema))
    return tally.written()


def _parts(rows: Iterable[Row]) -> Iterator[tuple[Row, ...]]:
    iterator = iter(rows)
    while part := tuple(islice(iterator, PART_ROWS)):
        yield part


def _column(name: str, part: Sequence[Row]) -> Any:
    if name == "id":
        return pa.array([example.id for example, _ in part], pa.string())
    if name == "divisor":
        return pa.array([target.divisor for _, target in part], pa.float32())
    lists = [_list_of(name, row) for row in part]
    offsets = np.concatenate([[0], np.cumsum([len(values) for values in lists])]).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, pa.array(np.concatenate(lists), _TYPES[name].value_type))


def _list_of(name: str, row: Row) -> np.ndarray[Any, Any]:
    example, target = row
    match name:
        case "input_ids":
            return example.ids
        case "attention_mask":
            return np.ones(len(example), dtype=np.int8)
        case "labels":
            return target.labels
        case "weights":
            return target.weights
    raise AssertionError(name)


def _write_jsonl(path: Path, rows: Iterable[Row], columns: Sequence[str]) -> Written:
    tally = _Tally()
    option = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
    with path.open("wb") as file:
        for row in rows:
            tally.add([row])
            example, target = row
            scalars = {"id": example.id, "divisor": target.divisor}
            values = {name: scalars[name] if name in scalars else _list_of(name, row) for name in columns}
            file.write(orjson.dumps(values, option=option))
    return tally.written()


class _Tally:
    """Counts rows while they are written."""

    def __init__(self) -> None:
        self._counts = np.zeros(4, dtype=np.int64)

    def add(self, part: Sequence[Row]) -> None:
        tokens = [len(example) for example, _ in part]
        labels = [target.num_labels for _, target in part]
        self._counts += [len(part), sum(tokens), sum(labels), labels.count(0)]

    def written(self) -> Written:
        return Written(*map(int, self._counts))


Pair = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def _read_parquet(path: Path) -> Iterator[Pair]:
    for batch in pq.ParquetFile(path).iter_batches(PART_ROWS, columns=["input_ids", "labels"]):
        columns = batch.column("input_ids"), batch.column("labels")
        ids, labels = (
            np.split(column.flatten().to_numpy(), column.offsets.to_numpy()[1:-1]) for column in columns
        )
        yield from zip(ids, labels, strict=True)


def _read_jsonl(path: Path) -> Iterator[Pair]:
    with path.open("rb") as file:
        for line in file:
            row = orjson.loads(line)
            yield np.array(row["input_ids"]), np.array(row["labels"])


def _count(pairs: Iterable[Pair]) -> Written:
    """The counts of a file; each row's labels are shown to be its tokens or none, and the first none."""
    counts = np.zeros(4, dtype=np.int64)
    for ids, labels in pairs:
        has_label = labels != IGNORED
        assert len(ids) == len(labels)
        assert np.array_equal(labels[has_label], ids[has_label])
        assert not has_label[:1].any(), "the first token of a document is never a target"
        num_labels = int(has_label.sum())
        counts += [1, len(ids), num_labels, num_labels == 0]
    return Written(*map(int, counts))
