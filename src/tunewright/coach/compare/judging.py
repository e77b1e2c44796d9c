"""The judge over all changed pairs, in both orders: what is asked, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tunewright.coach.compare.config import CompareConfig
from tunewright.coach.compare.win_rate import (
    LengthControlled,
    Position,
    WinRates,
    length_controlled,
    position,
    win_rates,
)
from tunewright.coach.judge import Result, Verdict, both_orders, merge, parse
from tunewright.coach.length_control import lengths
from tunewright.coach.revision import Revision
from tunewright.llm.ask import Asker, Totals
from tunewright.llm.request import Request


@dataclass(frozen=True)
class Judged:
    """`rates` is over judged changed pairs with two readable verdicts; `with_unchanged` counts every pair
    that was not changed as a tie too, and is None where only a sample was judged.

    `no_verdict` counts verdicts that are missing, by reason; `num_without` pairs that lack one or both: they
    are in no rate.
    """

    model: str
    revision: str
    num_changed: int
    num_asked: int
    num_unchanged: int
    num_without: int
    no_verdict: dict[str, int]
    rates: WinRates
    with_unchanged: WinRates | None
    controlled: LengthControlled | None
    position: Position
    results: dict[str, Result]
    totals: Totals
    num_unanswered: int


def chosen(pairs: Sequence[Revision], config: CompareConfig) -> list[Revision]:
    """The changed pairs that are judged: all, or a sample drawn by the seed; in their order."""
    changed = [pair for pair in pairs if pair.changed]
    if config.judge_sample is None or config.judge_sample >= len(changed):
        return changed
    rng = np.random.default_rng(config.seed)
    drawn = rng.choice(len(changed), size=config.judge_sample, replace=False)
    return [changed[place] for place in sorted(drawn)]


def requests(pairs: Sequence[Revision], config: CompareConfig) -> Iterator[Request]:
    """Two questions a pair: the revised version shown second, then first."""
    for pair in pairs:
        yield from both_orders(pair.original, pair.revised, max_tokens=config.judge_max_tokens)


def judge(pairs: Sequence[Revision], config: CompareConfig, asker: Asker) -> Judged:
    """Ask what has no reply yet, then read all verdicts."""
    asked = chosen(pairs, config)
    totals = asker.ask(lambda: requests(asked, config), parse, total=2 * len(asked), stage="judge")
    outcomes = asker.outcomes(requests(asked, config), parse)
    results: dict[str, Result] = {}
    both: list[tuple[Verdict, Verdict]] = []
    missing: Counter[str] = Counter()
    for pair in asked:
        first, second = next(outcomes), next(outcomes)
        missing.update(one.reason for one in (first, second) if one.value is None)
        result = merge(first.value, second.value)
        if result is not None and first.value is not None and second.value is not None:
            results[pair.id] = result
            both.append((first.value, second.value))
    by_id = {pair.id: pair for pair in asked}
    found = list(results.values())
    num_changed = sum(bool(pair.changed) for pair in pairs)
    num_unchanged = len(pairs) - num_changed
    is_sample = len(asked) < num_changed
    ties: list[Result] = ["tie"] * num_unchanged  # there is nothing to judge
    return Judged(
        model=asker.model,
        revision=asker.revision,
        num_changed=num_changed,
        num_asked=len(asked),
        num_unchanged=num_unchanged,
        num_without=len(asked) - len(results),
        no_verdict=dict(missing),
        rates=win_rates(found),
        with_unchanged=None if is_sample else win_rates([*found, *ties]),
        controlled=length_controlled(found, [lengths(by_id[id]) for id in results]),
        position=position(both),
        results=results,
        totals=totals,
        num_unanswered=max(missing["unanswered"], totals.num_unanswered),
    )
