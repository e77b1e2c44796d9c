"""Sent back, and who may mend it; a choice that answers; on both databases."""

from __future__ import annotations

import pytest

from support.stores import clock_of, person, queue_of, saved
from tunewright.errors import DataError
from tunewright.review.model import Decision, Person, Queue, Role
from tunewright.review.store import lead, versions
from tunewright.review.store.database import Database
from tunewright.review.store.mending import left_behind, take_over
from tunewright.review.store.owner_rows import Unseen
from tunewright.review.store.people import set_active
from tunewright.review.store.versions import AlreadyChosen
from tunewright.review.store.waiting import sent_back
from tunewright.review.store.work import LEASE_SECONDS, next_work, work_on


def two_versions(db: Database, queue: Queue) -> tuple[Person, Person]:
    ann, bob = person(db, "ann"), person(db, "bob")
    for who, output in ((ann, "Ann's."), (bob, "Bob's.")):
        assert next_work(db, queue.id, who) is not None
        saved(db, 1, who, texts={"output": output})
    return ann, bob


def not_good(db: Database, queue: Queue, owner: Person) -> None:
    lead.sample_for_owner(db, queue.id, 1.0, 7)
    found = lead.owner_work(db, owner)
    assert found is not None
    lead.owner_verdict(db, found.item.id, owner, False, "too short", seen=found.seen)


def test_a_pair_is_left_behind_when_all_its_experts_are(db: Database) -> None:
    queue, olga = queue_of(db, 1, overlap=2), person(db, "olga", Role.OWNER)
    ann, bob = two_versions(db, queue)
    not_good(db, queue, olga)
    assert [len(sent_back(db, who)) for who in (ann, bob, olga)] == [1, 1, 0]
    set_active(db, "ann", False)
    assert left_behind(db) == []
    set_active(db, "bob", False)
    [left] = left_behind(db)
    assert (left.item_id, left.key, left.queue, left.reason) == (1, "k1", "pairs", "too short")
    take_over(db, 1, olga)
    assert work_on(db, 1, olga) is not None
    with pytest.raises(DataError, match="somebody is mending this pair already"):
        take_over(db, 1, person(db, "mia", Role.LEAD))
    set_active(db, "olga", False)
    clock_of(db).forward(LEASE_SECONDS + 1)
    assert left_behind(db) == []  # the place that Olga left is given out again
    eve = person(db, "eve")
    given = next_work(db, queue.id, eve)
    assert given is not None
    assert given.item.id == 1


def test_a_verdict_and_a_choice_are_on_what_was_seen(db: Database) -> None:
    queue, olga = queue_of(db, 1, overlap=2), person(db, "olga", Role.OWNER)
    ann, bob = two_versions(db, queue)
    lead.sample_for_owner(db, queue.id, 1.0, 7)
    work, shown = lead.owner_work(db, olga), versions.versions_of(db, queue.id, 1)
    assert work is not None
    assert shown is not None
    saved(db, 1, ann, version=1, texts={"output": "Ann's new."})
    with pytest.raises(Unseen):
        lead.owner_verdict(db, 1, olga, True, seen=work.seen)
    bobs = next(one for who, one in shown.made if who == bob)
    with pytest.raises(Unseen):
        versions.choose(db, 1, bobs, olga, "", seen=shown.seen)
    assert (lead.num_waiting(db), versions.choices(db, queue.id)) == (1, {})
    shown = versions.versions_of(db, queue.id, 1)
    assert shown is not None
    versions.choose(db, 1, bobs, olga, "mine", seen=shown.seen)
    with pytest.raises(AlreadyChosen):
        versions.choose(db, 1, bobs, person(db, "otto", Role.OWNER), "his", seen=shown.seen)
    assert versions.choices(db, queue.id)[1].reason == "mine"
    assert lead.num_waiting(db) == 1  # it was drawn, and nobody has looked at it as finished work


def test_owners_are_asked_for_flags_then_for_what_was_saved_again_then_for_the_sample(db: Database) -> None:
    ann, olga, queue = person(db, "ann"), person(db, "olga", Role.OWNER), queue_of(db, 4)
    for item_id in range(1, 5):
        assert next_work(db, queue.id, ann) is not None
        saved(db, item_id, ann)
    lead.sample_for_owner(db, queue.id, 1.0, 1)
    for item_id, ok in ((3, False), (4, True)):
        lead.owner_verdict(db, item_id, olga, ok)
    saved(db, 3, ann, version=1)
    saved(db, 4, ann, version=1, decision=Decision.FLAG)
    asked = []
    while (found := lead.owner_work(db, olga)) is not None:
        asked.append((found.item.id, found.why))
        lead.owner_verdict(db, found.item.id, olga, True)
    assert asked == [(4, "flagged"), (3, "again"), (1, "drawn"), (2, "drawn")]


def test_a_flag_taken_back_after_not_good_still_asks(db: Database) -> None:
    """Else a flag and a click on undo would let out what was found not good."""
    ann, olga, queue = person(db, "ann"), person(db, "olga", Role.OWNER), queue_of(db, 1)
    assert next_work(db, queue.id, ann) is not None
    saved(db, 1, ann, decision=Decision.FLAG)
    lead.owner_verdict(db, 1, olga, False, "right")
    saved(db, 1, ann, version=1, decision=Decision.FLAG, reason="still")
    saved(db, 1, ann, version=2)
    [verdict] = lead.verdicts(db, queue.id)
    assert (verdict.is_good, verdict.is_again, verdict.reason) == (None, True, "right")
