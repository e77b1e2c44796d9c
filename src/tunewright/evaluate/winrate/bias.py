"""What a judge prefers beside the better answer: a place, length, its own words. And how often it says
nothing.

Each share has a Wilson interval and the number it is of. None of them accuses by itself: the longer answer
may be the better one. They say how far a win rate could be the judge's taste.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tunewright.evaluate.intervals import Interval
from tunewright.evaluate.winrate.preference import Annotation, Verdict
from tunewright.evaluate.winrate.rates import interval_over_instructions
from tunewright.rate.summary import Share, share_of


@dataclass(frozen=True, slots=True)
class PositionBias:
    """`consistency`: both orders name the same answer, or both say tie, of the pairs with two readable
    verdicts. `first`: the answer shown first, of the verdicts that choose one; 50 % is fair, since each
    answer is first once. `twice_first` and `twice_second` count the pairs whose verdicts follow the place."""

    consistency: Share
    first: Share
    twice_first: int
    twice_second: int


@dataclass(frozen=True, slots=True)
class ParseFailures:
    """Of single verdicts where they are kept, else of pairs."""

    num_asked: int
    unparsed: Share
    errors: Share


@dataclass(frozen=True, slots=True)
class SelfPreference:
    """How a judge sees its own model's answers, in percent won; `others` is how the other judges see the same
    comparisons, and `difference` own − others on these, with an interval over instructions. All three are
    None where no other judge saw them: then a high share may just be a good model."""

    annotator: str
    generator: str
    num_own: int
    own: float
    num_compared: int
    others: float | None
    difference: float | None
    interval: Interval | None


def position_bias(annotations: Sequence[Annotation]) -> PositionBias:
    """Of the verdicts in both orders; shares of nothing are None in the result, never 0."""
    pairs = [
        (one.verdicts[0], one.verdicts[1])
        for one in annotations
        if _is_readable(one.verdicts[0]) and _is_readable(one.verdicts[1])
    ]
    counts = Counter(pairs)
    same = counts["a", "b"] + counts["b", "a"] + counts["tie", "tie"]
    # single orders are left out: where only answer 1 is ever first, its quality would count as its place's
    chosen = [verdict for pair in pairs for verdict in pair if verdict != "tie"]
    return PositionBias(
        consistency=share_of(same, len(pairs)),
        first=share_of(chosen.count("a"), len(chosen)),
        twice_first=counts["a", "a"],
        twice_second=counts["b", "b"],
    )


def longer_preferred(annotations: Sequence[Annotation]) -> Share:
    """How often the longer answer wins, of the pairs that have a winner and differ in length."""
    won_longer = [
        (one.preference > 1.5) == (one.len_2 > one.len_1)
        for one in annotations
        if one.preference is not None
        and not one.is_draw
        and one.len_1 is not None
        and one.len_2 is not None
        and one.len_1 != one.len_2
    ]
    return share_of(sum(won_longer), len(won_longer))


def parse_failures(annotations: Sequence[Annotation]) -> ParseFailures:
    """What could not be read, and what failed before there was anything to read."""
    said: list[str] = []
    for one in annotations:
        verdicts = [verdict for verdict in one.verdicts if verdict is not None]
        said += verdicts or ([] if one.status == "missing" else [one.status])
    return ParseFailures(
        len(said), share_of(said.count("unparsed"), len(said)), share_of(said.count("error"), len(said))
    )


def self_preference(
    annotations: Sequence[Annotation], own: Mapping[str, str] | None = None, *, seed: int = 0
) -> list[SelfPreference]:
    """For each judge that judged a model of its own, one row. `own` maps judges to their models (default: a
    judge's own model has the judge's name)."""
    by_judge: dict[str, list[Annotation]] = defaultdict(list)
    for one in annotations:
        if one.preference is not None and one.generator_1 != one.generator_2:
            by_judge[one.annotator].append(one)
    found = []
    for judge, judged in sorted(by_judge.items()):
        model = judge if own is None else own.get(judge)
        mine = [one for one in judged if model is not None and model in (one.generator_1, one.generator_2)]
        if model is None or not mine:
            continue
        seen_by_others: dict[tuple[str, str, int], list[float]] = defaultdict(list)
        for other, theirs in by_judge.items():
            if other != judge:
                for one in theirs:
                    if model in (one.generator_1, one.generator_2):
                        seen_by_others[_pair(one, model)].append(_won(one, model))
        compared = [one for one in mine if _pair(one, model) in seen_by_others]
        others = [float(np.mean(seen_by_others[_pair(one, model)])) for one in compared]
        gaps = np.array([_won(one, model) for one in compared]) - np.array(others)
        found.append(
            SelfPreference(
                annotator=judge,
                generator=model,
                num_own=len(mine),
                own=100 * float(np.mean([_won(one, model) for one in mine])),
                num_compared=len(compared),
                others=100 * float(np.mean(others)) if compared else None,
                difference=100 * float(gaps.mean()) if compared else None,
                interval=interval_over_instructions(100 * gaps, [one.unit for one in compared], seed=seed)
                if compared
                else None,
            )
        )
    return found


def _is_readable(verdict: Verdict | None) -> bool:
    return verdict in ("a", "b", "tie")


def _won(one: Annotation, model: str) -> float:
    return one.gain if one.generator_2 == model else 1 - one.gain


def _pair(one: Annotation, model: str) -> tuple[str, str, int]:
    """What two judges must have in common to have seen the same comparison."""
    other = one.generator_1 if one.generator_2 == model else one.generator_2
    return one.unit, other, one.turn
