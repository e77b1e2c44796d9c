"""Filling templates: one dataclass per page, everything escaped, one shape for errors.

A template extends `base.html.j2` and reads its values from `page`. What no page may hold (control
characters, halves of surrogate pairs) becomes U+FFFD, wherever it came from.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from tunewright.review.model import Role, Session
from tunewright.review.web import decisions, reasons
from tunewright.review.web.security import EVERYBODY, LEADS, OWNERS
from tunewright.run.html_page import UNFIT

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"
_DIGEST = re.compile(r"\b[0-9a-f]{40,64}\b")


@dataclass(frozen=True, slots=True)
class Link:
    """A place in the navigation, for the roles that may go there; `under` are the paths that belong to it."""

    address: str
    text: str
    key: str
    roles: tuple[Role, ...]
    under: tuple[str, ...]

    def current(self, here: str) -> str:
        """For aria-current: "page" for the place itself, "true" for what lies under it, else ""."""
        if here == self.address:
            return "page"
        return "true" if here.startswith(self.under) else ""


NAVIGATION = (
    Link("/", "Work", "g w", EVERYBODY, ("/revise/", "/item/", "/rate/")),
    Link("/owner", "Quality", "g q", OWNERS, ("/owner/", "/adjudicate/", "/versions/")),
    Link("/look", "Look up", "g l", OWNERS, ("/look/", "/record/")),
    Link("/lead", "Lead", "g d", LEADS, ("/lead/", "/people")),
)


@dataclass(frozen=True, slots=True)
class SentText:
    """A text that came with a form, in a box of so many rows."""

    title: str
    text: str
    num_rows: int


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What went wrong, in words for the person at the page; `sent` are texts that were not saved. `again`
    are all fields of a form that a button sends once more to where it went, () where that makes no sense;
    without its secret where the page gives it the one of now. `is_others`: somebody else opened that form."""

    status: int
    title: str
    message: str
    sent: tuple[SentText, ...] = ()
    again: tuple[tuple[str, str], ...] = ()
    is_others: bool = False

    @property
    def has_old_secret(self) -> bool:
        return any(name == "csrf" for name, _ in self.again)


def render(
    request: Request,
    template: str,
    page: object,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """The page as an answer. Its template sees `page`, `session` (None before login), `csrf` and `links`."""
    session: Session | None = getattr(request.state, "session", None)
    csrf = session.csrf if session else getattr(request.state, "visit", "")
    text = (
        environment()
        .get_template(template)
        .render(
            page=page,
            session=session,
            csrf=csrf,
            csrf_field=Markup('<input type="hidden" name="csrf" value="{}">').format(csrf),
            links=[link for link in NAVIGATION if session and session.person.role in link.roles],
            here=request.url.path,
        )
    )
    return HTMLResponse(text, status, headers)


@lru_cache
def environment() -> Environment:
    """The templates with their filters; `static("x.css")` is the address of a file that may be cached."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_clean,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "when": when,
        "when_iso": when_iso,
        "day": day,
        "short_digests": short_digests,
        "reason_said": reasons.said,
        "past": decisions.past,
        "decision_kind": decisions.kind,
        "duration": duration,
        "number": number,
        "percent": percent,
    }
    made.globals["static"] = static_address
    return made


@lru_cache
def static_address(name: str) -> str:
    """`/static/NAME?v=…`; the version changes with the bytes, so browsers may keep the file for a year."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def when(seconds: float | None) -> Markup | str:
    """A time since 1970 as `<time>`: "20 Nov 2026, 14:03 UTC"; "never" for None.

    Where scripts run, `review.js` puts the reader's own time there, and this one into the title."""
    return "never" if seconds is None else _time(seconds, "%b %Y, %H:%M UTC")


def day(seconds: float) -> Markup:
    """As `when`, the day alone: "20 Nov 2026"."""
    return _time(seconds, "%b %Y")


def _time(seconds: float, form: str) -> Markup:
    at = datetime.fromtimestamp(seconds, UTC)
    return Markup('<time datetime="{}">{} {}</time>').format(
        at.strftime("%Y-%m-%dT%H:%M:%SZ"), at.day, at.strftime(form)
    )


def when_iso(text: str) -> Markup | str:
    """As `when`, of a time in ISO 8601 as run folders and studies have it (without a zone: UTC); what is none
    stays as it is."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return when((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def short_digests(text: object) -> Markup:
    """The text with every digest cut to its first 12 characters; the whole one stands in a title."""
    return Markup(_DIGEST.sub(lambda one: f'<code title="{one[0]}">{one[0][:12]}</code>', str(escape(text))))


def duration(seconds: float) -> str:
    """ "42 s", "3 min 05 s" or "2 h 07 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def number(value: float | None) -> str:
    """ "12,345" or "3.1"; a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def percent(share: float | None) -> str:
    """ "17.9 %" of 0.179; a dash where there is none."""
    return "–" if share is None else f"{100 * share:.1f} %"


def _clean(value: Any) -> Any:
    if isinstance(value, str) and UNFIT.search(value):
        cleaned = UNFIT.sub("\ufffd", value)
        return Markup(cleaned) if isinstance(value, Markup) else cleaned
    return value
