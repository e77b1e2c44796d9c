"""Writing: whole or not at all, and from one format into another."""

from __future__ import annotations

import csv
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tunewright.errors import DataError, RunFolderError
from tunewright.records import (
    Record,
    RejectWriter,
    Turn,
    hash_file,
    read_records,
    write_records,
    write_rejects,
)
from tunewright.records.reject import Reject

FULL = Record(
    id="r1",
    instruction="Which word fits?",
    output="since",
    input="I have lived here ___ 2010.",
    explanation="A point in time.",
    system="You are a teacher.",
    history=(Turn("user", "Hi"), Turn("assistant", "Hello")),
    meta={"level": "B1", "n": 2},
)


def only_row(path: Path) -> dict[str, object]:
    row: dict[str, object] = json.loads(path.read_text())
    return row


def test_alpaca_rows_carry_everything_in_columns(tmp_path: Path) -> None:
    write_records([FULL], tmp_path / "x.jsonl", format="alpaca")
    assert list(only_row(tmp_path / "x.jsonl").items()) == [
        ("id", "r1"),
        ("instruction", "Which word fits?"),
        ("input", "I have lived here ___ 2010."),
        ("output", "since"),
        ("explanation", "A point in time."),
        ("system", "You are a teacher."),
        ("history", [["Hi", "Hello"]]),
        ("level", "B1"),
        ("n", 2),
    ]


