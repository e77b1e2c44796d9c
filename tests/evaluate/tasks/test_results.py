"""The harness's results in our schema, from a hand-made answer of it."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from tunewright.evaluate.tasks.results import Metric, TaskResult, aggregate, read_result, result_from_row


def sample(doc_id: int, acc: Any, kind: str = "none") -> dict[str, Any]:
    return {
        "doc_id": doc_id,
        "doc_hash": f"d{doc_id}",
        "prompt_hash": f"p{doc_id}",
        "target": np.int64(1),
        "arguments": [("Q", " a"), ("Q", " b")],
        "resps": [[(np.float32(-1.5), np.bool_(True))], [(np.float32(-0.5), np.bool_(False))]],
        "filter": kind,
        "metrics": ["acc", "bleu"],
        "acc": acc,
        "bleu": ("reference", "reply"),
    }


def found() -> dict[str, Any]:
    return {
        "results": {
            "t": {
                "name": "t",
                "alias": "t",
                "sample_len": 2,
                "acc,none": np.float64(0.5),
                "acc_stderr,none": np.float64(0.25),
                "bleu,none": float("nan"),
                "bleu_stderr,none": "N/A",
            }
        },
        "samples": {"t": [sample(1, np.float64(0.0)), sample(0, np.int64(1))]},
        "higher_is_better": {"t": {"acc": True, "bleu": True}},
        "n-samples": {"t": {"original": 9, "effective": 2}},
        "n-shot": {"t": 5},
        "versions": {"t": 1.0},
    }


def test_numbers_are_pythons_own_and_what_is_not_finite_is_none() -> None:
    result = read_result(found(), "t", asked="t", limit=2, digest="x", num_cut=0)
    assert result.metrics == (
        Metric("acc,none", 0.5, 0.25, True, 2, True),
        Metric("bleu,none", None, None, True, 2, False),
    )
    assert (result.is_limited, result.num_fewshot, result.main) == (True, 5, "acc,none")
    text = json.dumps(result.row(), allow_nan=False)
    assert result_from_row(json.loads(text)) == result


def one(task: str, value: float, num: int, *, higher: bool = True, stderr: float | None = 0.1) -> TaskResult:
    metric = Metric("m,none", value, stderr, higher, num, True)
    return TaskResult(task, "m,none", (metric,), num, num, None, 0, 0, "1", "x")


def test_a_groups_row_weighs_tasks_by_documents() -> None:
    """(.2 · 30 + .6 · 10) / 40 = .3; s.e. √((¾ · .1)² + (¼ · .1)²)."""
    row = aggregate("g", [one("a", 0.2, 30), one("b", 0.6, 10)])
    assert row is not None
    assert row.value == pytest.approx(0.3)
    assert row.stderr == pytest.approx(math.hypot(0.075, 0.025))


def test_lower_is_better_is_never_averaged() -> None:
    assert aggregate("g", [one("a", 12.0, 30, higher=False), one("b", 9.0, 10, higher=False)]) is None


def test_a_missing_error_leaves_none() -> None:
    row = aggregate("g", [one("a", 0.2, 30, stderr=None), one("b", 0.6, 10)])
    assert row is not None
    assert row.stderr is None
