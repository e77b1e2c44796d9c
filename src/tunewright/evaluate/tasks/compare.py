"""Arms compared on the same documents of a standard task: what one answers and the other does not.

Where every document is right or wrong, the test is McNemar's exact one, and the interval agrees with it; for
other values, and for several seeds, both are the paired t of `evaluate.intervals`, over
documents and seeds. p-values are corrected for the number of tasks and pairs (Holm).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewright.errors import DataError
from tunewright.evaluate.intervals import LEVEL, Interval, mean_interval, mean_p
from tunewright.evaluate.tasks.preflight import Unit
from tunewright.evaluate.tasks.results import TaskResult
from tunewright.rate.paired_tests import holm, mcnemar

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


def paired_values(
    first_SN: NDArray[np.float64], second_SN: NDArray[np.float64]
) -> tuple[float, Interval, str, float, int | None, int | None]:
    """Difference, interval, test, p, gained and lost of two [seeds, documents] tables of the same shape."""
    differences_SN = second_SN - first_SN
    difference = float(differences_SN.mean())
    is_binary = bool(np.isin(first_SN, (0, 1)).all() and np.isin(second_SN, (0, 1)).all())
    if is_binary and len(differences_SN) == 1:
        gained, lost = int((differences_SN > 0).sum()), int((differences_SN < 0).sum())
        interval = shares_interval(gained, lost, differences_SN.size)
        return difference, interval, "McNemar, exact", mcnemar(lost, gained), gained, lost
    return difference, mean_interval(differences_SN), "paired t", mean_p(differences_SN), None, None


def shares_interval(gained: int, lost: int, num_documents: int) -> Interval:
    """The interval of a difference of two shares on the same documents: (gained − lost) / n.

    The hull of two: that of Agresti and Min (2005, Statistics in Medicine 24:729), half a document added to
    each of the four cells, without which two arms that never differ would have an interval of width 0; and
    the exact one given how many documents differ, which excludes zero just where McNemar's test does.
    """
    n, up, down = num_documents + 2, gained + 0.5, lost + 0.5
    middle = (up - down) / n
    half = NormalDist().inv_cdf((1 + LEVEL) / 2) * math.sqrt(up + down - (up - down) ** 2 / n) / n
    differing = gained + lost
    low = differing * (2 * _least_share(gained, differing) - 1) / num_documents
    high = -differing * (2 * _least_share(lost, differing) - 1) / num_documents
    return Interval(min(low, middle - half), max(high, middle + half))


def _least_share(num: int, of: int) -> float:
    """The lower limit of a binomial share at half of 1 − `LEVEL` (Clopper & Pearson 1934), by bisection."""
    if num == 0:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(50):
        share = (low + high) / 2
        if _upper_tail(num, of, share) < (1 - LEVEL) / 2:
            low = share
        else:
            high = share
    return low


def _upper_tail(num: int, of: int, share: float) -> float:
    """P(X ≥ num) of a binomial; by logarithms, for thousands of documents."""
    return math.fsum(
        math.exp(
            math.lgamma(of + 1)
            - math.lgamma(k + 1)
            - math.lgamma(of - k + 1)
            + k * math.log(share)
            + (of - k) * math.log1p(-share)
        )
        for k in range(num, of + 1)
    )


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
