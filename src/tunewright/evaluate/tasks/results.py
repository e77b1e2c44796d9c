"""Results of standard tasks in our schema: plain numbers, one row per document, limits stamped.

The harness's results hold numpy numbers, put every metric under "name,filter" and its error under
"name_stderr,filter", and give tags no row of their own. A document's row keeps what the model was shown and
said, so that a score can be checked by hand and arms can be compared document by document.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tunewright.evaluate.tasks.suites import preferred_metric


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of a task: `value` is the harness's, None where that is not a finite number.

    `stderr` is analytic for means, from 1,000 bootstrap samples for corpus metrics, None where the harness
    has none. `is_mean` says that the value is the mean over documents of what their rows hold.
    """

    metric: str  # "name,filter"
    value: float | None
    stderr: float | None
    higher_is_better: bool | None
    num_documents: int
    is_mean: bool


@dataclass(frozen=True, slots=True)
class TaskResult:
    """One task under one model. `limit` is None for a full run; with it, `num_all` says how much there is.

    `main` names the metric that counts. `num_cut` documents were longer than the model and lost their
    beginning. `digest` is of the task's definition, `version` the harness's own number for it.
    """

    task: str
    main: str
    metrics: tuple[Metric, ...]
    num_documents: int
    num_all: int
    limit: int | None
    num_fewshot: int
    num_cut: int
    version: str
    digest: str

    @property
    def main_metric(self) -> Metric:
        return next(metric for metric in self.metrics if metric.metric == self.main)

    @property
    def is_limited(self) -> bool:
        return self.num_documents < self.num_all

    def row(self) -> dict[str, Any]:
        return asdict(self) | {"is_limited": self.is_limited}


def result_from_row(row: Mapping[str, Any]) -> TaskResult:
    """The inverse of `row`."""
    fields = {key: value for key, value in row.items() if key != "is_limited"}
    return TaskResult(**fields | {"metrics": tuple(Metric(**metric) for metric in row["metrics"])})


@dataclass(frozen=True, slots=True)
class Aggregate:
    """The main metric over the tasks of a group or tag, for which the harness may have no row.

    The mean over all documents, that is over tasks weighted by size; `stderr` takes tasks as independent.
    """

    name: str
    metric: str
    value: float
    stderr: float | None
    num_tasks: int
    num_documents: int
    is_limited: bool
    aggregation: str = "mean over tasks, weighted by their documents"


def read_result(
    found: Mapping[str, Any], task: str, *, asked: str, limit: int | None, digest: str, num_cut: int
) -> TaskResult:
    """The result of `task` in what the harness gave back; `asked` is the name it was asked for by."""
    higher = found["higher_is_better"][task]
    rows = document_rows(found["samples"][task])
    metrics = []
    for key, value in found["results"][task].items():
        name, comma, how = key.partition(",")
        if not comma or name.endswith("_stderr"):
            continue
        stderr = plain(found["results"][task].get(f"{name}_stderr,{how}"))
        values = [row["metrics"][key] for row in rows if key in row["metrics"]]
        number = plain(value)
        number = float(number) if isinstance(number, int | float) and math.isfinite(number) else None
        metrics.append(
            Metric(
                metric=key,
                value=number,
                stderr=float(stderr) if isinstance(stderr, int | float) and math.isfinite(stderr) else None,
                higher_is_better=higher.get(name),
                num_documents=len(values) or found["n-samples"][task]["effective"],
                is_mean=number is not None
                and bool(values)
                and math.isclose(_mean(values), number, abs_tol=1e-9),
            )
        )
    return TaskResult(
        task=task,
        main=_main(metrics, task, asked),
        metrics=tuple(metrics),
        num_documents=len(rows),
        num_all=int(found["n-samples"][task]["original"]),
        limit=limit,
        num_fewshot=int(found["n-shot"].get(task) or 0),
        num_cut=num_cut,
        version=str(found["versions"].get(task)),
        digest=digest,
    )


