"""`report`: one page for a run, to be read in a browser, on a phone or on paper."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tunewright.report.gather import gather
from tunewright.report.page import Page, build_page
from tunewright.run.files import write_text_atomic

REPORT_FILE = "report.html"
TEMPLATES = Path(__file__).parent / "templates"

# What no page may hold: control characters, halves of surrogate pairs, and non-characters.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def report(folder: str | Path) -> Path:
    """Write `<folder>/report.html` for the folder of a run or of one tuned model; gives back its path.

    The page needs nothing beside itself: styles and figures are in it, and no script. The same folder gives
    the same bytes. A half-finished run is shown as far as it went, with what is missing. Any other folder
    is a `RunFolderError`.
    """
    folder = Path(folder)
    page = build_page(gather(folder))
    write_text_atomic(folder / REPORT_FILE, render(page))
    return folder / REPORT_FILE


def render(page: Page) -> str:
    """The page as HTML; every text from the run is escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_clean,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["drawn"] = Markup  # only for the figures, whose texts matplotlib has escaped
    return environment.get_template("report.html.j2").render(page=page, run=page.run, tables=page.tables)


def _clean(value: Any) -> Any:
    """Characters that would make the file ill-formed become U+FFFD."""
    if isinstance(value, str) and _UNFIT.search(value):
        cleaned = _UNFIT.sub("\ufffd", value)
        return Markup(cleaned) if isinstance(value, Markup) else cleaned
    return value
