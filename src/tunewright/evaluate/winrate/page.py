"""Win rates as one HTML page that needs nothing beside itself: intervals first, then the numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tunewright.evaluate.intervals import Interval
from tunewright.evaluate.winrate.summary import ModelSummary, Summary
from tunewright.rate.summary import Share
from tunewright.run.files import write_text_atomic
from tunewright.run.html_page import render_html
from tunewright.run.svg_figure import INK, QUIET, RULE, svg_figure

TEMPLATES = Path(__file__).parent / "templates"
PLAIN, CONTROLLED = "#b7791f", "#0b5cad"
_INCHES_PER_MODEL = 0.27
_MOST_TESTS = 45  # ten models' pairs; of more, each with the next


def write_page(summary: Summary, path: str | Path) -> Path:
    """Write the page; the same summary gives the same bytes."""
    write_text_atomic(path, render(summary))
    return Path(path)


def render(summary: Summary) -> str:
    """The page as HTML; every text from files is escaped."""
    all_tests = len(summary.tests) <= _MOST_TESTS
    values = {
        "summary": summary,
        "lead": lead(summary),
        "figure": _figure(summary.models) if summary.models else "",
        "plain": PLAIN,
        "controlled": CONTROLLED,
        "has_control": any(one.length_controlled for one in summary.models),
        "has_published": any(one.published for one in summary.models),
        "has_orders": any(one.position.consistency.of for one in summary.models),
        "tests": summary.tests if all_tests else summary.neighbours(),
        "all_tests": all_tests,
        "num_shown": sum(test.is_shown() for test in summary.tests),
    }
    filters: dict[str, Callable[..., Any]] = {
        "number": number,
        "span": span,
        "percent": percent,
        "p": p_value,
        "whole": _whole,
    }
    return render_html(TEMPLATES, "winrate.html", values, filters=filters)


def lead(summary: Summary) -> str:
    """The sentence on top: who is first, and whether the next is shown to be worse."""
    if not summary.models:
        return f"{len(summary.mean_scores)} models with single scores; name a baseline to have win rates."
    first = summary.models[0]
    name = first.rates.generator
    kind = "at equal length " if first.length_controlled is not None else ""
    text = f"{name} wins {first.win_rate:.1f} % {kind}against {summary.baseline}{_against_even(first)}."
    if summary.neighbours():
        test = summary.neighbours()[0]
        if test.difference is None:
            return f"{text} It has no instruction in common with {test.model_b}."
        side = "above" if test.difference >= 0 else "below"
        shown = "which stands after Holm's correction" if test.is_shown() else "which can be chance"
        text += (
            f" The next is {test.model_b}; as it is, the first one's win rate is {abs(test.difference):.1f} "
            f"points {side} that, {shown}."
        )
    return text


def _against_even(model: ModelSummary) -> str:
    """Whether the interval of the rate holds 50, at which neither is better; nothing without an interval."""
    controlled = model.length_controlled
    interval = model.rates.interval if controlled is None else controlled.interval
    if interval is None:
        return ""
    side = "above" if interval.low > 50 else "below" if interval.high < 50 else ""
    says = f"{side} 50" if side else "50 lies in it, so neither is shown to be better"
    return f" (95 % interval {span(interval)}: {says})"


def number(value: float | None, digits: int = 1) -> str:
    """The value with a minus sign that is one, and none before a 0; a dash for None."""
    if value is None:
        return "–"
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def span(interval: Interval | None) -> str:
    """ "3.4 to 9.6", or a dash."""
    return "–" if interval is None else f"{number(interval.low)} to {number(interval.high)}"


def percent(share: Share) -> str:
    """ "63 % of 120", or a dash of nothing."""
    return "–" if share.share is None else f"{100 * share.share:.0f} % of {share.of:,}"


def p_value(p: float | None) -> str:
    """Three digits, which is all that a p deserves."""
    return "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def _whole(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _figure(models: Sequence[ModelSummary]) -> str:
    """Intervals one under another, best on top: plain, and at equal length."""

    def draw(axes: Any) -> None:
        for place, one in enumerate(models):
            controlled = one.length_controlled
            shift = 0.16 if controlled is not None else 0.0
            _point(axes, one.rates.win_rate, one.rates.interval, place + shift, PLAIN, "o")
            if controlled is not None:
                _point(axes, controlled.win_rate, controlled.interval, place - shift, CONTROLLED, "s")
        axes.axvline(50, color=QUIET, linewidth=0.7, linestyle=(0, (3, 2)))
        axes.set_yticks(range(len(models)), [one.rates.generator for one in models], color=INK)
        axes.set_ylim(len(models) - 0.4, -0.6)
        axes.set_xlim(0, 100)
        axes.set_xlabel("wins against the baseline, %")
        axes.xaxis.grid(True, color=RULE, linewidth=0.5)
        axes.set_axisbelow(True)
        axes.spines["left"].set_visible(False)

    height = 0.7 + _INCHES_PER_MODEL * len(models)
    longest = max(len(one.rates.generator) for one in models)
    left = min(0.45, 0.03 + 0.0095 * longest)
    label = f"Win rates of {len(models)} models with 95 % intervals; the numbers are in the table"
    margins = (left, 0.98, 0.5 / height, 1 - 0.08 / height)
    return svg_figure("winrates", draw, size=(7.6, height), margins=margins, label=label)


def _point(
    axes: Any, value: float, interval: Interval | None, height: float, colour: str, marker: str
) -> None:
    if interval is not None:
        axes.plot([interval.low, interval.high], [height, height], color=colour, linewidth=1.6)
    axes.plot([value], [height], marker, color=colour, markersize=4.2)
