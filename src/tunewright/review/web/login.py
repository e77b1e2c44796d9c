"""Coming in and going out: the one-time link of the start, names and passwords, the first page.

A link `/enter/TOKEN` is not used up by being opened: browsers and chat programs open links ahead of their
readers. Opening it moves the token into a cookie and redirects to `/enter`, so that the token stays in no
history and no referrer; the form there, sent by the script or the button, is what uses it. The form also
makes the request one of this site, so that a link clicked elsewhere still gets its strict cookie.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address
from math import ceil
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from tunewright.review.model import Person, Session
from tunewright.review.store import people, sessions
from tunewright.review.web.home import home_page
from tunewright.review.web.pages import render
from tunewright.review.web.security import (
    EVERYBODY,
    LOOPBACK_NAMES,
    Site,
    allow,
    drop_cookie,
    form_of,
    is_from_here,
    new_secret,
    safe_next,
    set_cookie,
    visitor,
)

LINK_SECONDS = 600
TOKEN = re.compile("[A-Za-z0-9_-]{20,100}")
router = APIRouter()

Form = Annotated[Mapping[str, str], Depends(form_of)]
Anybody = Annotated[Session, Depends(allow(*EVERYBODY))]


@dataclass(frozen=True, slots=True)
class LoginPage:
    """`error` is what was wrong with the last try; `is_local`: a link of the start may be at hand."""

    next: str
    name: str = ""
    error: str = ""
    is_local: bool = False


@dataclass(frozen=True, slots=True)
class EnterPage:
    """The button that uses up the link."""


@router.get("/")
def home(request: Request, session: Anybody) -> Response:
    return render(request, "home.html.j2", home_page(request.app.state.db, session.person))


@router.get("/login")
def login_form(request: Request, next: str = "/") -> Response:
    if visitor(request) is not None:
        return RedirectResponse(safe_next(next), 303)
    return _login_page(request, LoginPage(safe_next(next), is_local=_is_local(request)))


@router.post("/login")
async def login(request: Request, form: Form) -> Response:
    """Name and password; after too many failures of a name or an address it has to wait (429).

    Checking a password takes 64 MB and a tenth of a second, so few are checked at a time, on threads of
    their own: a flood of logins must not keep experts from saving."""
    return await to_thread.run_sync(_login, request, form, limiter=request.app.state.logins)


def _login(request: Request, form: Mapping[str, str]) -> Response:
    db = request.app.state.db
    name, address = form.get("name", "").strip(), whereabouts(request.client.host if request.client else "")
    wanted = safe_next(form.get("next", "/"))
    wait = people.too_many_failures(db, name, address)
    if wait > 0:
        minutes = ceil(wait / 60)
        words = (
            f"Too many tries. Wait {minutes} minute{'s' if minutes > 1 else ''}, then try again; "
            "or ask a lead for a link, which needs no password."
        )
        page = LoginPage(wanted, name, words, _is_local(request))
        return _login_page(request, page, status=429, headers={"retry-after": str(ceil(wait))})
    person = people.check_password(db, name, form.get("password", ""))
    if person is None:
        people.note_failure(db, name, address)
        words = "That name and password do not belong together. Check both; a lead can set a new password."
        return _login_page(request, LoginPage(wanted, name, words, _is_local(request)), status=401)
    people.forget_failures(db, name, address)
    return _begin(request, person, wanted)


def whereabouts(host: str) -> str:
    """Whom failures of an address are counted for. One subscriber has 2**64 addresses of IPv6: their first
    half stands for all of them."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    mapped = address.ipv4_mapped
    return str(IPv6Network((address, 64), strict=False)) if mapped is None else str(mapped)


@router.get("/enter/{token}")
def take_link(request: Request, token: str) -> Response:
    if not TOKEN.fullmatch(token):
        raise HTTPException(404, "That is not the whole link. Copy all of it.")
    response = RedirectResponse("/enter", 303)
    site: Site = request.app.state.site
    # lax, not strict: the click may come from another site, such as a terminal in the browser
    response.set_cookie(
        site.link_cookie,
        token,
        LINK_SECONDS,
        path="/",
        secure=site.secure,
        httponly=True,
        samesite="lax",
    )
    return response


@router.get("/enter")
def enter_form(request: Request) -> Response:
    if not request.cookies.get(request.app.state.site.link_cookie):
        raise HTTPException(400, "Open the whole link that the command printed; here is none to use.")
    return _with_visit(request, "enter.html.j2", EnterPage())


@router.post("/enter")
def enter(request: Request) -> Response:
    site: Site = request.app.state.site
    person = sessions.use_link(request.app.state.db, request.cookies.get(site.link_cookie, ""))
    if person is None:
        raise HTTPException(
            403,
            "This link was used before or is too old. The command, started again, prints a new one.",
        )
    response = _begin(request, person, "/")
    drop_cookie(response, site, site.link_cookie)
    return response


@router.get("/session")
def session_now(request: Request, session: Anybody) -> Response:
    """Who is logged in and the secret of their forms, for the script of a page whose own session has ended.

    No other site can read it: browsers send the cookie to pages of this one only."""
    if not is_from_here(request):
        raise HTTPException(403, "This is for pages of this site.")
    person = session.person
    return JSONResponse({"person": person.id, "name": person.name, "csrf": session.csrf})


@router.post("/logout")
def logout(request: Request, session: Anybody) -> Response:
    site: Site = request.app.state.site
    sessions.end_session(request.app.state.db, request.cookies[site.session_cookie])
    response = RedirectResponse("/login", 303)
    drop_cookie(response, site, site.session_cookie)
    return response


def _begin(request: Request, person: Person, wanted: str) -> Response:
    """A new session, never one that the browser brought along; then the page that was wanted."""
    db, site = request.app.state.db, request.app.state.site
    before = request.cookies.get(site.session_cookie)
    if before:
        sessions.end_session(db, before)
    response = RedirectResponse(wanted, 303)
    set_cookie(response, site, site.session_cookie, sessions.begin_session(db, person))
    drop_cookie(response, site, site.visit_cookie)
    return response


def _login_page(
    request: Request, page: LoginPage, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return _with_visit(request, "login.html.j2", page, status=status, headers=headers)


def _with_visit(
    request: Request,
    template: str,
    page: object,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A page whose form carries the secret of a cookie: before the login there is no session to hold one."""
    site: Site = request.app.state.site
    visit = request.cookies.get(site.visit_cookie) or new_secret()
    request.state.session, request.state.visit = None, visit
    response = render(request, template, page, status=status, headers=headers)
    set_cookie(response, site, site.visit_cookie, visit)
    return response


def _is_local(request: Request) -> bool:
    return not request.app.state.site.any_address and request.app.state.site.hosts == LOOPBACK_NAMES
