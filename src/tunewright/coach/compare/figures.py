"""The figures as inline SVG, in the look of the other pages; text stays text. Same numbers, same bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tunewright.coach.compare.words import Data, digits_for, number
from tunewright.run.svg_figure import INK, QUIET, RULE, svg_figure

BEFORE, AFTER = "#8a93a0", "#0072B2"
SHADES = ("#f2c9a8", "#f3e3b3", "#b9d6ea", "#4d94c4", "#0a5c96")  # worst bin to best
WIDTH = 4.6  # inches
_STYLE = {"hatch.linewidth": 0.6}


def distances(histogram: Data) -> str:
    """How many changed pairs are how far apart, in doubling steps of characters."""
    first = next(place for place, value in enumerate(histogram["counts"]) if value)
    counts, labels = histogram["counts"][first:], histogram["labels"][first:]

    def draw(axes: Any) -> None:
        axes.bar(range(len(counts)), counts, width=0.86, color=AFTER)
        top = max(counts)
        for place, value in enumerate(counts):
            if value:
                axes.text(place, value + top * 0.02, f"{value:,}", ha="center", color=QUIET, fontsize=7.5)
        axes.set_xticks(range(len(counts)), labels, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("characters inserted, deleted or replaced")

    return _panel("distances", draw, height=2.5, margins=(0.04, 0.98, 0.31, 0.95))


def bins(comparison: Data) -> str:
    """Shares of the rating bins before and after, as two bars; records without a score are hatched."""
    labels = comparison["labels"]
    table = comparison["transitions"]
    before = [sum(row) for row in table]
    after = [sum(row[place] for row in table) for place in range(len(labels))]
    shades = _shades(len(labels) - 1)

    def draw(axes: Any) -> None:
        for y, values in ((1, before), (0, after)):
            left, total = 0.0, sum(values)
            for place, value in enumerate(values):
                share = 100 * value / total
                is_missing = place == len(labels) - 1
                style = {"hatch": "////", "edgecolor": QUIET} if is_missing else {"edgecolor": "white"}
                colour = "white" if is_missing else shades[place]
                axes.barh(y, share, left=left, height=0.6, color=colour, linewidth=0.7, **style)
                if share >= 6:
                    dark = not is_missing and place >= len(labels) - 3 and len(labels) > 3
                    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8} if is_missing else None
                    axes.text(
                        left + share / 2,
                        y,
                        f"{share:.0f}",
                        ha="center",
                        va="center",
                        color="white" if dark else INK,
                        bbox=box,
                    )
                left += share
        axes.set_yticks([1, 0], ["before", "after"], color=INK)
        axes.set_xlim(0, 100)
        axes.set_ylim(-0.45, 1.45)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("% of compared records")

    return _panel("bins", draw, height=1.5, margins=(0.12, 0.97, 0.31, 0.99))


def bin_key(comparison: Data) -> list[tuple[str, str]]:
    """The colour of each bin beside its label; an empty colour stands for the hatching."""
    labels = comparison["labels"]
    return [*zip(_shades(len(labels) - 1), labels[:-1], strict=True), ("", labels[-1])]


def gains(ratings: Data) -> str:
    """The mean change of every score with its interval, and below it that at equal length."""
    found = [one for one in ratings["gains"] if one["mean"] is not None]
    digits = digits_for(ratings["scale"])
    rows = [
        (
            one["key"],
            (one["changed_mean"], one["changed_interval"]),
            (one["equal_length"], one["equal_length_interval"]),
        )
        for one in found
    ]
    return _dots("gains", rows, zero=0.0, label="after − before, changed records", digits=digits)


def rates(judge: Data) -> str:
    """The win rates with and without length control against one half; QS has no such line to be held to."""
    found, controlled = judge["rates"], judge["controlled"]
    rows: list[tuple[str, Any, Any]] = []
    for name, key in (("WR1, ties half", "wr1"), ("WR2, without ties", "wr2")):
        rate = found[key]
        other = controlled["rate"] if controlled and key == "wr1" else None
        pair = (_times(rate["value"]), _times_interval(rate["interval"]))
        second = (_times(other["value"]), _times_interval(other["interval"])) if other else (None, None)
        if rate["value"] is not None:
            rows.append((name, pair, second))
    return _dots("rates", rows, zero=50.0, label="% won by the revised version", digits=0, limits=(0, 100))


def _dots(
    name: str,
    rows: Sequence[tuple[str, Any, Any]],
    *,
    zero: float,
    label: str,
    digits: int,
    limits: tuple[float, float] | None = None,
) -> str:
    def draw(axes: Any) -> None:
        axes.axvline(zero, color=INK, linewidth=1)
        for row, (_, plain, controlled) in enumerate(reversed(rows)):
            for (value, interval), offset, fill in ((plain, 0.16, AFTER), (controlled, -0.2, "white")):
                if value is None:
                    continue
                y = row + (offset if controlled[0] is not None else 0)
                if interval is not None:
                    axes.plot([interval["low"], interval["high"]], [y, y], color=AFTER, linewidth=1.5)
                mark = "o" if fill == AFTER else "D"
                axes.plot([value], [y], mark, markersize=5, color=fill, markeredgecolor=AFTER, clip_on=False)
                axes.annotate(
                    number(value, digits=digits, signed=zero == 0),
                    (value, y),
                    xytext=(0, 4.5),
                    textcoords="offset points",
                    ha="center",
                    color=INK,
                    fontsize=7.5,
                )
        axes.set_yticks(range(len(rows)), [row[0] for row in reversed(rows)], color=INK)
        axes.set_ylim(-0.55, len(rows) - 0.35)
        if limits is not None:
            axes.set_xlim(*limits)
        else:
            axes.margins(x=0.08)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.set_xlabel(label)

    height = 0.7 + 0.52 * len(rows)
    longest = max(len(row[0]) for row in rows)
    left = min(0.05 + longest * 5.4 / (72 * WIDTH), 0.45)
    return _panel(name, draw, height=height, margins=(left, 0.96, 0.46 / height, 0.99))


def _times(value: float | None) -> float | None:
    return None if value is None else 100 * value


def _times_interval(interval: Data | None) -> Data | None:
    return None if interval is None else {end: 100 * interval[end] for end in ("low", "high")}


def _shades(number_of_bins: int) -> list[str]:
    """As many as there are bins, from worst to best; beyond five the middle one repeats."""
    if number_of_bins <= len(SHADES):
        return (
            list(SHADES[:1] + SHADES[len(SHADES) - number_of_bins + 1 :])
            if number_of_bins > 1
            else [SHADES[2]]
        )
    return [*SHADES[:2], *[SHADES[2]] * (number_of_bins - 4), *SHADES[3:]]


def _panel(
    name: str, draw: Callable[[Any], None], *, height: float, margins: tuple[float, float, float, float]
) -> str:
    return svg_figure(name, draw, size=(WIDTH, height), margins=margins, style=_STYLE)
