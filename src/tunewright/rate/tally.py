"""Adds up a rating record by record, and ends with the summary: numbers and the records worth a look.

Memory: one number per record and score, and the few records that are shown.
"""

from __future__ import annotations

import heapq
import math
from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tunewright.rate.criteria import CriteriaSet
from tunewright.rate.results import RecordRating
from tunewright.rate.summary import summarise
from tunewright.records.record import Record

_EXCERPT_CHARS = 600
_MOST_FAILED = 20


class Tally:
    """Call `add` for every record in order, then `summary` once."""

    def __init__(self, criteria: CriteriaSet, *, worst: int) -> None:
        self._criteria = criteria
        self._most_worst = worst
        self._scores = {key: array("d") for key in criteria.score_keys}
        self._without: dict[str, Counter[str]] = {key: Counter() for key in criteria.score_keys}
        self._worst: list[tuple[float, int, Record, RecordRating]] = []  # a heap, the best of them first
        self._failed: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.num_ratings = self.num_failed = self.num_expected = self.num_unanswered = 0

    def add(self, record: Record, rating: RecordRating) -> None:
        for key, scores in self._scores.items():
            score = rating.scores.get(key)
            scores.append(math.nan if score is None else score)
            if score is None:
                self._without[key][rating.status_of(key)] += 1
        for one in rating.results:
            self.num_ratings += one.status == "rated"
            self.num_expected += one.rating is not None and one.rating.expected is not None
            self.num_unanswered += one.status == "unanswered"
            if one.status not in ("rated", "absent"):
                self.num_failed += 1
                if len(self._failed) < _MOST_FAILED:
                    failed = {"id": record.id, "criterion": one.key, "status": one.status}
                    self._failed.append({**failed, "problem": one.problem, "raw": _excerpt(one.raw)})
        self._remember(record, rating)
        self.ids.append(record.id)

    def scores_of(self, key: str) -> dict[str, float | None]:
        """The scores by record id, None where there is none."""
        return {
            id: None if math.isnan(score) else score
            for id, score in zip(self.ids, self._scores[key], strict=True)
        }

    def summary(self) -> dict[str, Any]:
        """The rating in numbers, as JSON-like data."""
        keys = self._criteria.score_keys
        if self._criteria.sides and len(self._criteria.criteria) == len(self._criteria.sides):
            keys = self._criteria.sides  # one criterion a side: its scores are the side's
        found = [
            summarise(key, self._scores[key], self._criteria, without=self._without[key]) for key in keys
        ]
        return {
            "num_records": len(self.ids),
            "num_ratings": self.num_ratings,
            "num_failed": self.num_failed,
            "num_expected": self.num_expected,
            "scores": [asdict(one) for one in found],
            "worst": self._worst_rows(),
            "failed": self._failed,
        }

    def _remember(self, record: Record, rating: RecordRating) -> None:
        """Keep the lowest scores; of equal ones those that come first."""
        score = rating.scores.get(self._criteria.main_side)
        if score is None or not self._most_worst:
            return
        entry = (-score, -len(self.ids), record, rating)
        if len(self._worst) < self._most_worst:
            heapq.heappush(self._worst, entry)
        elif entry[:2] > self._worst[0][:2]:
            heapq.heapreplace(self._worst, entry)

    def _worst_rows(self) -> dict[str, Any]:
        ordered = sorted(self._worst, key=lambda entry: entry[:2], reverse=True)
        rows = [self._worst_row(record, rating) for _, _, record, rating in ordered]
        cut = rows[-1]["score"] if rows else None
        all_scores = self._scores[self._criteria.main_side]
        num_at_cut = sum(score == cut for score in all_scores)
        return {
            "side": self._criteria.main_side,
            "records": rows,
            "num_not_shown_at_cut": num_at_cut - sum(row["score"] == cut for row in rows),
        }

    def _worst_row(self, record: Record, rating: RecordRating) -> dict[str, Any]:
        side = self._criteria.main_side
        said = sorted(
            (one for one in rating.results if one.rating is not None and one.key.startswith(f"{side}.")),
            key=lambda one: rating.scores[one.key],
        )
        origin = record.origin
        return {
            "id": record.id,
            "place": f"{origin.file}:{origin.line}" if origin is not None else "",
            "score": rating.scores[side],
            "texts": {
                name: _excerpt(text)
                for name, text in (
                    ("instruction", record.instruction),
                    ("input", record.input),
                    ("response", record.output),
                    ("explanation", record.explanation),
                )
                if text.strip()
            },
            "said": [
                {"criterion": one.key, "score": rating.scores[one.key], "reason": one.rating.reason}
                for one in said
                if one.rating is not None
            ],
        }


def headline(summary: Mapping[str, Any], side: str) -> Mapping[str, Any]:
    """The summary of the side that the page opens with."""
    return next(one for one in summary["scores"] if one["key"] == side)


def _excerpt(text: str) -> str:
    return text if len(text) <= _EXCERPT_CHARS else text[:_EXCERPT_CHARS] + "…"
