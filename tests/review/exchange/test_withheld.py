"""What an owner's word, and the want of one, keeps out of every file that is trained on."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from support.review_page import new_database
from support.stores import Clock, person, queue_of, saved
from tunewright.review.exchange import add_results, export
from tunewright.review.exchange.entries import entries
from tunewright.review.exchange.result import Result
from tunewright.review.model import Decision, Person, Queue, Role
from tunewright.review.store import assignment, lead, revisions, versions
from tunewright.review.store.database import Database
from tunewright.review.store.people import set_role
from tunewright.review.store.work import next_work

TEXTS = {"instruction": "Ask.", "output": "Mine."}


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return new_database(tmp_path, clock=Clock())


@pytest.fixture
def ann(db: Database) -> Person:
    return person(db, "ann")


@pytest.fixture
def olga(db: Database) -> Person:
    return person(db, "olga", Role.OWNER)


def revised(db: Database, queue: Queue, who: Person, output: str = "Mine.") -> None:
    work = next_work(db, queue.id, who)
    assert work is not None
    saved(db, work.item.id, who, texts={"instruction": "Ask.", "output": output})


def judged(db: Database, queue: Queue, owner: Person, is_good: bool) -> None:
    """The owner's word on the first item."""
    lead.sample_for_owner(db, queue.id, 1.0, 7)
    work = lead.owner_work(db, owner)
    assert work is not None
    assert work.item.id == 1
    lead.owner_verdict(db, 1, owner, is_good, "" if is_good else "too short", seen=work.seen)


def how(db: Database, queue: Queue) -> list[str]:
    return [entry.final.how for entry in entries(db, queue.id)]


def written(db: Database, queue: Queue, folder: Path) -> dict[str, int]:
    """How many rows each file has that somebody could train on."""
    return {
        format: export(db, queue.id, folder / f"{format}.json", format=format, overwrite=True).num_written
        for format in ("records", "pairs", "revisions")
    }


NOTHING = {"records": 0, "pairs": 0, "revisions": 0}


@pytest.mark.parametrize("waits", ["flagged", "not good", "saved again"])
def test_what_waits_for_a_word_is_in_no_file_to_train_on(
    db: Database, ann: Person, olga: Person, tmp_path: Path, waits: str
) -> None:
    """Not with the new text, and not with the old one, which is what the expert found wanting."""
    queue = queue_of(db, 1)
    revised(db, queue, ann)
    if waits == "flagged":
        saved(db, 1, ann, version=1, decision=Decision.FLAG, texts=TEXTS, reason="dangerous")
    else:
        judged(db, queue, olga, is_good=False)
    if waits == "saved again":
        saved(db, 1, ann, version=1, texts=TEXTS)
    assert written(db, queue, tmp_path) == NOTHING
    done = export(db, queue.id, tmp_path / "t.csv", format="csv")
    [row] = csv.DictReader((tmp_path / "t.csv").read_text("utf-8-sig").splitlines())
    state = {"flagged": "flagged", "not good": "sent_back", "saved again": "saved_again"}[waits]
    assert (done.num_written, row["state"], row["final"]) == (1, state, "")


def test_what_nobody_has_decided_goes_out_as_it_was_unless_only_decided_is_asked(
    db: Database, ann: Person, tmp_path: Path
) -> None:
    queue = queue_of(db, 2)
    revised(db, queue, ann)
    assert written(db, queue, tmp_path) == {"records": 2, "pairs": 1, "revisions": 1}
    assert [json.loads(line)["output"] for line in _lines(db, queue, tmp_path, False)] == ["Mine.", "Said 2."]
    assert [json.loads(line)["output"] for line in _lines(db, queue, tmp_path, True)] == ["Mine."]


def _lines(db: Database, queue: Queue, folder: Path, only_decided: bool) -> list[str]:
    path = folder / "lines.jsonl"
    export(db, queue.id, path, format="records", only_decided=only_decided, overwrite=True)
    return path.read_text("utf-8").splitlines()


