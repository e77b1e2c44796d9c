"""Revisions and scripted models for the tests of accepting."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tunewright.coach.accept import AcceptConfig
from tunewright.coach.revision import Revision
from tunewright.records.record import Record
from tunewright.run.config import parse_config


def revision(
    id: str, before: str, after: str, *, instruction: str = "Name a fruit.", to: str | None = None
) -> Revision:
    """The output `before` made into `after`, and the instruction into `to` where it is given."""
    original = Record(id=id, instruction=instruction, output=before)
    return Revision(original, Record(id=id, instruction=to or instruction, output=after))


def again(revisions: Iterable[Revision]) -> Callable[[], Iterable[Revision]]:
    kept = list(revisions)
    return lambda: iter(kept)


def script(path: Path, text: str) -> dict[str, Any]:
    """An `ask` table whose model answers by these rules."""
    path.write_text("rules:\n" + text, encoding="utf-8")
    return {"model": f"scripted:{path}"}


def accept(**tables: Any) -> AcceptConfig:
    return parse_config(AcceptConfig, tables, where="test")
