"""The figures as inline SVG: small panels of one width, legible side by side and on a phone.

Text stays text and takes the page's font. Ids are renamed per panel, since all panels share one document,
and nothing of the time of drawing is kept: the same numbers give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewright.evaluate.loss_tables import Table
from tunewright.evaluate.losses import Distribution
from tunewright.evaluate.unlike import PER_TOKEN
from tunewright.report import words
from tunewright.report.comparison import Judged
from tunewright.report.gather import Difference
from tunewright.run.svg_figure import INK, QUIET, RULE, svg_figure

# Okabe and Ito's colours, safe for colour-blind readers; lines differ in dash and mark too, for grey print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56708A", "#8C6D00")
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (9, 2)), (0, (3, 1)))
MARKS = ("o", "s", "^", "D", "v", "P")
WIDTH = 3.6  # inches; a panel is shown about 360 px wide, so 9 points are 12 px
MOST_POINTS = 200  # of a line of steps
MOST_ROWS = 8  # of a figure of differences
NAME_CHARS = 20
MOST_NAMED = 3  # arms with their names at the ends of their curves


@dataclass(frozen=True, slots=True)
class Look:
    """How one arm is drawn, everywhere on the page."""

    colour: str
    dash: Any
    mark: str


def looks(arms: Sequence[str]) -> dict[str, Look]:
    """A look for each arm; beyond six they repeat."""
    return {
        arm: Look(COLOURS[index % 6], DASHES[index % 6], MARKS[index % 6]) for index, arm in enumerate(arms)
    }


def learning_curves(
    name: str,
    distributions: Sequence[Distribution],
    tables: Sequence[Table],
    look_of: Mapping[str, Look],
    *,
    limits: tuple[float, float],
) -> str:
    """Mean output loss by epoch on one set: an arm a line, its interval a band, its seeds thin lines.

    More than `MOST_NAMED` arms get no names at their ends, where they would crowd: the page has a legend.
    """
    names_ends = len(look_of) <= MOST_NAMED

    def draw(axes: Any) -> None:
        ends = []
        for arm, look in look_of.items():
            points = sorted((d for d in distributions if d.arm == arm), key=lambda d: d.epoch)
            if points:
                _curve(axes, points, _seed_lines(arm, tables), look, shade=0.15 if names_ends else 0.08)
                ends.append((points[-1], look.colour))
        axes.set_ylim(*limits)
        last = max(end.epoch for end, _ in ends)
        if names_ends:
            _label_ends(axes, ends, last, limits)
        first = min(d.epoch for d in distributions)
        axes.set_xlim(first - 0.15 * max(last - first, 1) / 3, last + 0.1)
        _whole_numbers(axes, last)
        axes.set_xlabel("epoch")
        axes.set_ylabel(f"output loss, {distributions[0].unit}")
        axes.grid(axis="y", color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)

    longest = max(len(_end_label(d)) for d in distributions)
    right = 1 - (5.6 * longest + 10) / (72 * WIDTH) if names_ends else 0.98  # bold letters are about 5.6 wide
    return _panel(name, draw, height=2.5 if names_ends else 3.1, margins=(0.13, right, 0.17, 0.96))


def _curve(
    axes: Any,
    points: Sequence[Distribution],
    seeds: Sequence[tuple[list[int], list[float]]],
    look: Look,
    *,
    shade: float,
) -> None:
    epochs = [d.epoch for d in points]
    low, high = [d.interval.low for d in points], [d.interval.high for d in points]
    axes.fill_between(epochs, low, high, color=look.colour, alpha=shade, linewidth=0)
    for seed_line in seeds:
        axes.plot(*seed_line, color=look.colour, linewidth=0.6, alpha=0.6)
    axes.plot(
        epochs,
        [d.mean for d in points],
        color=look.colour,
        linestyle=look.dash,
        marker=look.mark,
        markersize=3.6,
        linewidth=1.7,
    )


def key(name: str, look: Look) -> str:
    """A short piece of an arm's line with its mark, for a legend."""

    def draw(axes: Any) -> None:
        axes.plot([0, 1, 2], [0, 0, 0], color=look.colour, linestyle=look.dash, linewidth=1.7)
        axes.plot([1], [0], color=look.colour, marker=look.mark, markersize=5)
        axes.set_axis_off()

    return svg_figure(name, draw, size=(0.5, 0.16), margins=(0.02, 0.98, 0.05, 0.95), font="var(--sans)")


