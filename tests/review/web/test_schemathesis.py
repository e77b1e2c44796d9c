"""Schemathesis over every route, as a lead and as a rater who are logged in: what fits the description of a
route, and what does not, is answered, and never with an error of ours (5xx).

The page publishes no description; it is made here from the same routes. What their forms hold is not in it,
for they are read by hand, so the fields stand below; `test_fuzz` sends what no form would hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.review_page import PageClient, cheap_hashes, client_of, new_database, person
from support.stores import saved
from support.studies import study
from tunewright.review.import_data import import_data
from tunewright.review.model import TEXT_FIELDS, Decision, Role
from tunewright.review.store import work
from tunewright.review.store.queues import NewItem, add_revise_queue
from tunewright.review.web.app import GROUPS, create_app

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

ENDING = ("/logout", "/enter", "/login")  # they end the session, or begin without one
TEXT: dict[str, Any] = {"type": "string", "maxLength": 60}
NUMBER = {"anyOf": [{"enum": ["0", "1", "2", "-1", "1e999"]}, TEXT]}
PATHS: dict[str, list[Any]] = {
    "queue_id": [1, 2, 9],  # the pairs, the study, nothing
    "item_id": [1, 2, 99],
    "person_id": [3, 4, 99],  # not the two who are logged in: nobody is to lock themselves out
    "item": ["ITEM", "x"],  # ITEM becomes one of the study, whose codes are drawn
    "question": ["validity", "x"],
    "place": [1, 2],
    "digest": ["x"],
}
FIELDS: dict[str, Any] = {
    **{f"text.{name}": TEXT for name in TEXT_FIELDS},
    **{f"take.{name}": {"enum": ["saved", "typed"]} for name in TEXT_FIELDS},
    **dict.fromkeys(("version", "seconds", "opened", "before", "percent"), NUMBER),
    **dict.fromkeys(("own_words", "why", "reason", "comment", "view", "name", "password", "seen"), TEXT),
    **{f"{name}.{place}": NUMBER for name in ("validity", "readiness", "explanation") for place in (0, 1, 2)},
    "decision": {"enum": [*Decision, "accept-anyway", "x"]},
    "verdict": {"enum": ["good", "bad", "x"]},
    "role": {"enum": [*Role, "x"]},
    "missing": {"enum": ["yes", ""]},
    "take": {"enum": ["A", "B", "x"]},
}


def description() -> dict[str, Any]:
    """The routes as OpenAPI, with forms for the POSTs, and addresses of what there is."""
    bare = FastAPI()
    for group in GROUPS:
        bare.include_router(group.router)
    found = bare.openapi()
    form = {"schema": {"type": "object", "properties": FIELDS, "additionalProperties": False}}
    for methods in found["paths"].values():
        for method, operation in methods.items():
            if method == "post":
                operation["requestBody"] = {"content": {"application/x-www-form-urlencoded": form}}
            for one in operation.get("parameters", []):
                if one["in"] == "path":
                    one["schema"] = {"enum": PATHS.get(one["name"], [1])}
    return found


MODES = st.sampled_from(list(schemathesis.GenerationMode))  # what fits the description, and what does not
OPERATIONS = {
    f"{one.ok().method.upper()} {one.ok().path}": one.ok()
    for one in schemathesis.openapi.from_dict(description()).get_all_operations()
    if not one.ok().path.startswith(ENDING)
}


@dataclass(frozen=True)
class World:
    """Who is logged in, a code of the study, and what routes answered to the lead."""

    clients: dict[Role, PageClient]
    item: str
    answers: dict[str, set[int]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A lead with a pair in hand and a rater, a queue to revise on whose first pair two experts differ,
    and a study that names both."""
    folder = tmp_path_factory.mktemp("schemathesis")
    db = new_database(folder)
    items = [
        NewItem(f"r{n}", {"instruction": "Ask.", "output": "Answer."}, {"output": "A."}) for n in range(9)
    ]
    queue = add_revise_queue(db, "pairs", items, overlap=3, experiment=True)
    lea, ann = person(db, "lea", Role.LEAD), person(db, "ann", Role.RATER)
    for name in ("eve", "tom"):
        expert = person(db, name, Role.EXPERT)
        work.next_work(db, queue.id, expert)
        saved(db, 1, expert, texts={"instruction": "Ask.", "output": f"As {name} says."})
    made = study(folder / "study", raters=("lea", "ann"), num_prompts=4)
    import_data(db, made.path)
    work.next_work(db, queue.id, lea)
    app = create_app(db)
    with pytest.MonkeyPatch.context() as patch:
        cheap_hashes(patch)
        clients = {who.role: client_of(db, who, app=app) for who in (lea, ann)}
        yield World(clients, made.assignments["lea"][0]["item"], {})
    db.close()


def test_every_route_but_those_of_the_login_is_tried() -> None:
    left_out = set(description()["paths"]) - {name.split(" ")[1] for name in OPERATIONS}
    assert left_out == {"/logout", "/login", "/enter", "/enter/{token}"}


@pytest.mark.parametrize("role", [Role.LEAD, Role.RATER])
@pytest.mark.parametrize("name", OPERATIONS)
@settings(
    max_examples=14,
    deadline=None,
    derandomize=True,  # what is reached must not be luck
    suppress_health_check=list(HealthCheck),
    database=None,
)
@given(data=st.data())
def test_no_route_breaks(world: World, name: str, role: Role, data: st.DataObject) -> None:
    client, case = world.clients[role], data.draw(OPERATIONS[name].as_strategy(data.draw(MODES)))
    assert client.session is not None
    fields = case.body if isinstance(case.body, dict) else {}
    answer = client.request(
        case.method,
        case.formatted_path.replace("ITEM", world.item),
        params=case.query or {},
        data={**fields, "csrf": client.session.csrf} if case.method == "POST" else None,
    )
    assert answer.status_code < 500, (case.formatted_path, case.query, fields)
    assert answer.status_code != 401, "the session has ended, and nothing is tried any more"
    assert answer.headers["content-security-policy"]
    if role is Role.LEAD:
        world.answers.setdefault(name, set()).add(answer.status_code)


def test_the_trial_got_to_what_is_there(world: World) -> None:
    """Else it would be a trial of the page "There is nothing here" alone. (Needs the tests above.)"""
    missed = {name for name, seen in world.answers.items() if seen <= {403, 404}}
    decisions = "/adjudicate/{queue_id}/{item}/{question}/{place}"
    of_locked_studies = {f"GET {decisions}", f"POST {decisions}", "GET /lead/{queue_id}/results"}
    unlucky = missed - of_locked_studies - {"GET /look/report/{digest}"}
    assert len(unlucky) <= len(world.answers) // 10, sorted(unlucky)
