"""Every arm against the first one, on every held-out set: the family of comparisons that a run makes.

Its p-values are adjusted for their number (Holm 1979), so that the chance of any false finding among them
stays at 5 %; a difference is claimed only where its interval excludes zero and its adjusted p is below that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tunewright.evaluate.intervals import LEVEL
from tunewright.rate.paired_tests import holm
from tunewright.report import words
from tunewright.report.gather import Difference, Run


@dataclass(frozen=True)
class Judged:
    """One comparison with the baseline, its p adjusted for the whole family, and what may be claimed."""

    difference: Difference
    p: float
    claim: words.Verdict

    @property
    def arm(self) -> str:
        return self.difference.paired.second

    @property
    def set_name(self) -> str:
        return self.difference.paired.set


def judged(run: Run) -> list[Judged]:
    """The arms against the first: on each held-out set (else on the training rows), at "last" and "best".

    Where both moments are the same epochs they are one comparison, at "last". Empty for one arm, and for an
    evaluation of an earlier version, which has no p-values.
    """
    sets = run.heldout_names() or ["train"]
    family = [d for d in run.differences if d.at != "epoch" and d.paired.set in sets]
    family = [d for d in family if d.paired.first == run.arm_names()[0]]
    ends = {(d.paired.second, d.paired.set): d.epochs for d in family if d.at == "last"}
    family = [d for d in family if d.at == "last" or d.epochs != ends.get((d.paired.second, d.paired.set))]
    ps = [d.paired.p for d in family if d.paired.p is not None]
    if len(ps) < len(family):
        return []
    return [Judged(d, p, _claim(d, p)) for d, p in zip(family, holm(ps), strict=True)]


def sentences(run: Run) -> list[str]:
    """What may be claimed and what not, each in a sentence; empty where nothing was compared."""
    family = judged(run)
    if not family:
        return []
    first = run.arm_names()[0]
    num_seeds = min(one.difference.paired.num_seeds for one in family)
    over = "for this one seed" if num_seeds == 1 else f"over {num_seeds} seeds"
    many = f" after Holm’s correction for {len(family)} comparisons" if len(family) > 1 else ""
    claims = _told(family, [words.Verdict.LOWER, words.Verdict.HIGHER], first)
    none = _told(family, [words.Verdict.NONE_FOUND], first)
    not_proof = "which is not proof that there is none"
    if not claims:
        return [
            f"No difference from arm {first} may be claimed {over}{many}: none was found {none}, {not_proof}."
        ]
    said = [f"What may be claimed {over}{many}, in nats/token: {claims}."]
    if none:
        said.append(f"No difference from arm {first} was found {none}, {not_proof}.")
    undecided = _undecided(family)
    if undecided:
        arms = words.listed(undecided)
        said.append(
            f"For {arms} the answer depends on when training stops: at the last epoch or at the best."
        )
    return said


def as_json(run: Run) -> dict[str, Any]:
    """The family as data: the baseline, and each comparison with its adjusted p and what may be claimed."""
    return {
        "baseline": run.arm_names()[0],
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
            }
            for one in judged(run)
        ],
    }


def _claim(difference: Difference, p: float) -> words.Verdict:
    if p >= 1 - LEVEL:
        return words.Verdict.NONE_FOUND
    return words.verdict(difference.paired.interval)


def _told(family: Sequence[Judged], verdicts: Sequence[words.Verdict], first: str) -> str:
    """The arms with these verdicts, moment by moment: `at the last epoch a lower output loss than arm it for
    im (held −0.31) and plw-0.25 (held −0.12, other −0.20); …`."""
    parts = []
    has_best = any(one.difference.at == "best" for one in family)
    for at, moment in (("last", "at the last epoch "), ("best", "with each arm at its best epoch ")):
        for verdict in verdicts:
            mine = [one for one in family if one.difference.at == at and one.claim is verdict]
            if mine:
                loss = f"a {verdict.value} output loss than arm {first} for "
                what = "for " if verdict is words.Verdict.NONE_FOUND else loss
                parts.append(f"{moment if has_best else ''}{what}{_arms(mine)}")
    return "; ".join(parts)


def _undecided(family: Sequence[Judged]) -> list[str]:
    """The arms of which at one moment more may be claimed than at the other, or the opposite."""
    arms = []
    for set_name in dict.fromkeys(one.set_name for one in family):
        for arm, found in by_arm(family, set_name).items():
            if len({one.claim for one in found.values()}) > 1:
                arms.append(arm)
    return list(dict.fromkeys(arms))


def _arms(family: Sequence[Judged]) -> str:
    """`im (held −0.31) and plw-0.25 (held −0.12, other −0.20)`; no sizes where no difference was found."""
    arms: dict[str, list[str]] = {}
    for one in family:
        size = "" if one.claim is words.Verdict.NONE_FOUND else f" {difference_text(one)}"
        arms.setdefault(one.arm, []).append(one.set_name + size)
    return words.listed([f"{arm} ({', '.join(parts)})" for arm, parts in arms.items()])


def difference_text(one: Judged) -> str:
    """The difference, signed, with as many decimals as its interval bears."""
    paired = one.difference.paired
    return words.number(paired.difference, digits=digits_of(one), signed=True)


def digits_of(one: Judged) -> int:
    """Decimals: two to four, by the width of the interval."""
    interval = one.difference.paired.interval
    return 4 if 0 < interval.high - interval.low < 0.005 else words.digits_for(interval)


def by_arm(family: Sequence[Judged], set_name: str) -> Mapping[str, Mapping[str, Judged]]:
    """On one set: arm → moment → comparison."""
    found: dict[str, dict[str, Judged]] = {}
    for one in family:
        if one.set_name == set_name:
            found.setdefault(one.arm, {})[one.difference.at] = one
    return found
