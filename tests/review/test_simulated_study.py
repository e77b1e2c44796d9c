"""A small study from assignment through the page to results: what comes out is what the raters meant."""

from __future__ import annotations

import copy
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from support.review_page import PASSWORD, new_database, person, serving
from tunewright.evaluate.study.results import study_results
from tunewright.review import studies
from tunewright.review.model import Role

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("review_study", ROOT / "benchmarks/review_study.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def test_a_study_through_the_page_has_the_statistics_of_the_simulated_values(
    benchmark: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """6 prompts, 3 systems, 3 raters, with training, gold and repeated items; all at once over HTTP."""
    monkeypatch.setattr(benchmark, "PASSWORD", PASSWORD)
    folder, twin = benchmark.drawn_up(tmp_path, 6, 3, 3)
    plan = benchmark.decided(folder)
    db = new_database(tmp_path)
    for rater in folder.raters:
        person(db, rater, Role.RATER, PASSWORD)
    queue = studies.add_study(db, folder, name="Simulated study")
    with serving(db) as address:
        benchmark.rate_all(address, folder, queue, plan)
    studies.lock(db, queue)
    assert studies.unblinded(queue).exists()
    found = study_results(folder)
    wanted, direct = benchmark.results_of(twin, plan), benchmark.directly(folder, plan)
    assert len(direct) == 3 * (3 + 3 + 1) + 2 * 3  # shares, differences, agreement; means of two questions
    assert benchmark.differences(found, wanted, direct) == []
    changed = copy.deepcopy(found)
    changed["questions"][0]["first"]["systems"][0]["share"] += 0.01
    assert len(benchmark.differences(changed, wanted, direct)) == 2  # the comparison can fail
    db.close()
