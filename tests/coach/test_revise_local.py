"""Revising with a model in the process: what does not fit into it is left as it is, and counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from coach.scripted_coach import row
from llm.local_models import on_cpu, random_llama
from support.tiny_models import byte_level
from tunewright.coach.revise import revise
from tunewright.coach.revise_config import ReviseConfig
from tunewright.records import read_records
from tunewright.run.config import parse_config


def revised(tmp_path: Path, model: Path, name: str, *, batch_size: int) -> list[dict[str, Any]]:
    """The notes of five records, of which the second and fourth are longer than the model's context."""
    data = tmp_path / "data.jsonl"
    rows = [row(number) | {"output": "ab cd " * length} for number, length in enumerate((5, 900, 40, 700, 1))]
    data.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in rows))
    settings = {"coach": f"hf:{model}", "style": "trained", "decoding": {"max_tokens": 16}}
    config = parse_config(ReviseConfig, settings, where="test")
    manifest = revise(config, data, tmp_path / name, backend=on_cpu(model, batch_size=batch_size))
    assert manifest["counts"]["too_long"] == 2
    assert manifest["counts"]["records"] == 5
    before, after = read_records(data), read_records(tmp_path / name / "records.jsonl")
    notes = []
    for old, new in zip(before, after, strict=True):
        assert (new.id, new.output) == (old.id, old.output)  # a random model says nothing of use
        notes.append(dict(new.meta["revision"]))
    return notes


def test_records_longer_than_the_context_are_left_as_they_are(tmp_path: Path) -> None:
    model = random_llama(tmp_path / "model", byte_level(), context=1024)
    for batch_size in (1, 2):
        notes = revised(tmp_path, model, f"by{batch_size}", batch_size=batch_size)
        assert [note["status"] for note in notes] == [
            "fell_back",
            "too_long",
            "fell_back",
            "too_long",
            "fell_back",
        ]
        assert {notes[number]["reason"] for number in (0, 2, 4)} <= {"cut", "unparsable"}
