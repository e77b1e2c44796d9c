"""A throw-away PostgreSQL for tests: a cluster in a temporary folder, on a free port, gone afterwards.

A conftest imports `postgres_cluster` and `postgres_url` from here for its folder.
PostgreSQL refuses to run as root; then it runs as the user `postgres` of the Debian package.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

_DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


@contextlib.contextmanager
def cluster(*, fsync: bool = False) -> Iterator[str]:
    """The URL of a running server, without a database's name; skips the test where there is none to start.

    Without `fsync` commits do not wait for the disk: only measurements need that."""
    bin_path = next((path for path in _DEBIAN if (path / "initdb").exists()), None)
    if bin_path is None:
        found = shutil.which("initdb")
        if found is None:
            pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
        bin_path = Path(found).parent
    pytest.importorskip("psycopg")
    folder = Path(tempfile.mkdtemp(prefix="tunewright-postgres-"))
    user = _unprivileged()
    try:
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        data = folder / "data"
        _run(
            [bin_path / "initdb", "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--no-sync"], user
        )
        options = f"-p {port} -h 127.0.0.1 -k {folder} -c max_connections=120 -c shared_buffers=64MB"
        options += f" -c fsync={'on' if fsync else 'off'}"
        _run([bin_path / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", options, "start"], user)
        try:
            yield f"postgresql://tester@127.0.0.1:{port}"
        finally:
            _run([bin_path / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[str]:
    with cluster() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_cluster: str) -> Iterator[str]:
    """The URL of an empty database of its own."""
    import psycopg

    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(f"{postgres_cluster}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield f"{postgres_cluster}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _unprivileged() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user 'postgres' to run it")


def _run(command: list[str | Path], user: pwd.struct_passwd | None) -> None:
    ids = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=60, **ids)  # type: ignore[call-overload]
    if done.returncode:
        pytest.fail(f"{command[0]}: {done.stdout}{done.stderr}")
