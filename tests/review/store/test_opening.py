"""A database that is worked in: made only when all goes well, and what the disk refuses is said plainly."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import event

from support.stores import person, queue_of
from tunewright.errors import DataError
from tunewright.review.store import opening
from tunewright.review.store.database import Database
from tunewright.review.store.opening import migrated
from tunewright.review.store.people import people
from tunewright.review.store.queues import queues


def test_a_new_database_is_there_when_the_block_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    with migrated(path, new=True) as db:
        person(db, "ann")
        assert not path.exists()
        assert db.name == str(path)
    assert [one.name for one in tmp_path.iterdir()] == ["r.sqlite"]
    assert path.stat().st_mode & 0o777 == 0o600
    with migrated(path) as db:
        assert [one.name for one in people(db)] == ["ann"]


def test_a_block_that_raises_leaves_nothing_new_and_nothing_less(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"

    def add_and_fail(name: str) -> None:
        with migrated(path, new=True) as db:
            person(db, name)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        add_and_fail("ann")
    assert list(tmp_path.iterdir()) == []
    with migrated(path, new=True) as db:
        person(db, "ann")
    with pytest.raises(ZeroDivisionError):
        add_and_fail("bob")
    with migrated(path) as db:
        assert [one.name for one in people(db)] == ["ann", "bob"]


def test_a_database_that_another_command_made_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"

    def make_while_another_does() -> None:
        with migrated(path, new=True) as late, migrated(path, new=True) as first:
            person(late, "late")
            person(first, "first")

    with pytest.raises(DataError, match="another command has made it meanwhile; give this one again"):
        make_while_another_does()
    with migrated(path) as db:
        assert [one.name for one in people(db)] == ["first"]
    assert [one.name for one in tmp_path.iterdir()] == ["r.sqlite"]


def test_it_also_works_where_a_file_can_have_only_one_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(opening.os, "link", no_links)
    with migrated(tmp_path / "r.sqlite", new=True) as db:
        person(db, "ann")
    assert [one.name for one in tmp_path.iterdir()] == ["r.sqlite"]


@pytest.mark.parametrize("url", ["gone.sqlite", "sqlite:///gone.sqlite"])
def test_a_mistyped_name_is_no_empty_database(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=f"^{url}: there is no such database"), migrated(url):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_and_the_import_is_undone(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    with migrated(path, new=True) as db:
        person(db, "ann")

    def fill() -> None:
        with migrated(path) as db:
            _set(db, "max_page_count = 70")  # a page has 4,096 bytes
            queue_of(db, 2_000)

    with pytest.raises(DataError, match=r"r\.sqlite: the disk is full; what was saved before is kept"):
        fill()
    with migrated(path) as db:
        assert (queues(db), len(people(db))) == ([], 1)


def test_a_database_that_may_only_be_read_is_said(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    with migrated(path, new=True):
        pass

    def add() -> None:
        with migrated(path) as db:
            _set(db, "query_only = ON")
            person(db, "ann")

    with pytest.raises(
        DataError, match=r"r\.sqlite: may only be read; make the file and its folder writable"
    ):
        add()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    refused = pytest.raises(DataError, match=r"r\.sqlite: cannot be read or made \(Permission denied\)")
    with refused, migrated(tmp_path / "r.sqlite", new=True):
        pass


def test_an_error_of_the_block_about_another_file_is_not_the_databases(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), migrated(tmp_path / "r.sqlite", new=True):
        (tmp_path / "other").read_text()


def _set(db: Database, pragma: str) -> None:
    """Set a pragma on all connections from now on."""
    db.engine.dispose()
    event.listen(db.engine, "connect", lambda connection, _: connection.execute(f"PRAGMA {pragma}"))