def test_a_trainer_sees_the_input_in_the_last_message_of_the_user(tmp_path: Path) -> None:
    write_records([FULL], tmp_path / "x.jsonl", format="messages")
    assert only_row(tmp_path / "x.jsonl") == {
        "id": "r1",
        "messages": [
            {"role": "system", "content": "You are a teacher."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": "Which word fits?\n\nI have lived here ___ 2010."},
            {"role": "assistant", "content": "since"},
        ],
        "input": "I have lived here ___ 2010.",
        "explanation": "A point in time.",
        "level": "B1",
        "n": 2,
    }


def test_prompts_are_texts_unless_there_is_more_than_one_message(tmp_path: Path) -> None:
    write_records([replace(FULL, system="", history=())], tmp_path / "x.jsonl", format="prompt_completion")
    assert only_row(tmp_path / "x.jsonl")["prompt"] == "Which word fits?\n\nI have lived here ___ 2010."
    write_records([replace(FULL, history=())], tmp_path / "x.jsonl", format="prompt_completion")
    assert only_row(tmp_path / "x.jsonl")["prompt"] == [
        {"role": "system", "content": "You are a teacher."},
        {"role": "user", "content": "Which word fits?\n\nI have lived here ___ 2010."},
    ]
    assert only_row(tmp_path / "x.jsonl")["completion"] == [{"role": "assistant", "content": "since"}]


def test_a_revised_record_keeps_the_shape_of_its_row(tmp_path: Path) -> None:
    row = {
        "id": 7,
        "conversations": [{"value": "q", "from": "human"}, {"from": "gpt", "value": "a", "w": 0}],
        "k": 1,
    }
    (tmp_path / "x.jsonl").write_text(json.dumps(row))
    (record,) = read_records(tmp_path / "x.jsonl")
    revised = replace(record, output="better", explanation="because", meta={**record.meta, "rating": 5})
    write_records([revised], tmp_path / "y.jsonl")
    row["conversations"][1]["value"] = "better"  # type: ignore[index]
    assert json.dumps(only_row(tmp_path / "y.jsonl")) == json.dumps(
        {**row, "explanation": "because", "rating": 5}
    )


def test_dropping_an_instance_leaves_the_others_of_its_row(tmp_path: Path) -> None:
    row = {"id": "s", "instruction": "q", "instances": [{"input": "", "output": name} for name in "abc"]}
    (tmp_path / "x.jsonl").write_text(json.dumps(row))
    records = list(read_records(tmp_path / "x.jsonl"))
    assert [record.id for record in records] == ["s", "s~2", "s~3"]
    write_records(records[1:], tmp_path / "y.jsonl")
    assert only_row(tmp_path / "y.jsonl") == {**row, "instances": row["instances"][1:]}


def test_a_column_whose_name_the_new_format_needs_is_an_error_not_a_loss(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match="record r1: 'prompt' is a column of its own, but prompt_completion needs"
    ):
        write_records([replace(FULL, meta={"prompt": "x"})], tmp_path / "x.jsonl", format="prompt_completion")
    assert list(tmp_path.iterdir()) == []


def test_what_json_cannot_hold_is_an_error_not_a_null(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="record r1: 'score' is nan, which JSON cannot hold"):
        write_records([replace(FULL, meta={"score": float("nan")})], tmp_path / "x.jsonl", format="alpaca")


def test_csv_and_parquet_take_in_columns_that_come_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunewright.records.arrow_rows.GROUP_ROWS", 1)
    made = [
        Record(id="1", instruction="q", output="a,\n"),
        Record(id="2", instruction="q", output="b", meta={"n": 1, "d": {"x": 1}}),
        Record(id="3", instruction="q", output="c", explanation="e", meta={"n": 0.5, "d": {"y": "z"}}),
        Record(id="4", instruction="q", output="d"),
    ]
    for name in ("x.csv", "x.csv.gz"):
        write_records(made, tmp_path / name, format="alpaca")
        data = (tmp_path / name).read_bytes()
        text = (gzip.decompress(data) if name.endswith("gz") else data).decode()
        assert list(csv.reader(text.splitlines(keepends=True))) == [
            ["id", "instruction", "input", "output", "n", "d", "explanation"],
            ["1", "q", "", "a,\n", "", "", ""],
            ["2", "q", "", "b", "1", '{"x":1}', ""],
            ["3", "q", "", "c", "0.5", '{"y":"z"}', "e"],
            ["4", "q", "", "d", "", "", ""],
        ]
    write_records(made, tmp_path / "x.parquet", format="alpaca")
    again = list(read_records(tmp_path / "x.parquet"))
    assert [record.meta["n"] for record in again] == [None, 1.0, 0.5, None]
    assert [record.meta["d"] for record in again] == [None, {"x": 1, "y": None}, {"x": None, "y": "z"}, None]
    assert [record.explanation for record in again] == ["", "", "e", ""]
    with pytest.raises(DataError, match="Parquet keeps one"):
        write_records(
            [made[1], replace(made[2], meta={"n": "text"})], tmp_path / "y.parquet", format="alpaca"
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.csv", "x.csv.gz", "x.parquet"]


def test_no_records_make_a_file_without_rows(tmp_path: Path) -> None:
    for name in ("x.json", "x.jsonl", "x.csv", "x.parquet"):
        assert write_records([], tmp_path / name) == 0
        with pytest.raises(DataError, match=r"holds no rows|is empty"):
            list(read_records(tmp_path / name))


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("x.jsonl.gz", "x.parquet", "x.csv.gz"):
        write_records([FULL], tmp_path / name, format="native")
        first = hash_file(tmp_path / name)
        write_records([FULL], tmp_path / name, format="native")
        assert hash_file(tmp_path / name) == first


def test_a_file_can_be_read_while_it_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    write_records([replace(FULL, id=str(number)) for number in range(50)], path)
    assert write_records(read_records(path), path, format="alpaca") == 50
    assert len(list(read_records(path))) == 50


def test_when_the_source_fails_the_old_file_stays_and_nothing_is_left(tmp_path: Path) -> None:
    def failing() -> Iterator[Record]:
        yield FULL
        raise DataError("the source broke off")

    for name in ("x.jsonl", "x.csv.gz", "x.parquet", "folder"):
        write_records([FULL], tmp_path / name)
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(DataError, match="the source broke off"):
            write_records(failing(), tmp_path / name)
        assert sorted(tmp_path.rglob("*")) == before
        assert len(list(read_records(tmp_path / name))) == 1


FULL_DISK = """
import resource, signal, sys
from tunewright.errors import RunFolderError
from tunewright.records import Record, write_records
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
import random
noise = random.Random(0)
def text(): return str(noise.random()) * 5
records = (Record(id=str(n), instruction=text(), output=text()) for n in range(20_000))
try:
    write_records(records, sys.argv[1])
except RunFolderError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize("name", ["x.json", "x.jsonl.gz", "x.csv", "x.parquet", "folder"])
def test_a_full_disk_is_one_sentence_and_leaves_no_half_file(name: str, tmp_path: Path) -> None:
    """A limit on the size of files stands in for the disk."""
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / name)]
    paths = os.pathsep.join(filter(None, sys.path))
    ended = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "could not be written" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunFolderError, match=r"x\.jsonl: could not be written"):
        write_records([FULL], tmp_path / "file" / "x.jsonl")
    with pytest.raises(DataError, match=r"x\.xlsx: the name does not say what to write"):
        write_records([FULL], tmp_path / "x.xlsx")
    with pytest.raises(RunFolderError, match="is a folder of something else"):
        write_records([FULL], tmp_path)


def test_rejects_are_written_as_json_lines(tmp_path: Path) -> None:
    reject = Reject(file="a.jsonl", line=3, field="output", reason="is null", row="{}")
    with RejectWriter(tmp_path / "new" / "rejects.jsonl") as rejects:
        rejects(reject)
    assert rejects.count == 1
    assert json.loads((tmp_path / "new" / "rejects.jsonl").read_text()) == {
        "file": "a.jsonl", "line": 3, "field": "output", "reason": "is null", "row": "{}",
    }  # fmt: skip
    assert write_rejects(tmp_path / "rejects.jsonl", [reject, reject]) == 2
    assert str(reject) == "a.jsonl:3: 'output' is null"


def test_a_file_hash_is_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert hash_file(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
