"""The figures of the page with their titles and their findings in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunewright.evaluate.losses import Distribution
from tunewright.report import figures, grids, words
from tunewright.report.comparison import difference_text, judged
from tunewright.report.findings import by_pair, comparison
from tunewright.report.gather import Run

MOST_PAIRS = 6  # of arms, drawn; the table has them all


@dataclass(frozen=True, slots=True)
class Panel:
    """One figure: its title, the drawing, and the finding in words for those who do not see it."""

    title: str
    svg: str
    finding: str


@dataclass(frozen=True, slots=True)
class PanelGroup:
    """Figures that belong together under one heading; the heading is empty where there is one group."""

    title: str
    panels: Sequence[Panel]


def curves(run: Run) -> list[Panel]:
    """Learning curves, a panel a set, on one scale.

    With many arms epoch 0 is not drawn where it lies far above the others: it is the same model in every
    arm, and its height would leave their differences no room. The title then has its value.
    """
    if not run.tables:
        return []
    drawn = _full(run.distributions, run)
    if len(run.arm_names()) > figures.MOST_NAMED and _starts_far_above(drawn):
        drawn = [d for d in drawn if d.epoch > 0]
    limits = figures.common_limits([v for d in drawn for v in (d.interval.low, d.interval.high)])
    look_of = figures.looks(run.arm_names())
    epochs = {d.epoch for d in drawn}
    panels: list[Panel] = []
    for number, name in enumerate(run.set_names()):
        mine = [d for d in drawn if d.set == name]
        tables = [table for table in run.tables if table.set == name and table.epoch in epochs]
        svg = figures.learning_curves(f"curve{number}", mine, tables, look_of, limits=limits)
        start = run.distribution(run.arm_names()[0], name, 0)
        title = grids.set_title(name)
        if start is not None and 0 not in epochs:
            title += f" ({words.number(start.mean)} at epoch 0)"
        ends = []
        for arm in run.arm_names():
            first, last = run.distribution(arm, name, 0), run.distribution(arm, name, run.last_epoch(arm))
            if last is not None:
                begun = f"from {words.number(first.mean)} " if first is not None else ""
                ends.append(f"{arm} goes {begun}to {words.number(last.mean)}")
        panels.append(Panel(title, svg, f"Output loss by epoch: {'; '.join(ends)}."))
    return panels


def _starts_far_above(distributions: Sequence[Distribution]) -> bool:
    """Whether epoch 0 would take more than a quarter of the height from the others."""
    later = [d.mean for d in distributions if d.epoch > 0]
    start = [d.mean for d in distributions if d.epoch == 0]
    return bool(later and start) and max(start) - max(later) > (max(later) - min(later)) / 3


def keys(run: Run) -> list[tuple[str, str]]:
    """A legend, (arm, drawing), for curves that do not carry their names."""
    if len(run.arm_names()) <= figures.MOST_NAMED or not run.tables:
        return []
    look_of = figures.looks(run.arm_names())
    return [(arm, figures.key(f"key{number}", look)) for number, (arm, look) in enumerate(look_of.items())]


def _full(distributions: Sequence[Distribution], run: Run) -> list[Distribution]:
    """Those of epochs that all seeds of their arm reached: a mean over fewer would jump."""
    most = {arm: len(run.of_arm(arm)) for arm in run.arm_names()}
    return [d for d in distributions if d.num_seeds == most.get(d.arm)]


def objectives(run: Run) -> list[Panel]:
    """The trained objective by step, a panel an arm."""
    look_of = figures.looks(run.arm_names())
    panels = []
    for number, name in enumerate(run.arm_names()):
        steps = [arm.steps for arm in run.of_arm(name) if arm.steps]
        if steps:
            svg = figures.objective_curve(f"steps{number}", steps, look_of[name])
            finding = (
                f"Objective of {name} by step: from {words.number(steps[0][0]['loss'])} to "
                f"{words.number(steps[0][-1]['loss'])} with the first seed."
            )
            panels.append(Panel(f"Arm {name}", svg, finding))
    return panels


def distributions(run: Run) -> list[Panel]:
    """Losses of single examples after the last epoch, a panel an arm and a row a set."""
    if not run.tables:
        return []
    values = {
        arm: {
            grids.set_title(t.set): t.losses_SN.ravel()
            for t in run.tables
            if (t.arm, t.epoch) == (arm, run.last_epoch(arm))
        }
        for arm in run.arm_names()
    }
    pooled = np.concatenate([v for by_set in values.values() for v in by_set.values()])
    # the highest half per cent would squeeze all the rest; it is drawn in the last bar
    limits = (0.0, float(np.percentile(pooled, 99.5)) * 1.04)
    look_of = figures.looks(run.arm_names())
    panels = []
    for number, (arm, by_set) in enumerate(values.items()):
        svg = figures.ridges(f"ridge{number}", by_set, look_of[arm], limits=limits, unit=run.unit)
        parts = [
            f"{name}: mean {words.number(float(v.mean()))}, median {words.number(float(np.median(v)))}"
            for name, v in by_set.items()
        ]
        finding = f"Distribution of output losses of {arm}. {'; '.join(parts)}."
        panels.append(Panel(f"Arm {arm}, epoch {run.last_epoch(arm)}", svg, finding))
    return panels


def forests(run: Run) -> list[Panel]:
    """Every arm against the baseline, a panel a held-out set, on one scale; none below three arms."""
    family = judged(run)
    if len({one.arm for one in family}) < 2:
        return []
    shown = [one.difference.paired for one in family]
    bounds = [v for paired in shown for v in (paired.interval.low, paired.interval.high, *paired.by_seed)]
    limits = figures.common_limits(bounds, zero=True)
    look_of = figures.looks(run.arm_names())
    panels = []
    for number, name in enumerate(dict.fromkeys(one.set_name for one in family)):
        mine = [one for one in family if one.set_name == name]
        svg = figures.forest(f"forest{number}", mine, look_of, baseline=str(run.baseline), limits=limits)
        told = "; ".join(f"{one.arm} {difference_text(one)}, {one.claim.value}" for one in mine)
        panels.append(Panel(grids.set_title(name), svg, f"Against {run.baseline}: {told}."))
    return panels


def differences(run: Run) -> list[PanelGroup]:
    """Paired differences, a group a pair of arms and a panel a set, on one scale."""
    against = {pair: found for pair, found in by_pair(run).items() if pair[0] == run.baseline}
    pairs = dict(list((against or by_pair(run)).items())[:MOST_PAIRS])
    if not pairs:
        return []
    drawn = [d for found in pairs.values() for d in found if d.epochs[1] > 0]
    bounds = [v for d in drawn for v in (d.paired.interval.low, d.paired.interval.high, *d.paired.by_seed)]
    limits = figures.common_limits(bounds, zero=True, pad=0.12)
    groups = []
    for row, ((first, second), found) in enumerate(pairs.items()):
        panels = []
        for column, name in enumerate(run.set_names()):
            mine = [d for d in found if d.paired.set == name]
            if mine:
                svg = figures.paired_differences(f"pair{row}-{column}", mine, limits=limits)
                panels.append(Panel(grids.set_title(name), svg, " ".join(comparison(mine))))
        groups.append(PanelGroup(f"{second} against {first}" if len(by_pair(run)) > 1 else "", panels))
    return groups
