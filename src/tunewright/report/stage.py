"""`report`: one page for a run, to be read in a browser, on a phone or on paper."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from tunewright.report.gather import Run, gather
from tunewright.report.page import Page, build_page
from tunewright.run.files import write_text_atomic
from tunewright.run.html_page import render_html

REPORT_FILE = "report.html"
TEMPLATES = Path(__file__).parent / "templates"


def report(folder: str | Path, *, run: Run | None = None) -> Path:
    """Write `<folder>/report.html` for the folder of a run or of one tuned model; gives back its path.

    The page needs nothing beside itself: styles and figures are in it, and no script. The same folder gives
    the same bytes. A half-finished run is shown as far as it went, with what is missing. Any other folder
    is a `RunFolderError`. Who has gathered the folder already gives `run`.
    """
    folder = Path(folder)
    page = build_page(run or gather(folder))
    write_text_atomic(folder / REPORT_FILE, render(page))
    return folder / REPORT_FILE


def render(page: Page) -> str:
    """The page as HTML; every text from the run is escaped."""
    values = {"page": page, "run": page.run, "tables": page.tables}
    filters = {"drawn": Markup}  # only for the figures, whose texts matplotlib has escaped
    return render_html(TEMPLATES, "report.html.j2", values, filters=filters)
