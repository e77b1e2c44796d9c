"""The results as one HTML page that needs nothing beside itself: no script, no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tunewright.run.html_page import render_html

TEMPLATES = Path(__file__).parent / "templates"
CLEAR = 0.05
_NAMES = {
    "percent": "equal ratings",
    "cohen": "Cohen’s κ",
    "fleiss": "Fleiss’ κ",
    "alpha": "Krippendorff’s α",
    "ac1": "Gwet’s AC1",
    "ac2": "Gwet’s AC2",
}
_OF_PAIR = {"win": "first by name wins", "loss": "second wins"}
_SHADES = ("#20486f", "#5b87b3", "#a9c3dc", "#dfe8f1", "#e9d8c3", "#cf9f6b", "#a8672a")


def render(results: Mapping[str, Any]) -> str:
    """The page of `results.json`'s content; the same results give the same bytes."""
    values = {
        "run": results,
        "claims": claims(results),
        "names": _NAMES,
        "labels": {
            one["id"]: {option["value"]: option["label"] for option in one["options"]} | _OF_PAIR
            for one in results["questions"]
        },
        "bars": {
            one["id"]: [_bar(one, row) for row in one["first"]["systems"]] for one in results["questions"]
        },
    }
    filters: dict[str, Callable[..., Any]] = {
        "count": _count,
        "percent": _percent,
        "number": _number,
        "interval": _interval,
        "points": _points,
        "p": _p,
        "share": _share,
        "plain": _plain,
    }
    return render_html(TEMPLATES, "results.html", values, filters=filters)


def claims(results: Mapping[str, Any]) -> list[str]:
    """One sentence per question: what may be claimed after correction, by how much, and what not. Of one
    system alone, its share or mean.

    It is of the first ratings, which nobody talked about; adjudication gets its own where it says something
    else.
    """
    sentences = []
    for one in results["questions"]:
        text = _claim(one["first"]) or _alone(one)
        if not text:
            continue
        sentences.append(f"{one['id']}: {text}.")
        if one["adjudicated"] and _order(one["adjudicated"]) != _order(one["first"]):
            sentences.append(f"{one['id']}, after adjudication: {_claim(one['adjudicated'])}.")
    return sentences


def _order(side: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The pairs that differ after correction, the better one first."""
    clear = [test for test in side["tests"] if test["p_holm"] < CLEAR]
    return [(test["a"], test["b"]) if test["mean"] > 0 else (test["b"], test["a"]) for test in clear]


def _claim(side: Mapping[str, Any]) -> str:
    order = _order(side)
    tests = {frozenset((test["a"], test["b"])): test for test in side["tests"]}
    num_open = len(tests) - len(order)
    if not order:
        return "no difference between systems is shown" if tests else ""
    said = [
        f"{above} above {below} {_size(side['measure'], tests[frozenset((above, below))])}"
        for above, below in order
    ]
    if num_open:
        said.append(f"{num_open} other comparison{'s show' if num_open > 1 else ' shows'} no difference")
    return "; ".join(said)


def _size(measure: str, test: Mapping[str, Any]) -> str:
    """How large a difference is, seen from the better side, with its interval."""
    if measure == "wins":
        rate, ends = test["win_rate"], test["win_rate_interval"]
        if test["mean"] < 0:
            rate, ends = 1 - rate, {"low": 1 - ends["high"], "high": 1 - ends["low"]}
        return f"(win rate {100 * rate:.1f} %, {_interval(ends, percent=True)})"
    ends = test["interval"]
    if ends and test["mean"] < 0:
        ends = {"low": -ends["high"], "high": -ends["low"]}
    size = abs(test["mean"])
    shown = f"{100 * size:.1f} points" if measure == "share" else f"{size:.2f}"
    return f"by {shown}" + (f" {_interval(ends, percent=measure == 'share')}" if ends else "")


def _alone(question: Mapping[str, Any]) -> str:
    """A system's own share or mean, where there is nothing to compare it with."""
    said = []
    for row in question["first"]["systems"]:
        if row["share"] is not None:
            share = f"{_percent(row['share'])} {_interval(row['share_interval'], percent=True)}"
            said.append(f"{row['name']} {share} {question['good_means']}")
        elif row["mean"] is not None:
            said.append(f"{row['name']} has a mean of {row['mean']:.2f} {_interval(row['mean_interval'])}")
    return "; ".join(said)


def _bar(question: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """A system's ratings as segments of one bar, 100 wide, in the order of the options."""
    counts = {count["value"]: count["count"] for count in row["counts"]}
    total = sum(counts.values())
    start, segments = 0.0, []
    for place, option in enumerate(question["options"]):
        width = 100 * counts[option["value"]] / total
        segments.append(
            {
                "x": round(start, 3),
                "width": round(width, 3),
                "label": option["label"],
                "count": counts[option["value"]],
                "colour": _SHADES[place % len(_SHADES)],
            }
        )
        start += width
    return {"name": row["name"], "segments": segments}


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
    text = f"[{100 * low:.1f}, {100 * high:.1f}]" if percent else f"[{low:.2f}, {high:.2f}]"
    return text.replace("-", "−")


def _points(value: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    return f"{100 * value:+.1f}".replace("-", "−")


def _p(value: float) -> str:
    return "< .001" if value < 0.001 else f"{value:.3f}".replace("0.", ".", 1)


def _share(found: Mapping[str, Any] | None) -> str:
    return "–" if found is None else f"{found['count']:,} of {found['of']:,} ({100 * found['share']:.0f} %)"


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
