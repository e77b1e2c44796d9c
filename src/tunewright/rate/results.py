"""What became of rating one record: a result per criterion, a score per side, and their row in a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tunewright.errors import DataError
from tunewright.llm.outcome import Outcome
from tunewright.rate.criteria import CriteriaSet
from tunewright.rate.rater import Rating
from tunewright.rate.scores import side_scores
from tunewright.run.files import read_jsonl

RATINGS_FILE = "ratings.jsonl"
Status = Literal["rated", "unparsable", "refused", "unanswered", "absent"]


@dataclass(frozen=True, slots=True)
class CriterionResult:
    """One criterion's rating, or why there is none. `raw` is the last reply's text when it was no rating.

    `absent`: the record has no such side, so nothing was asked.
    """

    key: str
    status: Status
    rating: Rating | None = None
    problem: str = ""
    raw: str = ""

    @classmethod
    def of(cls, key: str, outcome: Outcome[Rating]) -> CriterionResult:
        if outcome.value is not None:
            return cls(key, "rated", outcome.value)
        assert outcome.reason, "an outcome without a value has a reason"
        raw = outcome.reply.text if outcome.reply is not None else ""
        return cls(key, outcome.reason, None, outcome.problem, raw)

    def to_row(self) -> dict[str, Any]:
        if self.rating is None:
            return {"status": self.status, "problem": self.problem, "raw": self.raw}
        row: dict[str, Any] = {
            "status": self.status,
            "score": self.rating.score,
            "reason": self.rating.reason,
        }
        if self.rating.expected is not None:
            row["expected"] = asdict(self.rating.expected)
        return row


@dataclass(frozen=True, slots=True)
class RecordRating:
    """All results of one record. `scores` holds sides and criteria that have a score, by their keys."""

    id: str
    results: tuple[CriterionResult, ...]
    scores: Mapping[str, float]

    @classmethod
    def of(cls, record_id: str, results: Sequence[CriterionResult], criteria: CriteriaSet) -> RecordRating:
        by_key = {one.key: one.rating.value for one in results if one.rating is not None}
        return cls(record_id, tuple(results), {**side_scores(criteria, by_key), **by_key})

    def status_of(self, key: str) -> Status:
        """A criterion's status; a side's is that of the first of its criteria without a rating."""
        for one in self.results:
            if (one.key == key or one.key.startswith(f"{key}.")) and one.status != "rated":
                return one.status
        return "rated"

    def to_row(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "scores": dict(self.scores),
            "criteria": {one.key: one.to_row() for one in self.results},
        }


def read_scores(folder: str | Path) -> Iterator[tuple[str, Mapping[str, float]]]:
    """The id and scores of every record of a finished rating, in order."""
    path = Path(folder) / RATINGS_FILE
    if not path.is_file():
        raise DataError(f"{folder}: holds no {RATINGS_FILE}; name the folder of a `tunewright rate` run")
    for row in read_jsonl(path):
        yield str(row["id"]), row["scores"]
