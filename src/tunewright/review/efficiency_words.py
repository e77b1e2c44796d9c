"""What may be said of an efficiency experiment, in sentences that a lead can quote."""

from __future__ import annotations

import math

from tunewright.evaluate.intervals import Interval
from tunewright.review.efficiency import ENOUGH, PUBLISHED, Experiment
from tunewright.review.saving import Saving

PUBLISHED_WORDS = f"Published: {PUBLISHED[0] * 100:.0f}–{PUBLISHED[1] * 100:.0f} %."
_FEW_WORDS = 5
_UNLIKE = 1.5  # so many times the revision in one arm, and the two did not do the same work

HOW_IT_COUNTS = (
    "Accepted, edited and rejected pairs are finished. Skipped and flagged ones are not, but the time they "
    "took is counted in their arm.",
    "Time is active time: idle stretches are cut. It is compared within each person, then weighted by what "
    f"each has finished; who has not finished {ENOUGH} pairs in each arm is left out of the saving.",
    "An interval that is looked at every day while it grows misses the truth more often than 1 time in 20. "
    "Decide beforehand after how many pairs you will read it.",
)


def headline(experiment: Experiment) -> str:
    """The one sentence of the result, with its interval and how much work it rests on."""
    saving = experiment.saving
    if saving is None:
        return f"Nothing to claim yet: nobody has finished {ENOUGH} pairs in each arm."
    basis = (
        f"95 % interval {_range(saving.interval)}; {_people(saving.num_people)}, {saving.num_pairs:,} pairs"
    )
    if saving.interval.excludes_zero():
        return f"With the draft a pair took {_less(saving.share)} active time ({basis}). {PUBLISHED_WORDS}"
    return (
        f"Whether the draft saves time is open: a pair took {_less(saving.share)} active time with it, but "
        f"the interval holds 0 ({basis}). {PUBLISHED_WORDS}"
    )


def further(experiment: Experiment) -> list[str]:
    """What else may and may not be said: of whom it holds, how it stands to the published claim, what is
    missing."""
    saving = experiment.saving
    if saving is None:
        return []
    sentences = [_against_published(saving.interval), _of_whom(saving), *_more(saving)]
    with_draft, without = experiment.arms
    one, other = with_draft.mean_words or 0.0, without.mean_words or 0.0
    if max(one, other) > max(_UNLIKE * min(one, other), _FEW_WORDS):
        sentences.append(
            "The arms did not end with the same revision: the final text differs from the original by "
            f"{one:.0f} words with the draft and by {other:.0f} without. Say both beside the saving."
        )
    left_out = [one.person for one in experiment.people if not one.counts]
    if left_out:
        sentences.append(
            f"Left out, with fewer than {ENOUGH} finished pairs in an arm: {', '.join(left_out)}."
        )
    return sentences


def left_outside(num: int) -> list[str]:
    """What is not measured: pairs with a save from another tool."""
    if not num:
        return []
    pairs = "1 pair was" if num == 1 else f"{num:,} pairs were"
    return [
        f"{pairs} brought in from other tools and not measured: how long they took is not known, or only as "
        "time on the wall."
    ]


def _against_published(interval: Interval) -> str:
    low, high = PUBLISHED
    if interval.high < low:
        return "The published saving lies above the interval: this team saves less."
    if interval.low > high:
        return "The published saving lies below the interval: this team saves more."
    if interval.low > 0:
        return (
            "The published saving is within the interval: this team's own measurement does not contradict it."
        )
    return "The published saving is within the interval, and so is none at all."


def _of_whom(saving: Saving) -> str:
    here = "It holds for these people and other pairs like these."
    if saving.mean_of_people is None or saving.among_people is None:
        return f"{here} Of other people it says nothing: that takes three or more."
    interval = saving.among_people
    found = f"{_less(saving.mean_of_people)} time, 95 % interval {_range(interval)}"
    if interval.excludes_zero():
        return f"{here} For other people of this kind, each person counted alike: {found}."
    return (
        f"{here} For other people of this kind it is open (each person counted alike: {found}); more people, "
        "not more pairs, would settle that."
    )


def _more(saving: Saving) -> list[str]:
    said = []
    if saving.more_to_tell:
        said.append(
            f"If the saving is as it looks, about {saving.more_to_tell:,} more pairs would show that it is "
            "not 0 (in 80 of 100 experiments)."
        )
    elif saving.more_to_tell is None:
        said.append("It looks so near 0 that no sensible number of pairs would tell it from 0.")
    if saving.more_to_know:
        said.append(f"About {saving.more_to_know:,} more pairs would make the interval ± 5 points.")
    return said


def _less(share: float) -> str:
    """ "18 % less" of 0.18, "4 % more" of −0.04."""
    percent = _round(share)
    return "as much" if percent == 0 else f"{abs(percent)} % {'less' if percent > 0 else 'more'}"


def _range(interval: Interval) -> str:
    """ "9 to 26 %", "−4 to 12 %"."""
    low, high = _round(interval.low), _round(interval.high)
    return f"{_signed(low)} to {_signed(high)} %"


def _signed(percent: int) -> str:
    return f"−{-percent}" if percent < 0 else str(percent)


def _round(share: float) -> int:
    """Whole points, but 0 for nothing but 0: an interval that misses it must look so."""
    percent = round(100 * share)
    return percent if percent or share == 0 else int(math.copysign(1, share)) * (abs(share) >= 0.0005)


def _people(num: int) -> str:
    return "1 person" if num == 1 else f"{num} people"
