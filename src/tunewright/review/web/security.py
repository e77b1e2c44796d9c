"""Who may come: sessions, roles, the secret every form carries, and whether it comes from here.

Everything is refused unless a route says otherwise: a route without `allow(...)` fails a test. The order of
the checks is: Host and size of the body (`guard`, before any route), then the form's secret, then the role.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends, HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from tunewright.review.model import Role, Session
from tunewright.review.store.sessions import person_of_csrf, session_of
from tunewright.review.web.forms import TOO_LONG, check_texts, read_form

EVERYBODY = (Role.RATER, Role.EXPERT, Role.OWNER, Role.LEAD)
EXPERTS = (Role.EXPERT, Role.OWNER, Role.LEAD)
OWNERS = (Role.OWNER, Role.LEAD)
LEADS = (Role.LEAD,)

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
MAX_ID = 2**31 - 1  # of PostgreSQL's integer
_PORTS = {"http": 80, "https": 443}
BEFORE_LOGIN = frozenset({"/login", "/enter"})  # the only POSTs without a session


@dataclass(frozen=True, slots=True)
class Site:
    """Where this page is served. `hosts` are the names that the Host header may have, without a port;
    `any_address` also takes bare IP addresses, which no foreign web site can make point here. `url` is where
    browsers find the page when a proxy stands before it.

    `cookie` tells the pages of two databases on one machine apart: browsers ignore ports in cookies.
    """

    secure: bool = False
    hosts: frozenset[str] = LOOPBACK_NAMES
    any_address: bool = False
    cookie: str = "tunewright"
    url: str = ""

    @property
    def session_cookie(self) -> str:
        return f"__Host-{self.cookie}" if self.secure else self.cookie

    @property
    def visit_cookie(self) -> str:
        """Of somebody without a session: its value must come back in the form."""
        return f"{self.session_cookie}-visit"

    @property
    def link_cookie(self) -> str:
        return f"{self.session_cookie}-link"

    def is_ours(self, host: str) -> bool:
        """Whether a Host header names this page; a foreign name that points here (DNS rebinding) does not."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in self.hosts:
            return True
        return self.any_address and _is_address(name)

    def is_our_origin(self, address: str, host: str) -> bool:
        """Whether an Origin or Referer header is of this page, asked for under that Host header.

        A proxy may hand on another Host than the browser's, so the public `url` always counts. A page of
        the same name that came by plain http is another site: on its way anybody could have changed it.
        """
        sender = _origin(address)
        if sender is None:
            return False
        if self.url and sender == _origin(self.url):
            return True
        scheme, name, _ = sender
        if self.secure and scheme != "https" and name not in LOOPBACK_NAMES:
            return False
        return sender == _origin(f"{scheme}://{host}")


class LoggedOut(HTTPException):
    """No session, or it has ended: a GET is sent to the login, a POST answered with what was sent."""

    def __init__(self) -> None:
        super().__init__(401, "You are logged out. Log in again in another tab, then send this once more.")


class OthersForm(HTTPException):
    """A form that somebody else opened in this browser: it is not sent under the name of who came after."""

    def __init__(self, name: str) -> None:
        super().__init__(
            403,
            f"You are logged in as {name} now, and that page was opened by somebody else. Nothing was saved "
            f"under the name of {name}. Whoever opened it can log in here again, in another tab, and then "
            "send it once more.",
        )


class StaleForm(HTTPException):
    """A form of this site from before its person logged in anew: a button may send it again as it is."""

    def __init__(self) -> None:
        super().__init__(
            403, "You logged in again since that page was opened. Nothing was saved yet: send it once more."
        )


def visitor(request: Request) -> Session | None:
    """The session of the cookie, if it is one and has not ended; looked up once per request."""
    if hasattr(request.state, "session"):
        known: Session | None = request.state.session
        return known
    site: Site = request.app.state.site
    secret = request.cookies.get(site.session_cookie)
    session = session_of(request.app.state.db, secret) if secret else None
    request.state.session = session
    return session


def current(session: Annotated[Session | None, Depends(visitor)]) -> Session:
    """The session; LoggedOut without one. Routes use `allow`, which also asks for the role."""
    if session is None:
        raise LoggedOut
    return session


def allow(*roles: Role) -> Callable[[Session], Session]:
    """A dependency that lets exactly these roles in and gives the session; others get 403.

    Example: `session: Annotated[Session, Depends(allow(*EXPERTS))]`
    """

    def allowed(session: Annotated[Session, Depends(current)]) -> Session:
        if session.person.role not in roles:
            raise HTTPException(403, f"This page is not for the role of {session.person.role}.")
        return session

    allowed.roles = frozenset(roles)  # type: ignore[attr-defined]  # read by the test of permissions
    return allowed


