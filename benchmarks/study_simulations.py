"""Do a study's intervals cover, do its tests keep their false-alarm rate, is its power as announced?

python benchmarks/study_simulations.py [--studies 2000] [--seed 1]

Each row simulates studies whose truth is known and counts how often the interval holds it, or the test
rejects. Prompts differ in difficulty, raters in severity, and two of four raters rate each prompt for both
systems, as `tunewright study new` assigns them. The truth is that of the same four raters over all prompts:
what the results page says it estimates. The row "ratings taken as independent" is what would come of ignoring
prompts. Some 40 CPU-seconds for 2,000 studies.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from tunewright.evaluate.bradley_terry import Game, bradley_terry
from tunewright.evaluate.power import mean_power, preference_power
from tunewright.evaluate.study.paired import mean_interval, share_interval, sign_flip
from tunewright.rate.agreement import RatingTable, measure_agreement
from tunewright.rate.summary import Interval, wilson

Floats = NDArray[np.float64]
Row = tuple[str, str, float, float, bool]  # what, announced, seen in per cent, its error, holds
PAIRS = np.array([(a, b) for a in range(4) for b in range(a + 1, 4)])
SEVERITY = np.array([-0.3, -0.1, 0.1, 0.3])
DIFFICULTY = 0.8  # deviation between prompts, in units of a rater's own noise
normal = NormalDist()


def ratings(
    rng: np.random.Generator, quality: float, difficulty_P: Floats, raters_Pk: NDArray[np.int64]
) -> Floats:
    """Latent ratings [prompts, raters of each]; above 0 is "valid"."""
    noise = rng.normal(size=raters_Pk.shape)
    return quality + difficulty_P[:, None] - SEVERITY[raters_Pk] + noise


def raters_of(rng: np.random.Generator, num_prompts: int) -> NDArray[np.int64]:
    """Two of four raters per prompt, every pair equally often but for the rest."""
    return PAIRS[rng.permutation(np.arange(num_prompts) % len(PAIRS))]


def true_share(quality: float) -> float:
    return float(np.mean([normal.cdf((quality - s) / math.sqrt(1 + DIFFICULTY**2)) for s in SEVERITY]))


def levels(latent: Floats) -> Floats:
    """Latent ratings as four ordered options."""
    return 1.0 + np.digitize(latent, (-1.0, 0.0, 1.0))


def true_level(quality: float) -> float:
    spread = math.sqrt(1 + DIFFICULTY**2)
    return (
        1
        + float(
            np.mean(
                [1 - normal.cdf((cut - quality + s) / spread) for s in SEVERITY for cut in (-1.0, 0.0, 1.0)]
            )
        )
        * 3
    )


def covers(interval: Interval | None, truth: float) -> bool:
    return interval is not None and interval.low <= truth <= interval.high


def rate(hits: list[bool]) -> tuple[float, float]:
    """A share in per cent and its Monte-Carlo standard error."""
    share = float(np.mean(hits))
    return 100 * share, 100 * math.sqrt(share * (1 - share) / len(hits))


def coverage(what: str, trial: Callable[[np.random.Generator], bool], studies: int, seed: int) -> Row:
    seen, error = rate([trial(np.random.default_rng((seed, study))) for study in range(studies)])
    return what, "95 %", seen, error, 93 <= seen <= 97


def share_trial(num_prompts: int, quality: float, *, independent: bool = False) -> Callable[..., bool]:
    def trial(rng: np.random.Generator) -> bool:
        raters = raters_of(rng, num_prompts)
        valid = ratings(rng, quality, rng.normal(0, DIFFICULTY, num_prompts), raters) > 0
        if independent:
            return covers(wilson(int(valid.sum()), valid.size), true_share(quality))
        return covers(share_interval(list(valid.mean(axis=1)), valid.size), true_share(quality))

    return trial


def mean_trial(num_prompts: int) -> Callable[..., bool]:
    def trial(rng: np.random.Generator) -> bool:
        latent = ratings(rng, 0.4, rng.normal(0, DIFFICULTY, num_prompts), raters_of(rng, num_prompts))
        return covers(mean_interval(list(levels(latent).mean(axis=1))), true_level(0.4))

    return trial


def differences(rng: np.random.Generator, num_prompts: int, gap: float, *, share: bool) -> Floats:
    """Per-prompt differences of two systems rated by the same raters."""
    raters, difficulty = raters_of(rng, num_prompts), rng.normal(0, DIFFICULTY, num_prompts)
    two = [ratings(rng, quality, difficulty, raters) for quality in (0.2 + gap, 0.2)]
    first, second = [(one > 0).astype(float) if share else levels(one) for one in two]
    result: Floats = (first - second).mean(axis=1)
    return result


def difference_trial(num_prompts: int, *, share: bool) -> Callable[..., bool]:
    truth = true_share(0.7) - true_share(0.2) if share else true_level(0.7) - true_level(0.2)
    return lambda rng: covers(mean_interval(list(differences(rng, num_prompts, 0.5, share=share))), truth)


def agreement_rows(studies: int, seed: int) -> Iterator[Row]:
    """Three raters who keep an item's truth with .6: chance-corrected agreement is .36. Items in pairs that
    share their truth, as two systems' answers to a prompt may."""
    names = ("alpha", "fleiss", "cohen", "ac1")
    for clustered in (False, True):
        hits: dict[str, list[bool]] = {name: [] for name in names}
        for study in range(studies):
            rng = np.random.default_rng((seed, study))
            truth = np.repeat(rng.integers(0, 3, 50), 2) if clustered else rng.integers(0, 3, 100)
            codes = np.where(rng.random((100, 3)) < 0.6, truth[:, None], rng.integers(0, 3, (100, 3)))
            cluster = np.arange(100) // 2 if clustered else np.arange(100)
            items = tuple(map(str, range(100)))
            table = RatingTable(codes, ("a", "b", "c"), items, ("r", "s", "t"), cluster)
            found = measure_agreement(table, replicates=300, seed=study)
            for name in names:
                hits[name].append(covers(found.get(name).interval, 0.36))
        for name in names:
            seen, error = rate(hits[name])
            where = "100 items of 50 prompts" if clustered else "100 items"
            yield f"{name}, {where}", "95 %", seen, error, 93 <= seen <= 97


