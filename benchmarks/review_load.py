"""Raters at the review page all at once: how long the next pair and a save take, and whether all is there.

    python benchmarks/review_load.py [--raters 100] [--seconds 60] [--items 10000] [--think 5] [--postgres]

The real command serves 10,000 pairs, two people each, from two processes; 100 logged-in people, in one more
process on the same machine, open a pair, think (exponentially, on the mean `--think` seconds) and accept it.
*next* is from following the redirect to the next pair until it is there, *save* from the click until the
server's answer, which comes after the commit. Then the database is asked: every acknowledged save must be in
it, and no pair may have more than two people.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tunewright.review.config import ReviewConfig
from tunewright.review.model import Role
from tunewright.review.serve import site_of
from tunewright.review.store import people, queues, sessions
from tunewright.review.store.database import Database, migrate

ROOT = Path(__file__).resolve().parents[1]
WORDS = [
    "the",
    "a",
    "of",
    "reading",
    "passage",
    "listen",
    "answer",
    "option",
    "key",
    "level",
    "text",
    "because",
    "however",
    "writer",
]


@dataclass
class Seen:
    """What the raters met: seconds, acknowledged (item, person), and answers that were neither."""

    next: list[float] = field(default_factory=list)
    save: list[float] = field(default_factory=list)
    acknowledged: set[tuple[int, int]] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)


async def rater(address: str, person: int, cookie: str, think: float, until: float, seen: Seen) -> None:
    rng = random.Random(person)
    headers = {"accept": "text/html", "cookie": cookie}
    async with aiohttp.ClientSession(headers=headers, cookie_jar=aiohttp.DummyCookieJar()) as session:
        await asyncio.sleep(think * rng.random())  # nobody begins in the same instant
        path = "/revise/1"
        while time.monotonic() < until:
            began = time.monotonic()
            async with session.get(address + path) as answer:
                page, shown = await answer.text(), answer.url.path
            if answer.status != 200 or not shown.startswith("/item/"):
                seen.refused.append(f"GET {path}: {answer.status} {shown}")
                path = "/revise/1"
                continue
            seen.next.append(time.monotonic() - began)
            await asyncio.sleep(rng.expovariate(1 / think))
            fields = {name: _value(page, name) for name in ("csrf", "version", "opened")}
            began = time.monotonic()
            async with session.post(
                address + shown, data=fields | {"decision": "accept"}, allow_redirects=False
            ) as answer:
                await answer.read()
            if answer.status == 303:
                seen.save.append(time.monotonic() - began)
                seen.acknowledged.add((int(shown.rsplit("/", 1)[1]), person))
                path = answer.headers["location"]
            else:
                seen.refused.append(f"POST {shown}: {answer.status}")
                path = "/revise/1"


def _value(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, f"the page has no field {name}"
    return found[1]


def fill(url: str, num_items: int, num_raters: int) -> dict[int, str]:
    """A database with one queue and logged-in people; the cookie of each."""
    rng = random.Random(1)

    def text(num: int) -> str:
        return " ".join(rng.choices(WORDS, k=num))

    db = Database.open(url)
    migrate(db)
    items = [
        queues.NewItem(f"r{n}", {"instruction": text(20), "output": text(90)}, {"output": text(95)})
        for n in range(num_items)
    ]
    began = time.monotonic()
    queues.add_revise_queue(db, "load", items, overlap=2)
    print(f"{num_items:,} items imported in {time.monotonic() - began:.1f} s")
    experts = [people.add_person(db, f"expert{n}", Role.EXPERT, None) for n in range(num_raters)]
    name = site_of(ReviewConfig(db=url)).session_cookie
    cookies = {person.id: f"{name}={sessions.begin_session(db, person)}" for person in experts}
    db.close()
    return cookies


@contextlib.contextmanager
def serving(url: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["-m", "tunewright", "review", "--db", url, "--port", str(port), "--workers", "2", "--no-browser"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    process = subprocess.Popen([sys.executable, *words], env=environment, stdout=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


async def load(address: str, cookies: dict[int, str], think: float, seconds: float) -> Seen:
    seen, until = Seen(), time.monotonic() + seconds
    await asyncio.gather(
        *(rater(address, person, cookie, think, until, seen) for person, cookie in cookies.items())
    )
    return seen


def check(url: str, seen: Seen) -> None:
    """Ask the database itself, by SQL of its own."""
    from sqlalchemy import text

    db = Database.open(url)
    with db.read() as connection:
        there = {
            (int(item), int(person))
            for item, person in connection.execute(text("SELECT item_id, person_id FROM revisions"))
        }
        most = connection.execute(
            text(
                "SELECT MAX(n) FROM (SELECT COUNT(DISTINCT person_id) AS n FROM revisions GROUP BY item_id) x"
            )
        ).scalar()
    db.close()
    missing = len(seen.acknowledged - there)
    print(f"acknowledged {len(seen.acknowledged):,}, missing {missing}; people at one pair: {most}")
    assert seen.acknowledged <= there
    assert most is None or most <= 2


def told(name: str, seconds: list[float]) -> str:
    ordered = sorted(1000 * value for value in seconds)
    p50, p95, p99 = (ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.95, 0.99))
    return f"{name}: {len(ordered):,}, median {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--raters", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--think", type=float, default=5)
    parser.add_argument("--postgres", action="store_true")
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        if given.postgres:
            sys.path.insert(0, str(ROOT / "tests"))
            from support.postgres import cluster

            url = stack.enter_context(cluster(fsync=True)) + "/postgres"
        else:
            url = str(Path(stack.enter_context(tempfile.TemporaryDirectory())) / "review.sqlite")
        cookies = fill(url, given.items, given.raters)
        with serving(url) as address:
            seen: Any = asyncio.run(load(address, cookies, given.think, given.seconds))
        print(f"refused {len(seen.refused)} {seen.refused[:3]}")
        print(told("next", seen.next))
        print(told("save", seen.save))
        check(url, seen)


if __name__ == "__main__":
    main()
