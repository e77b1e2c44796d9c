"""The report's sentences, computed from the numbers: pure functions, so that each wording can be tested.

A difference is called one only where its interval excludes zero; a sentence never speaks of other models
or data than those measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

from tunewright.evaluate.intervals import LEVEL, Interval
from tunewright.evaluate.losses import Distribution
from tunewright.evaluate.unlike import PER_TOKEN
from tunewright.report.gather import Difference

PERCENT = f"{LEVEL * 100:.0f}\u00a0%"  # the space does not break


class Verdict(Enum):
    """How the second arm's loss compares with the first's."""

    LOWER = "lower"
    HIGHER = "higher"
    NONE_FOUND = "no difference found"


def verdict(interval: Interval) -> Verdict:
    """What may be said of a difference with this interval."""
    if not interval.excludes_zero():
        return Verdict.NONE_FOUND
    return Verdict.LOWER if interval.high < 0 else Verdict.HIGHER


def number(value: float, *, digits: int = 2, signed: bool = False) -> str:
    """A number with a true minus sign; never "−0.00"."""
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return text.replace("-", "−")


def digits_for(interval: Interval) -> int:
    """Two decimals, or three where the interval is so narrow that two would hide it."""
    return 3 if interval.high - interval.low < 0.05 else 2


def count(amount: int, noun: str) -> str:
    """`3 seeds`, `1 seed`; thousands are parted by a comma."""
    return f"{amount:,} {noun if amount == 1 else noun + 's'}"


def parameters(amount: int) -> str:
    """The size of a model: `1.0 million parameters`, `124 million parameters`, `1.24 billion parameters`."""
    if amount >= 1_000_000_000:
        return f"{amount / 1e9:.3g} billion parameters"
    return f"{amount / 1e6:.{1 if amount < 100_000_000 else 0}f} million parameters"


def loss_on(set_name: str) -> str:
    """What the loss on a set is called in a sentence."""
    if set_name == "train":
        return "output loss on training rows"
    return "held-out output loss" if set_name == "heldout" else f"output loss on {set_name}"


def end_sentence(difference: Difference) -> str:
    """The comparison after the last epoch."""
    paired = difference.paired
    first, second = difference.epochs
    epochs = (
        f"epoch {second}" if first == second else f"{paired.first}: epoch {first}, {paired.second}: {second}"
    )
    moment = f"At the end of training ({epochs})"
    found, loss = verdict(paired.interval), loss_on(paired.set)
    if found is Verdict.NONE_FOUND:
        return (
            f"{moment} no difference in {loss} was found between arms {paired.first} and {paired.second} "
            f"({evidence(difference)})."
        )
    size = number(abs(paired.difference), digits=digits_for(paired.interval))
    return (
        f"{moment} the {loss} of arm {paired.second} is {size} {paired.unit} {found.value} than that of arm "
        f"{paired.first} "
        f"({evidence(difference)})."
    )


def best_sentence(best: Difference, end: Difference) -> str:
    """The comparison with each arm at its own best epoch, and whether it agrees with the one at the end."""
    paired = best.paired
    first, second = best.epochs
    if best.epochs == end.epochs:
        return "Both arms are at their best at that epoch, so comparing each at its own best gives the same."
    epochs = f"{paired.first}: {first}, {paired.second}: {second}"
    moment = f"To explore, with each arm at its own best epoch on these rows ({epochs}),"
    found = verdict(paired.interval)
    if found is Verdict.NONE_FOUND:
        sentence = f"{moment} no difference was found ({evidence(best)})."
    else:
        size = number(abs(paired.difference), digits=digits_for(paired.interval))
        sentence = (
            f"{moment} that of {paired.second} is {size} {paired.unit} {found.value} ({evidence(best)})."
        )
    if found is not verdict(end.paired.interval):
        sentence += " The two comparisons disagree: the answer depends on when training stops."
    return sentence


def evidence(difference: Difference) -> str:
    """Interval, examples and seeds behind a difference, as they stand in its brackets."""
    paired = difference.paired
    found, digits = verdict(paired.interval), digits_for(paired.interval)
    behind = f"{count(paired.num_examples, 'example')}, {count(paired.num_seeds, 'seed')}"
    if found is Verdict.NONE_FOUND:
        size = number(paired.difference, digits=digits, signed=True)
        low, high = (number(v, digits=digits) for v in (paired.interval.low, paired.interval.high))
        return (
            f"{paired.second} − {paired.first}: {size} {paired.unit}; {PERCENT} interval {low} to {high} "
            f"contains zero; {behind}{_seeds(paired.by_seed, paired.second, found)}"
        )
    bounds = sorted((abs(paired.interval.low), abs(paired.interval.high)))
    low, high = (number(value, digits=digits) for value in bounds)
    return f"{PERCENT} interval {low} to {high}; {behind}{_seeds(paired.by_seed, paired.second, found)}"


def _seeds(by_seed: Sequence[float], second: str, found: Verdict) -> str:
    if len(by_seed) == 1:
        return ""
    if found is Verdict.NONE_FOUND:
        lower = sum(value < 0 for value in by_seed)
        return f"; {second} lower on {lower} of {len(by_seed)} seeds"
    agreeing = sum((value < 0) == (found is Verdict.LOWER) for value in by_seed)
    if agreeing == len(by_seed):
        return f"; {found.value} on {'both' if agreeing == 2 else f'all {agreeing}'} seeds"
    return f"; {found.value} on {agreeing} of {len(by_seed)} seeds"


def seeds_sentence(num_seeds: int) -> str:
    """How far the interval reaches over seeds."""
    if num_seeds == 1:
        return "With one seed the interval speaks about other examples of this kind, not about other seeds."
    if num_seeds < 5:
        return (
            f"{num_seeds} seeds are few: the interval covers other seeds as well as other examples, and is "
            "wide where the seeds disagree; a small difference then needs more seeds to be found."
        )
    return f"The interval covers other seeds, of which it knows {num_seeds}, as well as other examples."


def level_sentence(found: Distribution) -> str:
    """One arm's own loss on a set, for a run that compares nothing."""
    digits = digits_for(found.interval)
    mean, low, high = (
        number(v, digits=digits) for v in (found.mean, found.interval.low, found.interval.high)
    )
    return (
        f"After epoch {found.epoch} the {loss_on(found.set)} of arm {found.arm} is {mean} {found.unit} "
        f"({PERCENT} interval {low} to {high}; {count(found.num_examples, 'example')}, "
        f"{count(found.num_seeds, 'seed')})."
    )


