"""`tunewright generate` with a model and `tunewright subsets`, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tunewright.cli import generate, subsets
from tunewright.errors import RecipeError
from tunewright.run.folder import read_manifest

app = typer.Typer(pretty_exceptions_enable=False)
app.command("generate")(generate.command)
app.command("subsets")(subsets.command)

SEEDS = [
    {"id": "s1", "instruction": "Sing a song of summer.", "output": "La."},
    {"id": "s2", "instruction": "Why is snow white?", "output": "It scatters all light."},
]
ANIMALS = "otter heron badger lynx beaver marten kestrel adder".split()  # noqa: SIM905
SCRIPT = {
    "rules": [
        {
            "one_of": [
                {
                    "items": [
                        {
                            "instruction": f"{verb} the {animal} to someone who has {reason}.",
                            "input": "",
                            "output": f"A text that does {verb} the {animal}.",
                            "explanation": f"It has the {animal} in it.",
                        }
                    ]
                }
                for animal in ANIMALS
                for verb, reason in (
                    ("Describe", "never seen it"),
                    ("Compare", "no time at all for long words"),
                )
            ]
        }
    ]
}


def grown(tmp_path: Path, *more: str) -> str:
    (tmp_path / "seeds.jsonl").write_text("".join(json.dumps(seed) + "\n" for seed in SEEDS))
    (tmp_path / "script.yaml").write_text(json.dumps(SCRIPT))  # JSON is YAML
    words = ["generate", "--domain", "general", "--seeds", str(tmp_path / "seeds.jsonl"), "-n", "2"]
    words += ["--model", f"scripted:{tmp_path / 'script.yaml'}", "--out", str(tmp_path / "out"), *more]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_growing_ends_with_a_table_that_adds_up(tmp_path: Path) -> None:
    said = grown(tmp_path, "--per-call", "1", "--near-duplicate", "0.95")
    counts = read_manifest(tmp_path / "out")["counts"]
    assert f"{counts['candidates']} candidates: 2 accepted, {counts['rejects']} rejected" in said
    assert "cells filled" not in said  # general data has none
    assert said.endswith(f"records: {tmp_path / 'out' / 'records.jsonl'}\n")
    assert grown(tmp_path, "--per-call", "1", "--near-duplicate", "0.95") == said  # done: nothing is asked


def test_a_run_that_ends_short_exits_with_3_also_when_it_is_run_again(tmp_path: Path) -> None:
    (tmp_path / "seeds.jsonl").write_text("".join(json.dumps(seed) + "\n" for seed in SEEDS))
    (tmp_path / "script.yaml").write_text(json.dumps(SCRIPT))
    words = ["generate", "--domain", "general", "--seeds", str(tmp_path / "seeds.jsonl"), "-n", "40"]
    words += ["--model", f"scripted:{tmp_path / 'script.yaml'}", "--out", str(tmp_path / "out")]
    for _ in range(2):
        done = CliRunner().invoke(app, [*words, "--per-call", "1"], catch_exceptions=False)
        assert done.exit_code == 3
        num = read_manifest(tmp_path / "out")["counts"]["records"]
        assert f"warning: {num} of 40: in 5 rounds in a row less than 5% of what was asked for" in done.stdout


def test_a_dry_run_counts_and_writes_nothing(tmp_path: Path) -> None:
    said = grown(tmp_path, "--per-call", "2", "--dry-run")
    assert said.startswith("requests       1\n")
    assert not (tmp_path / "out").exists()


def test_a_name_that_cannot_be_pushed_to_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    words = ["generate", "--model", "scripted:none.yaml", "--seeds", "elpa", "--push", "my data!"]
    done = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "out")])
    assert done.exit_code == 1
    assert "--push 'my data!' is no name" in str(done.exception)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("topic", ["", "two\nlines", "long " * 50])
def test_a_topic_that_is_no_name_is_an_error_that_names_the_option(tmp_path: Path, topic: str) -> None:
    words = ["generate", "--seeds", "elpa", "--topic", "food", "--topic", topic, "--model", "scripted:x.yaml"]
    done = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "out")])
    assert isinstance(done.exception, RecipeError)
    assert str(done.exception).startswith("the command line: --topic is '")
    assert "give a name of one line and at most 100 characters" in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_item_models_need_no_model(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["generate", "-n", "4", "--out", str(tmp_path / "items")])
    assert done.exit_code == 0
    assert done.stdout == f"records: {tmp_path / 'items' / 'records.jsonl'}\n"


def test_subsets_say_how_close_they_are_and_what_was_seen(tmp_path: Path) -> None:
    CliRunner().invoke(app, ["generate", "-n", "40", "--out", str(tmp_path / "items")])
    words = ["subsets", str(tmp_path / "items"), "--sizes", "10,28"]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"{tmp_path / 'items' / 'subsets' / 'subset-10.jsonl'}: 10 records, ")
    assert lines[2] == f"report: {tmp_path / 'items' / 'subsets' / 'subsets.json'}"
    first = tmp_path / "eval.jsonl"  # a copy: the subset itself would be replaced
    first.write_bytes((tmp_path / "items/subsets/subset-10.jsonl").read_bytes())
    against = ["--against", str(first), "--threshold", "0.999"]
    done = CliRunner().invoke(app, [*words, *against], catch_exceptions=False)
    # two scripts of item models have a sentence of more than 13 words in common with others
    assert done.stdout.startswith(
        "against 10 evaluation records: 10 prompts too near, 2 with text in common, left out; "
        "the other 28 share no 13 words in a row"
    )
    done = CliRunner().invoke(app, [*words[:-1], "29", *against])
    assert done.exit_code == 1
    assert "records that are unseen" in str(done.exception)
    bad = CliRunner().invoke(app, ["subsets", str(tmp_path / "items"), "--sizes", "ten"])
    assert "'ten' is no whole number" in bad.output
