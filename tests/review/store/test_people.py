"""People, passwords, links and sessions."""

from __future__ import annotations

import statistics
import time

import pytest
from sqlalchemy import text

from support.stores import clock_of, person
from tunewright.errors import DataError
from tunewright.review.model import Role
from tunewright.review.store.database import Database
from tunewright.review.store.people import (
    add_person,
    check_password,
    forget_failures,
    note_failure,
    people,
    person_named,
    set_active,
    set_password,
    set_role,
    too_many_failures,
)
from tunewright.review.store.schema import metadata
from tunewright.review.store.sessions import (
    begin_session,
    end_session,
    end_sessions_of,
    make_link,
    session_of,
    use_link,
)

PASSWORD = "a long enough one"


@pytest.mark.usefixtures("cheap_argon2")
def test_only_the_right_password_of_an_active_person_lets_in(db: Database) -> None:
    ann = add_person(db, "Ann", Role.EXPERT, PASSWORD)
    person(db, "bob")  # without a password
    assert check_password(db, "Ann", PASSWORD) == ann
    assert check_password(db, "ANN", PASSWORD) == ann
    assert check_password(db, "Ann", PASSWORD + " ") is None
    assert check_password(db, "bob", "") is None
    assert check_password(db, "nobody", PASSWORD) is None
    set_active(db, "Ann", False)
    assert check_password(db, "Ann", PASSWORD) is None


def test_an_unknown_name_takes_as_long_as_a_wrong_password(sqlite_db: Database) -> None:
    """The two differ by less than half of what one argon2 hash takes; without it, it would be all of it."""
    add_person(sqlite_db, "ann", Role.EXPERT, PASSWORD)
    check_password(sqlite_db, "nobody", "first, makes the hash of nobody")
    times: dict[str, list[float]] = {"ann": [], "nobody": []}
    for _ in range(5):
        for name, own in times.items():
            begun = time.process_time()
            check_password(sqlite_db, name, "wrong password")
            own.append(time.process_time() - begun)
    known, unknown = (statistics.median(times[name]) for name in ("ann", "nobody"))
    assert unknown > known / 2


def test_names_differ_by_more_than_case(db: Database) -> None:
    person(db, "Ann")
    with pytest.raises(DataError, match="'ann' is a person already"):
        person(db, "ann")
    assert person_named(db, "aNN") == people(db)[0]


@pytest.mark.parametrize("name", ["", " ann", "a\x00b", "a\nb", "x" * 101])
def test_a_name_that_cannot_be_read_is_refused(sqlite_db: Database, name: str) -> None:
    with pytest.raises(DataError, match="a name has 1 to 100 letters"):
        person(sqlite_db, name)


def test_a_short_password_is_refused_without_being_repeated(sqlite_db: Database) -> None:
    with pytest.raises(DataError, match="has 5 characters") as caught:
        add_person(sqlite_db, "ann", Role.RATER, "hush!")
    assert "hush!" not in str(caught.value)


@pytest.mark.usefixtures("cheap_argon2")
def test_no_secret_is_kept_in_plain(db: Database) -> None:
    ann = add_person(db, "ann", Role.LEAD, PASSWORD)
    secret, token = begin_session(db, ann), make_link(db, ann)
    found = session_of(db, secret)
    assert found is not None
    with db.read() as connection:
        rows = [
            str(row)
            for table in metadata.tables
            for row in connection.execute(text(f"SELECT * FROM {table}"))
        ]
    kept = "\n".join(rows)
    assert "argon2" in kept
    for hidden in (PASSWORD, secret, token, found.csrf):
        assert hidden not in kept


def test_a_link_lets_its_person_in_once_and_in_time(db: Database) -> None:
    ann = person(db, "ann")
    token, late = make_link(db, ann), make_link(db, ann, seconds=600)
    assert use_link(db, token) == ann
    assert use_link(db, token) is None
    assert use_link(db, "made up") is None
    clock_of(db).forward(600)
    assert use_link(db, late) is None


