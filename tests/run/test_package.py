"""The package `run` is light: what does not read settings does not wait for pydantic."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tunewright import run

SRC = Path(__file__).resolve().parents[2] / "src"


def test_every_public_name_can_be_imported() -> None:
    for name in run.__all__:
        assert getattr(run, name).__name__ == name
    assert sorted(run.__all__) == sorted(run._MODULE_OF)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = run.nothing


def test_progress_folder_seeds_and_versions_do_without_pydantic_and_yaml() -> None:
    code = (
        "import sys; from tunewright.run import Progress, RunFolder, JsonlLog, derive_seed, environment; "
        "environment(); print([m for m in ('pydantic', 'yaml', 'torch', 'rich') if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
    )
    assert found.stdout == "[]\n", found.stderr
