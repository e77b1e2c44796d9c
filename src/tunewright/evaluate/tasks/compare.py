"""Arms compared on the same documents of a standard task: what one answers and the other does not.

Where every document is right or wrong, the test is McNemar's exact one, and the interval agrees with it; for
other values, and for several seeds, both are the paired t of `evaluate.intervals`, over
documents and seeds. p-values are corrected for the number of tasks and pairs (Holm).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from tunewright.errors import DataError
from tunewright.evaluate.intervals import Interval
from tunewright.evaluate.paired_values import paired_values
from tunewright.evaluate.tasks.preflight import Unit
from tunewright.evaluate.tasks.results import TaskResult
from tunewright.rate.paired_tests import holm

Documents = Callable[[str, str], list[dict[str, Any]]]  # of a model and a task


@dataclass(frozen=True, slots=True)
class PairedTask:
    """`second` minus `first` on the same documents, in the units of the metric's per-document value.

    `gained` documents are right under `second` alone, `lost` under `first` alone; None when the values are
    not all 0 or 1 or there are several seeds. For a perplexity the documents' values are log-likelihoods
    (nats), so a positive difference is better though a lower perplexity is. `p_holm` is `p` corrected.
    """

    first: str
    second: str
    task: str
    metric: str
    num_documents: int
    num_seeds: int
    difference: float
    interval: Interval
    test: str
    p: float
    p_holm: float
    gained: int | None
    lost: int | None
    is_limited: bool


def paired_task(
    first: tuple[str, Sequence[Sequence[Mapping[str, Any]]]],
    second: tuple[str, Sequence[Sequence[Mapping[str, Any]]]],
    *,
    task: str,
    metric: str,
    is_limited: bool,
) -> PairedTask:
    """Compare two arms, each a name and its documents' rows per seed; uncorrected, `p_holm` is `p`.

    DataError when the arms did not see the same documents, or a document has no value of the metric.
    """
    documents = [(row["doc_id"], row["doc_hash"]) for row in first[1][0]]
    tables = []
    for name, seeds in (first, second):
        for rows in seeds:
            if [(row["doc_id"], row["doc_hash"]) for row in rows] != documents:
                raise DataError(
                    f"{task}: {first[0]} and {second[0]} were not run on the same documents (see {name}); "
                    "run both with the same tasks, data and --limit"
                )
            if any(metric not in row["metrics"] for row in rows):
                raise DataError(f"{task}: a document of {name} has no {metric}, so it cannot be paired")
        tables.append(
            np.array([[row["metrics"][metric] for row in rows] for rows in seeds], dtype=np.float64)
        )
    if tables[0].shape != tables[1].shape:
        raise DataError(f"{task}: {first[0]} has {len(tables[0])} seeds, {second[0]} {len(tables[1])}")
    difference, interval, test, p, gained, lost = paired_values(*tables)
    return PairedTask(
        first=first[0],
        second=second[0],
        task=task,
        metric=metric,
        num_documents=tables[0].shape[1],
        num_seeds=len(tables[0]),
        difference=difference,
        interval=interval,
        test=test,
        p=p,
        p_holm=p,
        gained=gained,
        lost=lost,
        is_limited=is_limited,
    )


def corrected(found: Sequence[PairedTask]) -> list[PairedTask]:
    """The comparisons with their p-values corrected for their number, in the order given."""
    adjusted = holm([one.p for one in found])
    return [replace(one, p_holm=p) for one, p in zip(found, adjusted, strict=True)]


def compare_models(
    units: Sequence[Unit], results: Mapping[str, Mapping[str, TaskResult]], documents: Documents
) -> list[PairedTask]:
    """Every pair of models on the main metric of every name that was asked for, Holm over all of them.

    The documents of a group's tasks are taken together. A metric without per-document values (BLEU of a
    corpus) is not compared.
    """
    found = []
    for unit in units:
        metric = next(iter(results.values()))[unit.tasks[0]].main
        rows = {model: _together(model, unit, documents) for model in results}
        if any(metric not in row["metrics"] for of_model in rows.values() for row in of_model):
            continue
        is_limited = any(of_task[task].is_limited for of_task in results.values() for task in unit.tasks)
        for first, second in combinations(results, 2):
            pair = (first, [rows[first]]), (second, [rows[second]])
            found.append(paired_task(*pair, task=unit.name, metric=metric, is_limited=is_limited))
    return corrected(found)


def _together(model: str, unit: Unit, documents: Documents) -> list[dict[str, Any]]:
    return [
        row | {"doc_id": f"{task}/{row['doc_id']}"} for task in unit.tasks for row in documents(model, task)
    ]
