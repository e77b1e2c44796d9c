"""The lead's forms: who revises a queue, and how many people each pair."""

from __future__ import annotations

import pytest

from support.review_page import PageClient, client_of, person
from support.stores import new_items, saved
from tunewright.review.model import Decision, Role
from tunewright.review.store.assignment import assign, assigned, raise_overlap
from tunewright.review.store.database import Database
from tunewright.review.store.people import set_role
from tunewright.review.store.queues import add_revise_queue, queue
from tunewright.review.store.work import next_work


@pytest.fixture
def lead(db: Database) -> PageClient:
    return client_of(db, person(db, "lea", Role.LEAD))


def test_who_is_not_named_is_given_nothing_and_told_nothing(db: Database, lead: PageClient) -> None:
    ann, bob = person(db, "ann", Role.EXPERT), person(db, "bob", Role.EXPERT)
    given = add_revise_queue(db, "the-given-queue", new_items(2))
    assert "Everybody who may revise" in lead.get(f"/lead/{given.id}").text
    answer = lead.submit(f"/lead/{given.id}/people", person=str(ann.id))
    assert (answer.status_code, answer.headers["location"]) == (303, f"/lead/{given.id}?said=given")
    assert "Only ann" in lead.get(f"/lead/{given.id}").text
    assert "the-given-queue" in client_of(db, ann).get("/").text
    other = client_of(db, bob)
    assert "the-given-queue" not in other.get("/").text
    assert other.get(f"/revise/{given.id}").status_code == 404
    assert lead.submit(f"/lead/{given.id}/people").status_code == 303  # nobody ticked
    assert assigned(db, given.id) == []
    assert "/item/" in str(other.get(f"/revise/{given.id}").headers["location"])


@pytest.mark.parametrize("sent", ["0", "99", "x", "-1", "9" * 30, "1' OR 1"])
def test_a_person_who_is_not_there_is_refused(db: Database, lead: PageClient, sent: str) -> None:
    made = add_revise_queue(db, "q", new_items(1))
    assert lead.submit(f"/lead/{made.id}/people", person=sent).status_code == 422
    assert assigned(db, made.id) == []


def test_more_people_may_be_asked_for_and_never_fewer(db: Database, lead: PageClient) -> None:
    made = add_revise_queue(db, "q", new_items(1))
    assert lead.submit(f"/lead/{made.id}/overlap", overlap="3").status_code == 303
    found = queue(db, made.id)
    assert found is not None
    assert found.overlap == 3
    assert "3 people each" in lead.get(f"/lead/{made.id}").text
    for wrong in ("2", "0", "51", "", "many"):
        answer = lead.submit(f"/lead/{made.id}/overlap", overlap=wrong)
        assert answer.status_code == 422
        assert "give a number from 3 to 50" in answer.text


def test_a_queue_that_is_not_there_is_404(lead: PageClient) -> None:
    assert lead.submit("/lead/7/people").status_code == 404
    assert lead.submit("/lead/7/overlap", overlap="2").status_code == 404


def test_the_lead_is_told_when_the_people_named_are_too_few(db: Database, lead: PageClient) -> None:
    ann = person(db, "ann", Role.EXPERT)
    made = add_revise_queue(db, "q", new_items(2))
    assert "cannot be finished" not in lead.get(f"/lead/{made.id}").text
    raise_overlap(db, made.id, 3)
    assign(db, made.id, [ann.id])
    words = "3 people are asked for each pair, and 1 is named: 2 pairs cannot be finished."
    assert words in lead.get(f"/lead/{made.id}").text


def test_the_lead_is_told_what_everybody_skipped(db: Database, lead: PageClient) -> None:
    ann = person(db, "ann", Role.EXPERT)
    made = add_revise_queue(db, "q", new_items(1))
    assign(db, made.id, [ann.id])
    assert next_work(db, made.id, ann) is not None
    saved(db, 1, ann, decision=Decision.SKIP)
    assert "1 pair was skipped by everybody who was left for them" in lead.get(f"/lead/{made.id}").text


def test_a_named_expert_who_is_a_rater_now_is_marked_and_left_out(db: Database, lead: PageClient) -> None:
    ann, rob = person(db, "ann", Role.EXPERT), person(db, "rob", Role.EXPERT)
    made = add_revise_queue(db, "q", new_items(1))
    assign(db, made.id, [rob.id])
    set_role(db, "rob", Role.RATER)
    page = lead.get(f"/lead/{made.id}").text
    assert "rob is a rater now and gets no pairs" in page
    assert "Nobody who is named can revise, so this queue is given to nobody." in page
    answer = lead.post(
        f"/lead/{made.id}/people", data={"csrf": lead.session.csrf, "person": [ann.id, rob.id]}
    )
    assert answer.status_code == 303
    assert [one.name for one in assigned(db, made.id)] == ["ann"]
    assert "a rater now" not in lead.get(f"/lead/{made.id}").text


def test_an_older_page_does_not_undo_another_leads_list(db: Database, lead: PageClient) -> None:
    ann, bob = person(db, "ann", Role.EXPERT), person(db, "bob", Role.EXPERT)
    made = add_revise_queue(db, "q", new_items(1))
    assert 'name="before" value=""' in lead.get(f"/lead/{made.id}").text
    assert lead.submit(f"/lead/{made.id}/people", before="", person=str(ann.id)).status_code == 303
    answer = lead.submit(f"/lead/{made.id}/people", before="", person=str(bob.id))
    assert answer.status_code == 409
    assert "was given to ann since this page was loaded" in answer.text
    assert f'name="before" value="{ann.id}"' in lead.get(f"/lead/{made.id}").text
    assert lead.submit(f"/lead/{made.id}/people", before=str(ann.id), person=str(bob.id)).status_code == 303
