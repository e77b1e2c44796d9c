"""Preference: a judge must prefer the revision in both orders, and for something other than its length.

Length control can only take a win away. It is fitted on the same comparisons that it corrects: where nearly
all revisions are longer than their originals, quality and length cannot be told apart, and wins are then
counted as length's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tunewright.coach.accept.config import Preference
from tunewright.coach.accept.finding import Finding, Proposals
from tunewright.coach.judge import Verdict, both_orders, merge, parse
from tunewright.coach.length_control import CAUTIOUS_PRIOR, LengthEffect, fit_length, lengths
from tunewright.coach.revision import Revision
from tunewright.llm.ask import Asker
from tunewright.llm.outcome import Outcome
from tunewright.llm.request import Request
from tunewright.run.progress import Progress

FAILED = "preference failed"
UNANSWERED = "preference unanswered"
NOT_PREFERRED = "not preferred"
ONLY_LENGTH = "preferred for its length"


@dataclass(frozen=True, slots=True)
class Compared:
    """One comparison: the verdicts with the revised version as B and as A, None where one failed.
    `difference_chars` is how much longer the revised version is."""

    failure: str
    verdicts: tuple[Verdict, Verdict] | None
    difference_chars: int

    @property
    def points(self) -> tuple[float, float]:
        """Of the revised version in each order: 1 for a win, 0.5 for a tie, 0 for a loss."""
        assert self.verdicts is not None, "a failed comparison has no points"
        as_b, as_a = self.verdicts
        return {"b": 1.0, "tie": 0.5, "a": 0.0}[as_b], {"a": 1.0, "tie": 0.5, "b": 0.0}[as_a]

    @property
    def preference(self) -> float:
        """The mean of both orders' points."""
        return sum(self.points) / 2


def by_preference(
    config: Preference, proposals: Proposals, asker: Asker, *, num_proposals: int, progress: Progress
) -> Iterator[Finding]:
    """A finding per proposal, in order, after all comparisons have been made."""
    asker.ask(
        lambda: (request for revision in proposals() for request in requests_of(revision, config)),
        parse,
        total=2 * num_proposals,
        stage="accept by preference",
    )
    compared = [_compared(revision, config, asker) for revision in proposals()]
    known = [one for one in compared if one.verdicts is not None]
    effect = None
    if config.length_control:
        effect = fit_length(
            [one.preference for one in known],
            [one.difference_chars for one in known],
            quality_prior=CAUTIOUS_PRIOR,
        )
        num_not_longer = sum(one.difference_chars <= 0 for one in known)
        progress.note(
            f"length makes a preference of {0.5 + effect.of(effect.scale_chars):.2f} for a revision "
            f"{effect.scale_chars:,.0f} characters longer; {num_not_longer:,} of {len(known):,} are no longer"
        )
    for one in compared:
        yield judge(one, effect, least=config.least_preference)


def requests_of(revision: Revision, config: Preference) -> Iterator[Request]:
    """The comparison in both orders."""
    yield from both_orders(revision.original, revision.revised, max_tokens=config.max_tokens)


def judge(compared: Compared, effect: LengthEffect | None, *, least: float) -> Finding:
    """The finding on one comparison, given the length effect of the whole set (None: not controlled)."""
    if compared.verdicts is None:
        return Finding(compared.failure)
    as_b, as_a = compared.points
    scores = {
        "shown_first": as_a,
        "shown_second": as_b,
        "longer_by_chars": float(compared.difference_chars),
    }
    left = compared.preference
    if effect is not None:
        scores["length_effect"] = effect.of(compared.difference_chars)
        left -= max(0.0, scores["length_effect"])
        scores["without_length"] = left
    if merge(*compared.verdicts) != "win":
        return Finding(NOT_PREFERRED, scores)
    return Finding("" if effect is None or left >= least else ONLY_LENGTH, scores)


def _compared(revision: Revision, config: Preference, asker: Asker) -> Compared:
    outcomes = list(asker.outcomes(requests_of(revision, config), parse))
    difference = lengths(revision).difference
    as_b, as_a = (outcome.value for outcome in outcomes)
    if as_b is None or as_a is None:
        return Compared(_failure(outcomes), None, difference)
    return Compared("", (as_b, as_a), difference)


def _failure(outcomes: list[Outcome[Verdict]]) -> str:
    return UNANSWERED if any(outcome.reason == "unanswered" for outcome in outcomes) else FAILED
