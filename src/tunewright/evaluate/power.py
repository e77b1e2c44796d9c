"""How many prompts a comparison needs before it starts, and which gap a given number can show.

All designs here are paired: both systems answer the same prompts. A power is the chance that the two-sided
test at `alpha` finds a gap that is there; with many comparisons corrected by Holm, divide alpha by their
number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from tunewright.errors import RecipeError
from tunewright.rate.agreement.resample import student_point

ALPHA = 0.05
POWER = 0.8
MOST_PROMPTS = 100_000
_NORMAL = NormalDist()


def preference_power(num_prompts: int, *, gap: float, ties: float, alpha: float = ALPHA) -> float:
    """The power of the exact sign test on preferences with ties, `num_prompts` of them.

    `gap` is the share of prompts won minus the share lost, `ties` the share of neither, which the test leaves
    out. The same number is the power of McNemar's exact test of two proportions on the same prompts: there
    1 − ties is the share of prompts on which the two differ. Exact: a sum over the number of prompts that are
    no tie, of the binomial power of each.
    """
    from scipy.special import bdtr, bdtrc

    decided = _decided(gap, ties)
    win = (1 + abs(gap) / decided) / 2
    spread = 8 * math.sqrt(num_prompts * decided * ties) + 8  # beyond it, less than 1e-14 is left out
    nums = np.arange(
        max(0, math.floor(num_prompts * decided - spread)),
        min(num_prompts, math.ceil(num_prompts * decided + spread)) + 1,
    )
    chances = bdtr(nums, num_prompts, decided) - np.where(nums, bdtr(nums - 1, num_prompts, decided), 0)
    critical = _critical(nums, alpha)
    rejects = np.where(
        critical >= 0,
        bdtr(np.maximum(critical, 0), nums, win) + bdtrc(nums - np.maximum(critical, 0) - 1, nums, win),
        0.0,
    )
    return min(1.0, float(chances @ rejects))


def preference_prompts(*, gap: float, ties: float, power: float = POWER, alpha: float = ALPHA) -> int:
    """The smallest number of prompts from which `preference_power` stays at `power` or more (to within its
    saw-teeth: the exact test's power falls a little at some larger numbers)."""
    _check(gap=gap, power=power, alpha=alpha)
    decided = _decided(gap, ties)
    z = _NORMAL.inv_cdf(1 - alpha / 2) + _NORMAL.inv_cdf(power)
    guess = math.ceil(z**2 * decided / gap**2)
    return _smallest(lambda num: preference_power(num, gap=gap, ties=ties, alpha=alpha) >= power, guess)


def preference_gap(num_prompts: int, *, ties: float, power: float = POWER, alpha: float = ALPHA) -> float:
    """The smallest gap that `num_prompts` show with that power by the exact test, to four digits.

    1 − ties when even that, every decided prompt won, has less power: then the study is too small for any.
    """
    _check(power=power, alpha=alpha)
    low, high = 0.0, _decided(0.0, ties)
    if preference_power(num_prompts, gap=high, ties=ties, alpha=alpha) < power:
        return high
    while high - low > 1e-4:
        middle = (low + high) / 2
        enough = preference_power(num_prompts, gap=middle, ties=ties, alpha=alpha) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def mcnemar_gap(num_prompts: int, *, differing: float, power: float = POWER, alpha: float = ALPHA) -> float:
    """The smallest gap by McNemar's test without continuity correction, in closed form (Connor 1987, eq. 2).

    A little smaller than `preference_gap`, since the exact test keeps below alpha. Never above `differing`:
    there no such gap has that power."""
    _check(power=power, alpha=alpha)
    first, second = _NORMAL.inv_cdf(1 - alpha / 2), _NORMAL.inv_cdf(power)
    # n g² = (first √d + second √(d − g²))²; solved for g by a few rounds of substitution
    gap = (first + second) * math.sqrt(differing / num_prompts)
    for _ in range(50):
        rest = max(0.0, differing - gap**2)
        gap = (first * math.sqrt(differing) + second * math.sqrt(rest)) / math.sqrt(num_prompts)
    return min(gap, differing)


def mean_power(num_prompts: int, *, gap: float, deviation: float, alpha: float = ALPHA) -> float:
    """The power of the paired t test on mean ratings, and nearly that of the sign-flip test.

    `deviation` is the standard deviation of the per-prompt differences (`difference_deviation` estimates it).
    The non-central t is approximated by a normal (Johnson and Welch 1940), within .005 from 10 prompts on.
    """
    if num_prompts < 2:
        return 0.0
    freedom = num_prompts - 1
    shift = abs(gap) / deviation * math.sqrt(num_prompts)
    point = student_point(freedom, 1 - alpha)
    correction = 1 - 1 / (4 * freedom)
    spread = math.sqrt(1 + point**2 / (2 * freedom))
    upper = 1 - _NORMAL.cdf((point * correction - shift) / spread)
    lower = _NORMAL.cdf((-point * correction - shift) / spread)
    return upper + lower


def mean_prompts(*, gap: float, deviation: float, power: float = POWER, alpha: float = ALPHA) -> int:
    """The smallest number of prompts at which `mean_power` reaches `power`."""
    _check(gap=gap, power=power, alpha=alpha)
    if deviation <= 0:
        raise RecipeError(f"deviation {deviation:g}: the spread of the differences must be above 0")
    z = _NORMAL.inv_cdf(1 - alpha / 2) + _NORMAL.inv_cdf(power)
    guess = math.ceil((z * deviation / gap) ** 2)
    return _smallest(lambda num: mean_power(num, gap=gap, deviation=deviation, alpha=alpha) >= power, guess)


def mean_gap(num_prompts: int, *, deviation: float, power: float = POWER, alpha: float = ALPHA) -> float:
    """The smallest difference of means that `num_prompts` show with that power."""
    _check(power=power, alpha=alpha)
    low, high = 0.0, 20 * deviation
    while high - low > 1e-5 * deviation:
        middle = (low + high) / 2
        enough = mean_power(num_prompts, gap=middle, deviation=deviation, alpha=alpha) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def difference_deviation(
    *, rating_deviation: float, prompt_share: float, raters: int, same_raters: bool = True
) -> float:
    """The standard deviation of per-prompt differences of two systems' mean ratings over `raters`.

    `rating_deviation` is that of single ratings, `prompt_share` the part of its variance that belongs to the
    prompt and falls out of a paired difference. With the same raters on both systems their severity falls out
    too and is best counted in `prompt_share`; with different ones it stays.
    """
    if not 0 <= prompt_share < 1 or raters < 1:
        raise RecipeError(
            f"prompt share {prompt_share:g} and {raters} raters: give a share from 0 to below 1 "
            "and 1 rater or more"
        )
    left = rating_deviation**2 * ((1 - prompt_share) if same_raters else 1.0)
    return math.sqrt(2 * left / raters)


def proportion_half_width(num_prompts: int, *, share: float, level: float = 0.95) -> float:
    """Half the width of Wilson's interval of a share: how exactly `num_prompts` measure one system."""
    if num_prompts < 1:
        raise RecipeError("a share of no prompts has no interval; give 1 or more")
    z = _NORMAL.inv_cdf((1 + level) / 2)
    spread = share * (1 - share) / num_prompts + z**2 / (4 * num_prompts**2)
    return z * math.sqrt(spread) / (1 + z**2 / num_prompts)


def _critical(nums: NDArray[np.int64], alpha: float) -> NDArray[np.int64]:
    """The most wins of the smaller side, of each number of decided prompts, at which twice the binomial tail
    is at most alpha; −1: never. By bisection, the tail grows with the wins."""
    from scipy.special import bdtr

    low, high = np.full(nums.shape, -1), nums // 2 + 1
    while (high - low > 1).any():
        middle = (low + high) // 2
        enough = (middle < 0) | (2 * bdtr(np.maximum(middle, 0), nums, 0.5) <= alpha)
        low, high = np.where(enough, middle, low), np.where(enough, high, middle)
    return low


def _smallest(enough: Callable[[int], bool], guess: int) -> int:
    """The smallest number that is enough, near a good guess."""
    high = max(2, guess)
    while high > MOST_PROMPTS or not enough(high):
        high = math.ceil(high * 1.2) + 1
        if high > MOST_PROMPTS:
            raise RecipeError(f"more than {MOST_PROMPTS:,} prompts would be needed; look for a larger gap")
    low = 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _decided(gap: float, ties: float) -> float:
    if not 0 <= ties < 1:
        raise RecipeError(f"ties {ties:g}: the share of ties is from 0 to below 1")
    decided = 1 - ties
    if abs(gap) > decided + 1e-12:
        raise RecipeError(
            f"gap {gap:g} with {ties:.0%} ties: a gap cannot be larger than the share of prompts that "
            f"differ, {decided:g}"
        )
    return decided


def _check(*, power: float, alpha: float, gap: float = 1.0) -> None:
    if gap == 0:
        raise RecipeError("gap 0: no number of prompts shows a difference that is not there; give a gap")
    if not 0 < alpha < power < 1:
        raise RecipeError(
            f"alpha {alpha:g} and power {power:g}: give 0 < alpha < power < 1, such as .05 and .8"
        )
