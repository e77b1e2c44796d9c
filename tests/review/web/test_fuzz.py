"""Whatever a form or an address holds, no route breaks: an answer of 500 is a bug."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_from_bytes

import pytest
from fastapi.routing import iter_route_contexts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.review_page import PageClient, cheap_hashes, client_of, new_database, person
from support.studies import study
from tunewright.review.import_data import import_data
from tunewright.review.model import TEXT_FIELDS, Role
from tunewright.review.store.queues import NewItem, add_revise_queue
from tunewright.review.web.app import GROUPS, create_app

NAMES = [
    *TEXT_FIELDS,
    *("name", "password", "next", "role", "is_active", "active", "version", "decision", "reason", "seconds"),
    *("seconds_open", "view", "after", "how", "action", "comment", "value", "share", "seed", "ok", "is_good"),
    *("text", "field", "confirm", "allow_missing", "criteria", "verdict", "base"),
]
VALUES = st.one_of(
    st.text(max_size=30).map(lambda text: quote(text, errors="replace")),
    st.binary(max_size=12).map(quote_from_bytes),
    st.sampled_from(
        [
            "",
            "0",
            "1",
            "-1",
            "1e999",
            "nan",
            "99999999999999999999",
            "accept",
            "edit",
            "reject",
            "flag",
            "lead",
        ]
    ),
)
FORMS = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=8)
PLACES = st.sampled_from(
    ["1", "2", "0", "-1", "99999999999999999999", "x", "%00", "%ff", "%F0%9F%98%80", "a%2Fb"]
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageClient]:
    """A lead, who may do most, before a queue to revise and a study that names them."""
    folder = tmp_path_factory.mktemp("fuzz")
    db = new_database(folder)
    items = [NewItem(f"r{n}", {"instruction": "Ask.", "output": "Answer."}) for n in range(5)]
    add_revise_queue(db, "pairs", items, overlap=2)
    import_data(db, study(folder / "study", raters=("lea", "bob"), num_prompts=4).path)
    with pytest.MonkeyPatch.context() as patch:
        cheap_hashes(patch)
        yield client_of(db, person(db, "lea", Role.LEAD), app=create_app(db))
    db.close()


def paths(method: str) -> list[str]:
    found = iter_route_contexts([route for group in GROUPS for route in group.router.routes])
    return sorted(str(one.path) for one in found if method in (one.methods or ()))


ENDING = ("/logout", "/enter", "/people/{person_id}/active", "/people/{person_id}/sessions", "/login")
POSTS = [path for path in paths("POST") if not path.startswith(ENDING)]  # those would end this session
few = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("path", POSTS)
@few
@given(data=st.data())
def test_no_form_breaks_a_route(client: PageClient, path: str, data: st.DataObject) -> None:
    filled = re.sub(r"\{[^}]+\}", lambda _: data.draw(PLACES), path)
    fields = data.draw(FORMS)
    assert client.session is not None
    body = "&".join([f"csrf={client.session.csrf}", *(f"{name}={value}" for name, value in fields)])
    answer = client.post(filled, content=body, headers={"content-type": "application/x-www-form-urlencoded"})
    assert answer.status_code < 500, (filled, body)


@pytest.mark.parametrize("path", paths("GET"))
@few
@given(data=st.data())
def test_no_address_breaks_a_route(client: PageClient, path: str, data: st.DataObject) -> None:
    filled = re.sub(r"\{[^}]+\}", lambda _: data.draw(PLACES), path)
    query = "&".join(f"{name}={value}" for name, value in data.draw(FORMS))
    assert client.get(f"{filled}?{query}").status_code < 500, (filled, query)


@few
@given(
    body=st.binary(max_size=200),
    kind=st.sampled_from(["multipart/form-data; boundary=x", "application/json"]),
)
def test_no_body_breaks_a_post(client: PageClient, body: bytes, kind: str) -> None:
    assert client.session is not None
    headers = {"content-type": kind, "x-csrf": client.session.csrf}
    assert client.post("/item/1", content=body, headers=headers).status_code < 500
    assert client.post("/item/1", content=body, headers={"content-type": kind}).status_code < 500


def test_a_file_in_the_place_of_a_text_breaks_no_form(client: PageClient) -> None:
    assert client.session is not None
    for path in ("/item/1", "/item/1/undo", "/item/1/autosave"):
        given = {"csrf": client.session.csrf, "version": "0"}
        answer = client.post(path, data=given, files={"decision": ("x", b"edit")})
        assert answer.status_code == 400, path


def test_the_text_of_an_error_is_not_markup(client: PageClient, tmp_path: Path) -> None:
    answer = client.get("/look?queue_id=<script>alert(1)</script>")
    assert "<script>alert" not in answer.text
