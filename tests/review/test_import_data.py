"""What `--data` names becomes a queue once, and never another one's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.studies import study
from tunewright.errors import DataError
from tunewright.review.import_data import import_data
from tunewright.review.model import QueueKind, Role
from tunewright.review.store import people
from tunewright.review.store.database import Database
from tunewright.review.store.queues import queues


def pairs(path: Path, *outputs: str) -> Path:
    rows = [{"id": f"r{n}", "instruction": f"Ask {n}.", "output": text} for n, text in enumerate(outputs)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_records_become_a_queue_called_as_their_file_and_only_once(db: Database, tmp_path: Path) -> None:
    data = pairs(tmp_path / "pairs.v2.jsonl", "one", "two")
    first = import_data(db, data)
    assert (first.is_new, first.queue.name, first.queue.num_items) == (True, "pairs", 2)
    assert first.queue.kind is QueueKind.REVISE
    again = import_data(db, data)
    assert (again.is_new, again.queue) == (False, first.queue)
    assert len(queues(db)) == 1


def test_other_data_of_the_same_name_is_never_shown_in_its_place(db: Database, tmp_path: Path) -> None:
    import_data(db, pairs(tmp_path / "pairs.jsonl", "one"))
    (tmp_path / "b").mkdir()
    other = pairs(tmp_path / "b" / "pairs.jsonl", "another text under the same id")
    with pytest.raises(DataError, match="'pairs' is there with other data; give this one another --name"):
        import_data(db, other)
    assert import_data(db, other, name="second").is_new


def test_a_broken_row_is_told_and_the_others_go_in(db: Database, tmp_path: Path) -> None:
    data = pairs(tmp_path / "pairs.jsonl", "one")
    data.write_text(data.read_text() + '{"id": "x", "instruction": 7}\n', encoding="utf-8")
    told: list[str] = []
    done = import_data(db, data, on_reject=lambda reject, **_: told.append(str(reject)))
    assert done.queue.num_items == 1
    assert len(told) == 1
    assert "pairs.jsonl:2" in told[0]


def test_a_study_becomes_a_rate_queue_with_an_account_for_each_rater(db: Database, tmp_path: Path) -> None:
    folder = study(tmp_path / "one")
    people.add_person(db, folder.raters[0], Role.EXPERT, None)
    done = import_data(db, folder.path)
    assert done.queue.kind is QueueKind.RATE
    assert done.new_raters == tuple(folder.raters[1:])
    assert {one.name: one.role for one in people.people(db)} == {
        folder.raters[0]: Role.EXPERT,
        **dict.fromkeys(folder.raters[1:], Role.RATER),
    }
    again = import_data(db, folder.path)
    assert (again.is_new, again.queue.id, again.new_raters) == (False, done.queue.id, ())


def test_what_is_not_there_is_said(db: Database, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        import_data(db, tmp_path / "none.jsonl")
    assert queues(db) == []
