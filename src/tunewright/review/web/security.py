"""Who may come: sessions, roles, the secret every form carries, and the headers of every answer.

Everything is refused unless a route says otherwise: a route without `allow(...)` fails a test. The order of
the checks is: Host and size of the body (`Guard`, before any route), then the form's secret, then the role.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from fastapi import Depends, HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tunewright.review.model import Role, Session
from tunewright.review.store.sessions import session_of

EVERYBODY = (Role.RATER, Role.EXPERT, Role.OWNER, Role.LEAD)
EXPERTS = (Role.EXPERT, Role.OWNER, Role.LEAD)
OWNERS = (Role.OWNER, Role.LEAD)
LEADS = (Role.LEAD,)

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
MAX_BODY_BYTES = 4_000_000  # 1 MB of Chinese is 3 MB in a form, where each byte beyond ASCII takes three
MAX_ID = 2**31 - 1  # of PostgreSQL's integer
BEFORE_LOGIN = frozenset({"/login", "/enter"})  # the only POSTs without a session

# No inline script or style anywhere; nothing from elsewhere, not even a picture in a rated answer.
POLICY = (
    "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'; "
    "img-src 'self'; script-src 'self'; style-src 'self'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
    "cache-control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Site:
    """Where this page is served. `hosts` are the names that the Host header may have, without a port;
    `any_address` also takes bare IP addresses, which no foreign web site can make point here.

    `cookie` tells the pages of two databases on one machine apart: browsers ignore ports in cookies.
    """

    secure: bool = False
    hosts: frozenset[str] = LOOPBACK_NAMES
    any_address: bool = False
    cookie: str = "tunewright"

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


class LoggedOut(HTTPException):
    """No session, or it has ended: a GET is sent to the login, a POST answered with what was sent."""

    def __init__(self) -> None:
        super().__init__(401, "You are logged out. Log in again in another tab, then send this once more.")


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
    if request.method in ("GET", "HEAD"):
        return
    session = await run_in_threadpool(visitor, request)
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise HTTPException(403, "This was sent by another web site and is refused.")
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
        raise HTTPException(
            403, "This form is out of date or not from here. Nothing was saved; load the page again."
        )


async def read_form(request: Request) -> FormData:
    """The form, read once; a field may be as long as the whole body, where the usual limit is 1 MB. No form
    takes files: one is refused (400)."""
    return await request.form(max_files=0, max_part_size=MAX_BODY_BYTES)


async def form_of(request: Request) -> Mapping[str, str]:
    """The fields of a form, text only, without `csrf`; of a field sent twice the last (see `form_lists`)."""
    form = await read_form(request)
    return {name: value for name, value in form.items() if isinstance(value, str) and name != "csrf"}


async def form_lists(request: Request) -> Mapping[str, list[str]]:
    """As `form_of`, with all values of each field: check boxes, several selected."""
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


class Guard:
    """ASGI middleware outside of everything: Host header, size of the body, headers of every answer.

    The body is read here, whole, before the app sees it: an answer of 413 is possible only before a route
    has begun, and 4 MB are little to hold.
    """

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self.app = app
        self.site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(MutableHeaders(scope=message))
            await send(message)

        headers = Headers(scope=scope)
        if not self.site.is_ours(headers.get("host", "")):
            refusal = PlainTextResponse(
                "This page is not served under that name. Use the address that the command printed.", 400
            )
            await refusal(scope, receive, send_with_headers)
            return
        body: bytes | None = b""
        if scope["method"] not in ("GET", "HEAD"):
            body = await _whole_body(headers, receive)
        if body is None:
            too_long = PlainTextResponse(
                f"That is more than {MAX_BODY_BYTES:,} bytes; nothing was saved.",
                413,
                {"connection": "close"},
            )
            await too_long(scope, receive, send_with_headers)
            return
        await self.app(scope, _replay(body, receive), send_with_headers)


def add_headers(headers: MutableHeaders) -> None:
    """Those of `HEADERS` that the answer has not set itself (the style sheet may be cached)."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)


async def _whole_body(headers: Headers, receive: Receive) -> bytes | None:
    """The body; None when it is longer than `MAX_BODY_BYTES`, said or found."""
    said = headers.get("content-length", "")
    if said.isascii() and said.isdigit() and (len(said) > 10 or int(said) > MAX_BODY_BYTES):
        return None
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body once and then what the server says (a disconnect)."""
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return messages.pop() if messages else await receive()

    return replayed


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
