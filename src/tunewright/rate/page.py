"""The summary of a rating as one HTML page that needs nothing beside itself: no script, no network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewright.rate.tally import headline
from tunewright.run.files import write_text_atomic
from tunewright.run.html_page import render_html

TEMPLATES = Path(__file__).parent / "templates"
_WORDS = {
    "unparsable": "the reply could not be read",
    "refused": "the endpoint refused",
    "unanswered": "no reply came",
    "absent": "nothing there to rate",
}


def write_page(summary: Mapping[str, Any], path: str | Path) -> Path:
    """Write the page of a `summary.json`'s content; the same summary gives the same bytes."""
    write_text_atomic(path, render(summary))
    return Path(path)


def render(summary: Mapping[str, Any]) -> str:
    """The page as HTML; every text from records and replies is escaped."""
    main = headline(summary, summary["main_side"])
    values = {
        "run": summary,
        "main": main,
        "lead": lead(main),
        "words": _WORDS,
        "charts": [_chart(one) for one in summary["scores"]],
    }
    return render_html(
        TEMPLATES,
        "ratings.html",
        values,
        filters={"count": _count, "percent": _percent, "number": _number, "interval": _interval},
    )


def lead(main: Mapping[str, Any]) -> str:
    """The first sentence: the share of high-quality records, with both denominators where they differ."""
    of_all, of_rated = main["high_of_all"], main["high_of_rated"]
    if not main["num_rated"]:
        return f"None of {_count(main['num_records'])} records could be rated."
    text = (
        f"{_count(of_all['count'])} of {_count(of_all['of'])} records ({_percent(of_all['share'])}) score "
        f"{main['high_from']:g} or more"
    )
    if of_rated["of"] != of_all["of"]:
        text += f"; of the {_count(of_rated['of'])} with a rating it is {_percent(of_rated['share'])}"
    text += f". The mean is {_number(main['mean'])}"
    if main["mean_interval"] is not None:
        text += f" {_interval(main['mean_interval'])}"
    return text + "."


def _chart(score: Mapping[str, Any]) -> dict[str, Any]:
    """A histogram's columns in the units of its drawing, 300 wide and 100 high."""
    bars = score["histogram"]
    top = max((bar["count"] for bar in bars), default=0)
    width = 300 / len(bars)
    columns = [
        {
            "x": round(index * width + width * 0.08, 2),
            "width": round(width * 0.84, 2),
            "middle": round((index + 0.5) * width, 2),
            "height": round(100 * bar["count"] / top, 2) if top else 0,
            "count": bar["count"],
            "label": bar["label"],
            "is_named": len(bars) <= 12 or index % 5 == 0,
            "name": bar["label"].split(",")[0].lstrip("["),
        }
        for index, bar in enumerate(bars)
    ]
    return {
        "key": score["key"],
        "columns": columns,
        "score": score,
        "is_binned": bars[0]["label"].startswith("["),
    }


def _count(value: int) -> str:
    return f"{value:,}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".replace("-", "−")


def _interval(interval: Mapping[str, float] | None, *, percent: bool = False) -> str:
    if interval is None:
        return "–"
    low, high = interval["low"], interval["high"]
    text = f"[{100 * low:.1f}, {100 * high:.1f}] %" if percent else f"[{low:.2f}, {high:.2f}]"
    return text.replace("-", "−")
