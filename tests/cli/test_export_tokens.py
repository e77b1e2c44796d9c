"""`tunewright export` for trainers, beside its bank formats: what is said, what is refused, kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from support.tiny_models import make_records
from tunewright.cli.main import app
from tunewright.errors import DataError, RecipeError
from tunewright.records.write import write_records


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "items.jsonl"
    write_records(make_records(60), path)
    return path


def said(*arguments: object) -> str:
    """What the command prints on stdout."""
    done = CliRunner().invoke(app, ["export", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_token_ids_are_written_and_the_next_command_is_said(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "x"
    printed = said(data, "--to", "trl", "--model", "scratch:tiny", "--objective", "im", "--out", out)
    rows = pq.read_table(out / "data/train.parquet").to_pylist()
    num_labels = sum(label != -100 for row in rows for label in row["labels"])
    assert f"60 rows, {sum(len(row['labels']) for row in rows):,} tokens, {num_labels:,} with loss" in printed
    assert "(im, token_mean, as labels)" in printed
    assert f"train: cd {out} && trl sft --config trl.yaml" in printed


def test_hf_with_a_model_is_token_ids_and_without_one_a_data_set_of_texts(data: Path, tmp_path: Path) -> None:
    options = ["--objective", "it", "--role-weight", "explanation=0.5", "--rows", "jsonl", "--no-explanation"]
    printed = said(data, "--to", "hf", "--model", "scratch:tiny", *options, "--out", tmp_path / "ids")
    assert "(it, token_mean, as weights)" in printed
    assert (tmp_path / "ids/train.py").exists()
    assert "60 of 60 records written" in said(data, "--to", "hf", "--out", tmp_path / "texts")
    assert not (tmp_path / "texts/train.py").exists()


def test_broken_rows_are_counted_and_named(data: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed.jsonl"
    mixed.write_text(data.read_text() + '{"instruction": "q", "output": 7}\n')
    printed = said(mixed, "--to", "axolotl", "--model", "scratch:tiny", "--out", tmp_path / "x")
    assert f"left out: 1, see {tmp_path / 'x/rejects.jsonl'}" in printed


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--to", "trl"], "--to trl writes token ids: say for which model with --model"),
        (["--to", "alpaca", "--objective", "im"], "--objective is for token ids: leave it out for alpaca"),
        (["--to", "gift", "--role-weight", "system=1"], "--role-weight is for token ids"),
        (["--to", "hf", "--packing"], "--packing is for token ids"),
        (["--to", "csv", "--again"], "--again is for token ids"),
        (["--to", "moodle", "--model", "scratch:tiny"], "moodle takes no token ids: leave out --model"),
        (["--to", "hf", "--model", "scratch:tiny", "--overwrite"], "--overwrite is for the files of banks"),
        (
            ["--to", "trl", "--model", "scratch:tiny", "--objective", "plw:.25"],
            "gives tokens the weights 0.25 and 1, and a label is there or it is not",
        ),
        (
            ["--to", "hf", "--model", "scratch:tiny", "--role-weight", "system"],
            "--role-weight 'system': give ROLE=WEIGHT",
        ),
    ],
)
def test_options_of_the_other_family_and_what_a_tool_cannot_take_are_refused(
    data: Path, tmp_path: Path, options: list[str], reason: str
) -> None:
    with pytest.raises((RecipeError, DataError)) as raised:
        said(data, *options, "--out", tmp_path / "x")
    assert reason in str(raised.value)
    assert not (tmp_path / "x").exists()


def test_an_export_killed_while_it_writes_goes_on_with_the_same_command(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "x"
    arguments = [str(data), "--to", "trl", "--model", "scratch:tiny", "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tunewright", "export", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )
    deadline = time.monotonic() + 120
    while not (out / "tokenizer").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL, "it was done before it could be killed"
    assert not (out / "manifest.json").exists()
    assert "60 rows" in said(*arguments)
    assert [file.name for file in (out / "data").iterdir()] == ["train.parquet"]
