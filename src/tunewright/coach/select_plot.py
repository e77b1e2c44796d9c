"""The figure of a selection: score against rank, marked where each α cuts, as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tunewright.coach.distance import num_kept
from tunewright.coach.select import ALPHAS, Ranking
from tunewright.run.svg_figure import INK, QUIET, RULE, svg_figure

BAR = "#3d6f9e"
_STYLE = {"ytick.major.size": 3.5, "xtick.major.size": 3.5}
_WIDTH, _HEIGHT = 9.0, 3.6  # inches; text is 9 points, so about 11 px at the page's width
_MOST_POINTS = 2_000


def rank_plot(ranking: Ranking, *, alpha: float, label: str) -> str:
    """Scores by rank, on a logarithmic axis where all are positive distances; the chosen ones shaded."""
    scores = [score for number in ranking.order if not math.isnan(score := ranking.scores[number])]
    total = len(ranking.order)
    logarithmic = bool(scores) and min(scores) > 0 and ranking.by.value != "rating-gain"

    def draw(axes: Any) -> None:
        places = _places(len(scores))
        shown = [scores[place] for place in places]
        if logarithmic:
            axes.set_yscale("log")
        floor = min(shown) if logarithmic else min(0.0, *shown)
        chosen = num_kept(alpha, total)
        axes.plot([place + 1 for place in places], shown, color=BAR, linewidth=1.6)
        inside = [place for place in places if place < chosen]
        axes.fill_between(
            [place + 1 for place in inside],
            [scores[place] for place in inside],
            floor,
            color=BAR,
            alpha=0.16,
            linewidth=0,
        )
        for one in sorted({*ALPHAS[:-1], alpha}):
            _mark(axes, one, num_kept(one, total), scores, is_chosen=one == alpha)
        axes.set_xlim(0, total * 1.005)
        axes.set_xlabel("rank, the largest first")
        axes.set_ylabel(label)
        axes.grid(axis="y", color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        _plain_numbers(axes, logarithmic)

    size = (_WIDTH, _HEIGHT)
    margins = (0.07, 0.98, 0.13, 0.91)
    return svg_figure("selection", draw, size=size, margins=margins, label="scores by rank", style=_STYLE)


def _mark(axes: Any, alpha: float, num: int, scores: Sequence[float], *, is_chosen: bool) -> None:
    """A line at the cut, with α above the figure and the score on the curve."""
    if not 0 < num <= len(scores):
        return
    colour = INK if is_chosen else QUIET
    axes.axvline(
        num, color=colour, linewidth=1.3 if is_chosen else 0.6, linestyle="-" if is_chosen else (0, (2, 2))
    )
    axes.annotate(
        f"α {alpha:g}",
        (num, 1.01),
        xycoords=axes.get_xaxis_transform(),
        ha="center",
        va="bottom",
        color=colour,
        fontweight="bold" if is_chosen else "normal",
    )
    axes.plot([num], [scores[num - 1]], marker="o", markersize=4, color=colour)
    axes.annotate(
        f"{scores[num - 1]:g}",
        (num, scores[num - 1]),
        xytext=(4, 4),
        textcoords="offset points",
        color=colour,
        fontweight="bold" if is_chosen else "normal",
    )


def _places(count: int) -> list[int]:
    if count <= _MOST_POINTS:
        return list(range(count))
    return sorted({round(i * (count - 1) / (_MOST_POINTS - 1)) for i in range(_MOST_POINTS)})


def _plain_numbers(axes: Any, logarithmic: bool) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    if logarithmic:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
