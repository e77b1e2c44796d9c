"""Every arm against the baseline, on every held-out set: the family of comparisons that a run makes.

Its p-values are adjusted for their number (Holm 1979), so that the chance of any false finding among them
stays at 5 %; a difference is claimed only where its interval excludes zero and its adjusted p is below that.
Only the last epochs are compared: best epochs are picked on the very rows they would be compared on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tunewright.evaluate.intervals import LEVEL, Interval
from tunewright.evaluate.losses import at_last_epoch, common_seeds
from tunewright.evaluate.settle import Needed, needed
from tunewright.rate.paired_tests import holm
from tunewright.report import words
from tunewright.report.gather import Difference, Run
from tunewright.report.settling import settling_sentence


@dataclass(frozen=True)
class Judged:
    """One comparison with the baseline, its p adjusted for the whole family, and what may be claimed."""

    difference: Difference
    p: float
    claim: words.Verdict
    needed: Needed | None = None  # what would settle it, where nothing may be claimed

    @property
    def arm(self) -> str:
        return self.difference.paired.second

    @property
    def set_name(self) -> str:
        return self.difference.paired.set


def judged(run: Run) -> list[Judged]:
    """The arms against the baseline at their last epochs, on each held-out set (else on the training rows).

    Empty for one arm, where the baseline has no finished model, and for an evaluation of an earlier version,
    which has no p-values.
    """
    sets = run.heldout_names() or ["train"]
    family = [d for d in run.differences if d.at == "last" and d.paired.set in sets]
    family = [d for d in family if d.paired.first == run.baseline]
    ps = [d.paired.p for d in family if d.paired.p is not None]
    if len(ps) < len(family):
        return []
    found = []
    for difference, p in zip(family, holm(ps), strict=True):
        claim = _claim(difference, p)
        is_open = claim is words.Verdict.NONE_FOUND
        settles = _needed(run, difference, len(family)) if is_open else None
        found.append(Judged(difference, p, claim, settles))
    return found


def sentences(run: Run) -> list[str]:
    """What may be claimed and what not, each in a sentence; empty where nothing was compared."""
    if run.lacks_baseline:
        return [
            f"Nothing is compared: arm {run.baseline}, which the others are to be compared with, has no "
            "finished model. Train it, or put another arm first (compare: --baseline ARM)."
        ]
    family = judged(run)
    if not family:
        return []
    num_seeds = min(one.difference.paired.num_seeds for one in family)
    over = "for this one seed" if num_seeds == 1 else f"over {num_seeds} seeds"
    many = f" after Holm’s correction for {len(family)} comparisons" if len(family) > 1 else ""
    ended = "at the last epoch"
    none = _arms([one for one in family if one.claim is words.Verdict.NONE_FOUND])
    claims = [
        f"a {found.value} output loss than arm {run.baseline} for {_arms(mine)}"
        for found in (words.Verdict.LOWER, words.Verdict.HIGHER)
        if (mine := [one for one in family if one.claim is found])
    ]
    not_proof = "which is not proof that there is none"
    settling = [*_settling(family, num_seeds), *unequal_leaks(run)]
    if not claims:
        return [
            f"No difference from arm {run.baseline} {ended} may be claimed {over}{many}: none was found for "
            f"{none}, {not_proof}.",
            *settling,
        ]
    said = [f"What may be claimed {ended} {over}{many}, in {run.unit}: {'; '.join(claims)}."]
    if none:
        said.append(f"No difference from arm {run.baseline} was found for {none}, {not_proof}.")
    return said + settling


def leaks(run: Run) -> list[str]:
    """Held-out prompts that are in the training rows, of all arms or of some."""
    sentences = []
    for name, by_arm in leaked(run).items():
        if len(set(by_arm.values())) == 1:
            num = next(iter(by_arm.values()))
            sentences.append(
                f"{num:,} prompts of the set {name} are in the training rows too: there the loss measures "
                "memory."
            )
    return sentences + unequal_leaks(run)


def unequal_leaks(run: Run) -> list[str]:
    """Held-out prompts that some arms were trained on and others were not: that comparison is not a fair
    one, whatever may be claimed of it."""
    sentences = []
    for name, by_arm in leaked(run).items():
        if len(set(by_arm.values())) > 1:
            parts = words.listed([f"{num:,} in those of {arm}" for arm, num in by_arm.items() if num])
            sentences.append(
                f"Not a fair comparison on {name}: of its prompts {parts} are in the arm’s training rows, "
                "where the loss measures memory. Take them out of the data and train again."
            )
    return sentences


def leaked(run: Run) -> dict[str, dict[str, int]]:
    """How many prompts of a held-out set are in an arm's training rows, by set and arm, where any are."""
    names = dict.fromkeys(
        name for arm in run.arms for name in arm.extra.get("heldout_prompts_in_training", {})
    )
    found = {
        name: {
            arm.name: int(arm.extra.get("heldout_prompts_in_training", {}).get(name, 0)) for arm in run.arms
        }
        for name in names
    }
    return {name: by_arm for name, by_arm in found.items() if any(by_arm.values())}


