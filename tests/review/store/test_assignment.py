"""Whom a queue is given to, and to how many people a pair goes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from support.stores import clock_of, person, queue_of, saved
from tunewright.errors import DataError
from tunewright.review.model import Decision, Person, Role
from tunewright.review.store.assignment import (
    AssignmentChanged,
    Stuck,
    assign,
    assigned,
    raise_overlap,
    stuck,
)
from tunewright.review.store.audit import events
from tunewright.review.store.database import Database
from tunewright.review.store.people import set_role
from tunewright.review.store.queues import queue
from tunewright.review.store.revisions import autosave
from tunewright.review.store.schema import places
from tunewright.review.store.waiting import done_and_left, waiting
from tunewright.review.store.work import LEASE_SECONDS, PlaceLost, next_work


def item_of(db: Database, queue_id: int, who: Person) -> int | None:
    work = next_work(db, queue_id, who)
    return None if work is None else work.item.id


def test_a_queue_that_names_nobody_is_for_everybody(db: Database) -> None:
    ann, bob, pairs = person(db, "ann"), person(db, "bob"), queue_of(db, 2)
    assert assigned(db, pairs.id) == []
    assert [item_of(db, pairs.id, who) for who in (ann, bob)] == [1, 2]


def test_a_queue_is_given_to_those_it_names_alone(db: Database) -> None:
    ann, bob, eve = person(db, "ann"), person(db, "bob"), person(db, "eve", Role.LEAD)
    pairs, other = queue_of(db, 3), queue_of(db, 1, name="other")
    assign(db, pairs.id, [bob.id, ann.id], by=eve)
    assert [one.name for one in assigned(db, pairs.id)] == ["ann", "bob"]
    assert [item_of(db, pairs.id, who) for who in (ann, eve, bob)] == [1, None, 2]
    assert item_of(db, other.id, eve) == 4
    assert [one.queue.name for one in waiting(db, ann)] == ["pairs", "other"]
    assert [one.queue.name for one in waiting(db, eve)] == ["other"]
    assert done_and_left(db, pairs.id, eve) == (0, 0)
    line = events(db, subject=f"queue:{pairs.id}")[-1]
    assert (line.person, line.action, line.detail) == ("eve", "assign", {"people": ["ann", "bob"]})


def test_nobody_else_takes_an_item_by_its_address(db: Database) -> None:
    ann, bob, pairs = person(db, "ann"), person(db, "bob"), queue_of(db, 1)
    assign(db, pairs.id, [ann.id])
    with pytest.raises(PlaceLost):
        autosave(db, 1, bob, {"output": "mine"}, version=0)
    assert item_of(db, pairs.id, ann) == 1


def test_who_is_no_longer_named_saves_what_is_in_hand_and_gets_no_more(db: Database) -> None:
    ann, bob, pairs = person(db, "ann"), person(db, "bob"), queue_of(db, 3)
    assert item_of(db, pairs.id, ann) == 1
    assign(db, pairs.id, [bob.id])
    clock_of(db).forward(LEASE_SECONDS + 1)  # nobody took it meanwhile
    saved(db, 1, ann, decision=Decision.EDIT)
    assert item_of(db, pairs.id, ann) is None
    assert [(one.num_done, one.num_left) for one in waiting(db, ann)] == [(1, 0)]
    assign(db, pairs.id, [])
    assert item_of(db, pairs.id, ann) == 2


def test_only_who_may_revise_is_given_pairs(db: Database) -> None:
    ann, rob, pairs = person(db, "ann"), person(db, "rob", Role.RATER), queue_of(db, 1)
    with pytest.raises(DataError, match="rob: a rater sees no pairs to revise; under People, make"):
        assign(db, pairs.id, [ann.id, rob.id])
    with pytest.raises(DataError, match="one of the people is not there any more"):
        assign(db, pairs.id, [ann.id, 99])
    with pytest.raises(DataError, match="there is no queue 7"):
        assign(db, 7, [ann.id])
    assert assigned(db, pairs.id) == []


def test_a_second_person_may_be_asked_for_later(db: Database) -> None:
    ann, bob, pairs = person(db, "ann"), person(db, "bob"), queue_of(db, 2)
    for item_id in (1, 2):
        assert item_of(db, pairs.id, ann) == item_id
        saved(db, item_id, ann)
    assert item_of(db, pairs.id, bob) is None
    assert raise_overlap(db, pairs.id, 3).overlap == 3
    assert queue(db, pairs.id) == raise_overlap(db, pairs.id, 3)
    assert item_of(db, pairs.id, ann) is None  # nobody gets a pair twice
    assert item_of(db, pairs.id, bob) == 1
    with db.read() as connection:
        of_items = select(places.c.item_id, func.count()).group_by(places.c.item_id)
        assert dict(map(tuple, connection.execute(of_items))) == {1: 3, 2: 3}


@pytest.mark.parametrize("overlap", [0, 1, 51])
def test_places_are_never_taken_back_and_never_without_end(db: Database, overlap: int) -> None:
    pairs = queue_of(db, 1, overlap=2)
    with pytest.raises(DataError, match="goes to 2 people now; give a number from 2 to 50"):
        raise_overlap(db, pairs.id, overlap)


def test_two_leads_who_raise_it_at_once_raise_it_once(db: Database) -> None:
    pairs = queue_of(db, 20)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: raise_overlap(db, pairs.id, 2), range(4)))
    with db.read() as connection:
        assert connection.execute(select(func.count()).select_from(places)).scalar() == 40


def test_a_rater_by_now_is_left_out_quietly_but_not_if_nobody_else_stays(db: Database) -> None:
    ann, rob, pairs = person(db, "ann"), person(db, "rob"), queue_of(db, 1)
    assign(db, pairs.id, [rob.id])
    set_role(db, "rob", Role.RATER)
    with pytest.raises(DataError, match="rob: a rater sees no pairs"):  # else everybody would get the queue
        assign(db, pairs.id, [rob.id])
    assign(db, pairs.id, [ann.id, rob.id])
    assert [one.name for one in assigned(db, pairs.id)] == ["ann"]
    assert events(db, subject=f"queue:{pairs.id}")[-1].detail == {"people": ["ann"]}


def test_two_leads_do_not_undo_each_others_list(db: Database) -> None:
    ann, bob, pairs = person(db, "ann"), person(db, "bob"), queue_of(db, 1)
    assign(db, pairs.id, [ann.id], before=[])
    with pytest.raises(AssignmentChanged, match="was given to ann since this page was loaded"):
        assign(db, pairs.id, [bob.id], before=[])
    assert [one.name for one in assigned(db, pairs.id)] == ["ann"]
    assign(db, pairs.id, [bob.id], before=[ann.id])
    assert [one.name for one in assigned(db, pairs.id)] == ["bob"]


def test_what_a_queues_people_cannot_finish_is_counted(db: Database) -> None:
    ann, bob, pairs = person(db, "ann"), person(db, "bob"), queue_of(db, 3)
    person(db, "rob", Role.RATER)
    assert stuck(db, pairs.id) == Stuck(num_able=2, num_short=0, num_skipped=0)
    for who in (ann, bob):
        assert item_of(db, pairs.id, who) == 1
        saved(db, 1, who, decision=Decision.SKIP)
    assert stuck(db, pairs.id) == Stuck(2, 1, 1)
    raise_overlap(db, pairs.id, 2)
    assert stuck(db, pairs.id) == Stuck(2, 1, 1)
    assign(db, pairs.id, [ann.id])
    assert stuck(db, pairs.id) == Stuck(1, 3, 1)
    set_role(db, "ann", Role.RATER)
    assert stuck(db, pairs.id).num_able == 0
