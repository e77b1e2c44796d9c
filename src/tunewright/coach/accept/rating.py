"""Rating gain: a rater scores both versions, each by itself, and the revision must not score less.

The rater is `rate`'s, prompt, criteria and reading of replies included. A rating that failed is no score:
such a revision is not accepted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tunewright.coach.accept.config import RatingGain
from tunewright.coach.accept.finding import Finding, Proposals
from tunewright.coach.revision import Revision
from tunewright.errors import RecipeError
from tunewright.llm.ask import Asker
from tunewright.llm.request import Request
from tunewright.llm.structured import Parser
from tunewright.rate.criteria import CriteriaSet, Criterion, load_criteria
from tunewright.rate.rater import Rating, build, check_expected, has_something_to_rate, parser
from tunewright.rate.results import CriterionResult, RecordRating
from tunewright.records.record import Record

FAILED = "rating failed"
UNANSWERED = "rating unanswered"
TOO_SMALL = "rating gain too small"
_NOISE = 1e-9  # of a difference of rounded scores


@dataclass(frozen=True)
class Rater:
    """The checked settings: which criteria are asked for the score that is compared."""

    config: RatingGain
    criteria: CriteriaSet
    score: str
    asked: tuple[Criterion, ...]

    @classmethod
    def of(cls, config: RatingGain) -> Rater:
        """RecipeError when there are no such criteria, or they have no such score."""
        criteria = load_criteria(config.criteria)
        if config.expected:
            check_expected(criteria)
        score = config.score or criteria.main_side
        asked = tuple(one for one in criteria.criteria if score in (one.side, one.key))
        if not asked:
            raise RecipeError(
                f"score '{score}' is none of '{criteria.name}', which has {', '.join(criteria.score_keys)}"
            )
        return cls(config, criteria, score, asked)

    def parser(self) -> Parser[Rating]:
        return parser(self.criteria, expected=self.config.expected)

    def requests(self, revision: Revision) -> Iterator[Request]:
        """The questions about the original, then those about the revised version."""
        for version in (revision.original, revision.revised):
            yield from self._questions(version).values()

    def rate(self, record: Record, asker: Asker) -> RecordRating:
        """The record's rating by the criteria that are asked, from the journal."""
        questions = self._questions(record)
        outcomes = dict(zip(questions, asker.outcomes(questions.values(), self.parser()), strict=True))
        results = [
            CriterionResult.of(one.key, outcomes[one.key])
            if one.key in outcomes
            else CriterionResult(one.key, "absent")
            for one in self.asked
        ]
        return RecordRating.of(record.id, results, self.criteria)

    def _questions(self, record: Record) -> dict[str, Request]:
        config = self.config
        return {
            one.key: build(record, one, self.criteria, expected=config.expected, max_tokens=config.max_tokens)
            for one in self.asked
            if has_something_to_rate(record, one)
        }


def by_rating(rater: Rater, proposals: Proposals, asker: Asker, *, num_proposals: int) -> Iterator[Finding]:
    """A finding per proposal, in order, after all ratings have been asked for."""
    asker.ask(
        lambda: (request for revision in proposals() for request in rater.requests(revision)),
        rater.parser(),
        total=2 * len(rater.asked) * num_proposals,
        stage="accept by rating",
    )
    for revision in proposals():
        before, after = rater.rate(revision.original, asker), rater.rate(revision.revised, asker)
        yield _judge(before, after, rater)


def _judge(before: RecordRating, after: RecordRating, rater: Rater) -> Finding:
    found = {"before": before.scores.get(rater.score), "after": after.scores.get(rater.score)}
    scores = {name: score for name, score in found.items() if score is not None}
    if len(scores) < len(found):
        statuses = {one.status for rating in (before, after) for one in rating.results}
        return Finding(UNANSWERED if "unanswered" in statuses else FAILED, scores)
    gain = scores["after"] - scores["before"]
    return Finding("" if gain >= rater.config.least_gain - _NOISE else TOO_SMALL, scores)
