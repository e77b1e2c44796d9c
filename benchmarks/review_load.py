"""People at the review page all at once: how long the next item and a save take, and whether all is there.

    python benchmarks/review_load.py [--work revise|rate] [--raters 100] [--seconds 60] [--items 10000]
                                     [--think 5] [--postgres]

The real command serves from two processes; 100 logged-in people, in one more process on the same machine,
open an item, think (exponentially, on the mean `--think` seconds), answer it and go on. *revise*: 10,000
pairs, two people each, who accept. *rate*: a study of 10,000 items, three raters each, with gold, repeated
and training items besides, who answer every question. Both, one after the other, without `--work`.

*next* is from following the redirect to the next item until it is there, *save* from the click until the
server's answer, which comes after the commit. Then the database is asked: every acknowledged save must be in
it as it was sent, nobody may have an item that was not theirs, and no item more people than it asks for.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from review_load_work import WORK, Cookies, Work, hidden

from tunewright.review.config import ReviewConfig
from tunewright.review.serve import site_of
from tunewright.review.store import people, sessions
from tunewright.review.store.database import Database, migrate

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Seen:
    """What the people met: seconds, what was acknowledged by (item, name), and answers that were neither."""

    next: list[float] = field(default_factory=list)
    save: list[float] = field(default_factory=list)
    acknowledged: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


async def person(
    address: str, work: Work, name: str, cookie: str, think: float, until: float, seen: Seen
) -> None:
    rng = random.Random(name)
    headers = {"accept": "text/html", "cookie": cookie}
    async with aiohttp.ClientSession(headers=headers, cookie_jar=aiohttp.DummyCookieJar()) as session:
        await asyncio.sleep(think * rng.random())  # nobody begins in the same instant
        path = work.start
        while time.monotonic() < until:
            began = time.monotonic()
            async with session.get(address + path) as answer:
                page, shown = await answer.text(), answer.url.path
            if answer.status != 200 or not shown.startswith(work.items):
                seen.refused.append(f"GET {path}: {answer.status} {shown}")
                path = work.start
                continue
            if 'name="version"' not in page:  # what a training item expects: read, not answered
                path = work.start
                continue
            seen.next.append(time.monotonic() - began)
            await asyncio.sleep(rng.expovariate(1 / think))
            said = work.answer(page, rng)
            fields = {name: hidden(page, name) for name in work.hidden} | said
            began = time.monotonic()
            async with session.post(address + shown, data=fields, allow_redirects=False) as answer:
                await answer.read()
            if answer.status == 303:
                seen.save.append(time.monotonic() - began)
                seen.acknowledged[shown.removeprefix(work.items), name] = said
                path = answer.headers["location"]
            else:
                seen.refused.append(f"POST {shown}: {answer.status}")
                path = work.start


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
        else:
            raise SystemExit("the server did not begin; its error stands above")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


async def load(address: str, work: Work, cookies: Cookies, think: float, seconds: float) -> Seen:
    seen, until = Seen(), time.monotonic() + seconds
    await asyncio.gather(
        *(person(address, work, name, cookie, think, until, seen) for name, cookie in cookies.items())
    )
    return seen


def filled(url: str, work: Work, place: Path, num_items: int, num_people: int) -> Cookies:
    """A database with one queue and logged-in people; the cookie of each by name."""
    db = Database.open(url)
    migrate(db)
    names = [f"person{number}" for number in range(num_people)]
    everybody = [people.add_person(db, name, work.role, None) for name in names]
    began = time.monotonic()
    work.fill(db, place, num_items, names)
    print(f"{work.name}: {num_items:,} items drawn up and imported in {time.monotonic() - began:.1f} s")
    name = site_of(ReviewConfig(db=url)).session_cookie
    cookies = {one.name: f"{name}={sessions.begin_session(db, one)}" for one in everybody}
    db.close()
    return cookies


def told(name: str, seconds: list[float]) -> str:
    ordered = sorted(1000 * value for value in seconds)
    p50, p95, p99 = (ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.95, 0.99))
    return (
        f"{name}: {len(ordered):,}, median {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms, "
        f"longest {ordered[-1]:.0f} ms"
    )


def measure(work: Work, given: argparse.Namespace) -> None:
    with contextlib.ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if given.postgres:
            sys.path.insert(0, str(ROOT / "tests"))
            from support.postgres import cluster

            url = stack.enter_context(cluster(fsync=True)) + "/postgres"
        else:
            url = str(place / "review.sqlite")
        cookies = filled(url, work, place, given.items, given.raters)
        with serving(url) as address:
            seen = asyncio.run(load(address, work, cookies, given.think, given.seconds))
        print(f"refused {len(seen.refused)} {seen.refused[:3]}")
        print(told("next", seen.next))
        print(told("save", seen.save))
        db = Database.open(url)
        print(f"acknowledged {len(seen.acknowledged):,}; {work.check(db, place, seen.acknowledged)}")
        db.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", choices=list(WORK))
    parser.add_argument("--raters", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--think", type=float, default=5)
    parser.add_argument("--postgres", action="store_true")
    given = parser.parse_args()
    for work in WORK.values():
        if given.work in (None, work.name):
            measure(work, given)


if __name__ == "__main__":
    main()
