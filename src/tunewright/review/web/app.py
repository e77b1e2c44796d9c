"""The whole page put together: routers, static files, errors, the guard around them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

from anyio import CapacityLimiter
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from tunewright.review.model import FIELD_TITLES
from tunewright.review.store.database import Database
from tunewright.review.web import adjudicate, lead, login, look, rate, revise, versions
from tunewright.review.web.forms import read_form, unfit_character
from tunewright.review.web.guard import HEADERS, Guard
from tunewright.review.web.pages import STATIC, ErrorPage, SentText, render
from tunewright.review.web.security import (
    LoggedOut,
    OthersForm,
    Site,
    StaleForm,
    check_address,
    check_form,
    login_address,
    may_be_sent_again,
    visitor,
)

log = logging.getLogger(__name__)

GROUPS = (login, revise, rate, adjudicate, versions, look, lead)  # lead brings people and the owner's sample
LOGINS_AT_ONCE = 2
# fields that nobody typed, or that no page may show: what else a form holds is given back when it fails
_OF_THE_PAGE = ("csrf", "password", "next", "version", "before", "opened", "seconds", "view", "seen")
_CHOSEN = ("decision", "verdict", "why", "take", "active", "role", "person", "overlap", "percent")
NOT_TEXTS = frozenset((*_OF_THE_PAGE, *_CHOSEN))
SHORT_CHARS = 80  # a text that needs few lines
TITLES = {
    400: "That could not be read",
    401: "You are logged out",
    403: "Not for you",
    404: "There is nothing here",
    405: "That cannot be done here",
    409: "Not as things stand now",
    413: "That is too long",
    422: "That does not fit",
    429: "Too many tries",
    500: "This went wrong on our side",
    503: "The database does not answer",
}

PLAIN = {
    404: "The address is not one of this page, or what it led to is gone.",
    405: "This address takes no such request.",
}


def create_app(
    db: Database, *, secure: bool = False, site: Site | None = None, run_folders: Sequence[Path] = ()
) -> FastAPI:
    """The page over this database. `secure` says that browsers reach it by https; `site` says all the rest.
    `run_folders` are where the reports lie that records and queues are linked to."""
    app = FastAPI(
        title="Tunewright review",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        dependencies=[Depends(check_address), Depends(check_form)],
    )
    app.state.db = db
    app.state.site = site or Site(secure=secure)
    app.state.logins = CapacityLimiter(LOGINS_AT_ONCE)
    app.state.run_folders = tuple(run_folders)
    for group in GROUPS:
        app.include_router(group.router)
    app.mount("/static", StaticFilesForAYear(directory=STATIC), name="static")
    app.add_exception_handler(HTTPException, _refused)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _does_not_fit)  # type: ignore[arg-type]
    app.add_exception_handler(OperationalError, _no_database)  # type: ignore[arg-type]
    app.add_exception_handler(Exception, _broken)
    app.add_middleware(Guard, site=app.state.site)
    return app


class StaticFilesForAYear(StaticFiles):
    """Style sheets and scripts; their addresses carry a digest of the bytes (see `pages.static_address`)."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200 and b"v=" in scope.get("query_string", b""):
            response.headers["cache-control"] = "public, max-age=31536000, immutable"
        else:
            response.headers["cache-control"] = "no-cache"
        return response


async def _refused(request: Request, error: HTTPException) -> Response:
    if isinstance(error, LoggedOut) and request.method == "GET" and _wants_page(request):
        return RedirectResponse(login_address(request), 303)
    words = str(error.detail)
    if words == HTTPStatus(error.status_code).phrase:  # the framework's own: "Not Found"
        words = PLAIN.get(error.status_code, "Go back and try once more.")
    kind = type(error) if isinstance(error, StaleForm | LoggedOut | OthersForm) else None
    return await _error(request, error.status_code, words, dict(error.headers or {}), again_after=kind)


async def _does_not_fit(request: Request, error: RequestValidationError) -> Response:
    where = ", ".join(".".join(map(str, one["loc"])) + f": {one['msg']}" for one in error.errors())
    status = 404 if all(one["loc"][0] == "path" for one in error.errors()) else 422
    return await _error(request, status, where if status == 422 else "There is no such page.")


async def _no_database(request: Request, error: OperationalError) -> Response:
    """A full disk, a file that may not be written, one locked for minutes, a server that is away."""
    log.error("%s %s: %s", request.method, request.url.path, error.orig)
    words = (
        "The database could not be read or written: its disk may be full, or others hold it up. What was "
        "saved before is safe. Tell who runs this page, and try again in a minute; to send the same twice "
        "does no harm."
    )
    return await _error(request, 503, words, {"retry-after": "60"})


async def _broken(request: Request, error: Exception) -> Response:
    log.error("%s %s", request.method, request.url.path, exc_info=error)
    # Starlette answers this one outside of every middleware, so the headers are given here
    return await _error(
        request, 500, "Nothing that was acknowledged is lost. Go back and try once more.", dict(HEADERS)
    )


async def _error(
    request: Request,
    status: int,
    message: str,
    headers: dict[str, str] | None = None,
    *,
    again_after: type[HTTPException] | None = None,
) -> Response:
    """The one error page, or `{"error": …}` for a script; texts that came with a form are shown again.

    `again_after` is why the form was refused, where its person may send it once more as it is."""
    if not _wants_page(request):
        return JSONResponse({"error": message}, status, headers)
    await run_in_threadpool(_know_visitor, request)
    title = "Send it once more" if again_after is StaleForm else TITLES.get(status, "That did not work")
    sent = await _sent(request)
    again: tuple[tuple[str, str], ...] = ()
    if again_after is not None and sent and await _fits_again(request, sent):
        # only a new login of the same person makes the secret new: until then the old one says whose it is
        again = tuple(one for one in sent if again_after is not StaleForm or one[0] != "csrf")
    page = ErrorPage(
        status,
        title,
        message,
        tuple(_titled(name, value) for name, value in sent if _is_text(name, value)),
        again=again,
        is_others=again_after is OthersForm,
    )
    return render(request, "error.html.j2", page, status=status, headers=headers)


async def _sent(request: Request) -> tuple[tuple[str, str], ...]:
    form = getattr(request.state, "form", None)
    if form is None and request.method == "POST":
        with contextlib.suppress(Exception):  # a body that is no form has nothing to give back
            form = await read_form(request)
    if form is None:
        return ()
    return tuple(
        (name, value) for name, value in form.multi_items() if isinstance(value, str) and name != "password"
    )


def _is_text(name: str, value: str) -> bool:
    """Whether somebody may have written it, however short: by the field's name. A rater's choices are shown
    too, for nothing tells their questions from those that are answered in words."""
    return bool(value.strip()) and name not in NOT_TEXTS and not name.startswith("take.")


def _titled(name: str, value: str) -> SentText:
    title = "Your reason" if name == "own_words" else FIELD_TITLES.get(name.removeprefix("text."), name)
    return SentText(title, value, 2 if len(value) <= SHORT_CHARS and "\n" not in value else 8)


async def _fits_again(request: Request, sent: tuple[tuple[str, str], ...]) -> bool:
    """Whether a button can send the same once more: a page can show all of it."""
    return await may_be_sent_again(request) and not any(unfit_character(value) for _, value in sent)


def _know_visitor(request: Request) -> None:
    """So that the error page has the navigation; the database itself may be what is broken."""
    try:
        visitor(request)
    except Exception:
        request.state.session = None


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")
