"""Tasks and judges in words: over how many seeds, and whether only the first documents were run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from report.folders import write_run
from tunewright.evaluate.contrasts import Pairing, family
from tunewright.evaluate.measured import Measured
from tunewright.report import contrasts
from tunewright.report.gather import Run, gather
from tunewright.report.overview import overview


def measured(tmp_path: Path, num_seeds: int, *, is_limited: bool) -> Run:
    """im is right on all of 20 documents, it on none."""
    wrong = np.zeros((num_seeds, 20))
    tasks = family(
        [Pairing("habits (acc)", "documents", "it", "im", wrong, wrong + 1, 1.0, is_limited=is_limited)]
    )
    run = gather(write_run(tmp_path / "run"))
    return replace(run, measured=Measured(tasks=tasks, task_rows=[{"is_limited": is_limited}]))


def test_a_claim_names_the_seeds_that_stand_behind_it(tmp_path: Path) -> None:
    one, *_ = contrasts.sentences(measured(tmp_path / "one", 1, is_limited=False))
    assert (
        one
        == "Claimed on standard tasks for this one seed, against it: better is im in habits (acc) (+1.000)."
    )
    two, *_ = contrasts.sentences(measured(tmp_path / "two", 2, is_limited=False))
    assert two.startswith("Claimed on standard tasks over 2 seeds, against it")


def test_what_was_limited_is_stamped_in_the_sentence_and_in_the_first_table(tmp_path: Path) -> None:
    run = measured(tmp_path, 2, is_limited=True)
    (said,) = contrasts.sentences(run)
    assert said.startswith(
        "Claimed on standard tasks (LIMITED: for trying out, not to be reported) over 2 seeds"
    )
    grid = overview(run)
    assert grid is not None
    assert "Habits (acc), LIMITED" in grid.head
