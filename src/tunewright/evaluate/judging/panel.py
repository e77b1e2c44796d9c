"""Several judges over the same comparisons: the vote, and how far they agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from tunewright.evaluate.judging.pairwise import Decision
from tunewright.rate.agreement import pearson, quadratic_kappa
from tunewright.rate.summary import Share, share_of

_CODES = {"a": -1.0, "tie": 0.0, "b": 1.0}


@dataclass(frozen=True, slots=True)
class Vote:
    """What a panel decided; `num_votes` of its judges had a verdict."""

    decision: Decision
    num_votes: int


@dataclass(frozen=True, slots=True)
class JudgesAgree:
    """Two judges over the comparisons on which both have a verdict. Coefficients are None where they are
    undefined (no variation)."""

    first: str
    second: str
    num_both: int
    same: Share
    quadratic_kappa: float | None
    pearson: float | None


def vote(decisions: Sequence[Decision]) -> Vote:
    """What more than half of the judges with a verdict say; a tie where no decision has that many.

    Judges without a verdict do not vote. Where no judge has one it is `error` if all are, else `unparsed`.
    """
    cast = [one for one in decisions if one in _CODES]
    if not cast:
        return Vote("error" if set(decisions) == {"error"} else "unparsed", 0)
    decision, count = Counter(cast).most_common(1)[0]
    return Vote(decision if 2 * count > len(cast) else "tie", len(cast))


def agreement_of(judges: Mapping[str, Sequence[Decision]]) -> list[JudgesAgree]:
    """Every pair of judges, on a (−1), tie (0) and b (1)."""
    return [_agree(first, second, judges[first], judges[second]) for first, second in combinations(judges, 2)]


def scores_agree(
    first: str, second: str, x: Sequence[float | None], y: Sequence[float | None]
) -> JudgesAgree:
    """Two judges' scores of the same answers."""
    both = [(a, b) for a, b in zip(x, y, strict=True) if a is not None and b is not None]
    left, right = [a for a, _ in both], [b for _, b in both]
    return JudgesAgree(
        first=first,
        second=second,
        num_both=len(both),
        same=share_of(sum(a == b for a, b in both), len(both)),
        quadratic_kappa=quadratic_kappa(left, right),
        pearson=pearson(left, right),
    )


def _agree(first: str, second: str, x: Sequence[Decision], y: Sequence[Decision]) -> JudgesAgree:
    return scores_agree(first, second, [_CODES.get(one) for one in x], [_CODES.get(one) for one in y])