def test_a_link_lets_nobody_in_who_was_put_out(db: Database) -> None:
    token = make_link(db, person(db, "ann"))
    set_active(db, "ann", False)
    assert use_link(db, token) is None


def test_a_session_ends_after_two_idle_hours(db: Database) -> None:
    secret = begin_session(db, person(db, "ann"))
    for _ in range(3):
        clock_of(db).forward(2 * 3600 - 1)
        assert session_of(db, secret) is not None
    clock_of(db).forward(2 * 3600)
    assert session_of(db, secret) is None


def test_a_session_ends_after_twelve_hours_whatever_is_done(db: Database) -> None:
    secret = begin_session(db, person(db, "ann"))
    for _ in range(11):
        clock_of(db).forward(3600)
        found = session_of(db, secret)
        assert found is not None
    assert found.expires == clock_of(db).now + 3600  # of the twelfth hour only one is left
    clock_of(db).forward(3600)
    assert session_of(db, secret) is None


@pytest.mark.usefixtures("cheap_argon2")
def test_logging_out_deactivating_and_a_new_password_end_sessions(db: Database) -> None:
    ann = add_person(db, "ann", Role.EXPERT, PASSWORD)
    for end in (
        lambda secret: end_session(db, secret),
        lambda _: end_sessions_of(db, ann),
        lambda _: set_password(db, "ann", "another long one"),
        lambda _: set_active(db, "ann", False),
    ):
        set_active(db, "ann", True)
        secret = begin_session(db, ann)
        assert session_of(db, secret) is not None
        end(secret)
        assert session_of(db, secret) is None


def test_a_new_role_counts_from_the_next_page_on(db: Database) -> None:
    secret = begin_session(db, person(db, "ann"))
    set_role(db, "ann", Role.OWNER)
    found = session_of(db, secret)
    assert found is not None
    assert found.person.role is Role.OWNER


def test_guessing_gets_slower_and_the_wait_runs_out(db: Database) -> None:
    waits = []
    for _ in range(8):
        note_failure(db, "ann", "10.0.0.1")
        waits.append(too_many_failures(db, "ann", "10.0.0.1"))
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8]
    assert too_many_failures(db, "ann", "10.0.0.2") == 0  # the real Ann, at home
    assert too_many_failures(db, "bob", "10.0.0.1") == 0
    clock_of(db).forward(7.5)
    assert too_many_failures(db, "ann", "10.0.0.1") == 0.5
    clock_of(db).forward(900)
    assert too_many_failures(db, "ann", "10.0.0.1") == 0


def test_trying_many_names_from_one_address_gets_slower_too(sqlite_db: Database) -> None:
    for number in range(22):
        note_failure(sqlite_db, f"name {number}", "10.0.0.1")
    assert too_many_failures(sqlite_db, "another", "10.0.0.1") == 4


def test_a_clock_that_is_put_back_locks_nobody_out(sqlite_db: Database) -> None:
    for _ in range(30):
        note_failure(sqlite_db, "ann", "10.0.0.1")
    assert too_many_failures(sqlite_db, "ann", "10.0.0.1") == 900
    clock_of(sqlite_db).forward(-86_400)
    assert too_many_failures(sqlite_db, "ann", "10.0.0.1") == 0


def test_who_gets_in_starts_anew(sqlite_db: Database) -> None:
    for _ in range(6):
        note_failure(sqlite_db, "ann", "10.0.0.1")
    forget_failures(sqlite_db, "Ann", "10.0.0.1")
    assert too_many_failures(sqlite_db, "ann", "10.0.0.1") == 0


def test_a_person_who_is_not_there_cannot_be_changed(db: Database) -> None:
    with pytest.raises(DataError, match="no person is called 'eve'"):
        set_role(db, "eve", Role.LEAD)
