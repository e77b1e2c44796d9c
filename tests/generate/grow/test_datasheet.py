"""The card and the datasheet: every section, the numbers of the run, and the seeds by name, hash, terms."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from generate.grow.fake_model import FakeModel
from generate.grow.test_grow import config
from tunewright.errors import RunFolderError
from tunewright.generate.grow.ask import PROMPTS, prompt_hash
from tunewright.generate.grow.source import seed_source
from tunewright.generate.grow.stage import grow
from tunewright.run.folder import read_manifest

SECTIONS = [
    "Motivation",
    "Composition",
    "Collection process",
    "Gates",
    "Known limits",
    "Uses not recommended",
    "Maintenance",
    "Licence",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return grow(config(24), tmp_path_factory.mktemp("sheet") / "grown", backend=FakeModel())


def text(folder: Path, name: str) -> str:
    return (folder / name).read_text(encoding="utf-8")


def test_the_sheet_answers_every_question(folder: Path) -> None:
    assert re.findall(r"^## (.+)$", text(folder, "DATASHEET.md"), re.MULTILINE) == SECTIONS


def test_its_numbers_are_those_of_the_run(folder: Path) -> None:
    sheet, manifest = text(folder, "DATASHEET.md"), read_manifest(folder)
    counts, extra = manifest["counts"], manifest["extra"]
    assert f"{counts['records']} of 24 planned records" in sheet
    assert f"{counts['candidates']} candidates = {counts['records']} accepted" in sheet
    assert f"{counts['rejects']} rejected" in sheet
    assert f"{counts['calls']:,} calls read {extra['prompt_tokens']:,} tokens" in sheet
    for row in extra["reasons"]:
        assert f"| {row['step']} | {row['reason']} | {row['rejected']} |" in sheet
    steps = dict(re.findall(r"^\| ([a-z-]+) \| [^|]+ \| (\d+) \|$", sheet, re.MULTILINE))
    assert sum(int(steps[step]) for step in ("tuple", "plan", "detectors", "near-duplicate", "item")) == sum(
        row["rejected"] for row in extra["reasons"] if row["step"] != "level"
    )


@pytest.mark.parametrize("name", ["README.md", "DATASHEET.md"])
def test_files_that_are_not_published_are_named_as_such(folder: Path, name: str) -> None:
    found = " ".join(text(folder, name).split())
    assert "Not published: `rejects.jsonl`, `replies.sqlite`." in found
    assert found.count("rejects.jsonl") == found.count("replies.sqlite") == 1


def test_the_sheet_claims_of_real_people_what_the_prompts_ask_for(folder: Path) -> None:
    assert "nothing is about a real person" in PROMPTS.text("system.txt")
    assert "nobody has looked whether the model kept to it" in text(folder, "DATASHEET.md")


@pytest.mark.parametrize("name", ["metrics.jsonl", "README.md", "DATASHEET.md"])
def test_a_finished_folder_without_one_of_its_files_is_noticed(folder: Path, name: str) -> None:
    whole = (folder / name).read_bytes()
    (folder / name).unlink()
    with pytest.raises(RunFolderError, match=f"{name} is missing or empty. .* delete .*manifest"):
        grow(config(24), folder, backend=FakeModel())
    manifest = (folder / "manifest.json").read_bytes()
    (folder / "manifest.json").unlink()
    grow(config(24), folder, backend=FakeModel())
    assert (folder / name).read_bytes() == whole
    (folder / "manifest.json").write_bytes(manifest)


@pytest.mark.parametrize("name", ["README.md", "DATASHEET.md"])
def test_both_name_seeds_model_decoding_and_prompts(folder: Path, name: str) -> None:
    found = text(folder, name)
    digest = read_manifest(folder)["inputs"]["seeds"]
    assert f"Seeds: `elpa`, 130 records, SHA-256 `{digest}`" in found
    assert "Their licence: Apache-2.0, like the project." in found
    assert "`fake:model`" in found
    assert "temperature 0.8, top_p 0.95, at most 4,096 tokens a reply" in found
    assert f"Hash of the prompts: `{prompt_hash()}`" in found
    assert "cc0-1.0" in found
    assert "1 others" not in found


def test_a_file_of_seeds_is_named_with_the_licences_that_it_states(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "instruction": "Sing.", "output": "La.", "licence": "cc-by-4.0"},
        {"id": "b", "instruction": "Hum.", "output": "Mm.", "license": "mit"},
        {"id": "c", "instruction": "Clap.", "output": "Clap."},
    ]
    file = tmp_path / "my-seeds.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = seed_source(str(file))
    assert (source.name, len(source.records), len(source.sha256)) == ("my-seeds.jsonl", 3, 64)
    assert source.licence == "cc-by-4.0 (1), mit (1), none stated (1)."
    file.write_text(json.dumps(rows[2]) + "\n")
    assert seed_source(str(file)).licence.startswith("the file states none")
    out = grow(config(4, domain="general", seeds=str(file)), tmp_path / "out", backend=FakeModel())
    sheet = text(out, "DATASHEET.md")
    assert "Seeds: `my-seeds.jsonl`, 1 record, SHA-256" in sheet
    assert re.findall(r"^## (.+)$", sheet, re.MULTILINE) == SECTIONS
    assert "CEFR" not in sheet
