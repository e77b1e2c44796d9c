"""Starting the page: tables brought up to date, data brought in, strangers kept out, then the workers.

Everything that can fail fails here, before a worker starts.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path

from tunewright.errors import DataError, RecipeError
from tunewright.records.ids import Repeat
from tunewright.records.reject import Reject
from tunewright.review.config import ReviewConfig
from tunewright.review.model import Person, Role
from tunewright.review.store import people, sessions
from tunewright.review.store.address import without_password
from tunewright.review.store.database import Database
from tunewright.review.store.opening import migrated
from tunewright.review.workers import answer, site_of

__all__ = ["keep_strangers_out", "link_person", "serve", "site_of"]

LINK_SECONDS = 600.0
_MOST_LINES = 10
Say = Callable[[str], None]


def serve(config: ReviewConfig, *, say: Say) -> None:
    """Serve the page until Ctrl-C or SIGTERM. What there is to know is told to `say`, a line at a time.

    RecipeError when others could reach the page and no lead has a password, when the port is taken, or when
    a folder of runs is not there. A database that is not there is made only when nothing is refused.
    """
    for folder in config.runs:
        if not folder.is_dir():
            raise RecipeError(f"--runs {folder}: there is no such folder; name one that holds runs")
    told: list[str] = []
    with contextlib.ExitStack() as stack:
        with migrated(config.db, new=True) as db:
            keep_strangers_out(db, config)
            listener = stack.enter_context(_listening(config))
            if config.data is not None:
                _bring_in(db, config, told.append)
            person = link_person(db, config.person) if config.is_local else None
        for line in told:  # only now is it true: a new database is there
            say(line)
        address = config.url or f"http://{_shown_host(config.host)}:{listener.getsockname()[1]}"
        with _link_file(config, person, address, say):
            say(f"stop with Ctrl-C; whatever was saved is kept in {without_password(config.db)}")
            with contextlib.suppress(KeyboardInterrupt):
                answer(config, listener)
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
        f"tunewright review users add NAME --role lead --db {without_password(config.db)}"
    )


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
    rejects: list[Reject] = []
    repeats: list[Repeat] = []
    done = import_data(db, config.data, name=config.name, on_reject=rejects.append, on_repeat=repeats.append)
    words = "imported as" if done.is_new else "is there already, queue"
    say(f"{config.data}: {words} {done.queue.name!r}, {_items(done.queue.num_items)} to {done.queue.kind}")
    for one in [*rejects[:_MOST_LINES], *repeats[:_MOST_LINES]]:
        say(str(one))
    if rejects:
        rows = "1 row" if len(rejects) == 1 else f"{len(rejects):,} rows"
        say(f"{rows} left out, the rest is there")
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
def _link_file(config: ReviewConfig, person: Person | None, address: str, say: Say) -> Iterator[None]:
    """Tell the address: on this machine with a link that lets one person in once, and open the browser."""
    if person is None:
        say(f"review page: {address}, with name and password")
        if not address.startswith("https:"):
            say(
                "careful: passwords cross the network unencrypted; put a proxy with https in front and name "
                "it with --url https://…"
            )
        yield
        return
    with migrated(config.db) as db:
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
