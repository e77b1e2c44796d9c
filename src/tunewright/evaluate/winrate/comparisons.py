"""Which models differ: paired over the instructions that both have answered, and corrected for their number.

Two win rates against one baseline share its instructions, so their difference is far surer than their
separate intervals suggest. The p-value is that of the paired t-test over instructions (a bootstrap of 2,000
replicates could never reach what Holm asks of hundreds of pairs); McNemar's counts whole wins only.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from tunewright.evaluate.intervals import Interval
from tunewright.evaluate.winrate.preference import Annotation
from tunewright.evaluate.winrate.rates import interval_over_instructions
from tunewright.rate.paired_tests import holm, mcnemar

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PairTest:
    """`difference` is model a's win rate minus b's, in points, on the `num_instructions` they have in common;
    `p` of the paired t-test and `p_holm` corrected over all pairs, None where nothing can be tested (fewer
    than two instructions). `only_a` and `only_b` count instructions that one wins and the other does not."""

    model_a: str
    model_b: str
    num_instructions: int
    difference: float | None
    interval: Interval | None
    p: float | None
    p_holm: float | None
    only_a: int
    only_b: int
    p_mcnemar: float | None

    def is_shown(self, level: float = 0.05) -> bool:
        """Whether the difference stands after the correction."""
        return self.p_holm is not None and self.p_holm < level


def pair_tests(models: Mapping[str, Sequence[Annotation]], *, seed: int = 0) -> list[PairTest]:
    """Every pair of models that were compared with one baseline, in the order given."""
    gains = {name: _gains(annotations) for name, annotations in models.items()}
    tests = [_pair_test(a, b, gains[a], gains[b], seed) for a, b in combinations(models, 2)]
    tested = [place for place, test in enumerate(tests) if test.p is not None]
    corrected = holm([test.p for test in tests if test.p is not None])
    for place, p_holm in zip(tested, corrected, strict=True):
        tests[place] = replace(tests[place], p_holm=p_holm)
    return tests


def separability(intervals: Sequence[Interval]) -> float | None:
    """1 − the share of model pairs whose intervals overlap (Arena-Hard); None below two models. Intervals
    that only touch overlap."""
    pairs = list(combinations(intervals, 2))
    if not pairs:
        return None
    overlapping = sum(one.low <= other.high and other.low <= one.high for one, other in pairs)
    return 1 - overlapping / len(pairs)


def paired_t_p(differences_N: Floats) -> float:
    """The two-sided p of the paired t-test. Differences that are all 0 give 1; all the same other value, 0.

    Fewer than two are a ValueError.
    """
    if len(differences_N) < 2:
        raise ValueError("a paired test needs two pairs")
    from scipy.stats import t

    mean, deviation = float(differences_N.mean()), float(differences_N.std(ddof=1))
    if deviation == 0:
        return 1.0 if mean == 0 else 0.0
    return float(2 * t.sf(abs(mean) / (deviation / math.sqrt(len(differences_N))), len(differences_N) - 1))


def _gains(annotations: Sequence[Annotation]) -> dict[str, float]:
    """The mean gain per instruction: over its turns and judges."""
    found: dict[str, list[float]] = defaultdict(list)
    for one in annotations:
        if one.preference is not None:
            found[one.unit].append(one.gain)
    return {instruction: sum(gains) / len(gains) for instruction, gains in found.items()}


def _pair_test(
    model_a: str, model_b: str, gains_a: Mapping[str, float], gains_b: Mapping[str, float], seed: int
) -> PairTest:
    common = [instruction for instruction in gains_a if instruction in gains_b]
    a_K: Floats = np.array([gains_a[instruction] for instruction in common])
    b_K: Floats = np.array([gains_b[instruction] for instruction in common])
    only_a = int(((a_K > 0.5) & (b_K <= 0.5)).sum())
    only_b = int(((b_K > 0.5) & (a_K <= 0.5)).sum())
    return PairTest(
        model_a,
        model_b,
        num_instructions=len(common),
        difference=100 * float((a_K - b_K).mean()) if common else None,
        interval=interval_over_instructions(100 * (a_K - b_K), common, seed=seed) if common else None,
        p=paired_t_p(a_K - b_K) if len(common) > 1 else None,
        p_holm=None,
        only_a=only_a,
        only_b=only_b,
        p_mcnemar=mcnemar(only_a, only_b) if common else None,
    )
