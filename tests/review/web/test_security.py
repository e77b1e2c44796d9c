"""What keeps strangers out below the routes: Host, headers, size, cookies, addresses to go on to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.review_page import ADDRESS, PageClient, client_of, person
from tunewright.review.model import Role
from tunewright.review.store.database import Database
from tunewright.review.web.app import create_app
from tunewright.review.web.security import MAX_BODY_BYTES, Site, safe_next

PATHS = ["/", "/login", "/nowhere", "/enter", "/enter/abc", "/static/review.css", "/static/none.css"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("is_known", [True, False])
def test_every_answer_has_the_headers(db: Database, path: str, is_known: bool) -> None:
    client = client_of(db, person(db, "ann", Role.LEAD) if is_known else None)
    headers = client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'self'; ")
    assert "unsafe" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "form-action 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    if not path.startswith("/static"):
        assert headers["cache-control"] == "no-store"


def test_also_an_answer_to_our_own_mistake_has_them(db: Database) -> None:
    app = create_app(db)

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("a secret of the machine")

    client = PageClient(app)
    client._transport.raise_server_exceptions = False  # type: ignore[attr-defined]
    answer = client.get("/broken")
    assert answer.status_code == 500
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert "a secret of the machine" not in answer.text
    assert "This went wrong on our side" in answer.text


def test_no_page_has_inline_script_or_style(db: Database) -> None:
    client = client_of(db, person(db, "ann", Role.LEAD))
    for path in ("/", "/nowhere"):
        text = client.get(path).text
        assert "<script>" not in text
        assert "<style" not in text
        assert " style=" not in text
        assert " onclick=" not in text


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8377",
        "",
        "[",
        "192.168.1.7",
        "0.0.0.0",
    ],
)
def test_a_foreign_host_header_is_refused_on_loopback(db: Database, host: str) -> None:
    """A foreign name made to point at 127.0.0.1 (DNS rebinding) would else read the page from its script."""
    answer = client_of(db, None).get("/login", headers={"host": host})
    assert answer.status_code == 400
    assert "x-frame-options" in answer.headers


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9", "127.0.0.1:8377", "[::1]:8377"])
def test_names_of_this_machine_are_taken(db: Database, host: str) -> None:
    assert client_of(db, None).get("/login", headers={"host": host}).status_code == 200


def test_elsewhere_the_named_host_and_bare_addresses_are_taken() -> None:
    site = Site(secure=True, hosts=frozenset({"review.example.org"}), any_address=True)
    assert site.is_ours("review.example.org")
    assert site.is_ours("192.168.1.7:8377")
    assert not site.is_ours("evil.example")
    assert not site.is_ours("review.example.org.evil.example")


def test_a_body_too_long_is_refused_whether_it_says_so_or_not(db: Database) -> None:
    client = client_of(db, person(db, "ann", Role.EXPERT))
    text = "x" * (MAX_BODY_BYTES + 1)
    said = client.post("/logout", content=text, headers={"content-type": "text/plain"})
    unsaid = client.post("/logout", content=iter([text[:9].encode(), text[9:].encode()]))
    assert (said.status_code, unsaid.status_code) == (413, 413)
    assert client.get("/").status_code == 200


def test_a_form_of_a_million_characters_is_taken(db: Database) -> None:
    client = client_of(db, person(db, "ann", Role.EXPERT))
    assert client.submit("/logout", text="字" * 300_000 + "x" * 700_000).status_code == 303


def test_another_site_cannot_post_even_with_the_secret(db: Database) -> None:
    client = client_of(db, person(db, "ann", Role.EXPERT))
    assert client.session is not None
    for site in ("cross-site", "same-site"):
        answer = client.post("/logout", data={"csrf": client.session.csrf}, headers={"sec-fetch-site": site})
        assert answer.status_code == 403
    answer = client.post("/logout", headers={"x-csrf": client.session.csrf, "sec-fetch-site": "same-origin"})
    assert answer.status_code == 303


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(db: Database) -> None:
    site = Site(secure=True, hosts=frozenset({"127.0.0.1"}))
    client = PageClient(create_app(db, site=site), address=ADDRESS.replace("http:", "https:"))
    cookie = client.get("/login").headers["set-cookie"]
    assert cookie.startswith("__Host-tunewright-visit=")
    for word in ("HttpOnly", "Path=/", "SameSite=strict", "Secure"):
        assert word in cookie


def test_a_refused_post_gives_back_what_was_typed(db: Database) -> None:
    """An expert whose session ended while typing loses nothing, even without JavaScript."""
    typed = "A long correction.\n<script>alert(1)</script>"
    answer = client_of(db, None).post("/item/1", data={"output": typed, "password": "p" * 50, "short": "x"})
    assert answer.status_code in (401, 404)
    assert "A long correction.\n&lt;script&gt;alert(1)&lt;/script&gt;</textarea>" in answer.text
    assert "<script>alert" not in answer.text
    assert "p" * 50 not in answer.text


def test_a_script_gets_its_error_as_json(db: Database) -> None:
    answer = client_of(db, None).get("/nowhere", headers={"accept": "application/json"})
    assert answer.status_code == 404
    assert list(answer.json()) == ["error"]


def test_no_description_of_the_routes_is_served(db: Database) -> None:
    client = client_of(db, person(db, "lea", Role.LEAD))
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        *(
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
        ),
        *("/\n/evil.example", "/\t/evil.example", "", "item/1", "/%0d%0aSet-Cookie:x"[:1] + "\r\nx"),
    ],
)
def test_a_login_leads_nowhere_else(address: str) -> None:
    assert safe_next(address) == "/"


def test_a_login_leads_to_the_page_that_was_asked_for() -> None:
    assert safe_next("/look?text=a%20b&page=2") == "/look?text=a%20b&page=2"


@given(st.text(alphabet="/\\:@a.%?#\t\n ", max_size=12))
def test_what_a_login_leads_to_is_a_path_of_one_slash(address: str) -> None:
    goal = safe_next(address)
    assert goal.startswith("/")
    assert goal[1:2] not in ("/", "\\")
