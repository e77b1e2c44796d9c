"""Agreement of a study's raters while they rate: over what is there, and without the key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tunewright.errors import DataError
from tunewright.evaluate.study.questions import TIE, Question
from tunewright.rate.agreement import Coefficient, measure_agreement, rating_table
from tunewright.rate.agreement.table import Value
from tunewright.review.store import overview, ratings
from tunewright.review.store.database import Database


@dataclass(frozen=True, slots=True)
class Measure:
    """One coefficient in words: its name, its value or why there is none, its interval."""

    name: str
    value: str
    interval: str


@dataclass(frozen=True, slots=True)
class QuestionAgreement:
    """Agreement on one question so far; `problem` says why there is none."""

    id: str
    ask: str
    num_items: int
    num_pairable: int
    measures: tuple[Measure, ...]
    notes: tuple[str, ...]
    problem: str = ""


def agreements(db: Database, queue_id: int) -> tuple[QuestionAgreement, ...]:
    """Agreement on each question that can be counted, over the main items rated so far. No key is opened."""
    asked = [one for one in ratings.questions(db, queue_id).questions if one.kind != "text"]
    triples: dict[str, list[tuple[str, str, Value]]] = {one.id: [] for one in asked}
    prompts: dict[str, str] = {}
    kinds = {one.id: one.kind for one in asked}
    for row in overview.main_ratings(db, queue_id, [one.id for one in asked]):
        thing = f"{row.item} {row.answer}".strip()
        prompts[thing] = row.prompt
        value = _side(row.value, row.codes) if kinds[row.question] == "preference" else row.value
        triples[row.question].append((thing, row.rater, value))
    clusters = tuple(prompts.items())
    return tuple(_agreement(one, tuple(triples[one.id]), clusters) for one in asked)


def _side(value: Any, codes: Sequence[str]) -> str:
    """A preference without the key: which of the two codes comes first in the alphabet is chance."""
    return TIE if value == TIE or value not in codes else f"answer {codes.index(value) + 1}"


_SHOWN = {
    "nominal": ("percent nominal", "alpha nominal", "ac1 nominal"),
    "ordinal": ("percent nominal", "alpha ordinal", "ac2 quadratic"),
    "interval": ("percent nominal", "alpha interval", "ac2 quadratic"),
}


@lru_cache(maxsize=32)  # half a second of bootstrap, the same until somebody rates
def _measured(
    triples: tuple[tuple[str, str, Value], ...],
    clusters: tuple[tuple[str, str], ...],
    scale: tuple[Value, ...],
    where: str,
) -> Any:
    table = rating_table(triples, scale=scale, cluster_of=dict(clusters), where=where)
    return measure_agreement(table, where=where)


def _agreement(
    question: Question, triples: tuple[tuple[str, str, Value], ...], clusters: tuple[tuple[str, str], ...]
) -> QuestionAgreement:
    is_choice = question.kind == "choice"
    scale = question.scale() if is_choice else ("answer 1", TIE, "answer 2")
    num = len({thing for thing, _, _ in triples})
    try:
        measured = _measured(triples, clusters, scale, question.id)
    except DataError:
        problem = "No item has been rated by two people yet." if triples else "Nothing has been rated yet."
        return QuestionAgreement(question.id, question.ask, num, 0, (), (), problem)
    wanted = _SHOWN[question.level if is_choice else "nominal"]
    notes = tuple(f"{note.rstrip('.')}." for note in measured.notes)
    kept = [one for one in measured.coefficients if f"{one.name} {one.weighting}" in wanted]
    return QuestionAgreement(
        question.id, question.ask, num, measured.num_pairable, tuple(map(_measure, kept)), notes
    )


_NAMES = {
    "percent": "Same rating",
    "alpha": "Krippendorff's alpha",
    "ac1": "Gwet's AC1",
    "ac2": "Gwet's AC2",
}


def _measure(one: Coefficient) -> Measure:
    name = _NAMES[one.name] + ("" if one.weighting == "nominal" else f", {one.weighting}")
    if one.value is None:
        return Measure(name, one.problem or "–", "–")

    def written(value: float) -> str:
        return f"{100 * value:.0f} %" if one.name == "percent" else f"{value:.2f}".replace("-", "−")

    ends = f"{written(one.interval.low)} to {written(one.interval.high)}" if one.interval else "–"
    return Measure(name, written(one.value), ends)
