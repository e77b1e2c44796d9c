"""The processes that answer: each opens the database for itself, all listen on one socket."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import multiprocessing
import multiprocessing.connection
import socket
import threading
import time
from multiprocessing.context import SpawnProcess
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI

from tunewright.errors import RecipeError
from tunewright.review.config import ReviewConfig
from tunewright.review.store.address import same_address
from tunewright.review.store.database import Database
from tunewright.review.web.app import create_app
from tunewright.review.web.security import LOOPBACK_NAMES, Site

GRACE_SECONDS = 10  # for answers under way when the page is stopped
TOO_SOON_SECONDS = 3.0


def answer(config: ReviewConfig, listener: socket.socket) -> None:
    """Answer until the process is told to end; a worker that was killed is started again.

    RecipeError when one ends by itself as soon as it began."""
    if config.workers == 1:
        _work(config, listener)
        return
    workers = [_started(config, listener, number) for number in range(1, config.workers + 1)]
    begun = [time.monotonic()] * config.workers
    try:
        while True:
            multiprocessing.connection.wait([worker.sentinel for worker in workers])
            for number, worker in enumerate(workers):
                if worker.exitcode is None:
                    continue
                was_killed = worker.exitcode < 0  # from outside, or for memory; several may be at once
                if not was_killed and time.monotonic() - begun[number] < TOO_SOON_SECONDS:
                    raise RecipeError("a worker ended as soon as it began; its own words are above")
                workers[number], begun[number] = _started(config, listener, number + 1), time.monotonic()
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join(GRACE_SECONDS + 5)


def site_of(config: ReviewConfig) -> Site:
    """The names, the cookie and whether it is https, from the settings.

    With a `url` its name is the only one, beside loopback's for who looks from this machine whether it runs.
    """
    url = urlsplit(config.url or "")
    hosts = set(LOOPBACK_NAMES) | ({url.hostname} if url.hostname else set())
    is_of_network = not config.is_local and config.url is None
    if is_of_network:
        hosts |= {config.host.lower(), socket.gethostname().lower()}
    return Site(
        secure=url.scheme == "https",
        hosts=frozenset(hosts),
        any_address=is_of_network,
        url=config.url or "",
        cookie="tunewright-" + hashlib.sha256(same_address(config.db).encode()).hexdigest()[:8],
    )


def worker_app(config: ReviewConfig) -> FastAPI:
    """The page in one worker, with connections of its own."""
    return create_app(Database.open(config.db), site=site_of(config), run_folders=config.runs)


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
