"""The review page for tests: over a throw-away database, by test client, on a real port, in a real browser.

db = new_database(tmp_path)
ann = person(db, "ann", Role.EXPERT)
client = client_of(db, ann)             # logged in; client.submit(path, field="text") posts with the secret
with serving(db) as address:            # http://127.0.0.1:PORT, in a thread
    page = page_of(browser, address, db, ann, width=390, scheme="dark")
"""

from __future__ import annotations

import contextlib
import importlib.resources
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import argon2
import pytest
import uvicorn
from starlette.testclient import TestClient

from tunewright.review.model import Person, Role, Session
from tunewright.review.store import people, sessions
from tunewright.review.store.database import Database, migrate
from tunewright.review.web.app import create_app
from tunewright.review.web.security import Site

CHROMIUM = Path("/usr/bin/chromium")  # Debian's; playwright's own download is not needed
ADDRESS = "http://127.0.0.1:8377"
PASSWORD = "a long enough password"


def new_database(folder: Path, *, clock: Callable[[], float] = time.time) -> Database:
    """An empty database of the newest version."""
    db = Database.open(folder / "review.sqlite", clock=clock)
    migrate(db)
    return db


def person(db: Database, name: str, role: Role, password: str | None = None) -> Person:
    """That person, made when there is none. Without a password, which costs a tenth of a second to hash."""
    return people.person_named(db, name) or people.add_person(db, name, role, password)


def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let passwords cost next to nothing: a real hash takes a tenth of a second of four cores."""
    monkeypatch.setattr(people, "_hasher", argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    people._hash_of_nobody.cache_clear()


class PageClient(TestClient):
    """A browser without JavaScript: keeps cookies, follows no redirect, asks for HTML, is `session`'s."""

    def __init__(self, app: Any, session: Session | None = None, address: str = ADDRESS) -> None:
        super().__init__(app, base_url=address, follow_redirects=False, headers={"accept": "text/html"})
        self.session = session

    def submit(self, path: str, /, **fields: Any) -> Any:
        """POST a form with the secret of the session."""
        assert self.session is not None
        return self.post(path, data={"csrf": self.session.csrf, **fields})


def client_of(db: Database, who: Person | None, *, site: Site | None = None, app: Any = None) -> PageClient:
    """A client that is logged in as `who` (None: as nobody); its app is made unless one is given."""
    app = app or create_app(db, site=site)
    if who is None:
        return PageClient(app)
    secret = sessions.begin_session(db, who)
    client = PageClient(app, sessions.session_of(db, secret))
    client.cookies.set(app.state.site.session_cookie, secret)
    return client


@contextlib.contextmanager
def serving(db: Database, *, site: Site | None = None) -> Iterator[str]:
    """The address of the page while the block runs: a real server on a free port, in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(db, site=site), log_level="warning", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start within 10 s"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """Debian's Chromium under playwright; skips the test, with the reason, where one is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing (apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


def page_of(
    browser: Any,
    address: str,
    db: Database,
    who: Person | None,
    *,
    width: int = 1280,
    height: int = 800,
    scheme: str = "light",
    script: bool = True,
    site: Site | None = None,
) -> Any:
    """A page of a new browser profile, logged in as `who`; what its console complains about fails the test
    when `page.complaints` is asserted empty."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        java_script_enabled=script,
        has_touch=width < 500,
        reduced_motion="reduce",
    )
    context.set_default_timeout(30_000)
    if who is not None:
        cookie = (site or Site()).session_cookie
        secret = sessions.begin_session(db, who)
        context.add_cookies(
            [{"name": cookie, "value": secret, "url": address, "httpOnly": True, "sameSite": "Strict"}]
        )
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    return page


def axe_violations(page: Any, *, ignore: Sequence[str] = ()) -> list[str]:
    """What axe-core finds wrong with the page as it stands: "rule: help (selector, …)", one per rule."""
    package = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    source = importlib.resources.files(package).joinpath("axe.min.js").read_text(encoding="utf-8")
    page.evaluate(source)
    found = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['help']} ({', '.join(str(node['target']) for node in one['nodes'][:5])})"
        for one in found["violations"]
        if one["id"] not in ignore
    ]


def overflow_pixels(page: Any) -> int:
    """How much wider the page is than its window: 0 when nothing has to be scrolled sideways."""
    return max(0, int(page.evaluate("document.documentElement.scrollWidth - innerWidth")))
