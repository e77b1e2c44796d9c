"""What a run measured of its arms besides losses and answers: standard tasks and judges, in one file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.evaluate.contrasts import Contrast, contrast_from_row
from tunewright.run.files import write_json_atomic

FILE = "measured.json"


@dataclass(frozen=True)
class Measured:
    """Tasks and judges are two families of contrasts, each corrected by itself.

    `task_rows` are the results by arm and seed, `task_seconds` what they took by arm, all seeds together;
    `suites` the scores of whole suites by arm and seed. `judging` counts the judges' calls and tokens, with
    their `cost` where prices are known.
    """

    tasks: Sequence[Contrast] = ()
    judges: Sequence[Contrast] = ()
    task_rows: Sequence[Mapping[str, Any]] = ()
    task_seconds: Mapping[str, float] | None = None
    suites: Sequence[Mapping[str, Any]] = ()
    judging: Mapping[str, Any] | None = None

    def write(self, folder: str | Path) -> None:
        rows = {
            "tasks": [one.row() for one in self.tasks],
            "judges": [one.row() for one in self.judges],
            "task_rows": list(self.task_rows),
            "task_seconds": self.task_seconds,
            "suites": list(self.suites),
            "judging": self.judging,
        }
        write_json_atomic(Path(folder) / FILE, rows)


def read_measured(folder: str | Path) -> Measured:
    """What is in a run's folder; nothing where nothing was measured."""
    file = Path(folder) / FILE
    if not file.exists():
        return Measured()
    rows = json.loads(file.read_bytes())
    tasks, judges = ([contrast_from_row(row) for row in rows.pop(name)] for name in ("tasks", "judges"))
    return Measured(tasks, judges, **rows)