def document_rows(samples: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row per document, in order: what was asked, the log-likelihoods (nats) or texts, each metric.

    A document has one sample per filter in the harness; here they share a row. Per-document values that are
    not single numbers (the pairs that BLEU is made of) are left out: the texts are there.
    """
    rows: dict[int, dict[str, Any]] = {}
    for sample in samples:
        doc_id = int(sample["doc_id"])
        row = rows.get(doc_id)
        if row is None:
            row = rows[doc_id] = _asked(doc_id, sample)
        for metric in sample["metrics"]:
            value = plain(sample[metric])
            if isinstance(value, bool | int | float) and math.isfinite(value):
                row["metrics"][f"{metric},{sample['filter']}"] = float(value)
    return [rows[doc_id] for doc_id in sorted(rows)]


def aggregate(name: str, results: Sequence[TaskResult]) -> Aggregate | None:
    """The row of a group or tag; None when its tasks have different main metrics, one has no value, or lower
    is better: a mean of perplexities says nothing."""
    mains = [result.main_metric for result in results]
    if len({metric.metric for metric in mains}) != 1 or any(metric.value is None for metric in mains):
        return None
    if not all(metric.higher_is_better for metric in mains):
        return None
    total = sum(result.num_documents for result in results)
    weights = [result.num_documents / total for result in results]
    errors = [metric.stderr for metric in mains]
    known = [error for error in errors if error is not None]
    return Aggregate(
        name=name,
        metric=mains[0].metric,
        value=math.fsum(w * (m.value or 0.0) for w, m in zip(weights, mains, strict=True)),
        stderr=math.sqrt(math.fsum((w * e) ** 2 for w, e in zip(weights, known, strict=True)))
        if len(known) == len(errors)
        else None,
        num_tasks=len(results),
        num_documents=total,
        is_limited=any(result.is_limited for result in results),
    )


def task_digest(task: Any, limit: int | None) -> tuple[str, str]:
    """SHA-256 of the task's definition and of the documents it is run on.

    The definition includes the source of its functions, but not where its file lies.
    """
    definition = dict(task.dump_config())
    metadata = dict(definition.get("metadata") or {})
    metadata.pop("config_source", None)
    definition["metadata"] = metadata
    documents = hashlib.sha256()
    for number, document in enumerate(task.eval_docs):
        if limit is not None and number >= limit:
            break
        documents.update(_text(document).encode("utf-8", "replace") + b"\n")
    return hashlib.sha256(_text(definition).encode("utf-8", "replace")).hexdigest(), documents.hexdigest()


def plain(value: Any) -> Any:
    """A numpy number as Python's own; anything else as it is."""
    return value.item() if hasattr(value, "item") and getattr(value, "size", 1) == 1 else value


def _asked(doc_id: int, sample: Mapping[str, Any]) -> dict[str, Any]:
    contexts = [str(arguments[0]) for arguments in sample["arguments"]]
    replies = [reply[0] for reply in sample["resps"]]
    row: dict[str, Any] = {
        "doc_id": doc_id,
        "doc_hash": sample["doc_hash"],
        "prompt_hash": sample["prompt_hash"],
        "target": plain(sample["target"]) if _is_json(sample["target"]) else str(sample["target"]),
        "context": contexts[0] if len(set(contexts)) == 1 else contexts,
    }
    if isinstance(replies[0], tuple | list):
        row["continuations"] = [str(arguments[1]) for arguments in sample["arguments"]]
        row["log_likelihoods"] = [float(log_likelihood) for log_likelihood, _ in replies]
        row["is_greedy"] = [bool(is_greedy) for _, is_greedy in replies]
    elif isinstance(replies[0], str):
        row["texts"] = replies
    else:  # of a whole text, in windows
        row["log_likelihoods"] = [float(reply) for reply in replies]
    return row | {"metrics": {}}


def _main(metrics: Iterable[Metric], task: str, asked: str) -> str:
    """The suite's metric for a member, else the first where higher is better, else the first."""
    keys = [metric.metric for metric in metrics]
    for name in (asked, task):
        preferred = preferred_metric(name)
        if preferred in keys:
            return preferred
    return next((m.metric for m in metrics if m.higher_is_better), keys[0])


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _is_json(value: Any) -> bool:
    value = plain(value)
    if isinstance(value, list):
        return all(_is_json(one) for one in value)
    return value is None or isinstance(value, str | int | float)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
