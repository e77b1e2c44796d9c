"""Pairs on which experts differ: listed, chosen without a name, all versions kept, the chosen one final."""

from __future__ import annotations

import re

import pytest

from support.review_page import PageClient, client_of, person
from tunewright.review.exchange.entries import entries
from tunewright.review.model import Decision, Queue, Role
from tunewright.review.store import revisions, versions, work
from tunewright.review.store.database import Database
from tunewright.review.store.queues import NewItem, add_revise_queue

HOSTILE = "<script>alert(1)</script>"
EXPERTS = ("ann-the-expert", "bob-the-expert", "cem-the-expert")


@pytest.fixture
def queue(db: Database) -> Queue:
    """Four pairs, three experts: they agree on the first, differ on the second and third (there two reject),
    the fourth only one has done."""
    items = [NewItem(f"k{n}", {"instruction": f"Name fruit {n}.", "output": "Apple."}) for n in range(1, 5)]
    made = add_revise_queue(db, "pilot", items, overlap=3)
    outputs = {
        EXPERTS[0]: ["Pear.", "Pear.", "Pear.", "Pear."],
        EXPERTS[1]: ["Pear.", f"Plum {HOSTILE}", None],
        EXPERTS[2]: ["Pear.", "Pear.", None],
    }
    for name, texts in outputs.items():
        for output in texts:
            save(db, made, name, output)
    return made


def save(db: Database, queue: Queue, name: str, output: str | None) -> None:
    who = person(db, name, Role.EXPERT)
    taken = work.next_work(db, queue.id, who)
    assert taken is not None
    decision = Decision.REJECT if output is None else Decision.EDIT
    texts = {**taken.item.original, "output": output or "Whatever."}
    revisions.save(
        db, taken.item.id, who, version=0, decision=decision, texts=texts, reason=f"by rule {decision}",
        seconds=9.0, seconds_open=9.0,
    )  # fmt: skip


@pytest.fixture
def owner(db: Database) -> PageClient:
    return client_of(db, person(db, "olga", Role.OWNER))


def final(db: Database, queue: Queue) -> dict[str, tuple[str, str]]:
    return {
        entry.item.key: (entry.final.how, entry.final.result.texts["output"] if entry.final.result else "")
        for entry in entries(db, queue.id)
    }


def version_with(page: str, words: str) -> str:
    """The letter of the version that says so."""
    parts = page.split('<section class="card"')[1:]
    [letter] = [re.findall(r'name="take" value="(\w)"', part)[0] for part in parts if words in part]
    return letter


def seen(page: str) -> str:
    return re.findall(r'name="seen" value="(\w+)"', page)[0]


def test_only_pairs_on_which_experts_differ_are_listed(db: Database, queue: Queue, owner: PageClient) -> None:
    """Two different texts differ, and so do a text and a rejection; two rejections do not."""
    found, more = versions.differing(db, queue.id)
    assert ([one.item.key for one in found], more) == (["k2", "k3"], False)
    assert [one.item.key for one in versions.differing(db, queue.id, limit=1)[0]] == ["k2"]
    assert versions.differing(db, queue.id, limit=1)[1]
    text = owner.get(f"/versions/{queue.id}").text
    assert re.findall(r'href="(/versions/1/\d+)"', text) == ["/versions/1/2", "/versions/1/3"]
    assert "edited, rejected, rejected" in text
    assert f'href="/versions/{queue.id}"' in owner.get("/owner").text
    lead = client_of(db, person(db, "mia", Role.LEAD))
    assert f'href="/versions/{queue.id}"' in lead.get(f"/lead/{queue.id}").text


def test_the_chosen_version_is_final_and_all_stay(db: Database, queue: Queue, owner: PageClient) -> None:
    assert final(db, queue)["k2"] == ("agreement", "Pear.")
    before = list(revisions.revisions(db, queue.id))
    page = owner.get("/versions/1/2").text
    assert not any(name in page for name in EXPERTS)
    assert HOSTILE not in page
    taken = owner.submit(
        "/versions/1/2", take=version_with(page, "Plum"), seen=seen(page), reason="The key says so."
    )
    assert (taken.status_code, taken.headers["location"]) == (303, "/versions/1")
    assert final(db, queue)["k2"] == ("chosen", f"Plum {HOSTILE}")
    assert list(revisions.revisions(db, queue.id)) == before
    assert "The key says so." in owner.get("/versions/1/2").text
    assert "Version chosen as final" in owner.get("/record/2").text
    page = owner.get("/versions/1/2").text
    [other, _] = sorted({"A", "B", "C"} - {version_with(page, "Plum")})
    owner.submit("/versions/1/2", take=other, seen=seen(page))
    assert final(db, queue)["k2"] == ("chosen", "Pear.")  # the latest choice counts


