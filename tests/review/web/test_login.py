"""Coming in: the one-time link, name and password, how long it lasts, and how guessing is slowed down."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from support.review_page import PASSWORD, PageClient, cheap_hashes, client_of, new_database, person
from tunewright.review.model import Role
from tunewright.review.store import people, sessions
from tunewright.review.store.database import Database
from tunewright.review.web.app import create_app
from tunewright.review.web.login import whereabouts


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """The real cost has a test of its own."""
    if "costs_something" not in request.node.name:
        cheap_hashes(monkeypatch)


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(tmp_path: Path, clock: Clock) -> Iterator[Database]:
    """A database whose time stands still unless a test moves it."""
    db = new_database(tmp_path, clock=clock)
    yield db
    db.close()


def secret_in(text: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', text)
    assert found is not None
    return found[1]


def log_in(client: PageClient, name: str, password: str, next: str = "/"):
    secret = secret_in(client.get("/login").text)
    return client.post("/login", data={"csrf": secret, "name": name, "password": password, "next": next})


def test_a_name_and_its_password_lead_to_the_page_that_was_wanted(db: Database) -> None:
    person(db, "Ann", Role.OWNER, PASSWORD)
    client = client_of(db, None)
    assert client.get("/?x=1").headers["location"] == "/login?next=/%3Fx%3D1"
    answer = log_in(client, "ann", PASSWORD, "/?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?x=1")
    assert "Ann" in client.get("/").text
    assert client.get("/login").headers["location"] == "/"


@pytest.mark.parametrize("name", ["ann", "nobody", "", "x" * 5000, "'; drop table people --"])
def test_a_wrong_password_and_an_unknown_name_get_the_same_words(db: Database, name: str) -> None:
    person(db, "ann", Role.EXPERT, PASSWORD)
    answer = log_in(client_of(db, None), name, "not the password")
    assert answer.status_code == 401
    assert "do not belong together" in answer.text
    assert "set-cookie" not in answer.headers or "visit" in answer.headers["set-cookie"]


def test_somebody_without_a_password_or_disabled_stays_out(db: Database) -> None:
    person(db, "bob", Role.EXPERT)
    person(db, "cy", Role.EXPERT, PASSWORD)
    people.set_active(db, "cy", False)
    for name, password in (("bob", ""), ("cy", PASSWORD)):
        assert log_in(client_of(db, None), name, password).status_code == 401


def test_after_a_few_failures_even_the_right_password_waits(timed: Database, clock: Clock) -> None:
    person(timed, "ann", Role.EXPERT, PASSWORD)
    client = client_of(timed, None)
    answers = [log_in(client, "ann", "guess number one").status_code for _ in range(6)]
    assert answers == [401, 401, 401, 401, 401, 429]
    waiting = log_in(client, "ann", PASSWORD)
    assert waiting.status_code == 429
    assert int(waiting.headers["retry-after"]) >= 1
    assert "Too many tries. Wait 1 minute, then try again; or ask a lead for a link" in waiting.text
    clock.now += int(waiting.headers["retry-after"])
    assert log_in(client, "ann", PASSWORD).status_code == 303


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.168.1.7", "192.168.1.7"),
        ("::ffff:192.168.1.7", "192.168.1.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_who_guesses_cannot_change_the_address_within_one_subscription(host: str, counted: str) -> None:
    assert whereabouts(host) == counted


def test_a_login_replaces_the_session_that_the_browser_brought(db: Database) -> None:
    """A session planted before the login (fixation) is not the one that is let in."""
    ann = person(db, "ann", Role.EXPERT, PASSWORD)
    client = client_of(db, None)
    cookie = client.app.state.site.session_cookie
    client.cookies.set(cookie, "planted")
    log_in(client, "ann", PASSWORD)
    secret = client.cookies.get(cookie, domain="127.0.0.1")
    assert secret not in (None, "planted")
    assert sessions.session_of(db, "planted") is None
    again = sessions.session_of(db, secret)
    assert again is not None
    assert again.person == ann


def test_a_session_ends_after_two_idle_hours_and_after_twelve(timed: Database, clock: Clock) -> None:
    client = client_of(timed, person(timed, "ann", Role.EXPERT))
    clock.now += 2 * 3600 - 1
    assert client.get("/").status_code == 200
    clock.now += 2 * 3600
    assert client.get("/").status_code == 303
    client = client_of(timed, person(timed, "ann", Role.EXPERT))
    for _ in range(11):
        clock.now += 3600
        assert client.get("/").status_code == 200
    clock.now += 3600
    assert client.get("/").headers["location"] == "/login"


def test_pages_are_read_while_the_database_cannot_be_written(timed: Database, clock: Clock) -> None:
    """Noting that a session is in use is a write; it is no reason to keep anybody from reading."""
    client = client_of(timed, person(timed, "ann", Role.EXPERT))
    event.listen(timed.engine, "begin", lambda one: one.exec_driver_sql("PRAGMA query_only=ON"))
    clock.now += 3600
    assert client.get("/").status_code == 200


def test_a_logout_ends_the_session_also_for_a_copied_cookie(db: Database) -> None:
    client = client_of(db, person(db, "ann", Role.EXPERT))
    copy = PageClient(client.app)
    copy.cookies.update(client.cookies)
    assert copy.get("/").status_code == 200
    assert client.submit("/logout").headers["location"] == "/login"
    assert copy.get("/").status_code == 303


@pytest.mark.parametrize("change", ["disable", "password"])
def test_disabling_and_a_new_password_end_sessions_at_once(db: Database, change: str) -> None:
    client = client_of(db, person(db, "ann", Role.EXPERT))
    if change == "disable":
        people.set_active(db, "ann", False)
    else:
        people.set_password(db, "ann", PASSWORD)
    assert client.get("/").status_code == 303


def test_another_role_counts_from_the_next_page_on(db: Database) -> None:
    client = client_of(db, person(db, "ann", Role.LEAD))
    assert 'href="/lead"' in client.get("/").text
    people.set_role(db, "ann", Role.RATER)
    assert 'href="/lead"' not in client.get("/").text


def open_link(client: PageClient, token: str):
    """Open a link as a browser does: the redirect, the page with the button, the button."""
    first = client.get(f"/enter/{token}")
    assert (first.status_code, first.headers["location"]) == (303, "/enter")
    return client.post("/enter", data={"csrf": secret_in(client.get("/enter").text)})


def test_a_link_lets_its_person_in_once(db: Database) -> None:
    token = sessions.make_link(db, person(db, "ann", Role.LEAD))
    client = client_of(db, None)
    assert open_link(client, token).headers["location"] == "/"
    assert "ann" in client.get("/").text
    answer = open_link(client_of(db, None), token)
    assert answer.status_code == 403
    assert "used before or is too old" in answer.text


def test_a_link_that_is_only_looked_at_stays_good(db: Database) -> None:
    """Chat programs and browsers open links before their readers do."""
    token = sessions.make_link(db, person(db, "ann", Role.LEAD))
    for _ in range(3):
        client_of(db, None).get(f"/enter/{token}")
    ahead = client_of(db, None)
    ahead.get(f"/enter/{token}")
    ahead.get("/enter")
    assert open_link(client_of(db, None), token).status_code == 303


def test_the_token_is_on_no_page_and_in_no_address_after_the_first(db: Database) -> None:
    token = sessions.make_link(db, person(db, "ann", Role.LEAD))
    client = client_of(db, None)
    first = client.get(f"/enter/{token}")
    assert token not in first.headers["location"]
    assert "HttpOnly" in first.headers["set-cookie"]
    page = client.get("/enter")
    assert token not in page.text
    assert page.headers["referrer-policy"] == "same-origin"


def test_a_link_is_good_for_ten_minutes(timed: Database, clock: Clock) -> None:
    ann = person(timed, "ann", Role.LEAD)
    early, late = sessions.make_link(timed, ann), sessions.make_link(timed, ann)
    clock.now += 599
    assert open_link(client_of(timed, None), early).status_code == 303
    clock.now += 2
    assert open_link(client_of(timed, None), late).status_code == 403


@pytest.mark.parametrize("token", ["x", "x" * 3000, "%00", "a;b", "..%2f..", "\N{SNOWMAN}"])
def test_a_made_up_token_lets_nobody_in(db: Database, token: str) -> None:
    client = client_of(db, None)
    client.get(f"/enter/{token}")
    answer = client.get("/enter")
    if answer.status_code == 200:
        answer = client.post("/enter", data={"csrf": secret_in(answer.text)})
    assert answer.status_code in (400, 403, 404)
    assert client.get("/").status_code == 303


def test_without_a_link_there_is_nothing_to_enter_with(db: Database) -> None:
    assert client_of(db, None).get("/enter").status_code == 400


def test_the_database_holds_no_secret_that_lets_in(db: Database, tmp_path: Path) -> None:
    ann = person(db, "ann", Role.LEAD, PASSWORD)
    token, cookie = sessions.make_link(db, ann), sessions.begin_session(db, ann)
    held = b"".join(file.read_bytes() for file in tmp_path.glob("review.sqlite*"))
    for secret in (token, cookie, PASSWORD):
        assert secret.encode() not in held


def test_two_databases_on_one_machine_do_not_log_each_other_out(tmp_path: Path) -> None:
    from tunewright.review.config import ReviewConfig
    from tunewright.review.serve import site_of

    one, two = (site_of(ReviewConfig(db=str(tmp_path / name))) for name in ("a.sqlite", "b.sqlite"))
    assert one.session_cookie != two.session_cookie
    assert site_of(ReviewConfig(db=str(tmp_path / "a.sqlite"))) == one


def test_the_app_can_be_made_for_https(db: Database) -> None:
    assert create_app(db, secure=True).state.site.session_cookie == "__Host-tunewright"


def test_passwords_are_kept_as_argon2id_that_costs_something(db: Database) -> None:
    people.add_person(db, "ann", Role.LEAD, PASSWORD)
    with db.read() as connection:
        [held] = connection.exec_driver_sql("SELECT password_hash FROM people").scalars()
    kind, _, cost = held.split("$")[1:4]
    assert kind == "argon2id"
    memory_kib = int(cost.split(",")[0].removeprefix("m="))
    assert memory_kib >= 19 * 1024  # what OWASP asks for with two passes
