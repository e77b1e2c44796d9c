"""Data sets as folders, and by id."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tunewright.errors import DataError
from tunewright.records import Record, read_records, write_records

ROWS = [{"id": n, "instruction": "q", "output": str(n), "tags": ["a"]} for n in range(3)]


def outputs(source: str | Path, **options: str) -> list[str]:
    return [record.output for record in read_records(source, **options)]  # type: ignore[arg-type]


def jsonl(path: Path, *names: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"prompt": "q", "completion": name}) + "\n" for name in names))


def test_a_data_set_saved_by_datasets_is_read_and_written_back(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    saved = datasets.Dataset.from_list(ROWS)
    saved.save_to_disk(str(tmp_path / "saved"), num_shards=2)
    assert outputs(tmp_path / "saved") == ["0", "1", "2"]
    write_records(read_records(tmp_path / "saved"), tmp_path / "again")
    again = datasets.load_from_disk(str(tmp_path / "again"))
    assert again.to_list() == ROWS
    assert again.features == saved.features
    write_records(read_records(tmp_path / "saved"), tmp_path / "again")  # over itself
    assert outputs(tmp_path / "again") == ["0", "1", "2"]


def test_of_several_splits_train_is_read_or_the_one_asked_for(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    parts = {name: datasets.Dataset.from_list([{**ROWS[0], "output": name}]) for name in ("test", "train")}
    datasets.DatasetDict(parts).save_to_disk(str(tmp_path / "saved"))
    assert outputs(tmp_path / "saved") == ["train"]
    assert outputs(tmp_path / "saved", split="test") == ["test"]
    with pytest.raises(DataError, match="has no split 'dev'; name one of: test, train"):
        read_records(tmp_path / "saved", split="dev")


def test_a_folder_of_data_files_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    jsonl(tmp_path / "data" / "train-00001-of-00002.jsonl", "c")
    jsonl(tmp_path / "data" / "train-00000-of-00002.jsonl", "a", "b")
    jsonl(tmp_path / "data" / "test-00000-of-00001.jsonl", "d")
    (tmp_path / "README.md").write_text("# Data")
    records = list(read_records(tmp_path))
    assert [record.output for record in records] == ["a", "b", "c"]
    files = [Path(record.origin.file).name[:11] for record in records if record.origin]
    assert files == ["train-00000", "train-00000", "train-00001"]
    assert outputs(tmp_path, split="test") == ["d"]


def test_ids_are_unique_across_the_files_of_a_folder(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(ROWS[0]))
    assert [record.id for record in read_records(tmp_path)] == ["0", "0~2"]


def test_of_a_run_folder_only_the_records_are_read(tmp_path: Path) -> None:
    write_records([Record(id="a", instruction="q", output="kept")], tmp_path / "records.jsonl")
    (tmp_path / "rejects.jsonl").write_text("{}\n")
    (tmp_path / "manifest.json").write_text("{}")
    assert outputs(tmp_path) == ["kept"]


def test_a_hub_id_is_streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Table:
        column_names = None

        def __iter__(self) -> Iterator[dict[str, Any]]:
            yield from ROWS
            raise ConnectionError("gone")

    def load(name: str, streaming: bool) -> dict[str, Table]:
        assert (name, streaming) == ("owner/name", True)
        return {"train": Table()}

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load))
    records = read_records("owner/name")
    assert [next(records).output for _ in range(3)] == ["0", "1", "2"]
    with pytest.raises(DataError, match="owner/name: the hub broke off after row 3: gone"):
        next(records)


def test_a_hub_that_cannot_be_reached_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, streaming: bool) -> dict[str, Any]:
        raise ConnectionError("Couldn't reach the hub\nand much more")

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load))
    with pytest.raises(DataError) as raised:
        read_records("hf://squad")
    assert str(raised.value) == (
        "squad: no such file here, and the hub did not give a data set of that name: Couldn't reach the hub"
    )
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match="need 'datasets' installed"):
        read_records("owner/name")