def _settling(family: Sequence[Judged], num_seeds: int) -> list[str]:
    """How many seeds or examples would show the differences that could not be claimed."""
    named = {
        f"{one.arm} on {one.set_name}": (one.needed, num_seeds)
        for one in family
        if one.needed is not None and one.difference.paired.difference
    }
    return settling_sentence(named, units="examples")


def as_json(run: Run) -> dict[str, Any]:
    """The family as data: the baseline, and each comparison with its adjusted p and what may be claimed."""
    return {
        "baseline": run.baseline,
        "level": LEVEL,
        "comparisons": [
            {
                "arm": one.arm,
                "set": one.set_name,
                "at": one.difference.at,
                "epochs": list(one.difference.epochs),
                "difference": one.difference.paired.difference,
                "interval": asdict(one.difference.paired.interval),
                "p": one.difference.paired.p,
                "p_holm": one.p,
                "claim": one.claim.value,
                "needed": None if one.needed is None else asdict(one.needed),
            }
            for one in judged(run)
        ],
    }


def _claim(difference: Difference, p: float) -> words.Verdict:
    if p >= 1 - LEVEL:
        return words.Verdict.NONE_FOUND
    return words.verdict(difference.paired.interval)


def _needed(run: Run, difference: Difference, num_comparisons: int) -> Needed | None:
    """What would show a difference at the last epoch, at the level of Holm's first step."""
    paired = difference.paired
    ends = [at_last_epoch(run.tables, arm=arm, set=paired.set) for arm in (paired.first, paired.second)]
    both = common_seeds(*ends)
    if both is None:
        return None
    first, second = both
    return needed(second.losses_SN - first.losses_SN, alpha=(1 - LEVEL) / num_comparisons)


def _arms(family: Sequence[Judged]) -> str:
    """`im (held −0.31) and plw-0.25 (held −0.12, other −0.20)`; no sizes where no difference was found."""
    arms: dict[str, list[str]] = {}
    for one in family:
        size = "" if one.claim is words.Verdict.NONE_FOUND else f" {difference_text(one)}"
        arms.setdefault(one.arm, []).append(one.set_name + size)
    return words.listed([f"{arm} ({', '.join(parts)})" for arm, parts in arms.items()]) if arms else ""


def difference_text(one: Judged) -> str:
    """The difference, signed, with as many decimals as its interval bears."""
    paired = one.difference.paired
    return words.number(paired.difference, digits=digits_of(paired.interval), signed=True)


def digits_of(interval: Interval) -> int:
    """Decimals of a difference with this interval: two to four, by its width."""
    return 4 if 0 < interval.high - interval.low < 0.005 else words.digits_for(interval)
