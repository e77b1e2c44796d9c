"""The first page: to each what waits for them, with numbers that are right."""

from __future__ import annotations

from pathlib import Path

from support.review_page import client_of, person
from support.studies import study
from tunewright.review.import_data import import_data
from tunewright.review.model import Decision, Role
from tunewright.review.store import queues, revisions, work
from tunewright.review.store.database import Database
from tunewright.review.store.lead import owner_verdict, sample_for_owner
from tunewright.review.store.queues import NewItem, add_revise_queue
from tunewright.review.store.waiting import done_and_left, sent_back, waiting

ITEMS = [NewItem(f"r{n}", {"instruction": f"Ask {n}.", "output": "Answer."}) for n in range(3)]


def numbers(db: Database, who: object) -> dict[str, tuple[int, int]]:
    return {one.queue.name: (one.num_done, one.num_left) for one in waiting(db, who)}  # type: ignore[arg-type]


def revise(db: Database, queue_id: int, who, decision: Decision) -> None:
    taken = work.next_work(db, queue_id, who)
    assert taken is not None
    revisions.save(
        db, taken.item.id, who, version=0, decision=decision, texts=taken.item.original, reason="why",
        seconds=1.0, seconds_open=1.0,
    )  # fmt: skip


def test_done_and_left_are_ones_own(db: Database) -> None:
    ann, bob = person(db, "ann", Role.EXPERT), person(db, "bob", Role.EXPERT)
    queue = add_revise_queue(db, "pilot", ITEMS, overlap=2)
    assert numbers(db, ann) == {"pilot": (0, 3)}
    revise(db, queue.id, ann, Decision.ACCEPT)
    revise(db, queue.id, ann, Decision.FLAG)
    revise(db, queue.id, bob, Decision.REJECT)
    assert numbers(db, ann) == {"pilot": (2, 1)}
    assert numbers(db, bob) == {"pilot": (1, 2)}
    assert done_and_left(db, queue.id, ann) == (2, 1)
    assert done_and_left(db, queue.id, bob) == (1, 2)


def test_what_is_skipped_is_neither_done_nor_left_for_who_skipped_it(db: Database) -> None:
    ann = person(db, "ann", Role.EXPERT)
    queue = add_revise_queue(db, "pilot", ITEMS)
    revise(db, queue.id, ann, Decision.SKIP)
    assert numbers(db, ann) == {"pilot": (0, 2)}
    assert numbers(db, person(db, "bob", Role.EXPERT)) == {"pilot": (0, 3)}


def test_who_has_a_word_on_every_pair_is_not_sent_back_to_them(db: Database) -> None:
    ann = person(db, "ann", Role.EXPERT)
    queue = add_revise_queue(db, "pilot", ITEMS, overlap=2)
    for decision in (Decision.ACCEPT, Decision.SKIP, Decision.EDIT):
        revise(db, queue.id, ann, decision)
    page = client_of(db, ann)
    assert "Go on revising" not in page.get("/").text.split("Finished")[0]
    done = page.get(f"/revise/{queue.id}").text
    assert "Nothing is left for you in <bdi>pilot</bdi>" in done
    assert "still waits for other people" in done
    assert "Every pair has been decided on" not in done


def test_a_study_waits_for_its_raters_only_and_pairs_never_for_a_rater(db: Database, tmp_path: Path) -> None:
    folder = study(tmp_path / "one", num_prompts=4, num_systems=2, overlap=2)
    import_data(db, folder.path)
    add_revise_queue(db, "pairs", ITEMS)
    ann, lea = person(db, "ann", Role.RATER), person(db, "lea", Role.LEAD)
    assert numbers(db, ann) == {"one": (0, len(folder.assignments["ann"]))}
    assert numbers(db, lea) == {"pairs": (0, 3)}


def test_the_page_offers_what_is_open_and_lists_what_is_closed(db: Database) -> None:
    ann = person(db, "ann", Role.EXPERT)
    first, second = (add_revise_queue(db, name, ITEMS) for name in ("first", "second"))
    queues.close_queue(db, second.id)
    text = client_of(db, ann).get("/").text
    assert f'href="/revise/{first.id}"' in text
    assert f'href="/revise/{second.id}"' not in text
    assert text.index("Finished") < text.index("second")


def test_with_nothing_to_do_the_page_says_so_to_each_in_their_words(db: Database) -> None:
    lead = client_of(db, person(db, "lea", Role.LEAD)).get("/").text
    rater = client_of(db, person(db, "ann", Role.RATER)).get("/").text
    assert "tunewright review import" in lead
    assert "When your lead gives you work" in rater
    assert "tunewright review import" not in rater


def test_what_the_owner_sends_back_is_on_the_experts_first_page_until_it_is_saved_again(db: Database) -> None:
    ann, oma = person(db, "ann", Role.EXPERT), person(db, "oma", Role.OWNER)
    queue = add_revise_queue(db, "pilot", ITEMS)
    revise(db, queue.id, ann, Decision.ACCEPT)
    sample_for_owner(db, queue.id, 1.0, 1)
    (one,) = revisions.history(db, 1)
    owner_verdict(db, one.item_id, oma, False, "the key is <wrong>")
    (back,) = sent_back(db, ann)
    assert (back.item_id, back.queue, back.reason) == (one.item_id, "pilot", "the key is <wrong>")
    assert sent_back(db, oma) == []
    client = client_of(db, ann)
    page = client.get("/").text
    assert f'href="/item/{one.item_id}"' in page
    assert "the key is &lt;wrong&gt;" in page
    assert client.get(f"/item/{one.item_id}").status_code == 200
    revisions.save(
        db, one.item_id, ann, version=1, decision=Decision.EDIT, reason="", seconds=1.0, seconds_open=1.0,
        texts={"instruction": "Ask.", "output": "B."},
    )  # fmt: skip
    assert sent_back(db, ann) == []
