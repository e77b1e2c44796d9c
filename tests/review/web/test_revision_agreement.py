"""How alike several people leave a pair, live on the lead's page."""

from __future__ import annotations

import pytest

from support.review_page import client_of, person
from tunewright.review.model import Decision, Person, Role
from tunewright.review.store import queues, revisions, work
from tunewright.review.store.database import Database
from tunewright.review.web.live_agreement import RevisionAgreement, revision_agreement

ACCEPT, EDIT, REJECT = Decision.ACCEPT, Decision.EDIT, Decision.REJECT
Said = tuple[Decision, str]

# what ann, bob and cy say of each pair, with the output that they leave
SAID: list[list[Said]] = [
    [(ACCEPT, "a b"), (EDIT, "a b")],  # the same text by other ways
    [(EDIT, "a b c"), (EDIT, "a b d e"), (EDIT, "a b c")],  # 2, 0 and 2 words apart
    [(REJECT, "a"), (REJECT, "b")],  # nobody keeps either
    [(ACCEPT, "a b"), (REJECT, "a b")],
    [(ACCEPT, "a b"), (Decision.FLAG, "a b")],  # one decision and a question
    [(Decision.SKIP, "a b"), (EDIT, "a c")],  # one decision
    [(ACCEPT, "a b"), (ACCEPT, "a b")],
    [(EDIT, "a b"), (EDIT, "a c")],  # 1 word apart
]


def revise(db: Database, said: list[list[Said]], *, overlap: int = 3) -> queues.Queue:
    items = [queues.NewItem(f"k{n}", {"instruction": "I", "output": "O"}) for n in range(len(said))]
    queue = queues.add_revise_queue(db, "q", items, overlap=overlap)
    for place, name in enumerate(("ann", "bob", "cy")[:overlap]):
        who = person(db, name, Role.EXPERT)
        for number, of_item in enumerate(said):
            decision, output = of_item[place] if place < len(of_item) else (Decision.SKIP, "O")
            task = work.next_work(db, queue.id, who)
            assert task is not None
            assert task.item.key == f"k{number}"
            save(db, task.item.id, who, decision, {"instruction": "I", "output": output})
    return queue


def save(db: Database, item: int, who: Person, decision: Decision, texts: dict[str, str]) -> None:
    revisions.save(db, item, who, version=0, decision=decision, texts=texts, seconds=1, seconds_open=1)


def test_agreement_counts_pairs_with_two_decisions_or_more(db: Database) -> None:
    """Six such pairs. The same text: k0, k2, k6; the same decision: k1, k2, k6, k7. Words apart, over the
    four pairs that two people kept: 0, (2 + 0 + 2) / 3, 0 and 1. Wilson's intervals by hand."""
    found = revision_agreement(db, revise(db, SAID))
    assert found is not None
    assert (found.num_pairs, found.is_cut) == (6, False)
    assert (found.same_text.count, found.same_text.of) == (3, 6)
    assert found.same_text.interval is not None
    assert found.same_text.interval.low == pytest.approx(0.1876, abs=1e-4)
    assert found.same_text.interval.high == pytest.approx(0.8124, abs=1e-4)
    assert (found.same_decision.count, found.same_decision.of) == (4, 6)
    assert found.same_decision.interval is not None
    assert found.same_decision.interval.low == pytest.approx(0.3000, abs=1e-4)
    assert found.same_decision.interval.high == pytest.approx(0.9032, abs=1e-4)
    assert found.words_apart == pytest.approx(7 / 12)


def test_of_many_pairs_the_last_of_the_queue_are_counted(db: Database) -> None:
    """k6 and k7 of the six: one of them has the same text."""
    found = revision_agreement(db, revise(db, SAID), most_pairs=2)
    assert found is not None
    assert (found.num_pairs, found.is_cut) == (2, True)
    assert (found.same_text.count, found.same_decision.count, found.words_apart) == (1, 2, 0.5)


def test_an_empty_field_is_the_same_as_none(db: Database) -> None:
    queue = queues.add_revise_queue(db, "q", [queues.NewItem("k", {"output": "O"})], overlap=2)
    for name, texts in (("ann", {"output": "a"}), ("bob", {"output": "a", "input": ""})):
        who = person(db, name, Role.EXPERT)
        task = work.next_work(db, queue.id, who)
        assert task is not None
        save(db, task.item.id, who, EDIT, texts)
    found = revision_agreement(db, queue)
    assert found is not None
    assert found.same_text.count == 1


def test_what_is_undone_is_no_decision(db: Database) -> None:
    queue = revise(db, [[(ACCEPT, "a"), (ACCEPT, "a")]])
    [item] = queues.items_with_key(db, "k0")
    revisions.undo(db, item.id, person(db, "bob", Role.EXPERT))
    found = revision_agreement(db, queue)
    assert found is not None
    assert (found.num_pairs, found.same_text.share, found.words_apart) == (0, None, None)


def test_one_person_a_pair_agrees_with_nobody(db: Database) -> None:
    assert revision_agreement(db, revise(db, [[(ACCEPT, "a")]], overlap=1)) is None


def test_the_leads_page_shows_it_and_says_when_there_is_none(db: Database) -> None:
    queue = revise(db, SAID)
    client = client_of(db, person(db, "mia", Role.LEAD))
    page = " ".join(client.get(f"/lead/{queue.id}").text.split())
    assert 'Everybody made the same text</th><td class="n" data-label="Pairs">3 of 6</td>' in page
    assert '50 % <span class="figures">19–81 %</span>' in page
    assert 'Everybody decided the same</th><td class="n" data-label="Pairs">4 of 6</td>' in page
    assert '67 % <span class="figures">30–90 %</span>' in page
    assert "Two people's texts are 0.6 words apart on the mean." in page
    empty = queues.add_revise_queue(db, "new", [queues.NewItem("k", {"output": "O"})], overlap=2)
    assert "No pair has been finished by two people yet." in client.get(f"/lead/{empty.id}").text
    assert isinstance(revision_agreement(db, empty), RevisionAgreement)
