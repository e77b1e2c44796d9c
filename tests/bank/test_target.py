"""Where an export or import may write: never over the data or into a run, over a file only when told."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tunewright.bank import RECORD_FORMATS, export, import_bank
from tunewright.errors import DataError, RunFolderError
from tunewright.records import Record, write_records

RECORDS = [Record(id=f"r{n}", instruction=f"Capital of country {n}?", output=f"City {n}") for n in range(3)]


def mark(folder: Path, name: str = "manifest.json", **extra: Any) -> Path:
    """A run's mark, as `run.folder` writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {"stage": "generate", "config": {}, "inputs": {}, "created": "2026", "extra": extra}
    (folder / name).write_text(json.dumps(found), encoding="utf-8")
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = mark(tmp_path / "run")
    mark(folder, "stage.json")
    write_records(RECORDS, folder / "records.jsonl", format="native")
    (folder / "README.md").write_text("card")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    "name", ["records.jsonl", "manifest.json", "README.md", "new.xml", "subsets/new.jsonl"]
)
@pytest.mark.parametrize("of_file", [False, True])
def test_an_export_never_writes_into_the_run_of_its_data(
    run: Path, name: str, of_file: bool, overwrite: bool
) -> None:
    before = contents(run)
    for to in ("csv", "alpaca"):
        with pytest.raises(
            DataError, match=r"is the data itself|lies in the (folder of the data|run folder)"
        ):
            export(run / "records.jsonl" if of_file else run, to, run / name, overwrite=overwrite)
    assert contents(run) == before


@pytest.mark.parametrize("file", ["manifest.json", "stage.json"])
def test_an_export_never_writes_into_another_run(run: Path, tmp_path: Path, file: str) -> None:
    other = mark(tmp_path / "other", file)
    with pytest.raises(DataError, match=r"lies in the run folder .*other, whose files stay"):
        export(run, "alpaca", other / "deep/new.json", overwrite=True)
    assert not (other / "deep").exists()
    (other / file).write_text('{"name": "somebody else\'s"}')
    assert export(run, "alpaca", other / "deep/new.json").num_written == 3


def test_a_data_set_folder_never_replaces_the_run_or_a_folder_round_the_data(
    run: Path, tmp_path: Path
) -> None:
    before = contents(tmp_path)
    for out, message in ((run, "is the data itself"), (tmp_path, "the data lies in this folder")):
        with pytest.raises(DataError, match=message):
            export(run, "hf", out, overwrite=True)
    export(run, "hf", tmp_path / "set")
    (arrow,) = (tmp_path / "set").glob("*.arrow")
    with pytest.raises(DataError, match="the data lies in this folder"):
        export(arrow, "hf", tmp_path / "set", overwrite=True)
    assert {path: data for path, data in contents(tmp_path).items() if path in before} == before


def test_the_data_under_another_name_is_the_data(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    write_records(RECORDS, data, format="native")
    (tmp_path / "link.jsonl").symlink_to(data)
    os.link(data, tmp_path / "twin.jsonl")
    before = data.read_bytes()
    for name in ("data.jsonl", "link.jsonl", "twin.jsonl"):
        with pytest.raises(DataError, match="is the data itself"):
            export(data, "alpaca", tmp_path / name, overwrite=True)
    assert data.read_bytes() == before


def test_data_that_is_named_like_the_rejects_is_not_taken_away(tmp_path: Path) -> None:
    data = tmp_path / "bank.csv.rejects.jsonl"
    write_records(RECORDS, data, format="native")
    before = data.read_bytes()
    with pytest.raises(DataError, match="is the data itself"):
        export(data, "csv", tmp_path / "bank.csv", overwrite=True)
    assert data.read_bytes() == before


@pytest.mark.parametrize("to", ["csv", "moodle", *RECORD_FORMATS])
def test_a_file_that_is_there_stays_unless_told(tmp_path: Path, to: str) -> None:
    data = tmp_path / "data.jsonl"
    write_records(RECORDS, data, format="native")
    out = tmp_path / ("out.parquet" if to == "hf" else "out.json")
    out.write_text("mine")
    with pytest.raises(DataError, match="is there already; choose another --out, or add --overwrite"):
        export(data, to, out)
    assert out.read_text() == "mine"
    assert export(data, to, out, overwrite=True).num_written == 3
    assert out.read_bytes() != b"mine"


def test_a_file_named_like_the_rejects_stays_unless_told(tmp_path: Path) -> None:
    data, rejects = tmp_path / "data.jsonl", tmp_path / "out.csv.rejects.jsonl"
    write_records(RECORDS, data, format="native")
    rejects.write_text("mine")
    with pytest.raises(DataError, match=r"out\.csv\.rejects\.jsonl: is there already"):
        export(data, "csv", tmp_path / "out.csv")
    assert rejects.read_text() == "mine"


def test_a_bank_is_no_folder(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    write_records(RECORDS, data, format="native")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match="is a folder; give --out the name of a file"):
        export(data, "csv", tmp_path / "folder")


def test_an_import_never_writes_over_its_bank_or_into_a_run(run: Path, tmp_path: Path) -> None:
    bank = tmp_path / "bank.gift"
    bank.write_text("::t::Name?{=Bo}\n", encoding="utf-8")
    before = contents(tmp_path)
    for out, message in (
        (bank, "is the data itself"),
        (run / "records.jsonl", "lies in the run folder"),
        (run / "new.jsonl", "lies in the run folder"),
    ):
        with pytest.raises(DataError, match=message):
            import_bank(bank, out, overwrite=True)
    assert contents(tmp_path) == before
    import_bank(bank, tmp_path / "seeds.jsonl")
    with pytest.raises(DataError, match="is there already"):
        import_bank(bank, tmp_path / "seeds.jsonl")
    assert import_bank(bank, tmp_path / "seeds.jsonl", overwrite=True).num_written == 1


def test_a_finished_run_that_was_changed_since_is_not_exported(run: Path, tmp_path: Path) -> None:
    mark(run, files={"records.jsonl": {"bytes": 1, "sha256": "0"}})
    for data in (run, run / "records.jsonl"):
        with pytest.raises(RunFolderError, match=r"records\.jsonl has [0-9,]+ bytes instead of 1"):
            export(data, "csv", tmp_path / "bank.csv")
    assert not (tmp_path / "bank.csv").exists()
