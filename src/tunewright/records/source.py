"""Where rows come from: a file, a run folder, a data set saved on disk, a folder of data files, or a hub id.

A source becomes parts, each with its rows and, where the container knows them, its column names and schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tunewright.errors import DataError
from tunewright.records import formats
from tunewright.records.csv_rows import csv_rows
from tunewright.records.json_rows import array_rows, jsonl_rows
from tunewright.records.row import Row
from tunewright.records.sniff import guarded, open_bytes, sniff

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_SPLIT_IN_NAME = re.compile(r"(train|test|validation|valid|val|dev|eval)(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """One file or one split on the hub. Only Parquet and Arrow know columns and schema before the rows."""

    name: str
    container: str
    rows: Iterator[Row]
    columns: Sequence[str] | None = None
    schema: str = ""


def open_parts(source: str | Path, *, split: str | None, container: str | None) -> Iterator[Part]:
    """The parts of a source, each opened when its turn comes; what and where they are is checked at once."""
    text = str(source)
    if text.startswith("hf://"):
        return iter([_hub_part(text.removeprefix("hf://").removeprefix("datasets/"), split)])
    path = Path(source)
    if path.is_dir():
        files = _files_of_folder(path, split)
    elif path.exists():
        files = [path]
    elif isinstance(source, str) and _may_be_of_hub(path, text):
        return iter([_hub_part(text, split)])
    else:
        raise DataError(
            f"{text}: no such file or folder; a data set on the hub is named owner/name or hf://owner/name"
        )
    kinds = [(file, container or sniff(file)) for file in files]
    return (_file_part(file, kind) for file, kind in kinds)


def _may_be_of_hub(path: Path, text: str) -> bool:
    """Whether a source that is not here may be a data set on the hub: `runs/frist` beside a folder `runs` is
    more likely a slip, and asking the hub takes long."""
    is_beside = "/" in text and path.parent.is_dir()
    return bool(_HUB_ID.fullmatch(text)) and formats.container_of(path)[0] is None and not is_beside


def _file_part(path: Path, container: str) -> Part:
    name = str(path)
    if container in ("parquet", "arrow"):
        from tunewright.records import arrow_rows

        read = arrow_rows.parquet_rows if container == "parquet" else arrow_rows.arrow_rows
        columns, schema, rows = read(path)
        twice = next((column for column in columns if columns.count(column) > 1), None)
        if twice is not None:
            raise DataError(f"{name}: column '{twice}' appears twice; rename one")
        return Part(name, container, rows, columns, schema)
    return Part(name, container, _text_rows(path, container))


def _text_rows(path: Path, container: str) -> Iterator[Row]:
    name = str(path)
    with guarded(name), open_bytes(path) as stream:
        if container == "jsonl":
            yield from jsonl_rows(stream)
        elif container == "json":
            yield from array_rows(stream, name)
        else:
            yield from csv_rows(stream, name, formats.problem)


def _files_of_folder(folder: Path, split: str | None) -> list[Path]:
    if (folder / "dataset_dict.json").is_file():
        names = _json_file(folder / "dataset_dict.json").get("splits", [])
        return _saved_files(folder / _chosen_split(folder, names, split))
    if (folder / "state.json").is_file():
        return _saved_files(folder)
    for name in ("records.jsonl", "records.parquet"):
        if (folder / name).is_file():
            return [folder / name]
    files = sorted(
        file
        for file in folder.rglob("*")
        if file.is_file()
        and formats.container_of(file)[0] is not None
        and not any(piece.startswith(".") for piece in file.relative_to(folder).parts)
        and file.name not in ("dataset_info.json", "dataset_infos.json", "manifest.json")
    )
    if not files:
        raise DataError(f"{folder}: is a folder without data files (.jsonl, .json, .csv, .parquet, .arrow)")
    by_split: dict[str, list[Path]] = {}
    for file in files:
        found = _SPLIT_IN_NAME.match(file.name) or _SPLIT_IN_NAME.match(file.parent.name)
        by_split.setdefault(found.group(1).lower() if found else "", []).append(file)
    if list(by_split) == [""]:
        if split is not None:
            raise DataError(f"{folder}: has no split '{split}'; its files name no splits")
        return files
    return by_split[_chosen_split(folder, list(by_split), split)]


def _chosen_split(source: Path | str, names: Sequence[str], split: str | None) -> str:
    """The split asked for; else the only one; else train."""
    if split is not None and split in names:
        return split
    if split is None and len(names) == 1:
        return names[0]
    if split is None and "train" in names:
        return "train"
    asked = f"no split '{split}'" if split is not None else "several splits and none is train"
    raise DataError(f"{source}: has {asked}; name one of: {', '.join(filter(None, names))}")


def _saved_files(folder: Path) -> list[Path]:
    """The Arrow files of a data set saved with `save_to_disk`, in their order."""
    listed = _json_file(folder / "state.json").get("_data_files", [])
    files = [folder / str(entry["filename"]) for entry in listed]
    missing = next((file for file in files if not file.is_file()), None)
    if missing is not None or not files:
        raise DataError(f"{folder}: its state.json names {missing or 'no data file'}, which is not there")
    return files


def _json_file(path: Path) -> dict[str, Any]:
    with guarded(str(path)):
        try:
            value = orjson.loads(path.read_bytes())
        except orjson.JSONDecodeError as error:
            raise DataError(f"{path}: is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise DataError(f"{path}: does not describe a saved data set")
    return value


def _hub_part(name: str, split: str | None) -> Part:
    """Rows streamed from the hub. Whatever `datasets` raises becomes one sentence, as the causes are many."""
    try:
        import datasets
    except ImportError:
        raise DataError(
            f"{name}: no such file here, and data sets on the hub need 'datasets' installed"
        ) from None
    try:
        splits = datasets.load_dataset(name, streaming=True)
        table = splits[_chosen_split(name, list(splits), split)]
        columns = list(table.column_names) if table.column_names else None
    except DataError:
        raise
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"{name}: no such file here, and the hub did not give a data set of that name: {reason}"
        ) from error
    return Part(name, "hub", _hub_rows(table, name), columns)


def _hub_rows(table: Any, name: str) -> Iterator[Row]:
    number = 0
    rows = iter(table)
    while True:
        try:
            values = next(rows)
        except StopIteration:
            return
        except Exception as error:
            raise DataError(f"{name}: the hub broke off after row {number}: {error}") from error
        number += 1
        yield Row(number, values, None)