def gap_sentence(gaps: Mapping[str, float], set_name: str, *, unit: str = PER_TOKEN) -> str:
    """By how much each arm's loss on a set exceeds that on its training rows, at the end."""
    parts = listed([f"{number(gap, signed=True)} for arm {arm}" for arm, gap in gaps.items()])
    name = "held-out rows" if set_name == "heldout" else set_name
    return (
        f"From training rows to {name} the loss at the end changes by, in {unit}, {parts}: "
        "the further it rises, the more of what was learnt is particular to the training rows."
    )


def still_falling_sentence(arms: Sequence[str], set_name: str) -> str:
    """For arms whose best epoch is the last one."""
    which = f"arm {arms[0]}" if len(arms) == 1 else f"arms {listed(arms)}"
    return (
        f"The {loss_on(set_name)} of {which} was lowest at the last epoch and may still have been falling: "
        "what is found holds for this budget, not at convergence."
    )


def past_best_sentence(best: Mapping[str, int], set_name: str) -> str:
    """For arms that were better before the end."""
    parts = listed([f"{arm} (epoch {epoch})" for arm, epoch in best.items()])
    return (
        f"The {loss_on(set_name)} was lowest before the end for {parts}: training went past the best point. "
        "Best epochs are picked on the set they are reported on, which flatters them a little."
    )


def listed(parts: Sequence[str]) -> str:
    """`a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
