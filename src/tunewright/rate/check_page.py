"""The summary of a check as one HTML page that needs nothing beside itself: no script, no network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewright.rate.false_alarms import measurement
from tunewright.run.files import write_text_atomic
from tunewright.run.html_page import UNFIT, render_html

TEMPLATES = Path(__file__).parent / "templates"
_SEVERITIES = ("error", "warning", "note")


def write_check_page(summary: Mapping[str, Any], path: str | Path) -> Path:
    """Write the page of a `summary.json`'s content; the same summary gives the same bytes."""
    write_text_atomic(path, render(summary))
    return Path(path)


def render(summary: Mapping[str, Any]) -> str:
    """The page as HTML; every text from records is escaped."""
    order = {name: place for place, name in enumerate(_SEVERITIES)}
    fired = sorted(
        (row for row in summary["detectors"] if row["count"]),
        key=lambda row: (order[row["severity"]], -row["count"], row["name"]),
    )
    longest = max((row["share"] for row in fired), default=1.0)
    values = {
        "run": summary,
        "lead": lead(summary),
        "fired": fired,
        "quiet": [row for row in summary["detectors"] if not row["count"] and not row["off"]],
        "off": [row for row in summary["detectors"] if row["off"]],
        "widths": {row["name"]: round(100 * row["share"] / longest, 2) for row in fired},
        "measured": measurement(),
    }
    return render_html(
        TEMPLATES,
        "check.html",
        values,
        filters={"count": _count, "percent": percent, "shown": _shown},
    )


def lead(summary: Mapping[str, Any]) -> str:
    """The first sentence: how many records have an error, how many any finding."""
    errors, clean, records = summary["by_severity"]["error"], summary["clean"], summary["records"]
    found = records - clean["count"]
    text = (
        f"{_count(found)} of {_count(records)} records ({percent(found / records)}) have a finding, "
        f"{_count(errors['count'])} ({percent(errors['share'])}) an error."
    )
    broken = summary["rejects"]["count"]
    return text + (f" {_count(broken)} rows could not be read at all." if broken else "")


def percent(share: float | None) -> str:
    """1.2 %, 0.04 %: two significant digits, so that rare things do not read as none."""
    if share is None:
        return "–"
    value = 100 * share
    if value == 0:
        return "0 %"
    return f"{value:.1f} %" if value >= 0.995 else f"{value:.2g} %"


def _count(number: int) -> str:
    return f"{number:,}"


def _shown(text: str) -> str:
    """Characters that would not be seen are named, as far as a marked text is nothing else."""
    if text and not text.strip():
        return " ".join("↵" if character == "\n" else "␣" for character in text[:20])
    if UNFIT.fullmatch(text):
        return f"U+{ord(text):04X}"
    return text or "(nothing)"
