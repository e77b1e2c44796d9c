"""The dedup stage: what is kept, what is written about the rest, and that stopping it changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tunewright.errors import DataError, RecipeError, RunFolderError
from tunewright.rate import dedup as stage
from tunewright.rate.dedup import DedupConfig, dedup
from tunewright.records import Record, read_records, write_records
from tunewright.run import parse_config

CHOOSE = "Choose the option that fits the gap in this sentence"
SEA = "She ____ to the sea every single summer with two old friends"
LAKE = "She ____ to the lake every single summer with two old friends"

RECORDS = [
    Record("a", CHOOSE, "goes", input=SEA, meta={"level": "A1", "skill": "reading"}),
    Record("b", CHOOSE, "goes", input=LAKE, meta={"level": "A1", "skill": "reading"}),
    Record("c", CHOOSE, "went", input=SEA, meta={"level": "B2", "skill": "reading"}),
    Record("d", "Name three rivers in Asia", "Ob, Lena, Indus", meta={"level": "A1", "topic": ["geo"]}),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four records and, as line 3 of 5, a row without output."""
    path = tmp_path / "data.jsonl"
    write_records(RECORDS, path)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    lines.insert(2, '{"instruction": "Say hello", "output": ""}\n')
    path.write_text("".join(lines), encoding="utf-8")
    return path


def kept(folder: Path) -> list[str]:
    return [record.id for record in read_records(folder / "records.jsonl")]


def rejects(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "rejects.jsonl").read_text(encoding="utf-8").splitlines()]


def summary(folder: Path) -> Any:
    return json.loads((folder / "metrics/summary.json").read_text(encoding="utf-8"))


def test_the_kept_records_are_there_in_order_and_unaltered(data: Path, tmp_path: Path) -> None:
    folder = dedup(DedupConfig(), data, tmp_path / "out")
    assert list(read_records(folder / "records.jsonl")) == [RECORDS[0], RECORDS[3]]


def test_a_dropped_record_is_written_whole_with_what_it_is_like_and_how_much(
    data: Path, tmp_path: Path
) -> None:
    """By input, b has 10 of the 11 words that rouge sees in a's; c has the same text."""
    folder = dedup(DedupConfig(by="input"), data, tmp_path / "out")
    broken, b, c = rejects(folder)
    assert broken["stage"] == "read"
    assert (broken["file"], broken["line"], broken["field"], broken["reason"]) == (
        str(data),
        3,
        "output",
        "is empty",
    )
    assert b == {
        "stage": "dedup",
        "file": str(data),
        "line": 2,
        "field": "input",
        "reason": "near-duplicate",
        "id": "b",
        "like_id": "a",
        "like_file": str(data),
        "score": 0.9090909090909091,
        "record": {
            "tunewright": 1,
            "id": "b",
            "instruction": CHOOSE,
            "input": LAKE,
            "output": "goes",
            "meta": {"level": "A1", "skill": "reading"},
        },
    }
    assert (c["id"], c["line"], c["like_id"], c["score"]) == ("c", 4, "a", 1.0)


@pytest.mark.parametrize(
    ("settings", "ids"),
    [
        ({}, ["a", "d"]),
        ({"by": "input"}, ["a", "d"]),
        ({"by": "input", "threshold": 0.95}, ["a", "b", "d"]),
        ({"by": "output"}, ["a", "c", "d"]),
        ({"by": "all", "threshold": 0.98}, ["a", "b", "c", "d"]),
        ({"by": "all"}, ["a", "d"]),
        ({"within": ["level"]}, ["a", "c", "d"]),
        ({"within": ["cell"]}, ["a", "c", "d"]),
        ({"within": ["topic"]}, ["a", "d"]),
        ({"by": "input", "tokens": "unicode", "threshold": 0.917}, ["a", "b", "d"]),
        ({"by": "input", "tokens": "unicode", "threshold": 0.916}, ["a", "d"]),
    ],
)
def test_settings_say_which_text_is_compared_with_which(
    data: Path, tmp_path: Path, settings: dict[str, Any], ids: list[str]
) -> None:
    """With the blank as a token, 11 of 12 words of b's input are a's: F1 is 0.9167."""
    config = parse_config(DedupConfig, settings, where="test")
    assert kept(dedup(config, data, tmp_path / "out")) == ids


def test_what_is_like_evaluation_data_is_dropped_in_every_cell(data: Path, tmp_path: Path) -> None:
    test, other = tmp_path / "test.jsonl", tmp_path / "other.jsonl"
    write_records([Record("t1", "Name four rivers in Asia", "?"), Record("t2", "Sing", "La")], test)
    write_records([Record("o", "Name three rivers in Asia", "?")], other)
    folder = dedup(DedupConfig(within=("level",)), data, tmp_path / "out", against=[test, other])
    assert kept(folder) == ["a", "c"]
    d = rejects(folder)[-1]
    assert (d["id"], d["like_id"], d["like_file"], d["score"]) == ("d", "o", str(other), 1.0)
    assert summary(folder)["dropped_by_file"] == {str(data): 1, str(test): 0, str(other): 1}


