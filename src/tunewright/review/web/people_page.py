"""People: who may come in, as what, and with which password; a link for those who have none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from tunewright.errors import DataError
from tunewright.review.model import Person, Role, Session
from tunewright.review.store import people, sessions
from tunewright.review.store.database import Database
from tunewright.review.web.form_values import whole_number
from tunewright.review.web.pages import render
from tunewright.review.web.security import LEADS, LOOPBACK_NAMES, allow, form_of

LINK_SECONDS = 3600
ROLES = {
    Role.RATER: "rates blind what is assigned",
    Role.EXPERT: "revises pairs",
    Role.OWNER: "samples finished work, adjudicates, looks records up",
    Role.LEAD: "everything, also people and locks",
}
SAID = {
    "added": "Added. Give them a password, or a link.",
    "added-with": "Added.",
    "role": "The role is changed.",
    "password": "The new password holds; all their sessions have ended.",
    "active": "They may log in again.",
    "inactive": "They can no longer log in; what they did stays.",
    "sessions": "All their sessions have ended.",
}
router = APIRouter()

Lead = Annotated[Session, Depends(allow(*LEADS))]
Form = Annotated[Mapping[str, str], Depends(form_of)]


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """`link` is a one-time link just made, for `link_of`; `problem` what was wrong with a form; `opened` the
    id of whose forms are shown at once."""

    people: tuple[Person, ...]
    roles: tuple[tuple[Role, str], ...] = tuple(ROLES.items())
    said: str = ""
    problem: str = ""
    name: str = ""
    link: str = ""
    link_of: str = ""
    opened: int = 0

    @property
    def is_link_of_this_machine(self) -> bool:
        """Whether the link's address leads nobody here but who sits at this machine."""
        return urlsplit(self.link).hostname in LOOPBACK_NAMES


@router.get("/people")
def people_page(request: Request, session: Lead, said: str = "", person: str = "") -> Response:
    return _page(request, said=SAID.get(said, ""), opened=whole_number(person) or 0)


@router.post("/people")
def add(request: Request, session: Lead, form: Form) -> Response:
    name, password = form.get("name", "").strip(), form.get("password", "")
    try:
        added = people.add_person(
            request.app.state.db, name, _role(form), password or None, by=session.person
        )
    except DataError as error:
        return _page(request, problem=str(error), name=name)
    if password:
        return RedirectResponse("/people?said=added-with", 303)
    return RedirectResponse(f"/people?said=added&person={added.id}", 303)


@router.post("/people/{person_id}/role")
def set_role(request: Request, session: Lead, form: Form, person_id: int) -> Response:
    person, role = _person(request, person_id), _role(form)
    if person.id == session.person.id and role is not Role.LEAD:
        return _page(request, problem="You cannot take the lead's role from yourself; another lead can.")
    people.set_role(request.app.state.db, person.name, role, by=session.person)
    return RedirectResponse("/people?said=role", 303)


@router.post("/people/{person_id}/password")
def set_password(request: Request, session: Lead, form: Form, person_id: int) -> Response:
    person = _person(request, person_id)
    try:
        people.set_password(request.app.state.db, person.name, form.get("password", ""), by=session.person)
    except DataError as error:
        return _page(request, problem=str(error))
    return RedirectResponse("/people?said=password", 303)


@router.post("/people/{person_id}/active")
def set_active(request: Request, session: Lead, form: Form, person_id: int) -> Response:
    person, is_active = _person(request, person_id), form.get("active") == "yes"
    if person.id == session.person.id and not is_active:
        return _page(request, problem="You cannot lock yourself out; another lead can.")
    people.set_active(request.app.state.db, person.name, is_active, by=session.person)
    return RedirectResponse(f"/people?said={'active' if is_active else 'inactive'}", 303)


@router.post("/people/{person_id}/sessions")
def end_sessions(request: Request, session: Lead, person_id: int) -> Response:
    sessions.end_sessions_of(request.app.state.db, _person(request, person_id), by=session.person)
    return RedirectResponse("/people?said=sessions", 303)


@router.post("/people/{person_id}/link")
def make_link(request: Request, session: Lead, person_id: int) -> Response:
    """A link that logs that person in once, within an hour. It is shown here and kept nowhere."""
    person = _person(request, person_id)
    if not person.is_active:
        return _page(request, problem=f"{person.name} is locked out; let them in again first.")
    token = sessions.make_link(request.app.state.db, person, seconds=LINK_SECONDS, by=session.person)
    # behind a proxy only the setting is sure to be what people's browsers reach
    address = request.app.state.site.url or str(request.base_url).rstrip("/")
    return _page(request, link=f"{address}/enter/{token}", link_of=person.name)


def _page(
    request: Request,
    *,
    said: str = "",
    problem: str = "",
    name: str = "",
    link: str = "",
    link_of: str = "",
    opened: int = 0,
) -> Response:
    db: Database = request.app.state.db
    page = PeoplePage(
        tuple(people.people(db)),
        said=said,
        problem=problem,
        name=name,
        link=link,
        link_of=link_of,
        opened=opened,
    )
    return render(request, "people.html.j2", page, status=422 if problem else 200)


def _person(request: Request, person_id: int) -> Person:
    person = people.person_with_id(request.app.state.db, person_id)
    if person is None:
        raise HTTPException(404, "There is no such person.")
    return person


def _role(form: Mapping[str, str]) -> Role:
    try:
        return Role(form.get("role", ""))
    except ValueError:
        raise HTTPException(422, "Choose one of the roles.") from None
