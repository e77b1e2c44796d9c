"""One HTML file that needs nothing beside itself: no script, no network. The same values, the same bytes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tunewright.errors import RunFolderError
from tunewright.run.files import write_text_atomic

# What no page may hold: control characters, halves of surrogate pairs, and non-characters.
UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def render_html(
    templates: Path, name: str, values: Mapping[str, Any], *, filters: Mapping[str, Callable[..., Any]]
) -> str:
    """The template of that name, filled in. Every text is escaped, whatever it holds; what no page may hold
    becomes U+FFFD. A template may include the others of its folder, and use the filters by their names."""
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_clean,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= filters
    return environment.get_template(name).render(values)


def write_page(page: Path, text: str) -> None:
    """Write a page; an earlier page is replaced, any other file is not: it may be the data itself."""
    if page.is_dir() or not page.parent.is_dir():
        raise RunFolderError(f"{page}: give a file in a folder that exists, such as page.html")
    if page.exists() and page.stat().st_size:
        with page.open("rb") as file:
            if not file.read(64).lstrip().lower().startswith(b"<!doctype html"):
                raise RunFolderError(f"{page} is there and is no page; choose another name")
    write_text_atomic(page, text)


def _clean(value: Any) -> Any:
    if isinstance(value, str) and UNFIT.search(value):
        cleaned = UNFIT.sub("\ufffd", value)
        return Markup(cleaned) if isinstance(value, Markup) else cleaned
    return value
