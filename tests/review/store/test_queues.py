"""Importing queues, and getting back what was imported."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from support.stores import new_items, queue_of
from tunewright.errors import DataError
from tunewright.review.model import Arm, Finding
from tunewright.review.store.audit import events
from tunewright.review.store.database import Database
from tunewright.review.store.queues import (
    NewItem,
    add_revise_queue,
    close_queue,
    item,
    items_with_key,
    open_queue,
    queue,
    queues,
)

HOSTILE = {
    "NUL": "a\x00b",
    "control characters": "".join(map(chr, range(32))) + "\x7f\x85\u2028",
    "lone surrogates": "\ud800 and \udfff and \ud83d\ude00",
    "escapes": r"\u0000 \\ \' ~ %s {x} $1 :name ?",
    "markup": "<script>alert(1)</script>",
    "right to left": "\u202eabc\u202c שלום",
    "not normal": "e\u0301 \u00e9 \ufb01",
    "1 MB": "试题 <b>\x00\\ 🙂" * 45_000,
    "nothing": "",
    "only space": " \r\n\t ",
}


@pytest.mark.parametrize(
    "name", ["markup", "NUL", "control characters", "lone surrogates", "right to left", "nothing"]
)
def test_a_queues_name_is_letters_that_are_seen(db: Database, name: str) -> None:
    """Markup is: the page shows it as text. What moves a terminal's cursor or turns a line round is not."""
    if name == "markup":
        assert queue_of(db, 1, name=HOSTILE[name]).name == HOSTILE[name]
        return
    with pytest.raises(DataError, match="a queue's name has 1 to 200 letters that can be seen"):
        queue_of(db, 1, name=HOSTILE[name])
    assert queues(db) == []


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_comes_back_as_it_was_in_every_field(db: Database, name: str) -> None:
    text = HOSTILE[name]
    key = (text or "empty")[:300]
    made = add_revise_queue(
        db,
        "q",
        [
            NewItem(
                key,
                {"instruction": text, "output": text},
                {"output": text},
                draft_reason=text,
                findings=(Finding("output", text, text, 1, 2),),
                history=((text, text),),
                meta={text: [text, 1, 1.5, None, True, 2**80]},
                lineage={"seed": {"of": text}},
            )
        ],
        criteria=[text],
    )
    [found] = items_with_key(db, key)
    assert found.original == {"instruction": text, "output": text}
    assert found.draft == {"output": text}
    assert found.draft_reason == text
    assert found.findings == (Finding("output", text, text, 1, 2),)
    assert found.history == ((text, text),)
    assert found.meta == {text: [text, 1, 1.5, None, True, 2**80]}
    assert found.lineage == {"seed": {"of": text}}
    assert item(db, found.id) == found
    assert queue(db, made.id) == made
    assert made.criteria == (text,)


def test_a_key_met_twice_is_refused_with_both_places_and_nothing_stays(db: Database) -> None:
    items = [*new_items(3), NewItem("k2", {})]
    with pytest.raises(DataError, match="'k2' is met twice, as items 2 and 4"):
        add_revise_queue(db, "pairs", items)
    assert queues(db) == []


def test_the_same_key_may_be_in_two_queues(db: Database) -> None:
    first, second = queue_of(db, 2, name="one"), queue_of(db, 2, name="two")
    assert [found.queue_id for found in items_with_key(db, "k1")] == [first.id, second.id]


def test_a_name_is_given_once(db: Database) -> None:
    queue_of(db, 1)
    with pytest.raises(DataError, match="a queue is called 'pairs' already"):
        queue_of(db, 1)
    assert len(queues(db)) == 1


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ([], "there are no items"),
        ([NewItem("", {})], "item 1: a key has 1 to 400 characters, not 0"),
        ([NewItem("k", {}), NewItem("x" * 401, {})], "item 2: a key has 1 to 400 characters, not 401"),
        ([NewItem("k", {"outptu": "x"})], "item 'k': 'outptu' is no text of system, instruction"),
        ([NewItem("k", {"output": 3})], "item 'k': 'output' is no text"),  # type: ignore[dict-item]
    ],
)
def test_what_cannot_be_imported_says_why(sqlite_db: Database, items: list[NewItem], says: str) -> None:
    with pytest.raises(DataError, match=says):
        add_revise_queue(sqlite_db, "pairs", items)
    assert queues(sqlite_db) == []


def test_an_experiment_draws_arms_that_are_balanced_all_along(sqlite_db: Database) -> None:
    """Blocks have at most 6 items, so at no point are the arms further apart than 3."""
    made = queue_of(sqlite_db, 101, experiment=True)
    arms = [found.arm for found in (item(sqlite_db, id) for id in range(1, 102)) if found]
    assert made.experiment
    for end in range(1, 102):
        count = Counter(arms[:end])
        assert abs(count[Arm.WITH_DRAFT] - count[Arm.WITHOUT_DRAFT]) <= 3
    assert 40 < sum(first is not second for first, second in itertools.pairwise(arms)) < 90


def test_an_experiment_has_arms_only_where_there_is_a_draft(sqlite_db: Database) -> None:
    items = [NewItem("with", {}, {}), NewItem("without", {})]
    add_revise_queue(sqlite_db, "pairs", items, experiment=True)
    first, second = item(sqlite_db, 1), item(sqlite_db, 2)
    assert first is not None
    assert second is not None
    assert (first.arm is None, second.arm) == (False, None)


def test_the_same_seed_draws_the_same_arms(sqlite_db: Database) -> None:
    queue_of(sqlite_db, 30, name="one", experiment=True, seed=3)
    queue_of(sqlite_db, 30, name="two", experiment=True, seed=3)
    queue_of(sqlite_db, 30, name="three", experiment=True, seed=4)
    arms = [found.arm for found in (item(sqlite_db, id) for id in range(1, 91)) if found]
    assert arms[:30] == arms[30:60] != arms[60:]


def test_progress_is_told_and_the_import_is_in_the_audit(sqlite_db: Database) -> None:
    told: list[int] = []
    made = queue_of(sqlite_db, 1_500, progress=told.append)
    assert told == [1_000, 1_500]
    [event] = events(sqlite_db, subject=f"queue:{made.id}")
    assert (event.action, event.detail) == ("import", {"name": "pairs", "items": 1_500})


def test_a_queue_closes_and_opens(db: Database) -> None:
    made = queue_of(db, 1)
    assert not close_queue(db, made.id).is_open
    assert open_queue(db, made.id) == made
    with pytest.raises(DataError, match="there is no queue 99"):
        close_queue(db, 99)
