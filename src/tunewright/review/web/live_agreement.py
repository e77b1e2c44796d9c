"""Agreement while people work, over what is there: of a study's raters without the key, and of experts who
revise the same pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from statistics import fmean
from typing import Any

from tunewright.errors import DataError
from tunewright.evaluate.study.questions import TIE, Question
from tunewright.rate.agreement import Coefficient, measure_agreement, rating_table
from tunewright.rate.agreement.table import Value
from tunewright.rate.summary import Share, share_of
from tunewright.review.model import TEXT_FIELDS, Decision, Queue, QueueKind, Revision
from tunewright.review.store import overview, ratings
from tunewright.review.store.database import Database
from tunewright.review.store.several import finished_by_several
from tunewright.review.timing import edit_distance

MOST_PAIRS = 500  # a look at 100,000 would take seconds; the interval is ±4 points then


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


@dataclass(frozen=True, slots=True)
class RevisionAgreement:
    """How alike several people leave a pair. `num_pairs` have two finished decisions or more; `is_cut` says
    that they are only the last `MOST_PAIRS` of the queue's order.

    `same_text` counts pairs of which all made the same text, or which all rejected; `same_decision` those on
    which all chose the same of accept, edit and reject. `words_apart` is the mean number of words and signs
    to be put in, left out or replaced on the way from one person's text to another's, over the pairs that
    two people or more kept; None without one."""

    num_pairs: int
    same_text: Share
    same_decision: Share
    words_apart: float | None
    is_cut: bool


def revision_agreement(
    db: Database, queue: Queue, *, most_pairs: int = MOST_PAIRS
) -> RevisionAgreement | None:
    """Agreement so far in a queue of pairs; None for a study and where one person does each pair."""
    if queue.kind is not QueueKind.REVISE or queue.overlap < 2:
        return None
    found = finished_by_several(db, queue.id, most=most_pairs + 1)
    pairs = found[-most_pairs:]
    apart = [words for made in pairs for words in _words_apart(made)]
    return RevisionAgreement(
        len(pairs),
        share_of(sum(len({_content(one) for one in made}) == 1 for made in pairs), len(pairs)),
        share_of(sum(len({one.decision for one in made}) == 1 for made in pairs), len(pairs)),
        fmean(apart) if apart else None,
        len(found) > most_pairs,
    )


def _content(made: Revision) -> tuple[str, ...]:
    """As an export compares versions: accepted or typed, the texts are what counts."""
    return ("reject",) if made.decision is Decision.REJECT else ("keep", *_texts(made.texts).values())


def _words_apart(made: Sequence[Revision]) -> list[float]:
    """One number for the pair, so that one seen by four people does not count six times; none if none is."""
    kept = [_texts(one.texts) for one in made if one.decision is not Decision.REJECT]
    distances = [edit_distance(one, other)[1] for one, other in combinations(kept, 2)]
    return [fmean(distances)] if distances else []


def _texts(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: texts.get(name, "") for name in TEXT_FIELDS}


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
