"""How many seeds, or examples, would settle a comparison that these could not.

What is planned with is what was found: the mean difference as if it were the true one, and the parts of its
variance (`intervals`), split into what seeds, examples and their meeting add:

    σ²_seed/S + σ²_example/N + σ²_rest/(S·N).

S seeds and N examples are enough when the difference lies beyond the half-width of the interval they would
give by as much as it must to be found in `POWER` of repeats. An estimate from a small pilot is itself
uncertain, mostly in the difference: it tells three seeds from thirty, not five from six.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tunewright.evaluate.intervals import LEVEL, Part, half_width

POWER = 0.8
MOST_SEEDS = 100
MOST_EXAMPLES = 1_000_000


@dataclass(frozen=True, slots=True)
class Needed:
    """Seeds on the same examples, or examples with the same seeds, that would show the difference.

    None where no number up to `MOST_SEEDS` or `MOST_EXAMPLES` would, or where nothing is known of it: one
    seed says nothing of how seeds differ. Where neither alone would do, `both` is as many times more of each
    as would, (seeds, examples).
    """

    seeds: int | None
    examples: int | None
    both: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Components:
    """Variances of one difference: between seeds, between examples, and the rest. With one seed (or example)
    what seeds (or examples) add is not known, and is 0 here."""

    seed: float
    example: float
    rest: float

    def parts(self, num_seeds: int, num_examples: int) -> list[Part]:
        """The parts of the variance of a mean over so many, as `intervals` has them."""
        of_seeds = self.seed / num_seeds + self.rest / (num_seeds * num_examples)
        return [Part(of_seeds, num_seeds - 1), Part(self.example / num_examples, num_examples - 1)]


def components(differences_SN: ArrayLike) -> Components:
    """The variance components of a [seeds, examples] table, from its mean squares; negative ones are 0."""
    table_SN: NDArray[np.float64] = np.atleast_2d(np.asarray(differences_SN, dtype=np.float64))
    num_seeds, num_examples = table_SN.shape
    by_seed_S, by_example_N = table_SN.mean(axis=1), table_SN.mean(axis=0)
    if num_seeds == 1:
        return Components(0.0, float(table_SN.var(ddof=1)) if num_examples > 1 else 0.0, 0.0)
    if num_examples == 1:
        return Components(float(table_SN.var(ddof=1)), 0.0, 0.0)
    rest_SN = table_SN - by_seed_S[:, None] - by_example_N + table_SN.mean()
    rest = float((rest_SN**2).sum()) / ((num_seeds - 1) * (num_examples - 1))
    return Components(
        seed=max(0.0, float(by_seed_S.var(ddof=1)) - rest / num_examples),
        example=max(0.0, float(by_example_N.var(ddof=1)) - rest / num_seeds),
        rest=rest,
    )


def needed(differences_SN: ArrayLike, *, alpha: float = 1 - LEVEL) -> Needed:
    """What would show the mean difference of a [seeds, examples] table at `alpha` with `POWER`.

    `alpha` is of this one comparison: divide by their number where several are corrected.
    """
    table_SN = np.atleast_2d(np.asarray(differences_SN, dtype=np.float64))
    num_seeds, num_examples = table_SN.shape
    gap, found = abs(float(table_SN.mean())), components(table_SN)
    if gap == 0:
        return Needed(None, None)

    def shows(seeds: int, examples: int) -> bool:
        return gap >= reach(found.parts(seeds, examples), alpha=alpha)

    seeds = examples = None
    if num_seeds > 1:
        seeds = _fewest(lambda num: shows(num, num_examples), above=num_seeds, most=MOST_SEEDS)
    if num_examples > 1:
        examples = _fewest(lambda num: shows(num_seeds, num), above=num_examples, most=MOST_EXAMPLES)
    both = None
    if num_seeds > 1 and num_examples > 1 and seeds is None and examples is None:
        # in tenths, so that three seeds may become four
        most = 10 * MOST_SEEDS // num_seeds
        tenths = _fewest(lambda num: shows(*_times(num, table_SN.shape)), above=10, most=most)
        both = None if tenths is None else _times(tenths, table_SN.shape)
    return Needed(seeds, examples, both)


def _times(tenths: int, shape: tuple[int, ...]) -> tuple[int, int]:
    num_seeds, num_examples = shape
    return -(-tenths * num_seeds // 10), -(-tenths * num_examples // 10)


def reach(parts: list[Part], *, alpha: float) -> float:
    """The difference that is found in `POWER` of repeats where the variance of a mean has these parts."""
    spread = math.sqrt(math.fsum(part.variance for part in parts))
    return half_width(parts, tail=alpha / 2) + NormalDist().inv_cdf(POWER) * spread


def _fewest(enough: Callable[[int], bool], *, above: int, most: int) -> int | None:
    """The smallest number above one that was not enough; `enough` never turns false again."""
    if above >= most or not enough(most):
        return None
    low, high = above, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
