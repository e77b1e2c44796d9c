"""Where the published revisions lie, and small revisions of our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunewright.coach.revision import Revision
from tunewright.records import Record

COACHLM = Path(__file__).resolve().parents[3] / "shared" / "data" / "coachlm"


def published(name: str) -> Path:
    """A file of the release; the test is skipped where it is not."""
    path = COACHLM / name
    if not path.is_file():
        pytest.skip(f"{name} is not beside the repository, in ../shared/data/coachlm")
    return path


def revision(
    id: str = "r1",
    *,
    instruction: tuple[str, str] = ("Name a river.", "Name a river."),
    input: tuple[str, str] = ("", ""),
    output: tuple[str, str] = ("Rhine", "The Rhine is a river."),
    explanation: tuple[str, str] = ("", ""),
    **meta: object,
) -> Revision:
    """A revision, each field given as it was and as it is."""
    sides = [
        Record(id, instruction[n], output[n], input=input[n], explanation=explanation[n]) for n in (0, 1)
    ]
    return Revision(sides[0], sides[1], meta)
