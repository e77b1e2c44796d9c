"""The files of a judging, written anew from the journal: the same however often it was begun."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tunewright.evaluate.judging.comparison import Comparison
from tunewright.evaluate.judging.job import Job
from tunewright.evaluate.judging.pairwise import preference_of
from tunewright.evaluate.judging.panel import agreement_of, scores_agree, vote
from tunewright.evaluate.judging.results import (
    ANNOTATIONS_FILE,
    MT_BENCH_PAIR_FILE,
    SUMMARY_FILE,
    VERDICTS_FILE,
    Result,
    annotation_row,
    mt_bench_pair_row,
    order_columns,
    table_of,
    verdict_rows,
)
from tunewright.evaluate.judging.single import MT_BENCH_SINGLE_FILE, SCORES_FILE, Score
from tunewright.evaluate.outputs.answered import rows_as_json
from tunewright.run.files import JsonlLog, write_json_atomic, write_text_atomic


@dataclass(frozen=True)
class JudgeRun:
    """All that one judge said: results of comparisons in their order, or scores."""

    model: str
    revision: str
    results: tuple[Result, ...]
    scores: tuple[Score, ...]
    num_unanswered: int


def write_pairs(folder: Path, job: Job, runs: Sequence[JudgeRun]) -> dict[str, int]:
    """Annotations, verdicts and summary of a comparison; gives the manifest's counts."""
    assert job.joined is not None
    compared = job.compared()
    final = _final_rows(compared, runs, probabilities=job.config.probabilities)
    write_text_atomic(folder / ANNOTATIONS_FILE, rows_as_json(iter(final)))
    if len(runs) > 1:
        for number, run in enumerate(runs, start=1):
            rows = (_row(one, run, place) for place, one in enumerate(compared))
            write_text_atomic(folder / f"annotations-{number}.json", rows_as_json(rows))
    _write_log(
        folder / VERDICTS_FILE,
        (
            row
            for run in runs
            for one, result in zip(compared, run.results, strict=True)
            for row in verdict_rows(one, run.model, result)
        ),
    )
    if compared[0].a.question_id and job.config.orders == "both":
        _write_log(
            folder / MT_BENCH_PAIR_FILE,
            (
                mt_bench_pair_row(one, run.model, result)
                for run in runs
                for one, result in zip(compared, run.results, strict=True)
            ),
        )
    tables = [table_of(run.model, compared, run.results) for run in runs]
    decisions = [row["verdict"] for row in final]
    counts = {name: decisions.count(name) for name in ("a", "b", "tie", "unparsed", "error")}
    joined = job.joined
    mismatches = {
        "only_a": joined.num_only_a,
        "only_b": joined.num_only_b,
        "repeated_instructions": joined.num_repeated,
    }
    summary = {
        "mode": "pair",
        "a": compared[0].a.generator,
        "b": compared[0].b.generator,
        "orders": job.config.orders,
        "counts": counts,
        "judges": [asdict(table) for table in tables],
        "agreement": [asdict(one) for one in agreement_of(_decisions(runs))],
        "mismatches": mismatches | {"first_only_a": list(joined.only_a), "first_only_b": list(joined.only_b)},
        "references": job.num_references,
    }
    write_json_atomic(folder / SUMMARY_FILE, summary)
    return {
        "pairs": len(joined.pairs),
        "comparisons": len(compared),
        **counts,
        "identical": sum(one.is_same for one in compared),
        "questions": sum(len(result.orders) for run in runs for result in run.results),
        "unparsed_replies": _count(runs, "unparsed"),
        "failed_questions": _count(runs, "error"),
        "rejected_rows": len(job.rejects),
        **mismatches,
    }


def write_scores(folder: Path, job: Job, runs: Sequence[JudgeRun]) -> dict[str, int]:
    """Scores and summary of single answers; gives the manifest's counts."""
    _write_log(folder / SCORES_FILE, (score.to_row(run.model) for run in runs for score in run.scores))
    if any(one.question_id for one in job.answered):
        _write_log(
            folder / MT_BENCH_SINGLE_FILE,
            (score.to_mt_bench_row(run.model) for run in runs for score in run.scores),
        )
    summary = {
        "mode": "single",
        "scores": [row for run in runs for row in _means(run)],
        "agreement": [
            asdict(
                scores_agree(
                    one.model,
                    two.model,
                    [score.score for score in one.scores],
                    [score.score for score in two.scores],
                )
            )
            for number, one in enumerate(runs)
            for two in runs[number + 1 :]
        ],
        "references": job.num_references,
    }
    write_json_atomic(folder / SUMMARY_FILE, summary)
    statuses = [score.status for run in runs for score in run.scores]
    return {
        "answers": len(job.answered),
        "questions": len(statuses),
        **{name: statuses.count(name) for name in ("scored", "unparsed", "error")},
        "rejected_rows": len(job.rejects),
    }


def _final_rows(
    compared: Sequence[Comparison], runs: Sequence[JudgeRun], *, probabilities: bool
) -> list[dict[str, Any]]:
    """The only judge's rows, or the panel's votes."""
    if len(runs) == 1:
        return [_row(one, runs[0], place) for place, one in enumerate(compared)]
    rows = []
    for place, one in enumerate(compared):
        results = [run.results[place] for run in runs]
        voted = vote([result.decision for result in results])
        readings = [result.preference for result in results if result.preference is not None]
        preference = preference_of(voted.decision, readings, probabilities=probabilities)
        row = annotation_row(one, f"panel of {len(runs)}", voted.decision, preference)
        rows.append(
            row
            | {"num_votes": voted.num_votes}
            | {f"verdict_judge_{n}": result.decision for n, result in enumerate(results, start=1)}
        )
    return rows


def _row(comparison: Comparison, run: JudgeRun, place: int) -> dict[str, Any]:
    result = run.results[place]
    return annotation_row(comparison, run.model, result.decision, result.preference) | order_columns(result)


def _decisions(runs: Sequence[JudgeRun]) -> dict[str, list[Any]]:
    """Each judge's, without identical answers, on which all agree by definition."""
    return {_name(run, runs): [one.decision for one in run.results if one.orders] for run in runs}


def _name(run: JudgeRun, runs: Sequence[JudgeRun]) -> str:
    is_shared = sum(other.model == run.model for other in runs) > 1
    return f"{run.model} ({run.revision})" if is_shared else run.model


def _count(runs: Sequence[JudgeRun], decision: str) -> int:
    return sum(one.decision == decision for run in runs for result in run.results for one in result.orders)


def _means(run: JudgeRun) -> Iterator[dict[str, Any]]:
    """Per model, turn and criterion: how many have a score, and their mean."""
    groups: dict[tuple[str, int, str], list[Score]] = {}
    for score in run.scores:
        groups.setdefault((score.answered.generator, score.turn, score.criterion), []).append(score)
    for (generator, turn, criterion), scores in groups.items():
        values = [score.score for score in scores if score.score is not None]
        yield {
            "judge": run.model,
            "generator": generator,
            "turn": turn,
            "criterion": criterion,
            "num": len(scores),
            "num_scored": len(values),
            "mean": math.fsum(values) / len(values) if values else None,
        }


def _write_log(file: Path, rows: Iterable[dict[str, Any]]) -> None:
    with JsonlLog(file) as log:
        log.keep(0)
        for row in rows:
            log.append(row)
        log.sync()
