"""Each role at each route: the table below is the law, and a route that is not in it fails."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from support.review_page import PageClient, client_of, person
from tunewright.review.model import Role
from tunewright.review.store.database import Database
from tunewright.review.store.queues import NewItem, add_revise_queue
from tunewright.review.web.app import create_app
from tunewright.review.web.guard import HEADERS

RATER, EXPERT, OWNER, LEAD = Role.RATER, Role.EXPERT, Role.OWNER, Role.LEAD
ANYBODY: frozenset[Role] = frozenset()  # also without a login
ALL = frozenset(Role)
EXPERTS = frozenset({EXPERT, OWNER, LEAD})
OWNERS = frozenset({OWNER, LEAD})
LEADS = frozenset({LEAD})

WHO_MAY = {
    "GET /": ALL,
    "GET /login": ANYBODY,
    "POST /login": ANYBODY,
    "GET /enter/{token}": ANYBODY,
    "GET /enter": ANYBODY,
    "POST /enter": ANYBODY,
    "POST /logout": ALL,
    "GET /session": ALL,
    "GET /revise/{queue_id}": EXPERTS,
    "GET /item/{item_id}": EXPERTS,
    "POST /item/{item_id}": EXPERTS,
    "POST /item/{item_id}/autosave": EXPERTS,
    "POST /item/{item_id}/diff": EXPERTS,
    "POST /item/{item_id}/undo": EXPERTS,
    "GET /rate/{queue_id}": ALL,  # what a person may rate follows from the study's lists, not from the role
    "GET /rate/{queue_id}/next": ALL,
    "GET /rate/{queue_id}/instructions": ALL,
    "GET /rate/{queue_id}/pause": ALL,
    "GET /rate/{queue_id}/{item}": ALL,
    "POST /rate/{queue_id}/{item}": ALL,
    "GET /adjudicate/{queue_id}": OWNERS,
    "GET /adjudicate/{queue_id}/{item}/{question}/{place}": OWNERS,
    "POST /adjudicate/{queue_id}/{item}/{question}/{place}": OWNERS,
    "GET /versions/{queue_id}": OWNERS,
    "GET /versions/{queue_id}/{item_id}": OWNERS,
    "POST /versions/{queue_id}/{item_id}": OWNERS,
    "GET /owner": OWNERS,
    "POST /owner/{item_id}": OWNERS,
    "POST /owner/{item_id}/undo": OWNERS,
    "POST /owner/{item_id}/take": OWNERS,
    "GET /look": OWNERS,
    "GET /record/{item_id}": OWNERS,
    "GET /look/report/{digest}": OWNERS,
    "GET /lead": LEADS,
    "GET /lead/{queue_id}": LEADS,
    "GET /lead/{queue_id}/experiment": LEADS,
    "GET /lead/{queue_id}/results": LEADS,
    "POST /lead/{queue_id}/open": LEADS,
    "POST /lead/{queue_id}/close": LEADS,
    "POST /lead/{queue_id}/overlap": LEADS,
    "POST /lead/{queue_id}/people": LEADS,
    "POST /lead/{queue_id}/sample": LEADS,
    "POST /lead/{queue_id}/lock": LEADS,
    "POST /lead/{queue_id}/unblind": LEADS,
    "GET /people": LEADS,
    "POST /people": LEADS,
    "POST /people/{person_id}/role": LEADS,
    "POST /people/{person_id}/password": LEADS,
    "POST /people/{person_id}/active": LEADS,
    "POST /people/{person_id}/sessions": LEADS,
    "POST /people/{person_id}/link": LEADS,
}
INLINE = re.compile(r"<style|<script>|<script(?![^>]*src=)| style=| on[a-z]+=|javascript:", re.IGNORECASE)
REFUSED = "This page is not for the role of"


def routes(app: FastAPI) -> Iterator[str]:
    """ "GET /item/{id}" of every route but the static files, which hold nothing of anybody."""
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, APIRoute):
            for method in context.methods or ():
                yield f"{method} {context.path}"
        else:
            assert getattr(context.original_route, "name", "") == "static", context.original_route


@pytest.fixture
def app(db: Database) -> FastAPI:
    items = [NewItem("one", {"instruction": "Ask.", "output": "Answer."})]
    add_revise_queue(db, "pilot", items, overlap=4)
    return create_app(db)


def ask(client: PageClient, route: str, **headers: str):
    method, path = route.split(" ")
    filled = re.sub(r"\{[^}]+\}", "1", path)
    if method == "GET":
        return client.get(filled, headers=headers)
    csrf = client.session.csrf if client.session else ""
    return client.post(filled, data={"csrf": csrf}, headers=headers)


def test_every_route_is_in_the_table_and_the_table_has_no_other(app: FastAPI) -> None:
    found = list(routes(app))
    assert sorted(set(found)) == sorted(WHO_MAY)
    assert len(found) == len(set(found)), "a router is included twice"


@pytest.mark.parametrize("role", list(Role))
def test_a_role_gets_in_exactly_where_the_table_says(app: FastAPI, db: Database, role: Role) -> None:
    wrong = []
    for route in sorted(routes(app), key=lambda route: route == "POST /logout"):  # which ends the session
        client = client_of(db, person(db, role.value, role), app=app)
        answer = ask(client, route)
        may = WHO_MAY.get(route, frozenset())
        expected = may is ANYBODY or role in may
        if (REFUSED not in answer.text) is not expected or answer.status_code == 500:
            wrong.append(f"{route}: {answer.status_code}")
    assert wrong == []


def test_every_route_answers_with_the_headers_and_nothing_inline(app: FastAPI, db: Database) -> None:
    """The policy forbids inline script and style; a page that has some would be broken by it."""
    lead = client_of(db, person(db, "lea", LEAD), app=app)
    wrong = []
    for route in sorted(
        routes(app), key=lambda route: route in ("POST /logout", "POST /enter", "POST /login")
    ):
        answer = ask(lead, route)
        if any(answer.headers.get(name) != value for name, value in HEADERS.items()):
            wrong.append(f"{route}: headers")
        if INLINE.search(answer.text):
            wrong.append(f"{route}: {INLINE.search(answer.text)}")
    assert wrong == []


def test_nobody_gets_in_without_a_login(app: FastAPI, db: Database) -> None:
    """A GET is sent to the login, a POST refused; before any look at what it is about."""
    client = client_of(db, None, app=app)
    wrong = []
    for route in routes(app):
        if WHO_MAY.get(route) is ANYBODY:
            continue
        answer = ask(client, route)
        if route.startswith("GET"):
            if answer.status_code != 303 or not answer.headers["location"].startswith("/login"):
                wrong.append(f"{route}: {answer.status_code}")
        elif answer.status_code != 401:
            wrong.append(f"{route}: {answer.status_code}")
    assert wrong == []


@pytest.mark.parametrize("secret", [None, "", "wrong", "\N{SNOWMAN}"])
def test_every_post_without_its_secret_is_refused(app: FastAPI, db: Database, secret: str | None) -> None:
    client = client_of(db, person(db, "lea", LEAD), app=app)
    client.cookies.set(f"{app.state.site.link_cookie}", "x")
    for route in routes(app):
        method, path = route.split(" ")
        if method != "GET":
            fields = {} if secret is None else {"csrf": secret}
            answer = client.post(re.sub(r"\{[^}]+\}", "1", path), data=fields)
            assert answer.status_code == 403, route


def test_the_secret_of_another_session_is_refused(app: FastAPI, db: Database) -> None:
    ann, bob = (client_of(db, person(db, name, EXPERT), app=app) for name in ("ann", "bob"))
    assert ann.session is not None
    assert bob.post("/logout", data={"csrf": ann.session.csrf}).status_code == 403
    assert bob.submit("/logout").status_code == 303


def test_only_get_and_post_are_routes(app: FastAPI) -> None:
    assert {route.split(" ")[0] for route in routes(app)} == {"GET", "POST"}