def test_a_flag_after_good_asks_the_owner_again_and_withholds_the_pair(
    db: Database, ann: Person, olga: Person, tmp_path: Path
) -> None:
    queue = queue_of(db, 1)
    revised(db, queue, ann)
    judged(db, queue, olga, is_good=True)
    assert (how(db, queue), lead.num_waiting(db)) == (["only"], 0)
    saved(db, 1, ann, version=1, decision=Decision.FLAG, texts=TEXTS, reason="dangerous")
    assert (how(db, queue), lead.num_waiting(db)) == (["flagged"], 1)
    assert written(db, queue, tmp_path) == NOTHING
    work = lead.owner_work(db, olga)
    assert work is not None
    assert work.why == "flagged"
    lead.owner_verdict(db, 1, olga, True)
    assert (how(db, queue), lead.num_waiting(db)) == (["only"], 0)


def test_another_experts_flag_after_good_asks_again(db: Database, ann: Person, olga: Person) -> None:
    queue = queue_of(db, 1)
    revised(db, queue, ann)
    judged(db, queue, olga, is_good=True)
    assignment.raise_overlap(db, queue.id, 2)
    bob = person(db, "bob")
    assert next_work(db, queue.id, bob) is not None
    saved(db, 1, bob, decision=Decision.FLAG, reason="wrong")
    assert (how(db, queue), lead.num_waiting(db)) == (["flagged"], 1)


def test_not_good_counts_whoever_made_the_version(db: Database, olga: Person) -> None:
    queue, mia = queue_of(db, 1), person(db, "mia", Role.LEAD)
    revised(db, queue, mia)
    judged(db, queue, olga, is_good=False)
    assert how(db, queue) == ["sent_back"]


def test_a_choice_counts_before_a_leads_own_text(db: Database, ann: Person, olga: Person) -> None:
    queue, mia = queue_of(db, 1, overlap=2), person(db, "mia", Role.LEAD)
    revised(db, queue, ann, "Ann's.")
    revised(db, queue, mia, "Mia's.")
    choose(db, queue, olga, "ann")
    [entry] = entries(db, queue.id)
    assert entry.final.result is not None
    assert (entry.final.how, entry.final.result.texts["output"]) == ("chosen", "Ann's.")


def choose(db: Database, queue: Queue, owner: Person, expert: str) -> None:
    found = versions.versions_of(db, queue.id, 1)
    assert found is not None
    [taken] = [revision for who, revision in found.made if who.name == expert]
    versions.choose(db, 1, taken, owner, "better", seen=found.seen)


def test_who_becomes_an_owner_later_changes_no_past_work(db: Database, ann: Person) -> None:
    queue, bob, eve = queue_of(db, 1, overlap=3), person(db, "bob"), person(db, "eve")
    for who, output in ((ann, "Same."), (bob, "Same."), (eve, "Other.")):
        revised(db, queue, who, output)
    before = list(entries(db, queue.id))
    set_role(db, "eve", Role.OWNER)
    assert list(entries(db, queue.id)) == before
    assert how(db, queue) == ["agreement"]


@pytest.mark.parametrize("change", ["", " Better."])
def test_what_is_saved_after_not_good_comes_before_an_owner_once_more(
    db: Database, ann: Person, olga: Person, change: str
) -> None:
    """The same text too: a second click must not put a pair that is not good into the export."""
    queue = queue_of(db, 1)
    revised(db, queue, ann)
    judged(db, queue, olga, is_good=False)
    saved(db, 1, ann, version=1, texts={**TEXTS, "output": f"Mine.{change}"})
    assert (how(db, queue), lead.num_waiting(db)) == (["saved_again"], 1)
    work = lead.owner_work(db, olga)
    assert work is not None
    assert (work.why, work.asked_before) == ("again", "too short")
    lead.owner_verdict(db, 1, olga, True, seen=work.seen)
    assert (how(db, queue), lead.num_waiting(db)) == (["only"], 0)
    said = [event.detail["ok"] for event in _life(db) if event.action == "verdict"]
    assert said == [False, True]


