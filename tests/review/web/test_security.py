"""What keeps strangers out below the routes: Host, headers, size, cookies, addresses to go on to."""

from __future__ import annotations

import html
import http.client
import re
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from support.review_page import ADDRESS, PageClient, client_of, person, serving
from tunewright.review.model import Role
from tunewright.review.store import sessions
from tunewright.review.store.database import Database
from tunewright.review.store.queues import NewItem, add_revise_queue
from tunewright.review.store.revisions import autosave, history
from tunewright.review.store.work import next_work, work_on
from tunewright.review.web.app import create_app
from tunewright.review.web.forms import MAX_BODY_BYTES, MAX_KNOWN_BODY_BYTES
from tunewright.review.web.security import Site, safe_next

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
    assert headers["referrer-policy"] == "same-origin"
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
    client = client_of(db, None)
    text = "x" * (MAX_BODY_BYTES + 1)
    said = client.post("/logout", content=text, headers={"content-type": "text/plain"})
    unsaid = client.post("/logout", content=iter([text[:9].encode(), text[9:].encode()]))
    assert (said.status_code, unsaid.status_code) == (413, 413)
    assert client.get("/login").status_code == 200
    for answer in (said, unsaid):
        assert "<h1>That is too long</h1>" in answer.text
        assert "more than 4,000,000 from somebody who is not logged in" in answer.text
        assert "what you typed is still in the page" in answer.text
        assert answer.headers["connection"] == "close"
    beyond = client.post("/logout", content=b"", headers={"content-length": "100000001"})
    assert beyond.status_code == 413
    json = client.post("/logout", content=text, headers={"accept": "application/json"})
    assert (json.status_code, list(json.json())) == (413, ["error"])


def test_who_is_logged_in_may_send_five_texts_of_a_million_letters(db: Database) -> None:
    """A pair that is too long to be sent could not even be skipped."""
    client = client_of(db, person(db, "ann", Role.EXPERT))
    fields = {f"text.{name}": "字" * 400_000 for name in ("system", "instruction", "input", "output")}
    assert client.submit("/logout", **fields).status_code == 303
    client = client_of(db, person(db, "ann", Role.EXPERT))
    assert client.submit("/logout", text="x" * MAX_KNOWN_BODY_BYTES).status_code == 413


