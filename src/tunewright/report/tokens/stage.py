"""`tokens`: one page that shows where several arms learn, token by token."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from tunewright.report.tokens.gather import Tokens, gather
from tunewright.report.tokens.page import TokensPage, build_page
from tunewright.run import html_page
from tunewright.run.html_page import render_html

TOKENS_FILE = "tokens.html"
TEMPLATES = Path(__file__).parents[1]  # the page also takes the report's own styles and tables


def tokens(folders: Sequence[str | Path], out: str | Path) -> Path:
    """Write the page of these arms (folders of `tune`, or of runs that hold some) and give back its path.

    The page needs nothing beside itself and has no script: its switches are plain radio buttons. The same
    folders give the same bytes.
    """
    return write_page(gather(folders), out)


def write_page(found: Tokens, out: str | Path) -> Path:
    """Write the page of tokens that were gathered or measured; another file is never replaced by it."""
    out = Path(out)
    html_page.write_page(out, render(build_page(found)))
    return out


def render(page: TokensPage) -> str:
    """The page as HTML; every text from the folders is escaped."""
    return render_html(
        TEMPLATES, "tokens/templates/tokens.html.j2", {"page": page}, filters={"drawn": Markup}
    )
