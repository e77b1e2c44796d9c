"""Progress, the owner's sample, and the times of the experiment."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.stores import clock_of, person, queue_of, saved
from support.studies import study
from tunewright.errors import DataError
from tunewright.review.model import Arm, Decision, Person, Role
from tunewright.review.store.database import Database
from tunewright.review.store.lead import (
    num_waiting,
    owner_verdict,
    owner_work,
    paces,
    sample_for_owner,
    verdicts,
)
from tunewright.review.store.overview import arm_times
from tunewright.review.store.queues import add_rate_queue
from tunewright.review.store.ratings import next_task, rate
from tunewright.review.store.revisions import undo
from tunewright.review.store.work import LEASE_SECONDS, next_work


def work_through(db: Database, queue_id: int, who: Person, decision: Decision = Decision.ACCEPT) -> int:
    done = 0
    while (work := next_work(db, queue_id, who)) is not None:
        saved(db, work.item.id, who, decision=decision, seconds=90)
        done += 1
    return done


def test_pace_counts_items_and_all_active_time(db: Database) -> None:
    ann, bob, _ = person(db, "ann"), person(db, "bob"), person(db, "eve")
    queue = queue_of(db, 5)
    first = next_work(db, queue.id, ann)
    assert first is not None
    saved(db, first.item.id, ann, seconds=60)
    saved(db, first.item.id, ann, version=1, decision=Decision.FLAG, seconds=30)  # gone back to it
    second = next_work(db, queue.id, ann)
    assert second is not None
    clock_of(db).forward(100)
    saved(db, second.item.id, ann, decision=Decision.SKIP, seconds=10)
    assert next_work(db, queue.id, bob) is not None
    found = {pace.person.name: pace for pace in paces(db, queue.id)}
    assert set(found) == {"ann", "bob"}
    anns = found["ann"]
    assert (anns.num_assigned, anns.num_done, anns.num_flagged, anns.active_seconds) == (1, 1, 1, 100.0)
    assert anns.per_hour == 36.0
    assert anns.last_at == clock_of(db).now
    assert (found["bob"].num_assigned, found["bob"].num_done, found["bob"].per_hour) == (1, 0, None)


def test_the_pace_of_raters(db: Database, tmp_path: Path) -> None:
    queue = add_rate_queue(db, study(tmp_path / "s", num_prompts=2, num_systems=1, pairwise=False))
    ann = person(db, "ann", Role.RATER)
    one = next_task(db, queue.id, ann)
    assert one is not None
    [(code, _)] = one.answers
    values = {("validity", code): 1.0, ("readiness", code): 1.0, ("explanation", code): 1.0}
    rate(db, queue.id, one.item, ann, version=0, values=values, seconds=40)
    [pace] = paces(db, queue.id)
    assert (pace.num_done, pace.active_seconds, pace.per_hour) == (1, 40.0, 90.0)


def test_the_owner_gets_flags_first_then_the_sample(db: Database) -> None:
    ann, owner = person(db, "ann"), person(db, "olga", Role.OWNER)
    queue = queue_of(db, 4)
    for item_id in range(1, 5):
        assert next_work(db, queue.id, ann) is not None
        saved(db, item_id, ann, decision=Decision.FLAG if item_id == 3 else Decision.ACCEPT)
    assert sample_for_owner(db, queue.id, 1.0, seed=1) == 3
    assert sample_for_owner(db, queue.id, 1.0, seed=1) == 0
    assert num_waiting(db) == 4
    seen = []
    while (work := owner_work(db, owner)) is not None:
        assert owner_work(db, owner) == work
        [(who, made)] = work.revisions
        assert (who, made.item_id) == (ann, work.item.id)
        seen.append((work.item.id, work.why))
        owner_verdict(db, work.item.id, owner, work.item.id != 2, "see \x00")
    assert seen == [(3, "flagged"), (1, "drawn"), (2, "drawn"), (4, "drawn")]
    assert [(one.item_id, one.is_good, one.person) for one in verdicts(db, queue.id)] == [
        (1, True, "olga"),
        (2, False, "olga"),
        (3, True, "olga"),
        (4, True, "olga"),
    ]
    assert num_waiting(db) == 0
    assert verdicts(db, queue.id)[0].reason == "see \x00"


def test_two_owners_look_at_different_items(db: Database) -> None:
    ann, queue = person(db, "ann"), queue_of(db, 2)
    olga, otto = person(db, "olga", Role.OWNER), person(db, "otto", Role.OWNER)
    assert work_through(db, queue.id, ann, Decision.FLAG) == 2
    first, second = owner_work(db, olga), owner_work(db, otto)
    assert first is not None
    assert second is not None
    assert (first.item.id, second.item.id) == (1, 2)
    clock_of(db).forward(LEASE_SECONDS)
    taken_over = owner_work(db, otto)
    assert taken_over is not None
    owner_verdict(db, 1, otto, True)
    with pytest.raises(DataError, match="another owner decided"):
        owner_verdict(db, 1, olga, False)


def test_only_finished_items_are_drawn_and_a_larger_share_keeps_the_smaller(sqlite_db: Database) -> None:
    db = sqlite_db
    ann, bob, queue = person(db, "ann"), person(db, "bob"), queue_of(db, 60, overlap=2)
    assert work_through(db, queue.id, ann) == 60
    assert sample_for_owner(db, queue.id, 1.0, seed=1) == 0  # Bob's places are open
    assert work_through(db, queue.id, bob) == 60
    few = sample_for_owner(db, queue.id, 0.3, seed=1)
    drawn = {one.item_id for one in verdicts(db, queue.id)}
    assert len(drawn) == few
    assert 8 <= few <= 28  # 18 expected, 3 standard deviations of 3.5
    sample_for_owner(db, queue.id, 0.6, seed=1)
    assert drawn < {one.item_id for one in verdicts(db, queue.id)}
    with pytest.raises(DataError, match=r"share 1\.5"):
        sample_for_owner(db, queue.id, 1.5, seed=1)


def test_a_flag_taken_back_asks_nothing_of_the_owner(db: Database) -> None:
    ann, owner, queue = person(db, "ann"), person(db, "olga", Role.OWNER), queue_of(db, 1)
    assert next_work(db, queue.id, ann) is not None
    saved(db, 1, ann, decision=Decision.FLAG)
    undo(db, 1, ann)
    assert owner_work(db, owner) is None


def test_arm_times_are_the_sum_of_all_saves(db: Database) -> None:
    ann, queue = person(db, "ann"), queue_of(db, 8, experiment=True)
    while (work := next_work(db, queue.id, ann)) is not None:
        saved(db, work.item.id, ann, seconds=60)
        saved(db, work.item.id, ann, version=1, reason="again", seconds=5)
    rows = arm_times(db, queue.id)
    assert [row.seconds for row in rows] == [65.0] * 8
    assert {(row.person, row.decision) for row in rows} == {("ann", Decision.EDIT)}
    assert {row.arm for row in rows} == set(Arm)


def test_skips_and_flags_have_a_time_in_their_arm(db: Database) -> None:
    ann, queue = person(db, "ann"), queue_of(db, 4, experiment=True)
    work_through(db, queue.id, ann, Decision.SKIP)
    assert [(row.decision, row.seconds) for row in arm_times(db, queue.id)] == [(Decision.SKIP, 90.0)] * 4
