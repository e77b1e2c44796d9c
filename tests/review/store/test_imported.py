"""What lies in the database after an import is, to the letter, what the same items would be written as."""

from __future__ import annotations

from support.stores import new_items, queue_of
from tunewright.review.model import Finding
from tunewright.review.store.database import Database
from tunewright.review.store.imported import as_written, value_of, written_items
from tunewright.review.store.queues import NewItem, add_revise_queue, seed_of, source_of

HOSTILE = "back\\slash \\u0000 \x00 \ud83d\ude00 \ud800 \U0001f600 'quote' ~"
ODD = NewItem(
    f"key {HOSTILE}",
    {"output": HOSTILE, "instruction": ""},
    {"output": ""},
    f"reason {HOSTILE}",
    (Finding("output", HOSTILE, "", 1, 2),),
    (("user", HOSTILE), ("assistant", "")),
    {HOSTILE: [1.5, None, True, 10**40, {"ü": float("nan")}], "a": (1, 2)},
)


def test_items_of_any_values_are_written_as_foretold_in_their_order(db: Database) -> None:
    queue_of(db, 3, name="before")
    queue = add_revise_queue(db, "odd", [ODD, NewItem("plain", {}), *new_items(1_500)])
    queue_of(db, 3, name="after")
    expected = [as_written(db, one) for one in (ODD, NewItem("plain", {}), *new_items(1_500))]
    assert list(written_items(db, queue.id)) == expected
    assert value_of(expected[0].original, db) == {"output": HOSTILE, "instruction": ""}


def test_a_queue_tells_what_it_was_made_of(db: Database) -> None:
    source = {"data": "x.jsonl", "drafts": None, "findings": ["runs/check"]}
    made = add_revise_queue(db, "one", new_items(2), experiment=True, seed=11, source=source)
    assert (source_of(db, made), seed_of(db, made)) == (source, 11)
    older = queue_of(db, 2, name="older")
    assert (source_of(db, older), seed_of(db, older)) == (None, 7)