async def check_address(request: Request) -> None:
    """Answer 404 to a number that no database column holds, before a route asks one for it."""
    for value in request.path_params.values():
        digits = str(value).removeprefix("-")
        if digits.isdecimal() and (len(digits) > 10 or int(digits) > MAX_ID):
            raise HTTPException(404, "There is no such page.")


async def check_form(request: Request) -> None:
    """Refuse (403) any POST that does not carry its session's secret, in field `csrf` or header X-CSRF.

    Without a session only the login may be posted; there the secret is the one of the visit's cookie.
    It asks for the session itself, so that routes of everybody (the login, the style sheet) cost no look-up.
    """
    if request.method == "GET":
        return
    if request.state.is_too_long:
        raise HTTPException(413, TOO_LONG, {"connection": "close"})
    session = await run_in_threadpool(visitor, request)
    if not is_from_here(request):
        raise HTTPException(403, "This was sent by another web site and is refused. Nothing was saved.")
    given = request.headers.get("x-csrf")
    if given is None:
        given = str((await read_form(request)).get("csrf", ""))
    if request.url.path in BEFORE_LOGIN:
        expected = request.cookies.get(request.app.state.site.visit_cookie, "")
    elif session is None:
        raise LoggedOut
    else:
        expected = session.csrf
    if not expected or not hmac.compare_digest(_bytes(given), _bytes(expected)):
        whose = person_of_csrf(given)
        if session is not None and whose is not None and await may_be_sent_again(request):
            raise StaleForm if whose == session.person.id else OthersForm(session.person.name)
        raise HTTPException(
            403, "This form is out of date or not from here. Nothing was saved; load the page again."
        )


async def may_be_sent_again(request: Request) -> bool:
    """Whether a page may hold all of this form for a button to send it once more: one of this site did."""
    said = {"sec-fetch-site", "origin", "referer"} & set(request.headers.keys())
    says_so = bool(said) and request.headers.get("sec-fetch-site") != "none" and is_from_here(request)
    return says_so and "password" not in await read_form(request)  # no page ever holds one


async def form_of(request: Request) -> Mapping[str, str]:
    """The fields of a form without `csrf`; of a field sent twice the last (see `form_lists`). 422 where one
    holds a character that no page can show."""
    form = await read_form(request)
    return check_texts(
        {name: value for name, value in form.items() if isinstance(value, str) and name != "csrf"}
    )


async def form_lists(request: Request) -> Mapping[str, list[str]]:
    """All values of each field: check boxes, several selected. Its texts may hold any character: the routes
    of a pair say themselves, beside the editor, what cannot be saved."""
    form = await read_form(request)
    return {
        name: [value for value in form.getlist(name) if isinstance(value, str)]
        for name in form
        if name != "csrf"
    }


def set_cookie(response: Response, site: Site, name: str, value: str, *, seconds: int | None = None) -> None:
    """A cookie that no script can read and no other site send; without `seconds` it ends with the browser."""
    response.set_cookie(
        name, value, max_age=seconds, path="/", secure=site.secure, httponly=True, samesite="strict"
    )


def drop_cookie(response: Response, site: Site, name: str) -> None:
    response.delete_cookie(name, path="/", secure=site.secure, httponly=True, samesite="strict")


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def login_address(request: Request) -> str:
    """The login that leads back to where a GET wanted to go."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return "/login" if wanted == "/" else f"/login?next={quote(wanted, safe='/')}"


def safe_next(address: str) -> str:
    """A path of this site, or "/": an address that leaves it ("//evil", "/\\evil", "https:…") is dropped."""
    parts = urlsplit(address.replace("\\", "/"))
    is_path = address.startswith("/") and not address.startswith(("//", "/\\"))
    if not is_path or parts.scheme or parts.netloc or any(ord(c) < 32 for c in address):
        return "/"
    return address


def is_from_here(request: Request) -> bool:
    """Whether the browser says that a page of this site sent this. Browsers that are old, or that reach the
    page by plain http over a network, do not say Sec-Fetch-Site; there Origin decides, or Referer. Programs
    that say nothing have no cookies to misuse but their own."""
    said = request.headers.get("sec-fetch-site")
    if said is not None:
        return said in ("same-origin", "none")
    site: Site = request.app.state.site
    sender = request.headers.get("origin", request.headers.get("referer"))
    return sender is None or site.is_our_origin(sender, request.headers.get("host", ""))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _origin(address: str) -> tuple[str, str, int] | None:
    """Scheme, name and port of an address of the web; None for "null" and whatever else is none."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