def test_a_choice_falls_when_its_expert_saves_another_version(
    db: Database, queue: Queue, owner: PageClient
) -> None:
    page = owner.get("/versions/1/2").text
    owner.submit("/versions/1/2", take=version_with(page, "Plum"), seen=seen(page))
    bob = person(db, EXPERTS[1], Role.EXPERT)
    revisions.save(
        db, 2, bob, version=1, decision=Decision.EDIT, texts={"instruction": "Name.", "output": "Fig."},
        seconds=1.0, seconds_open=1.0,
    )  # fmt: skip
    assert final(db, queue)["k2"] == ("agreement", "Pear.")
    [found, _] = versions.differing(db, queue.id)[0]
    assert found.choice is None


def test_a_choice_that_fell_is_to_be_made_again_and_the_pages_say_so(
    db: Database, queue: Queue, owner: PageClient
) -> None:
    """Also where an undo brings the chosen text back: that is a version of its own."""
    page = owner.get("/versions/1/2").text
    owner.submit("/versions/1/2", take=version_with(page, "Plum"), seen=seen(page), reason="The key says so.")
    bob = person(db, EXPERTS[1], Role.EXPERT)
    assert "no longer there</span>" not in owner.get("/versions/1").text
    revisions.save(
        db, 2, bob, version=1, decision=Decision.EDIT, texts={"instruction": "Name.", "output": "Fig."},
        seconds=1.0, seconds_open=1.0,
    )  # fmt: skip
    again = revisions.undo(db, 2, bob)
    assert again is not None
    assert (again.version, again.texts["output"]) == (3, f"Plum {HOSTILE}")
    assert final(db, queue)["k2"] == ("agreement", "Pear.")
    text = owner.get("/versions/1").text
    assert re.findall(r'href="(/versions/1/\d+)"', text) == ["/versions/1/2", "/versions/1/3"]
    assert text.count("no longer there</span>") == 1
    page = owner.get("/versions/1/2").text
    assert "The version chosen before is no longer there" in page
    owner.submit("/versions/1/2", take=version_with(page, "Plum"), seen=seen(page))
    assert final(db, queue)["k2"][0] == "chosen"


def test_of_two_owners_who_choose_at_once_the_second_sees_what_the_first_chose(
    db: Database, queue: Queue, owner: PageClient
) -> None:
    other = client_of(db, person(db, "otto", Role.OWNER))
    page = owner.get("/versions/1/2").text
    [pear, _] = sorted({"A", "B", "C"} - {version_with(page, "Plum")})
    first = owner.submit(
        "/versions/1/2", take=version_with(page, "Plum"), seen=seen(page), reason="A plum, I say."
    )
    late = other.submit("/versions/1/2", take=pear, seen=seen(page), reason="No, a pear.")
    assert (first.status_code, late.status_code) == (303, 409)
    assert final(db, queue)["k2"] == ("chosen", f"Plum {HOSTILE}")
    assert "somebody chose the version marked below meanwhile" in late.text
    assert "A plum, I say." in late.text
    assert ">No, a pear.</textarea>" in late.text
    again = other.submit("/versions/1/2", take=pear, seen=seen(late.text), reason="No, a pear.")
    assert again.status_code == 303
    assert final(db, queue)["k2"] == ("chosen", "Pear.")


def test_what_changed_meanwhile_is_not_chosen_unseen(db: Database, queue: Queue, owner: PageClient) -> None:
    page = owner.get("/versions/1/2").text
    bob = person(db, EXPERTS[1], Role.EXPERT)
    revisions.save(
        db, 2, bob, version=1, decision=Decision.EDIT, texts={"instruction": "Name.", "output": "Fig."},
        seconds=1.0, seconds_open=1.0,
    )  # fmt: skip
    late = owner.submit("/versions/1/2", take="A", seen=seen(page), reason="Mine to say.")
    assert late.status_code == 409
    assert "an expert changed a version meanwhile" in late.text
    assert "Mine to say." in late.text
    nothing = owner.submit("/versions/1/2", seen=seen(late.text), take="Z")
    assert (nothing.status_code, versions.choices(db, queue.id)) == (422, {})


@pytest.mark.parametrize("path", ["/versions/9", "/versions/1/4", "/versions/1/99", "/versions/2/2"])
def test_what_is_no_disagreement_is_not_there(queue: Queue, owner: PageClient, path: str) -> None:
    assert owner.get(path).status_code == 404
