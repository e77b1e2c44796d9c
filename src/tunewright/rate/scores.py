"""From a rater's answers to scores: caps, expected scores and bins. All of it pure."""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tunewright.llm.reply import TokenLogprob
from tunewright.rate.criteria import CriteriaSet, Criterion

_DIGITS = 6  # that scores are rounded to, so that a mean of halves compares exactly with a threshold
_MOST_LOGPROB = 1e-6  # a probability of 1, and float noise


def side_scores(criteria: CriteriaSet, scores: Mapping[str, float]) -> dict[str, float]:
    """The score of each side whose criteria all have one; `scores` is by criterion key.

    A side with a missing criterion has no score: a mean over what happens to be there would compare
    records by different questions.
    """
    found: dict[str, float] = {}
    for side in criteria.sides:
        members = criteria.of_side(side)
        if all(criterion.key in scores for criterion in members):
            found[side] = _combined(criteria, members, [scores[criterion.key] for criterion in members])
    return found


def _combined(criteria: CriteriaSet, members: Sequence[Criterion], scores: Sequence[float]) -> float:
    """The mean of the side's criteria, and with `combine: caps` no more than any flaw allows; rounded."""
    found = math.fsum(scores) / len(scores)
    if criteria.combine == "caps":
        limits = [limit(criteria, one, score) for one, score in zip(members, scores, strict=True)]
        found = min(found, *limits)
    return round(found, _DIGITS)


def limit(criteria: CriteriaSet, criterion: Criterion, score: float) -> float:
    """The most that a side can score when this criterion has `score`.

    Below `flaw_below` it is a flaw, and the side cannot leave the criterion's band [low, high] upwards:
    the limit goes evenly from `low`, for the worst score, to `high`, for a score just below `flaw_below`.
    Bands are from Liu et al. (CoachLM, ICDE 2024); that the place in the band follows the score is ours.
    """
    if criterion.cap is None or criteria.flaw_below is None or score >= criteria.flaw_below:
        return criteria.scale.high
    low, high = criterion.cap
    share = (score - criteria.scale.low) / (criteria.flaw_below - criteria.scale.low)
    return low + (high - low) * share


@dataclass(frozen=True, slots=True)
class Expected:
    """The mean and standard deviation of the score over the model's own distribution.

    `mass` is the probability that the model gave to scores at all; both others are over that share, rescaled
    to 1. Far below 1 they say little.
    """

    score: float
    spread: float
    mass: float


def expected_score(
    tokens: Sequence[TokenLogprob], place: int, allowed: Mapping[str, float]
) -> Expected | None:
    """The expected score at the token that covers character `place` of the reply, which is the score's digit.

    `allowed` maps each score's text, one character, to its value. Tokens that differ in white space count
    together; what the token carried before the digit (a quotation mark, a colon) must be there in the
    alternatives too. None when the token is not to be found or carries something after the digit: then
    the alternatives' meaning is not known. None too when a log probability is none (above 0, NaN): what
    comes from a server is not trusted.
    """
    found = _token_at(tokens, place)
    if found is None:
        return None
    token, inner = found
    before = token.token[:inner].strip()
    if token.token[inner:].strip() not in allowed:
        return None
    likely = dict(token.top)
    likely.setdefault(token.token, token.logprob)
    if not all(map(_is_logprob, likely.values())):
        return None
    mass_of: dict[float, float] = {}
    for text, logprob in likely.items():
        stripped = text.strip()
        if not stripped.startswith(before):
            continue
        value = allowed.get(stripped[len(before) :].strip())
        if value is not None:
            mass_of[value] = mass_of.get(value, 0.0) + math.exp(logprob)
    mass = math.fsum(mass_of.values())
    if mass <= 0:
        return None
    mean = math.fsum(value * p for value, p in mass_of.items()) / mass
    there = [value for value, p in mass_of.items() if p > 0]
    mean = round(min(max(mean, min(there)), max(there)), _DIGITS)  # 5·p/p can be above 5
    variance = math.fsum((value - mean) ** 2 * p for value, p in mass_of.items()) / mass
    return Expected(score=mean, spread=math.sqrt(variance), mass=min(mass, 1.0))


def _is_logprob(value: object) -> bool:
    """−inf is one: the logarithm of 0. The journal gives NaN and +inf back as None."""
    return isinstance(value, int | float) and value <= _MOST_LOGPROB


def _token_at(tokens: Sequence[TokenLogprob], place: int) -> tuple[TokenLogprob, int] | None:
    """The token that covers the character, and where in it that is."""
    begin = 0
    for token in tokens:
        if begin <= place < begin + len(token.token):
            return token, place - begin
        begin += len(token.token)
    return None


def bin_edges(criteria: CriteriaSet) -> list[float]:
    """All edges, the scale's ends included."""
    return [criteria.scale.low, *criteria.bins, criteria.scale.high]


def bin_labels(edges: Sequence[float]) -> list[str]:
    """`[0, 3.5)`, …, `[4.5, 5]`: each bin holds its lower edge, only the last its upper one."""
    pairs = list(pairwise(edges))
    closing = [")"] * (len(pairs) - 1) + ["]"]
    return [f"[{low:g}, {high:g}{end}" for (low, high), end in zip(pairs, closing, strict=True)]


def bin_of(score: float, edges: Sequence[float]) -> int:
    """The bin that holds the score, counted from 0."""
    assert edges[0] <= score <= edges[-1], "scores are checked against the scale when they are parsed"
    return min(bisect.bisect_right(edges, score) - 1, len(edges) - 2)
