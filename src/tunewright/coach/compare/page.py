"""A comparison as one HTML page that needs nothing beside itself: no script, no network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tunewright.coach.compare import figures, sentences, words
from tunewright.coach.compare.worddiff import Stretch, word_diff
from tunewright.rate.page import TEMPLATES as RATE_TEMPLATES
from tunewright.run.files import write_text_atomic

TEMPLATES = Path(__file__).parent / "templates"
_UNFIT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]"
)  # no page may hold these
_UNSEEN = {"\n": "↵\n", " ": "␣", "\t": "⇥"}
_KINDS = {
    "improvement": "Largest improvements",
    "failure": "Worst failures",
    "change": "Largest changes",
}


def write_page(data: Mapping[str, Any], path: str | Path) -> Path:
    """Write the page of a `comparison.json`'s content; the same content gives the same bytes."""
    write_text_atomic(path, render(data))
    return Path(path)


def render(data: Mapping[str, Any]) -> str:
    """The page as HTML. Every text from records, files and replies is escaped; Markdown and HTML in them are
    shown as they are written."""
    environment = Environment(
        loader=FileSystemLoader([TEMPLATES, RATE_TEMPLATES]),  # one look with the pages of ratings
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_clean,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": words.count,
        "percent": words.percent,
        "number": words.number,
        "span": words.span,
        "p": words.p_value,
        "listed": words.listed,
        "words": lambda name: name.replace("_", " "),
        "unseen": _unseen,
    }
    return environment.get_template("comparison.html").render(
        data,
        lead=sentences.lead(data),
        verdict=sentences.verdict(data),
        findings=sentences.findings(data),
        claims=sentences.claims(data),
        figures={name: Markup(svg) for name, svg in _figures(data).items()},  # drawn here, of numbers
        bin_key=figures.bin_key(_main(data["ratings"])) if data["ratings"] else [],
        groups=_groups(data),
        digits=words.digits_for(data["ratings"]["scale"]) if data["ratings"] else 2,
    )


def _figures(data: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    if data["edits"]["distance_histogram"]["counts"]:
        found["distances"] = figures.distances(data["edits"]["distance_histogram"])
    ratings, judge = data["ratings"], data["judge"]
    if ratings:
        found["bins"] = figures.bins(_main(ratings))
        if any(one["changed_mean"] is not None for one in ratings["gains"]):
            found["gains"] = figures.gains(ratings)
    if judge and judge["rates"]["num_pairs"]:
        found["rates"] = figures.rates(judge)
    return found


def _main(ratings: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(
        one for one in ratings["comparisons"] if one["key"] == ratings["main_side"]
    )
    return found


def _groups(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The examples by kind, each field with its two sides in stretches."""
    groups = []
    for kind, title in _KINDS.items():
        shown = [
            {**one, "fields": [_field(text) for text in one["texts"]]}
            for one in data["examples"]
            if one["kind"] == kind
        ]
        if shown:
            groups.append({"kind": kind, "title": title, "examples": shown})
    return groups


def _field(text: Mapping[str, Any]) -> dict[str, Any]:
    before, after = word_diff(text["before"], text["after"])
    return {
        "name": "response" if text["field"] == "output" else text["field"],
        "is_same": text["before"] == text["after"],
        "is_cut": text["is_cut"],
        "before": before,
        "after": after,
        "text": text["before"],
    }


def _unseen(stretch: Stretch) -> str:
    """The text of a change; one of nothing but white space is named, or it would not be seen."""
    if stretch.text.strip():
        return stretch.text
    return "".join(_UNSEEN.get(character, "␣") for character in stretch.text)


def _clean(value: Any) -> Any:
    """Characters that would make the file ill-formed become U+FFFD."""
    if isinstance(value, str) and _UNFIT.search(value):
        cleaned = _UNFIT.sub("\ufffd", value)
        return Markup(cleaned) if isinstance(value, Markup) else cleaned
    return value
