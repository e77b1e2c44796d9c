"""`tunewright dedup` as a user meets it."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tunewright.cli import dedup as command
from tunewright.errors import RecipeError
from tunewright.rate.dedup import DedupConfig
from tunewright.records import Record, write_records


def run(*arguments: object) -> str:
    app = typer.Typer()
    app.command()(command.command)
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.jsonl"
    texts = ["Write a poem about the sea at night", "Name three rivers", "Write a poem about the sea at dawn"]
    write_records([Record(f"r{i}", text, "…", meta={"level": "A1"}) for i, text in enumerate(texts)], path)
    return path


def test_it_ends_with_what_was_dropped_and_where_the_files_are(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(data, "--out", out).splitlines() == [
        "2 of 3 records kept; 1 dropped (33.3%), 0 of them with the very same text",
        "0.875  r2 is dropped:  Write a poem about the sea at dawn",
        "       like r0:  Write a poem about the sea at night",
        f"records: {out / 'records.jsonl'}",
        f"dropped: {out / 'rejects.jsonl'}",
    ]


def test_all_options_reach_the_stage(data: Path, tmp_path: Path) -> None:
    test = tmp_path / "test.jsonl"
    write_records([Record("t", "Name three rivers", "…")], test)
    options = ["--threshold", 0.9, "--by", "all", "--within", "level, cell", "--tokens", "unicode"]
    printed = run(data, "--out", tmp_path / "out", "--against", test, *options, "--format", "native")
    assert "2 of 3 records kept; 1 dropped" in printed
    assert f"  1 like a record of {test}" in printed
    manifest = (tmp_path / "out/manifest.json").read_text(encoding="utf-8")
    assert '"within": [\n      "level",\n      "cell"\n    ]' in manifest


def test_a_note_says_when_the_instruction_is_not_the_task(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    write_records([Record(str(i), "Translate this", "…", input=f"text {i}") for i in range(9)], data)
    assert "note: 8 of the dropped have another input" in run(data, "--out", tmp_path / "out")
    assert "note:" not in run(data, "--out", tmp_path / "all", "--by", "all", "--threshold", 0.5)


def test_an_unknown_text_is_a_sentence(data: Path, tmp_path: Path) -> None:
    with pytest.raises(
        RecipeError, match="'by' is 'title'; it must be 'instruction', 'input', 'output' or 'all'"
    ):
        run(data, "--out", tmp_path / "out", "--by", "title")


def test_the_commands_defaults_are_the_configs() -> None:
    """They are written twice so that --help does not pay for pydantic."""
    parameters = inspect.signature(command.command).parameters
    assert set(DedupConfig.model_fields) <= set(parameters)
    for name in set(DedupConfig.model_fields) - {"within"}:
        assert parameters[name].default == DedupConfig.model_fields[name].default, name
    assert (parameters["within"].default, DedupConfig().within) == ("", ())


def test_texts_that_cannot_be_compared_are_said(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    write_records([Record(f"r{i}", "请写一首关于大海的诗", "…") for i in range(2)], path)
    assert "note: 2 of 2 texts have no word to compare" in run(path, "--out", tmp_path / "rouge")
    assert run(path, "--tokens", "unicode", "--out", tmp_path / "all").startswith("1 of 2 records kept")