BOUNDARY = {"content-type": "multipart/form-data; boundary=b"}
URLENCODED = {"content-type": "application/x-www-form-urlencoded"}
BROKEN_FORMS = [
    (b"no parts at all", {"content-type": "multipart/form-data"}),
    (b"no parts at all", BOUNDARY),
    (b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--", BOUNDARY),
    (b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nx\r\n--b--', BOUNDARY),
    (b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n\xff\r\n--b--', BOUNDARY),
    (b"&".join([b"a=b"] * 1001), URLENCODED),
    (b"a=%ED%A0%80", URLENCODED),  # half of a surrogate pair
    (b"a=%FF", URLENCODED),
    ("a=é".encode(), URLENCODED),
]


@pytest.mark.parametrize(("body", "kind"), BROKEN_FORMS)
def test_a_form_that_no_browser_sends_is_refused_in_our_own_words(
    db: Database, body: bytes, kind: dict[str, str]
) -> None:
    """Not "Missing boundary in multipart.", and no letter is taken for another."""
    client = client_of(db, person(db, "ann", Role.EXPERT))
    page = client.post("/logout", content=body, headers=kind)
    assert page.status_code == 400
    assert "<h1>That could not be read</h1>" in page.text
    assert "did not arrive whole, or not as this page sends it. Nothing was saved." in page.text
    assert client.session is not None
    headers = {**kind, "accept": "application/json", "x-csrf": client.session.csrf}
    json = client.post("/item/1", content=body, headers=headers)
    assert (json.status_code, list(json.json())) == (400, ["error"])
    assert "boundary" not in json.text + page.text
    assert "Maximum" not in json.text + page.text


@pytest.mark.parametrize("character", ["\0", "\x0c", "\x1b", "\x7f", "\ufffe"])
def test_a_text_with_what_no_page_can_show_is_refused_and_given_back(db: Database, character: str) -> None:
    lead = client_of(db, person(db, "lea", Role.LEAD))
    answer = lead.submit("/people", name=f"Max  Mo{character}ritz", role="rater", password="")
    assert answer.status_code == 422
    assert f"(U+{ord(character):04X}, after “Max Mo”)" in answer.text
    assert "Nothing was saved." in answer.text
    assert "Max  Mo\ufffdritz</textarea>" in answer.text


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


@pytest.mark.parametrize(
    ("address", "name", "value", "status"),
    [
        ("http://127.0.0.1:8377", "origin", "http://127.0.0.1:8377", 303),
        ("http://127.0.0.1:8377", "referer", "http://127.0.0.1:8377/item/1", 303),
        ("http://localhost:8377", "origin", "http://localhost:8377", 303),
        ("http://LOCALHOST:8377", "origin", "http://localhost:8377", 303),
        ("http://localhost", "origin", "http://localhost:80", 303),
        ("http://[::1]:8377", "origin", "http://[::1]:8377", 303),
        ("http://127.0.0.1:8377", "x-nothing", "", 303),
        ("http://127.0.0.1:8377", "origin", "http://localhost:8377", 403),
        ("http://127.0.0.1:8377", "origin", "http://127.0.0.1:9999", 403),
        ("http://127.0.0.1:8377", "origin", "http://evil.example", 403),
        ("http://127.0.0.1:8377", "origin", "null", 403),
        ("http://127.0.0.1:8377", "origin", "", 403),
        ("http://127.0.0.1:8377", "origin", "http://127.0.0.1:x", 403),
        ("http://127.0.0.1:8377", "referer", "http://evil.example/http://127.0.0.1:8377", 403),
    ],
)
def test_where_the_browser_does_not_say_so_origin_or_referer_tells_who_sent_a_form(
    db: Database, address: str, name: str, value: str, status: int
) -> None:
    client = client_of(db, person(db, "ann", Role.EXPERT))
    assert client.session is not None
    headers = {"host": address.removeprefix("http://"), name: value}
    assert client.post("/logout", data={"csrf": client.session.csrf}, headers=headers).status_code == status


@pytest.mark.parametrize(
    ("host", "origin", "is_ours"),
    [
        ("review.example.org", "https://review.example.org", True),
        ("127.0.0.1:8377", "https://review.example.org", True),  # the proxy's own Host, as nginx sends it
        ("127.0.0.1:8377", "https://review.example.org:443", True),
        ("localhost:8377", "http://localhost:8377", True),  # past the proxy, on the machine itself
        ("review.example.org", "http://review.example.org", False),
        ("review.example.org", "https://review.example.org:8443", False),
        ("127.0.0.1:8377", "https://evil.example", False),
    ],
)
def test_behind_a_proxy_the_public_address_counts(host: str, origin: str, is_ours: bool) -> None:
    site = Site(secure=True, hosts=frozenset({"review.example.org"}), url="https://review.example.org")
    assert site.is_our_origin(origin, host) is is_ours


def hidden_fields(page: str) -> list[tuple[str, str]]:
    """Of the form that goes to the first pair."""
    form = page.partition('<form method="post" action="/item/1"')[2].partition("</form>")[0]
    return [
        (name, html.unescape(value))
        for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    ]


def test_a_form_from_before_a_new_login_is_sent_again_with_one_button(db: Database) -> None:
    """The session ended while somebody typed, they logged in in another tab, and sent the page once more."""
    add_revise_queue(db, "pairs", [NewItem("k", {"instruction": "Ask.", "output": "Said."})])
    ann = person(db, "ann", Role.EXPERT)
    client = client_of(db, ann)
    client.get("/revise/1")
    typed = 'A "long" correction,\r\nworth an hour of work.'
    before = client_of(db, ann).session
    assert before is not None
    old = {"csrf": before.csrf, "version": "0", "decision": "edit", "text.output": typed}
    old |= {"why": ["too-short", "other"]}
    for unsure in ({}, {"sec-fetch-site": "none"}):
        assert "Send it again" not in client.post("/item/1", data=old, headers=unsure).text
    made_up = client.post("/item/1", data=old | {"csrf": "x"}, headers={"origin": ADDRESS})
    assert "Send it again" not in made_up.text
    page = client.post("/item/1", data=old, headers={"origin": ADDRESS})
    assert page.status_code == 403
    assert "You logged in again since that page was opened. Nothing was saved yet" in page.text
    assert '<button class="primary" autofocus data-key="Enter">Send it again' in page.text
    fields = hidden_fields(page.text)
    assert [name for name, _ in fields] == ["csrf", "version", "decision", "text.output", "why", "why"]
    assert client.post("/item/1", data=dict(fields)).status_code == 303
    assert history(db, 1)[-1].texts["output"] == typed.replace("\r\n", "\n")
    lead = client_of(db, person(db, "lea", Role.LEAD))
    secret = lead.post("/people", data={"csrf": "old", "password": "p" * 50}, headers={"origin": ADDRESS})
    assert "Send it again" not in secret.text
    assert "p" * 50 not in secret.text


def test_a_logged_out_form_is_sent_again_by_its_own_person_and_by_nobody_else(db: Database) -> None:
    """Without JavaScript: its page keeps the old secret, which says whose text it is."""
    add_revise_queue(db, "pairs", [NewItem("k", {"instruction": "Ask.", "output": "Said."})])
    ann, bob = (person(db, name, Role.EXPERT) for name in ("ann", "bob"))
    client = client_of(db, ann)
    assert client.session is not None
    client.get("/revise/1")
    sessions.end_sessions_of(db, ann)
    from_here = {"origin": ADDRESS}
    fields = {"csrf": client.session.csrf, "version": "0", "decision": "edit", "text.output": "7"}
    out = client.post("/item/1", data=fields, headers=from_here)
    assert (out.status_code, "Send it again" in out.text) == (401, True)
    assert dict(hidden_fields(out.text)) == fields
    other = client_of(db, bob).post("/item/1", data=dict(hidden_fields(out.text)), headers=from_here)
    assert other.status_code == 403
    assert "You are logged in as bob now, and that page was opened by somebody else." in other.text
    assert dict(hidden_fields(other.text)) == fields
    assert history(db, 1) == []
    again = client_of(db, ann)
    stale = again.post("/item/1", data=dict(hidden_fields(other.text)), headers=from_here)
    assert "You logged in again since that page was opened." in stale.text
    assert again.post("/item/1", data=dict(hidden_fields(stale.text))).status_code == 303
    assert [(one.person_id, one.texts["output"]) for one in history(db, 1)] == [(ann.id, "7")]


def test_the_secret_of_now_is_told_to_pages_of_this_site_and_to_no_other(db: Database) -> None:
    ann = person(db, "ann", Role.RATER)
    client = client_of(db, ann)
    assert client.session is not None
    script = {"accept": "application/json"}
    expected = {"person": ann.id, "name": "ann", "csrf": client.session.csrf}
    assert client.get("/session", headers={"sec-fetch-site": "same-origin"}).json() == expected
    for elsewhere in ("cross-site", "same-site"):
        answer = client.get("/session", headers={"sec-fetch-site": elsewhere, **script})
        assert (answer.status_code, client.session.csrf in answer.text) == (403, False)
    nobody = client_of(db, None).get("/session", headers={"accept": "application/json"})
    assert nobody.status_code == 401


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(db: Database) -> None:
    site = Site(secure=True, hosts=frozenset({"127.0.0.1"}))
    client = PageClient(create_app(db, site=site), address=ADDRESS.replace("http:", "https:"))
    cookie = client.get("/login").headers["set-cookie"]
    assert cookie.startswith("__Host-tunewright-visit=")
    for word in ("HttpOnly", "Path=/", "SameSite=strict", "Secure"):
        assert word in cookie


def test_a_refused_post_gives_back_texts_of_any_length_and_no_choices(db: Database) -> None:
    """An answer of a test item may be one letter, a rater's comment a word."""
    fields = {
        "csrf": "x",
        "version": "31",
        "decision": "edit",
        "opened": "1800000000.5",
        "take.output": "mine",
    }
    typed = {"text.instruction": "Short?", "text.output": "B", "own_words": "Key.", "comment.1": "Nice"}
    page = client_of(db, None).post("/item/1", data={**fields, **typed, "text.input": ""}).text
    shown = re.findall(r"<label[^>]*>([^<]*)</label><textarea[^>]*>\n([^<]*)</textarea>", page)
    expected = [("Instruction", "Short?"), ("Response", "B"), ("Your reason", "Key."), ("comment.1", "Nice")]
    assert shown == expected


def test_a_refused_post_gives_back_what_was_typed(db: Database) -> None:
    """An expert whose session ended while typing loses nothing, even without JavaScript."""
    typed = "A long correction.\n<script>alert(1)</script>"
    answer = client_of(db, None).post("/item/1", data={"output": typed, "password": "p" * 50, "short": "x"})
    assert answer.status_code in (401, 404)
    assert "A long correction.\n&lt;script&gt;alert(1)&lt;/script&gt;</textarea>" in answer.text
    assert "<script>alert" not in answer.text
    assert "p" * 50 not in answer.text


@pytest.mark.parametrize("has_script", [False, True])
def test_a_save_that_fails_on_our_side_gives_back_what_was_typed(
    db: Database, monkeypatch: pytest.MonkeyPatch, has_script: bool
) -> None:
    client = client_of(db, person(db, "ann", Role.EXPERT))
    client._transport.raise_server_exceptions = False  # type: ignore[attr-defined]
    assert client.session is not None
    typed = "A long correction,\nworth an hour of work."
    headers = {"x-csrf": client.session.csrf} if has_script else {}

    def broken(*_: object) -> None:
        raise RuntimeError("our mistake")

    monkeypatch.setattr("tunewright.review.web.revise.work_on", broken)
    answer = client.post("/item/1", data={"csrf": client.session.csrf, "text.output": typed}, headers=headers)
    assert answer.status_code == 500
    assert f"{typed}</textarea>" in answer.text


def test_a_database_that_cannot_be_written_is_said_and_what_was_typed_given_back(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Here the file may not be written, as it is when the disk is full or another program has it locked."""
    add_revise_queue(db, "pairs", [NewItem("k", {"instruction": "Ask.", "output": "Said."})])
    client = client_of(db, person(db, "ann", Role.EXPERT))
    client.get("/revise/1")
    listening = event.listens_for(db.engine, "begin")
    listening(lambda connection: connection.exec_driver_sql("PRAGMA query_only=ON"))
    db.engine.dispose()
    typed = "A long correction,\nworth an hour of work."
    fields = {"version": "0", "decision": "edit", "text.output": typed}
    page = client.submit("/item/1", **fields)
    assert page.status_code == 503
    assert "its disk may be full" in page.text
    assert "It may not have been saved. Here it is" in page.text
    assert f"{typed}</textarea>" in page.text
    assert page.headers["retry-after"] == "60"
    assert page.headers["x-frame-options"] == "DENY"
    client.headers["accept"] = "application/json"
    assert list(client.submit("/item/1/autosave", **fields).json()) == ["error"]
    assert "readonly database" in caplog.text


def test_a_script_gets_its_error_as_json(db: Database) -> None:
    answer = client_of(db, None).get("/nowhere", headers={"accept": "application/json"})
    assert answer.status_code == 404
    assert list(answer.json()) == ["error"]


def test_a_head_is_answered_as_a_get_without_its_page(db: Database) -> None:
    """Monitors and the previews of chat programs ask so."""
    with serving(db) as address:
        for path, status in (("/login", 200), ("/nowhere", 404), ("/static/review.css", 200)):
            [host, port] = address.removeprefix("http://").split(":")
            connection = http.client.HTTPConnection(host, int(port), timeout=10)
            connection.request("HEAD", path)
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (status, b"")
            assert answer.headers["x-frame-options"] == "DENY"
            connection.close()


def test_who_sends_too_much_is_heard_to_the_end_and_then_told(db: Database) -> None:
    """A server that closes while a browser still sends is shown as "connection reset", not as our page."""
    with serving(db) as address:
        [host, port] = address.removeprefix("http://").split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        connection.request("POST", "/item/1", b"x" * 20_000_000, {"accept": "text/html"})
        answer = connection.getresponse()
        assert answer.status == 413
        assert "That is too long" in answer.read().decode()
        connection.close()


def test_a_form_that_was_cut_off_on_its_way_changes_nothing(db: Database) -> None:
    """The network goes away while a text is sent: half of it must not take the place of what is kept."""
    queue = add_revise_queue(db, "pairs", [NewItem("k", {"instruction": "Ask.", "output": "Said."})])
    ann = person(db, "ann", Role.EXPERT)
    work = next_work(db, queue.id, ann)
    assert work is not None
    autosave(db, work.item.id, ann, {"output": "All of it."}, version=0)
    client = client_of(db, ann)
    assert client.session is not None
    head = (
        "POST /item/1/autosave HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Cookie: tunewright={client.cookies['tunewright']}\r\nX-CSRF: {client.session.csrf}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{}"
    )
    sent = "version=0&text.output=Now+all+of+it+is"
    with serving(db) as address:
        where = (address.removeprefix("http://").split(":")[0], int(address.rpartition(":")[2]))
        with socket.create_connection(where) as cut:
            cut.sendall(head.format(len(sent) + 100, sent).encode())
            time.sleep(0.2)
        with socket.create_connection(where) as whole:
            time.sleep(0.5)
            kept = work_on(db, work.item.id, ann)
            assert kept is not None
            assert kept.autosaved == {"output": "All of it."}
            whole.sendall(head.format(len(sent), sent).encode())
            assert whole.recv(100).startswith(b"HTTP/1.1 204")
    kept = work_on(db, work.item.id, ann)
    assert kept is not None
    assert kept.autosaved is not None
    assert kept.autosaved["output"] == "Now all of it is"


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


def test_behind_a_proxy_a_link_for_somebody_names_the_public_address(db: Database) -> None:
    """Proxies often hand on a Host of their own, and not that people came by https."""
    site = Site(hosts=frozenset({"127.0.0.1", "review.example.org"}), url="https://review.example.org")
    lead = client_of(db, person(db, "lea", Role.LEAD), site=site)
    page = lead.submit(f"/people/{person(db, 'max', Role.RATER).id}/link").text
    assert "https://review.example.org/enter/" in page
    assert "http://127" not in page