def _life(db: Database):  # type: ignore[no-untyped-def]
    from tunewright.review.store.look import life

    return life(db, 1)


def test_an_undo_after_not_good_lets_nothing_out(db: Database, ann: Person, olga: Person) -> None:
    from tunewright.review.store.waiting import sent_back

    queue = queue_of(db, 1)
    revised(db, queue, ann)
    judged(db, queue, olga, is_good=False)
    revisions.undo(db, 1, ann)
    assert how(db, queue) == ["sent_back"]
    assert [one.item_id for one in sent_back(db, ann)] == [1]
    saved(db, 1, ann, version=2, texts=TEXTS)
    assert (how(db, queue), sent_back(db, ann), lead.num_waiting(db)) == (["saved_again"], [], 1)


def test_one_of_two_experts_puts_a_pair_before_the_owner_again(
    db: Database, ann: Person, olga: Person
) -> None:
    from tunewright.review.store.waiting import sent_back

    queue, bob = queue_of(db, 1, overlap=2), person(db, "bob")
    revised(db, queue, ann)
    revised(db, queue, bob)
    judged(db, queue, olga, is_good=False)
    assert [len(sent_back(db, who)) for who in (ann, bob)] == [1, 1]
    saved(db, 1, bob, version=1, texts=TEXTS)
    assert [len(sent_back(db, who)) for who in (ann, bob)] == [0, 0]
    assert how(db, queue) == ["saved_again"]


def test_a_result_from_the_future_is_withheld_by_a_word_today(
    db: Database, ann: Person, olga: Person
) -> None:
    queue = queue_of(db, 1)
    late = Result("k1", "ann", Decision.EDIT, TEXTS, "", db.clock() + 9e8, 5.0, 5.0)
    assert add_results(db, queue.id, [late], tool="potato").num_added == 1
    judged(db, queue, olga, is_good=False)
    assert how(db, queue) == ["sent_back"]


def _flag(db: Database, queue: Queue, ann: Person, olga: Person) -> None:
    saved(db, 1, ann, version=1, decision=Decision.FLAG, texts=TEXTS, reason="wrong")


def _not_good(db: Database, queue: Queue, ann: Person, olga: Person) -> None:
    judged(db, queue, olga, is_good=False)


@pytest.mark.parametrize("withhold", [_flag, _not_good])
def test_a_choice_answers_what_withholds_a_pair_until_the_next_flag(
    db: Database, ann: Person, olga: Person, withhold: Callable[..., None]
) -> None:
    queue, bob = queue_of(db, 1, overlap=2), person(db, "bob")
    revised(db, queue, ann)
    revised(db, queue, bob, "Bob's.")
    withhold(db, queue, ann, olga)
    choose(db, queue, olga, "bob")
    assert (how(db, queue), lead.num_waiting(db)) == (["chosen"], 0)
    newest = max(one.version for one in revisions.history(db, 1) if one.person_id == ann.id)
    saved(db, 1, ann, version=newest, decision=Decision.FLAG, texts=TEXTS, reason="still wrong")
    assert (how(db, queue), lead.num_waiting(db)) == (["flagged"], 1)


def test_the_sample_counts_how_work_came_in(db: Database, ann: Person, olga: Person) -> None:
    """Mended and found good, a drawn pair stays not good in the expert's share."""
    from tunewright.review.store.overview import sampled_by_expert

    queue = queue_of(db, 2)
    revised(db, queue, ann)
    revised(db, queue, ann)
    judged(db, queue, olga, is_good=False)
    saved(db, 1, ann, version=1, texts=TEXTS)
    for _ in range(2):
        work = lead.owner_work(db, olga)
        assert work is not None
        lead.owner_verdict(db, work.item.id, olga, True)
    [share] = sampled_by_expert(db, queue.id)
    assert (share.num_drawn, share.num_seen, share.num_good) == (2, 2, 1)
