"""Disagreements, and decisions on them: beside the first ratings, never in their place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.errors import DataError
from tunewright.evaluate.study.folder import StudyFolder, now
from tunewright.evaluate.study.ratings import Rating, counting_ratings
from tunewright.rate.agreement.rows import whole_rows
from tunewright.run.files import JsonlLog, read_jsonl


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An answer (or pair, `system` then "") that raters judged differently on a question, still blind."""

    item: str
    system: str
    question: str
    values: Mapping[str, Any]  # by rater

    def row(self) -> dict[str, Any]:
        return {
            "item": self.item,
            "system": self.system,
            "question": self.question,
            "values": dict(self.values),
        }


def disagreements(folder: StudyFolder) -> list[Disagreement]:
    """What raters disagree on and nobody decided yet: choices and preferences on main items, by code."""
    decided = {(row["item"], row["system"], row["question"]) for row in decisions(folder)}
    kinds = folder.kinds()
    counted = {question.id for question in folder.questions.questions if question.kind != "text"}
    values: dict[tuple[str, str, str], dict[str, Any]] = defaultdict(dict)
    for rating in counting_ratings(folder):
        if rating.question in counted and kinds[rating.item] == "main":
            values[rating.item, rating.system, rating.question][rating.rater] = rating.value
    return [
        Disagreement(*place, by_rater)
        for place, by_rater in sorted(values.items())
        if len(set(by_rater.values())) > 1 and place not in decided
    ]


def decide(folder: StudyFolder, path: Path) -> int:
    """Take over decisions from a JSONL file: item, system, question, value, adjudicator, and a reason if
    wanted.

    Only of a locked study, so that first ratings are final; each row says whether the key had been opened by
    then. The latest decision on a place counts, all are kept. DataError names the line of a wrong row; then
    none of the file is taken.
    """
    folder.verify_lock()
    places = {(rating.item, rating.system, rating.question): rating for rating in counting_ratings(folder)}
    was_opened = bool(folder.times_opened())
    rows = []
    for line, row in whole_rows(path):
        place = row.get("item"), row.get("system") or "", row.get("question")
        rating = places.get(place) if all(isinstance(one, str) for one in place) else None  # type: ignore[arg-type]
        if rating is None:
            raise DataError(
                f"{path}:{line}: no rating of item {place[0]!r}, system {place[1]!r}, {place[2]!r}"
            )
        if not row.get("adjudicator"):
            raise DataError(f"{path}:{line}: 'adjudicator' is missing; say who decided")
        refusal = _refusal(folder, rating, row.get("value"))
        if refusal:
            raise DataError(f"{path}:{line}: {refusal}")
        value = float(row["value"]) if isinstance(row["value"], int) else row["value"]
        rows.append(
            {
                "item": rating.item,
                "system": rating.system,
                "question": rating.question,
                "value": value,
                "adjudicator": row["adjudicator"],
                "reason": row.get("reason", ""),
                "time": now(),
                "after_unblinding": was_opened,
            }
        )
    with folder.alone(), JsonlLog(folder.adjudications_path) as log:
        for decision in rows:
            log.append(decision)
        log.sync()
    return len(rows)


def decisions(folder: StudyFolder) -> list[dict[str, Any]]:
    """The decisions that count: the latest of each place."""
    if not folder.adjudications_path.exists():
        return []
    latest = {
        (row["item"], row["system"], row["question"]): row for row in read_jsonl(folder.adjudications_path)
    }
    return list(latest.values())


def _refusal(folder: StudyFolder, rating: Rating, value: Any) -> str:
    question = folder.questions.get(rating.question)
    assert question is not None
    answers = tuple(answer["answer"] for answer in folder.items[rating.item]["answers"])
    return question.refusal(value, answers)
