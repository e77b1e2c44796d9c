"""A comparison that is killed, wherever it is, goes on to the same numbers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from support.tiny_models import make_records
from tunewright.records.write import write_records

RECIPE = """name: killed
data: {data}
holdout: 6
arms: {{it: {{objective: it}}, half: {{objective: it, data: {half}}}}}
seeds: [1, 2]
tune: {{epochs: 2, batch_size: 4, measured_rows: 6}}
evaluate: {{memorisation_prompts: 4, heldout_answers: 4, max_new_tokens: 8}}
judge: {{judges: [{{model: "random:3"}}]}}
"""
# what is under way when it is killed, by a file that has just come
MOMENTS = (
    "tune/it-seed1/losses/epoch-1.jsonl",
    "tune/half-seed1/stage.json",
    "tune/half-seed2/manifest.json",
    "tune/it-seed2/answers/stage.json",
    "evaluate/manifest.json",
    "judge/half-seed1/stage.json",
    "judge/half-seed2/manifest.json",
)


def begin(recipe: Path, out: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "tunewright", "compare", str(recipe), "--out", str(out), "--jobs", "1"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    with out.with_suffix(".log").open("ab") as log:
        return subprocess.Popen(words, env=environment, stdout=log, stderr=log, start_new_session=True)


def finished(recipe: Path, out: Path) -> dict[str, Any]:
    """What a run that is let alone found."""
    assert begin(recipe, out).wait() == 0, out.with_suffix(".log").read_text()[-2000:]
    return numbers(out)


def killed_at(recipe: Path, out: Path, file: str) -> bool:
    """Whether it was killed, and not done before, once `file` was there."""
    process = begin(recipe, out)
    end = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < end:
        if (out / file).exists():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True
        time.sleep(0.002)
    assert process.poll() is not None, f"{file} never came"
    return False


def numbers(out: Path) -> dict[str, Any]:
    """All that was found, without the seconds that it took."""
    measured = json.loads((out / "measured.json").read_text())
    found: dict[str, Any] = {
        name: json.loads((out / name).read_text())
        for name in ("paired.json", "comparison.json", "split.json")
    }
    return found | {"judges": measured["judges"], "asked": measured["judging"]["num_calls"]}


@pytest.mark.slow
def test_killed_at_seven_moments_it_ends_with_the_same_numbers(tmp_path: Path) -> None:
    records = make_records(24, seed=1)
    write_records(records, tmp_path / "train.jsonl")
    write_records(records[::2], tmp_path / "half.jsonl")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE.format(data=tmp_path / "train.jsonl", half=tmp_path / "half.jsonl"))
    out = tmp_path / "killed"
    num_killed = sum(killed_at(recipe, out, file) for file in MOMENTS)
    assert num_killed >= 5
    assert finished(recipe, out) == finished(recipe, tmp_path / "whole")
    assert (out / "report.html").exists()
