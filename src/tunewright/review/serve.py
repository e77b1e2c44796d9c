"""Starting the page: tables brought up to date, data brought in, strangers kept out, then the server.

Everything that can fail fails here, before a worker starts; workers only open the database and answer.
"""

from __future__ import annotations

import contextlib
import functools
import getpass
import hashlib
import multiprocessing
import multiprocessing.connection
import os
import socket
import sys
import tempfile
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator
from multiprocessing.context import SpawnProcess
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI

from tunewright.errors import DataError, RecipeError
from tunewright.review.config import ReviewConfig
from tunewright.review.model import Person, Role
from tunewright.review.store import people, sessions
from tunewright.review.store.database import Database, migrate
from tunewright.review.web.app import create_app
from tunewright.review.web.security import LOOPBACK_NAMES, Site

LINK_SECONDS = 600.0
GRACE_SECONDS = 10  # for answers under way when the page is stopped
TOO_SOON_SECONDS = 3.0
Say = Callable[[str], None]


def serve(config: ReviewConfig, *, say: Say) -> None:
    """Serve the page until Ctrl-C or SIGTERM. What there is to know is told to `say`, a line at a time.

    RecipeError when others could reach the page and no lead has a password, or when the port is taken.
    """
    db = Database.open(config.db)
    try:
        migrate(db)
        keep_strangers_out(db, config)
        with _listening(config) as listener:
            port = listener.getsockname()[1]
            if config.data is not None:
                _bring_in(db, config, say)
            address = config.url or f"http://{_shown_host(config.host)}:{port}"
            with _link_file(db, config, address, say):
                say(f"stop with Ctrl-C; whatever was saved is kept in {_shown_place(db, config)}")
                db.close()  # the workers have their own connections
                with contextlib.suppress(KeyboardInterrupt):
                    _answer(config, listener)
    finally:
        db.close()
    say("stopped")


def keep_strangers_out(db: Database, config: ReviewConfig) -> None:
    """RecipeError unless only this machine reaches the page, or a lead can log in with a password."""
    if config.is_local:
        return
    with_password = people.with_passwords(db)
    if any(
        one.role is Role.LEAD and one.is_active and one.name in with_password for one in people.people(db)
    ):
        return
    where = f"--url {config.url}" if config.url else f"--host {config.host}"
    raise RecipeError(
        f"{where}: others could reach the page, and no lead has a password yet; make one first: "
        f"tunewright review users add NAME --role lead --db {config.db}"
    )


def site_of(config: ReviewConfig) -> Site:
    """The names, the cookie and whether it is https, from the settings."""
    url = urlsplit(config.url or "")
    hosts = set(LOOPBACK_NAMES) | ({url.hostname} if url.hostname else set())
    if not config.is_local:
        hosts |= {config.host.lower(), socket.gethostname().lower()}
    return Site(
        secure=url.scheme == "https",
        hosts=frozenset(hosts),
        any_address=not config.is_local,
        cookie="tunewright-" + hashlib.sha256(config.db.encode()).hexdigest()[:8],
    )


def worker_app(config: ReviewConfig) -> FastAPI:
    """The page in one worker, with connections of its own."""
    return create_app(Database.open(config.db), site=site_of(config), run_folders=config.runs)


def link_person(db: Database, name: str | None) -> Person:
    """Whom the link of the start lets in: `name`, or who sits at this machine, who becomes a lead when there
    is none. DataError when that does not follow."""
    if name is not None:
        found = people.person_named(db, name)
        if found is None or not found.is_active:
            raise DataError(
                f"--person {name}: nobody active is called so; see `tunewright review users list`"
            )
        return found
    try:
        me = getpass.getuser()
    except (KeyError, OSError):  # a container without a table of users
        me = "lead"
    active = [person for person in people.people(db) if person.is_active]
    found = next((person for person in active if person.name == me), None)
    leads = [person for person in active if person.role is Role.LEAD]
    if found is not None:
        return found
    if not leads:
        return people.add_person(db, me, Role.LEAD, None)
    if len(leads) == 1:
        return leads[0]
    names = ", ".join(person.name for person in leads)
    raise DataError(f"nobody here is called {me!r}; say who you are with --person: {names}")