def strength_trial(rng: np.random.Generator) -> bool:
    """Three systems, 100 prompts, two raters whose outcomes on a prompt go together."""
    true, tie = np.array([0.0, 0.5, 1.2]), 0.8
    games = []
    for prompt in range(100):
        for i, j in ((0, 1), (1, 2), (0, 2)):
            gap = math.exp((true[i] - true[j]) / 2)
            chances = np.array([gap, tie, 1 / gap]) / (gap + tie + 1 / gap)
            first = rng.choice(3, p=chances)
            second = first if rng.random() < 0.5 else rng.choice(3, p=chances)
            for drawn in (first, second):
                winner = ("first", "tie", "second")[drawn]
                games.append(Game("abc"[i], "abc"[j], winner, str(prompt)))  # type: ignore[arg-type]
    return covers(bradley_terry(games).difference("c", "a")[1], 1.2)


def false_alarms(what: str, num_prompts: int, studies: int, seed: int, *, share: bool) -> Row:
    hits = []
    for study in range(studies):
        rng = np.random.default_rng((seed, study))
        hits.append(sign_flip(differences(rng, num_prompts, 0.0, share=share), replicates=1000) < 0.05)
    seen, error = rate(hits)
    return what, "≤ 5 %", seen, error, seen <= 5 + 2 * math.sqrt(5 * 95 / studies)


def power_rows(studies: int, seed: int) -> Iterator[Row]:
    for num, gap, ties in ((100, 0.2, 0.3), (200, 0.15, 0.2), (60, 0.25, 0.5)):
        chances = [(1 - ties + gap) / 2, ties, (1 - ties - gap) / 2]
        rng = np.random.default_rng(seed)
        draws = rng.choice([1.0, 0.0, -1.0], size=(studies, num), p=chances)
        seen, error = rate([sign_flip(row) < 0.05 for row in draws])
        announced = 100 * preference_power(num, gap=gap, ties=ties)
        what = f"preference, {num} prompts, gap {gap:g}, {ties:.0%} ties"
        yield what, f"{announced:.1f} %", seen, error, abs(seen - announced) <= 3 * error
    for num, gap in ((30, 0.5), (100, 0.3)):
        rng = np.random.default_rng(seed)
        draws = gap + rng.normal(size=(studies, num))
        seen, error = rate([sign_flip(row, replicates=1000) < 0.05 for row in draws])
        announced = 100 * mean_power(num, gap=gap, deviation=1.0)
        what = f"mean, {num} prompts, gap {gap:g} deviations"
        yield what, f"{announced:.1f} %", seen, error, abs(seen - announced) <= 3 * error


def rows(studies: int, seed: int) -> Iterator[Row]:
    for num, quality in ((30, 0.5), (100, 0.5), (200, 0.5), (100, 2.2)):
        what = f"share {true_share(quality):.2f}, {num} prompts × 2 raters"
        yield coverage(what, share_trial(num, quality), studies, seed)
    yield coverage(
        "the same, 100 prompts, ratings taken as independent",
        share_trial(100, 0.5, independent=True),
        studies,
        seed,
    )
    for num in (30, 100):
        yield coverage(f"mean, {num} prompts × 2 raters", mean_trial(num), studies, seed)
        for share in (True, False):
            what = f"difference of {'shares' if share else 'means'}, {num} prompts"
            yield coverage(what, difference_trial(num, share=share), studies, seed)
    yield from agreement_rows(studies, seed)
    yield coverage(
        "Bradley–Terry difference, 100 prompts × 2 raters", strength_trial, max(1, studies // 4), seed
    )
    for num in (20, 100):
        for share in (True, False):
            what = f"false alarms, difference of {'shares' if share else 'means'}, {num} prompts"
            yield false_alarms(what, num, studies, seed, share=share)
    yield from power_rows(studies, seed)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    start = time.process_time()
    print(f"{'':<62} {'announced':>9} {'seen':>7}  ±error")
    for what, announced, seen, error, holds in rows(given.studies, given.seed):
        mark = "" if holds else "  does not hold"
        print(f"{what:<62} {announced:>9} {seen:>5.1f} %  {error:.1f}{mark}", flush=True)
    print(f"{given.studies:,} studies, seed {given.seed}, {time.process_time() - start:.0f} CPU-seconds")


if __name__ == "__main__":
    main()