def ridges(
    name: str,
    values_of: Mapping[str, NDArray[np.float64]],
    look: Look,
    *,
    limits: tuple[float, float],
    unit: str = PER_TOKEN,
) -> str:
    """The distributions of per-example losses of one arm, a row a set: histogram, median line, mean dot."""
    edges = np.linspace(*limits, 41)

    def draw(axes: Any) -> None:
        tallest = max(np.histogram(v, edges)[0].max() / len(v) for v in values_of.values())
        rows = list(values_of.items())
        for row, (set_name, values) in enumerate(rows):
            base = float(len(rows) - 1 - row)
            shares = np.histogram(np.clip(values, *limits), edges)[0] / len(values)
            heights = base + 0.62 * shares / tallest
            shade = 0.55 if row == 0 else 0.28
            axes.stairs(heights, edges, baseline=base, fill=True, color=look.colour, alpha=shade)
            axes.stairs(heights, edges, baseline=base, color=look.colour, linewidth=0.8)
            axes.plot([limits[0], limits[1]], [base, base], color=RULE, linewidth=0.6, zorder=0)
            median, mean = float(np.median(values)), float(values.mean())
            axes.plot([median, median], [base, base + 0.62], color=INK, linewidth=1.4)
            axes.plot(
                [mean], [base], marker="o", markersize=5.5, color="white", markeredgecolor=INK, clip_on=False
            )
            axes.text(limits[0], base + 0.72, _short(set_name), color=INK, fontweight="bold", va="bottom")
            axes.text(
                limits[1],
                base + 0.72,
                f"mean {words.number(mean)}, median {words.number(median)}",
                color=QUIET,
                ha="right",
                va="bottom",
            )
        axes.set_ylim(-0.12, len(rows))
        axes.set_xlim(*limits)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(f"output loss of an example, {unit}")

    height = 0.62 + 0.74 * len(values_of)
    return _panel(name, draw, height=height, margins=(0.03, 0.97, 0.44 / height, 0.99))


def paired_differences(name: str, differences: Sequence[Difference], *, limits: tuple[float, float]) -> str:
    """Second arm minus first on one set, a row an epoch and one for the best; seeds are hollow dots."""
    rows = _few([d for d in differences if d.at == "epoch" and d.epochs[1] > 0])
    last = [d for d in differences if d.at == "last" and (not rows or d.epochs[0] != d.epochs[1])]
    rows += [*last, *(d for d in differences if d.at == "best")]
    digits = max(words.digits_for(d.paired.interval) for d in rows)

    def draw(axes: Any) -> None:
        axes.axvline(0, color=INK, linewidth=1.1)
        for row, difference in enumerate(reversed(rows)):
            paired = difference.paired
            interval = paired.interval
            solid = words.verdict(interval) is not words.Verdict.NONE_FOUND
            axes.plot([interval.low, interval.high], [row, row], color=INK, linewidth=1.6)
            axes.scatter(
                paired.by_seed,
                [row - 0.22] * len(paired.by_seed),
                s=13,
                facecolors="none",
                edgecolors=QUIET,
                linewidths=0.8,
            )
            axes.plot(
                [paired.difference],
                [row],
                marker="D",
                markersize=5,
                color=INK if solid else "white",
                markeredgecolor=INK,
            )
            axes.text(
                paired.difference,
                row + 0.14,
                words.number(paired.difference, digits=digits, signed=True),
                color=INK,
                ha="center",
                va="bottom",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            )
        axes.set_yticks(range(len(rows)), [_row_label(d) for d in reversed(rows)], color=INK)
        axes.set_ylim(-0.55, len(rows) - 0.3)
        axes.set_xlim(*limits)
        axes.spines["left"].set_visible(False)
        second, first = _short(rows[0].paired.second), _short(rows[0].paired.first)
        axes.set_xlabel(f"{second} − {first}, {rows[0].paired.unit}")
        room = 0.18 * (limits[1] - limits[0])  # a side of zero narrower than this gets no word
        if limits[0] < -room:
            _beside_zero(axes, "← lower", side=-1)
        if limits[1] > room:
            _beside_zero(axes, "higher →", side=1)

    height = 0.75 + 0.42 * len(rows)
    return _panel(name, draw, height=height, margins=(0.23, 0.97, 0.43 / height, 1 - 0.2 / height))


def forest(
    name: str,
    family: Sequence[Judged],
    look_of: Mapping[str, Look],
    *,
    baseline: str,
    limits: tuple[float, float],
) -> str:
    """Every arm minus the baseline on one set, a row an arm; filled where it may be claimed."""
    rows = list(reversed(family))

    def draw(axes: Any) -> None:
        axes.axvline(0, color=INK, linewidth=1.1)
        for row, one in enumerate(rows):
            paired, look = one.difference.paired, look_of[one.arm]
            axes.plot(
                [paired.interval.low, paired.interval.high], [row, row], color=look.colour, linewidth=2.0
            )
            axes.scatter(
                paired.by_seed,
                [row - 0.24] * len(paired.by_seed),
                s=11,
                facecolors="none",
                edgecolors=QUIET,
                linewidths=0.8,
            )
            claimed = one.claim is not words.Verdict.NONE_FOUND
            axes.plot(
                [paired.difference],
                [row],
                marker=look.mark,
                markersize=5.5,
                color=look.colour if claimed else "white",
                markeredgecolor=look.colour,
            )
        axes.set_yticks(range(len(rows)), [_short(one.arm) for one in rows])
        for label, one in zip(axes.get_yticklabels(), rows, strict=True):
            label.set_color(look_of[one.arm].colour)
            label.set_fontweight("bold")
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.set_xlim(*limits)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.set_xlabel(f"arm − {_short(baseline)}, {rows[0].difference.paired.unit}")
        room = 0.18 * (limits[1] - limits[0])
        if limits[0] < -room:
            _beside_zero(axes, "← lower", side=-1)
        if limits[1] > room:
            _beside_zero(axes, "higher →", side=1)

    longest = max(len(_short(one.arm)) for one in family)
    height = 0.75 + 0.3 * len(rows)
    left = min((5.8 * max(longest, 9) + 8) / (72 * WIDTH), 0.5)
    return _panel(name, draw, height=height, margins=(left, 0.97, 0.43 / height, 1 - 0.2 / height))