def _bring_in(db: Database, config: ReviewConfig, say: Say) -> None:
    from tunewright.review.import_data import import_data  # slow to load, and no worker needs it

    assert config.data is not None
    done = import_data(db, config.data, name=config.name)
    words = "imported as" if done.is_new else "is there already, queue"
    say(f"{config.data}: {words} {done.queue.name!r}, {_items(done.queue.num_items)} to {done.queue.kind}")
    if done.new_raters:
        say(
            f"raters of this study without a password: {', '.join(done.new_raters)}; "
            f"to rate as one of them on this machine: --person {done.new_raters[0]}"
        )


@contextlib.contextmanager
def _listening(config: ReviewConfig) -> Iterator[socket.socket]:
    """A socket that queues up visitors from now on, so the browser may open before the server is ready."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        listener = socket.create_server((config.host, config.port), family=family, backlog=512)
    except OSError as error:
        raise RecipeError(
            f"{config.host}:{config.port} cannot be used ({error.strerror or error}); "
            "another page may be running: give --port 0 for any free port"
        ) from None
    listener.set_inheritable(True)
    with listener:
        yield listener


@contextlib.contextmanager
def _link_file(db: Database, config: ReviewConfig, address: str, say: Say) -> Iterator[None]:
    """Tell the address: on this machine with a link that lets one person in once, and open the browser."""
    if not config.is_local:
        say(f"review page: {address}, with name and password")
        if not address.startswith("https:"):
            say(
                "careful: passwords cross the network unencrypted; put a proxy with https in front and name "
                "it with --url https://…"
            )
        yield
        return
    person = link_person(db, config.person)
    link = f"{address}/enter/{sessions.make_link(db, person, seconds=LINK_SECONDS)}"
    say(f"review page: {link}")
    say(f"the link lets {person.name} ({person.role}) in, once, within {LINK_SECONDS / 60:.0f} minutes")
    if not (config.open_browser and _has_screen()):
        yield
        return
    # Not the link itself: the browser's command line can be read by others on this machine. The file cannot.
    with tempfile.TemporaryDirectory(prefix="tunewright-") as folder:
        file = Path(folder) / "open.html"
        file.write_text(
            f'<!doctype html><meta http-equiv="refresh" content="0; url={link}"><a href="{link}">Open</a>',
            encoding="utf-8",
        )
        file.chmod(0o600)
        threading.Thread(target=webbrowser.open, args=(file.as_uri(),), daemon=True).start()
        yield


def _answer(config: ReviewConfig, listener: socket.socket) -> None:
    if config.workers == 1:
        _work(config, listener)
        return
    workers = [_started(config, listener, number) for number in range(1, config.workers + 1)]
    try:
        while True:
            begun = time.monotonic()
            ended = multiprocessing.connection.wait([worker.sentinel for worker in workers])
            if time.monotonic() - begun < TOO_SOON_SECONDS:
                raise RecipeError("a worker ended as soon as it began; its own words are above")
            for number, worker in enumerate(workers):
                if worker.sentinel in ended:  # killed from outside, or for memory: another takes its place
                    workers[number] = _started(config, listener, number + 1)
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join(GRACE_SECONDS + 5)


def _started(config: ReviewConfig, listener: socket.socket, number: int) -> SpawnProcess:
    worker = multiprocessing.get_context("spawn").Process(
        target=_work, args=(config, listener), kwargs={"is_child": True}, name=f"worker {number}"
    )
    worker.start()
    return worker


def _work(config: ReviewConfig, listener: socket.socket, *, is_child: bool = False) -> None:
    server = uvicorn.Server(
        uvicorn.Config(
            functools.partial(worker_app, config),
            factory=True,
            log_level="warning",
            access_log=False,  # it would hold the tokens of links
            server_header=False,
            proxy_headers=config.url is not None,
            lifespan="off",
            ws="none",
            timeout_keep_alive=60,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    if is_child:
        threading.Thread(target=_end_with_parent, args=(server,), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


def _end_with_parent(server: uvicorn.Server) -> None:
    """A worker whose command was killed outright must not hold the port for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    multiprocessing.connection.wait([parent.sentinel])
    server.should_exit = True


def _shown_place(db: Database, config: ReviewConfig) -> str:
    return db.engine.url.render_as_string() if "://" in config.db else config.db  # its password as ***


def _items(num: int) -> str:
    return "1 item" if num == 1 else f"{num:,} items"


def _shown_host(host: str) -> str:
    if host in ("0.0.0.0", "::"):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host


def _has_screen() -> bool:
    """Whether a browser would open in a window of its own, not in this terminal."""
    if sys.platform in ("darwin", "win32"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
