"""The owner's desk: a verdict is on what was shown, and what is sent back never lies where nobody sees it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.review_page import PageClient, client_of, new_database, person
from support.stores import Clock, queue_of, saved
from tunewright.review.exchange.entries import entries
from tunewright.review.model import Decision, Person, Queue, Role
from tunewright.review.store import lead, people, queues, revisions, work
from tunewright.review.store.assignment import assign
from tunewright.review.store.audit import events
from tunewright.review.store.database import Database
from tunewright.review.store.mending import left_behind
from tunewright.review.store.waiting import sent_back

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return new_database(tmp_path, clock=Clock())


@pytest.fixture
def ann(db: Database) -> Person:
    return person(db, "ann-the-expert", Role.EXPERT)


@pytest.fixture
def queue(db: Database, ann: Person) -> Queue:
    """Two pairs; Ann has done the first, and it is drawn."""
    made = queue_of(db, 2)
    assert work.next_work(db, made.id, ann) is not None
    saved(db, 1, ann, texts={"instruction": "Ask.", "output": "Pear."})
    lead.sample_for_owner(db, made.id, 1.0, 7)
    return made


@pytest.fixture
def owner(db: Database) -> PageClient:
    return client_of(db, person(db, "olga", Role.OWNER))


def seen(page: str) -> str:
    return re.findall(r'name="seen" value="(\w+)"', page)[0]


def send_back(db: Database, owner: PageClient, reason: str = "too short") -> None:
    page = owner.get("/owner").text
    assert owner.submit("/owner/1", verdict="bad", reason=reason, seen=seen(page)).status_code == 303


@pytest.mark.parametrize("verdict", ["good", "bad"])
def test_a_word_said_by_mistake_is_taken_back_and_asked_again_first(
    db: Database, queue: Queue, owner: PageClient, verdict: str
) -> None:
    page = owner.get("/owner").text
    given = owner.submit("/owner/1", verdict=verdict, reason="too short", seen=seen(page))
    after = owner.get(given.headers["location"]).text
    assert f"pair before</a> {'good' if verdict == 'good' else 'not good'}." in after
    assert 'action="/owner/1/undo"' in after
    assert owner.submit("/owner/1/undo").status_code == 303
    assert lead.verdicts(db, queue.id)[0].is_good is None
    again = owner.get("/owner").text
    assert 'action="/owner/1"' in again
    assert "An owner sent it back" not in again
    assert [one.action for one in events(db, subject="item:1")][-2:] == ["verdict", "take back verdict"]
    owner.submit("/owner/1", verdict="good", seen=seen(again))
    assert lead.verdicts(db, queue.id)[0].is_good


def test_only_ones_own_last_word_is_taken_back(
    db: Database, queue: Queue, ann: Person, owner: PageClient
) -> None:
    send_back(db, owner)
    other = client_of(db, person(db, "mia", Role.LEAD))
    refused = other.submit("/owner/1/undo")
    assert refused.status_code == 409
    assert "the last word on item 1 is not yours to take back" in refused.text
    saved(db, 1, ann, version=1, texts={"instruction": "Ask.", "output": "Fig."})
    assert owner.submit("/owner/1/undo").status_code == 409  # it is asked again already
    assert lead.verdicts(db, queue.id)[0].is_good is None


@pytest.mark.parametrize("verdict", ["good", "bad"])
def test_a_verdict_on_a_version_that_was_not_shown_is_not_kept(
    db: Database, queue: Queue, ann: Person, owner: PageClient, verdict: str
) -> None:
    page = owner.get("/owner").text
    saved(db, 1, ann, version=1, texts={"instruction": "Ask.", "output": f"Fig {HOSTILE}"})
    late = owner.submit("/owner/1", verdict=verdict, reason="Too short, Ann.", seen=seen(page))
    assert late.status_code == 409
    assert "an expert changed a version meanwhile" in late.text
    assert "Fig" in late.text
    assert HOSTILE not in late.text
    assert ">Too short, Ann.</textarea>" in late.text
    assert (sent_back(db, ann), lead.num_waiting(db)) == ([], 1)
    assert owner.submit("/owner/1", verdict=verdict, reason="x", seen=seen(late.text)).status_code == 303
    assert lead.num_waiting(db) == 0


def test_a_verdict_without_the_name_of_what_was_shown_is_not_kept(
    db: Database, queue: Queue, owner: PageClient
) -> None:
    assert owner.submit("/owner/1", verdict="good").status_code == 409
    assert lead.num_waiting(db) == 1


def test_what_an_owner_wrote_is_given_back_when_another_decided(
    db: Database, queue: Queue, owner: PageClient
) -> None:
    page = owner.get("/owner").text
    lead.owner_verdict(db, 1, person(db, "otto", Role.OWNER), True)
    late = owner.submit("/owner/1", verdict="bad", reason=f"Too short {HOSTILE}", seen=seen(page))
    assert late.status_code == 409
    assert "another owner decided on it" in late.text
    assert "Too short &lt;script&gt;" in late.text


def test_what_was_saved_again_comes_back_with_what_was_wanted(
    db: Database, queue: Queue, ann: Person, owner: PageClient
) -> None:
    send_back(db, owner, "Name two fruits.")
    assert "Nothing waits for your word" in owner.get("/owner").text
    home = client_of(db, ann).get("/").text
    assert "Name two fruits." in home
    assert "an owner looks at it anew" in home
    saved(db, 1, ann, version=1, texts={"instruction": "Ask.", "output": "Pear, fig."})
    page = owner.get("/owner").text
    assert "saved again</span>" in page
    assert "Name two fruits." in page
    assert "ann-the-expert" not in page
    assert "Sent back" not in client_of(db, ann).get("/").text


@pytest.mark.parametrize("gone", ["locked out", "a rater now"])
def test_a_pair_that_nobody_can_mend_is_shown_and_taken_over(
    db: Database, queue: Queue, ann: Person, owner: PageClient, gone: str
) -> None:
    send_back(db, owner)
    assert left_behind(db) == []
    if gone == "locked out":
        people.set_active(db, ann.name, False)
    else:
        people.set_role(db, ann.name, Role.RATER)
    page = owner.get("/owner").text
    assert "Sent back, with nobody to mend it" in page
    assert "too short" in page
    taken = owner.submit("/owner/1/take")
    assert (taken.status_code, taken.headers["location"]) == (303, "/item/1")
    assert owner.get("/item/1").status_code == 200
    assert left_behind(db) == []
    olga = person(db, "olga", Role.OWNER)
    assert [one.reason for one in sent_back(db, olga)] == ["too short"]
    assert "Taken over" in owner.get("/record/1").text
    revisions.save(
        db, 1, olga, version=0, decision=Decision.EDIT, texts={"instruction": "Ask.", "output": "Fig."},
        seconds=1.0, seconds_open=1.0,
    )  # fmt: skip
    assert [entry.final.how for entry in entries(db, queue.id)] == ["saved_again", "open"]
    lead.owner_verdict(db, 1, olga, True)
    final = next(entries(db, queue.id)).final
    assert final.result is not None
    assert (final.how, final.result.person, final.result.texts["output"]) == ("latest", "olga", "Fig.")


def test_of_two_who_take_a_pair_over_one_has_it(
    db: Database, queue: Queue, ann: Person, owner: PageClient
) -> None:
    send_back(db, owner)
    early = owner.submit("/owner/1/take")  # Ann can mend it herself
    assert (early.status_code, work.work_on(db, 1, person(db, "olga", Role.OWNER))) == (409, None)
    people.set_active(db, ann.name, False)
    assert owner.submit("/owner/1/take").status_code == 303
    late = client_of(db, person(db, "mia", Role.LEAD)).submit("/owner/1/take")
    assert late.status_code == 409
    assert "somebody is mending this pair already" in late.text


def test_whose_queue_was_given_to_others_may_still_mend_what_was_sent_back(
    db: Database, queue: Queue, ann: Person, owner: PageClient
) -> None:
    send_back(db, owner)
    assign(db, queue.id, [person(db, "bob", Role.EXPERT).id])
    client = client_of(db, ann)
    assert 'href="/item/1"' in client.get("/").text
    texts = {"text.instruction": "Ask.", "text.output": "Fig."}
    saving = client.submit("/item/1", version="1", decision="edit", **texts)
    assert saving.status_code == 303
    assert (sent_back(db, ann), lead.num_waiting(db)) == ([], 1)


def test_what_is_sent_back_in_a_closed_queue_is_shown_too(
    db: Database, queue: Queue, ann: Person, owner: PageClient
) -> None:
    send_back(db, owner)
    queues.close_queue(db, queue.id)
    assert 'href="/item/1"' in client_of(db, ann).get("/").text
    assert client_of(db, ann).get("/item/1").status_code == 200


def test_the_pair_itself_says_that_it_was_sent_back_and_why(
    db: Database, queue: Queue, ann: Person, owner: PageClient
) -> None:
    client = client_of(db, ann)
    assert "An owner sent this pair back" not in client.get("/item/1").text
    send_back(db, owner)
    page = client.get("/item/1").text
    assert "An owner sent this pair back" in page
    assert all(one.reason in page for one in sent_back(db, ann))
    client.submit(
        "/item/1", version="1", decision="edit", **{"text.instruction": "Ask.", "text.output": "Fig."}
    )
    assert "An owner sent this pair back" not in client.get("/item/1").text