def objective_curve(name: str, steps_by_seed: Sequence[Sequence[Mapping[str, Any]]], look: Look) -> str:
    """The trained objective by step, one thin line a seed, steps averaged into at most `MOST_POINTS`."""

    def draw(axes: Any) -> None:
        for steps in steps_by_seed:
            numbers = np.array([step["step"] for step in steps], dtype=float)
            losses = np.array([step["loss"] for step in steps], dtype=float)
            parts = min(MOST_POINTS, len(losses))
            axes.plot(
                [part.mean() for part in np.array_split(numbers, parts)],
                [part.mean() for part in np.array_split(losses, parts)],
                color=look.colour,
                linewidth=0.9,
                alpha=0.75,
            )
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
        axes.set_xlabel("step")
        axes.set_ylabel("objective")
        axes.grid(axis="y", color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)

    return _panel(name, draw, height=1.8, margins=(0.13, 0.97, 0.22, 0.95))


def common_limits(values: Sequence[float], *, zero: bool = False, pad: float = 0.06) -> tuple[float, float]:
    """Limits that hold all values with a little air, and zero if asked."""
    low, high = min(values), max(values)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    air = (high - low) * pad or 0.1
    return low - air, high + air


def _panel(
    name: str, draw: Callable[[Any], None], *, height: float, margins: tuple[float, float, float, float]
) -> str:
    size = (WIDTH, height)
    return svg_figure(name, draw, size=size, margins=margins, font="var(--sans)")


def _seed_lines(arm: str, tables: Sequence[Table]) -> list[tuple[list[int], list[float]]]:
    """Each seed's epochs and means; a seed that stopped early has a shorter line."""
    mine = sorted((table for table in tables if table.arm == arm), key=lambda table: table.epoch)
    seeds = sorted({seed for table in mine for seed in table.seeds})
    if len(seeds) < 2:
        return []
    lines = []
    for seed in seeds:
        of_seed = [table for table in mine if seed in table.seeds]
        means = [float(table.losses_SN[table.seeds.index(seed)].mean()) for table in of_seed]
        lines.append(([table.epoch for table in of_seed], means))
    return lines


def _label_ends(
    axes: Any, ends: Sequence[tuple[Distribution, str]], last: int, limits: tuple[float, float]
) -> None:
    """Arm and value at the right end of its line, moved apart where two would overlap."""
    step = (limits[1] - limits[0]) * 0.1
    place = limits[0]
    for end, colour in sorted(ends, key=lambda found: found[0].mean):
        place = max(end.mean, place)
        left = last + (last + 0.25) * 0.045
        axes.text(left, place, _end_label(end), color=colour, fontweight="bold", va="center", clip_on=False)
        place += step


def _end_label(end: Distribution) -> str:
    return f"{_short(end.arm, 10)} {words.number(end.mean)}"


def _whole_numbers(axes: Any, last: int) -> None:
    from matplotlib.ticker import MaxNLocator

    if last <= 8:
        axes.set_xticks(range(last + 1))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _row_label(difference: Difference) -> str:
    if difference.at == "epoch":
        return f"epoch {difference.epochs[1]}"
    first, second = difference.epochs
    return f"{difference.at} ({first}, {second})"


def _few(rows: Sequence[Difference]) -> list[Difference]:
    """At most `MOST_ROWS` epochs, spread evenly, the last always among them."""
    if len(rows) <= MOST_ROWS:
        return list(rows)
    chosen = sorted({round(index) for index in np.linspace(0, len(rows) - 1, MOST_ROWS)})
    return [rows[index] for index in chosen]


def _beside_zero(axes: Any, text: str, *, side: int) -> None:
    axes.annotate(
        text,
        (0, 1.005),
        xycoords=axes.get_xaxis_transform(),
        xytext=(5 * side, 0),
        textcoords="offset points",
        ha="left" if side > 0 else "right",
        color=QUIET,
    )


def _short(name: str, most: int = NAME_CHARS) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
