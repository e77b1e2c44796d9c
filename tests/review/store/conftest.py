"""A store on both databases, with a clock that stands still until a test moves it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import argon2
import pytest

from support.postgres import postgres_cluster, postgres_url  # noqa: F401
from support.stores import Clock
from tunewright.review.store import people
from tunewright.review.store.database import Database, migrate


@pytest.fixture
def cheap_argon2(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that cost nothing, where a test is not about what they cost."""
    monkeypatch.setattr(people, "_hasher", argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    monkeypatch.setattr(people, "_hash_of_nobody", lambda: people._hasher.hash("nobody's password"))


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database, to be copied: cheaper than migrating for every test."""
    path = tmp_path_factory.mktemp("migrated") / "review.db"
    made = Database.open(path)
    migrate(made)
    with made.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    made.close()
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_cluster: str) -> str:  # noqa: F811
    import psycopg

    with psycopg.connect(f"{postgres_cluster}/postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE migrated")
    made = Database.open(f"{postgres_cluster}/migrated")
    migrate(made)
    made.close()
    return postgres_cluster


@pytest.fixture
def sqlite_db(sqlite_file: Path, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "review.db"
    path.write_bytes(sqlite_file.read_bytes())
    made = Database.open(path, clock=Clock())
    yield made
    made.close()


@pytest.fixture
def postgres_db(postgres_template: str) -> Iterator[Database]:
    import psycopg

    name = f"copy_{uuid.uuid4().hex}"
    with psycopg.connect(f"{postgres_template}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE migrated")
        made = Database.open(f"{postgres_template}/{name}", clock=Clock())
        yield made
        made.close()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgres"])
def db(request: pytest.FixtureRequest) -> Database:
    """The migrated database of a test: every test that asks for it runs on both."""
    found: Database = request.getfixturevalue(f"{request.param}_db")
    return found