def test_the_summary_counts(data: Path, tmp_path: Path) -> None:
    folder = dedup(DedupConfig(by="input", within=("level",)), data, tmp_path / "out")
    found = summary(folder)
    assert {name: found[name] for name in ("records", "kept", "dropped", "broken", "dropped_share")} == {
        "records": 4,
        "kept": 3,
        "dropped": 1,
        "broken": 1,
        "dropped_share": 0.25,
    }
    assert found["cells"] == [
        {"cell": {"level": "A1"}, "records": 3, "dropped": 1},
        {"cell": {"level": "B2"}, "records": 1, "dropped": 0},
    ]
    assert found["scores"] == [
        {"from": 0.7, "to": 0.75, "dropped": 0},
        {"from": 0.75, "to": 0.8, "dropped": 0},
        {"from": 0.8, "to": 0.85, "dropped": 0},
        {"from": 0.85, "to": 0.9, "dropped": 0},
        {"from": 0.9, "to": 0.95, "dropped": 1},
        {"from": 0.95, "to": 1.0, "dropped": 0},
    ]
    assert found["most_alike"] == [
        {
            "score": 0.9090909090909091,
            "id": "b",
            "text": LAKE,
            "like_id": "a",
            "like_file": str(data),
            "like_text": SEA,
        }
    ]


def test_the_same_text_is_counted_and_no_example(data: Path, tmp_path: Path) -> None:
    found = summary(dedup(DedupConfig(), data, tmp_path / "out"))
    assert (found["dropped"], found["dropped_same_text"], found["dropped_other_input"]) == (2, 2, 1)
    assert found["most_alike"] == []


def test_records_with_nothing_to_compare_are_kept(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    write_records([Record(str(i), "Sing", "La") for i in range(3)], data)
    for tokens in ("rouge", "unicode"):
        assert kept(dedup(DedupConfig(by="input", tokens=tokens), data, tmp_path / tokens)) == ["0", "1", "2"]


def test_all_records_may_be_dropped(data: Path, tmp_path: Path) -> None:
    folder = dedup(DedupConfig(), data, tmp_path / "out", against=[data])
    assert (folder / "records.jsonl").read_bytes() == b""
    assert summary(folder)["kept"] == 0


@pytest.mark.parametrize(
    ("within", "message"),
    [
        ("colour", "no record has a column colour; there are level, skill, topic"),
        ("target", "no record has a column target; there are level, skill, topic"),
    ],
)
def test_a_column_that_no_record_has_is_an_error(
    data: Path, tmp_path: Path, within: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        dedup(DedupConfig(within=(within,)), data, tmp_path / "out")


def test_records_without_columns_have_no_cells(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    write_records([Record("a", "Sing", "La")], data)
    with pytest.raises(DataError, match=r"any of the columns of a cell .*; the records have no columns"):
        dedup(DedupConfig(within=("cell",)), data, tmp_path / "out")


@pytest.mark.parametrize("threshold", [0, 1, -1, 2])
def test_a_threshold_outside_0_to_1_is_refused(threshold: float) -> None:
    with pytest.raises(RecipeError, match="'threshold' is"):
        parse_config(DedupConfig, {"threshold": threshold}, where="the command line")


class Killed(BaseException):
    pass


@pytest.mark.parametrize(
    "step", ["write_records", "write_rejects", "summarise", "write_json_atomic", "environment"]
)
def test_a_run_that_was_killed_ends_with_the_same_bytes(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Killed after deciding, before and after each file."""
    whole = dedup(DedupConfig(by="input"), data, tmp_path / "whole")

    def kill(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr(stage, step, kill)
        with pytest.raises(Killed):
            dedup(DedupConfig(by="input"), data, tmp_path / "out")
    assert not (tmp_path / "out/manifest.json").exists()
    folder = dedup(DedupConfig(by="input"), data, tmp_path / "out")
    for name in ("records.jsonl", "rejects.jsonl", "metrics/summary.json"):
        assert (folder / name).read_bytes() == (whole / name).read_bytes()


def test_a_finished_folder_is_left_as_it_is_and_other_data_refused(data: Path, tmp_path: Path) -> None:
    folder = dedup(DedupConfig(), data, tmp_path / "out")
    before = (folder / "manifest.json").read_bytes()
    dedup(DedupConfig(), data, tmp_path / "out")
    assert (folder / "manifest.json").read_bytes() == before
    with pytest.raises(RunFolderError, match="input against 1 is new"):
        dedup(DedupConfig(), data, tmp_path / "out", against=[data])
    with data.open("a", encoding="utf-8") as file:
        file.write('{"instruction": "Sing", "output": "La"}\n')
    with pytest.raises(RunFolderError, match="input data has changed"):
        dedup(DedupConfig(), data, tmp_path / "out")


def test_a_data_set_folder_is_read_and_its_change_noticed(tmp_path: Path) -> None:
    """A folder has no one file to hash; a column that only makes cells counts too."""
    write_records(RECORDS[:3], tmp_path / "set", format="alpaca")
    folder = dedup(DedupConfig(), tmp_path / "set", tmp_path / "out")
    assert kept(folder) == ["a"]
    changed = [
        Record("a", CHOOSE, "goes", input=SEA, meta={"level": "C1", "skill": "reading"}),
        *RECORDS[1:3],
    ]
    write_records(changed, tmp_path / "set", format="alpaca")
    with pytest.raises(RunFolderError, match="input data has changed"):
        dedup(DedupConfig(), tmp_path / "set", tmp_path / "out")


def test_equal_data_elsewhere_is_the_same_data(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        write_records(RECORDS[:3], tmp_path / name / "set", format="alpaca")
    out = dedup(DedupConfig(), tmp_path / "here" / "set", tmp_path / "out")
    before = (out / "manifest.json").read_bytes()
    dedup(DedupConfig(), tmp_path / "there" / "set", tmp_path / "out")
    assert (out / "manifest.json").read_bytes() == before
