"""What `--data` names becomes a queue once, and never another one's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from support.studies import study
from tunewright.errors import DataError, RecipeError
from tunewright.review.import_data import import_data
from tunewright.review.model import QueueKind, Role
from tunewright.review.store import people
from tunewright.review.store.assignment import raise_overlap
from tunewright.review.store.database import Database
from tunewright.review.store.queues import NewItem, add_revise_queue, queues


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
    with pytest.raises(DataError, match=r"'pairs' is there already, .* For a new one give --name NAME"):
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


def test_one_corrected_record_among_many_is_never_there_already(db: Database, tmp_path: Path) -> None:
    """The first record is the same; others are changed, new or gone, and each is counted and named."""
    data = pairs(tmp_path / "pairs.jsonl", "0", "1", "2", "3", "4")
    import_data(db, data)
    rows = data.read_text().splitlines(keepends=True)
    data.write_text(
        "".join([rows[0], rows[1].replace('"1"', '"one"'), *rows[3:], rows[2].replace("r2", "x")])
    )
    with pytest.raises(DataError) as caught:
        import_data(db, data)
    assert str(caught.value) == (
        "the queue 'pairs' is there already, and differs: 1 record changed ('r1'); 1 record new ('x'); "
        "1 record no longer in the data ('r2'). Nothing was changed; an import changes no queue that is "
        "there. For a new one give --name NAME"
    )
    assert [queue.num_items for queue in queues(db)] == [5]
    data.write_text("".join(reversed(rows)))
    assert not import_data(db, data).is_new  # in another order they are the same
    data.write_text("".join(rows).replace('"output"', '"level": "A1", "output"'))
    with pytest.raises(DataError, match=r"5 records changed \(the first 'r0'\)"):
        import_data(db, data)


def test_records_of_any_values_are_the_same_the_second_time(db: Database, tmp_path: Path) -> None:
    row = {
        "id": "a",
        "instruction": "a \\ b",
        "output": "x\0",
        "n": 10**30,
        "m": [1.5, None, {"b": "\U0001f600"}],
    }
    data = tmp_path / "odd.jsonl"
    data.write_text(json.dumps(row) + "\n" + json.dumps({**row, "id": "b", "history": [["Q", "A"]]}) + "\n")
    assert import_data(db, data).is_new
    assert not import_data(db, data).is_new


def test_an_option_that_differs_is_named_and_one_not_given_is_not_compared(
    db: Database, tmp_path: Path
) -> None:
    data = pairs(tmp_path / "pairs.jsonl", "one", "two")
    first = pairs(tmp_path / "first.jsonl", "One.", "Two.")
    other = pairs(tmp_path / "other.jsonl", "One.", "2.")
    given = {"drafts": first, "overlap": 2, "experiment": True, "criteria": ["coachlm"], "seed": 3}
    import_data(db, data, **given)  # type: ignore[arg-type]
    for same in ({}, given, {"overlap": 2}, {"drafts": first}, {"seed": 3}):
        assert not import_data(db, data, **same).is_new  # type: ignore[arg-type]
    for differs, words in (
        ({"overlap": 3}, "--overlap 2, not 3"),
        ({"seed": 7}, "--seed 3, not 7"),
        ({"criteria": ["a", "b"]}, "--criteria coachlm, not a, b"),
        ({"experiment": False}, "--experiment yes, not no"),
        ({"drafts": other}, r"1 record with other --drafts \('r1'\)"),
    ):
        with pytest.raises(
            DataError, match=f"differs: {words}. Nothing was changed.*leave these options out"
        ):
            import_data(db, data, **differs)  # type: ignore[arg-type]


def test_drafts_given_to_a_queue_that_was_made_without_are_other_drafts(db: Database, tmp_path: Path) -> None:
    data, drafts = pairs(tmp_path / "pairs.jsonl", "one"), pairs(tmp_path / "drafts.jsonl", "One.")
    import_data(db, data)
    with pytest.raises(DataError, match=r"1 record with other --drafts \('r0'\)"):
        import_data(db, data, drafts=drafts)


def test_the_queue_of_an_older_version_is_compared_as_well(db: Database, tmp_path: Path) -> None:
    """It does not say what it was made with: drafts that the data do not have may have been given."""
    data = pairs(tmp_path / "pairs.jsonl", "one")
    add_revise_queue(
        db, "pairs", [NewItem("r0", {"instruction": "Ask 0.", "output": "one"}, {"output": "1"})]
    )
    assert not import_data(db, data).is_new
    with pytest.raises(DataError, match=r"1 record changed \('r0'\)"):
        import_data(db, pairs(data, "two"))


def test_raters_are_added_the_next_time_when_the_first_was_killed(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = study(tmp_path / "one")
    add = people.add_person

    def killed_at_the_second(db: Database, name: str, *rest: Any) -> Any:
        if name == folder.raters[1]:
            raise KeyboardInterrupt
        return add(db, name, *rest)

    monkeypatch.setattr(people, "add_person", killed_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        import_data(db, folder.path)
    monkeypatch.undo()
    again = import_data(db, folder.path)
    assert (again.is_new, again.new_raters) == (False, tuple(folder.raters[1:]))
    assert {one.name for one in people.people(db)} == set(folder.raters)


def test_a_study_that_was_made_anew_in_its_folder_is_not_the_one_of_the_queue(
    db: Database, tmp_path: Path
) -> None:
    import_data(db, study(tmp_path / "one").path)
    shutil.rmtree(tmp_path / "one")
    study(tmp_path / "one", num_prompts=4)
    with pytest.raises(DataError, match="the study was made anew since the queue 'one' was made of it"):
        import_data(db, tmp_path / "one")


def test_a_study_takes_no_options_of_pairs_and_no_empty_name(db: Database, tmp_path: Path) -> None:
    folder = study(tmp_path / "one")
    with pytest.raises(RecipeError, match=r"is a rating study, .*; leave out --overlap, --seed"):
        import_data(db, folder.path, overlap=2, seed=1)
    with pytest.raises(DataError, match="has 1 to 200 letters"):
        import_data(db, folder.path, name="")
    assert queues(db) == []


def test_the_command_that_made_a_queue_stays_good_after_more_people_revise_it(
    db: Database, tmp_path: Path
) -> None:
    data = pairs(tmp_path / "pairs.jsonl", "one")
    queue = import_data(db, data, overlap=2).queue
    raise_overlap(db, queue.id, 4)
    raise_overlap(db, queue.id, 5)
    for same in (None, 2, 4, 5):
        assert not import_data(db, data, overlap=same).is_new
    for other in (1, 3, 6):
        with pytest.raises(
            DataError, match=f"differs: --overlap 5, not {other}. Nothing was changed; an import "
        ):
            import_data(db, data, overlap=other)


def test_any_smaller_number_is_taken_of_an_older_raised_queue_that_kept_none(
    db: Database, tmp_path: Path
) -> None:
    data = pairs(tmp_path / "old.jsonl", "one")
    made = NewItem("r0", {"instruction": "Ask 0.", "output": "one"})
    queue = add_revise_queue(db, "old", [made], overlap=2)
    with pytest.raises(DataError, match="--overlap 2, not 1"):
        import_data(db, data, overlap=1)
    raise_overlap(db, queue.id, 3)
    assert not import_data(db, data, overlap=1).is_new


def test_a_number_written_otherwise_and_a_column_of_nothing_are_no_change(
    db: Database, tmp_path: Path
) -> None:
    row = {"id": "r", "instruction": "Ask.", "output": "Said.", "n": 1, "deep": {"m": [2.0]}, "yes": True}
    data = tmp_path / "d.jsonl"
    data.write_text(json.dumps(row))
    import_data(db, data)
    data.write_text(json.dumps(row | {"n": 1.0, "deep": {"m": [2], "none": None}, "new": None}))
    assert not import_data(db, data).is_new
    for other in ({"n": 1.5}, {"n": "1"}, {"yes": 1}, {"new": 0}):
        data.write_text(json.dumps(row | other))
        with pytest.raises(DataError, match="1 record changed"):
            import_data(db, data)
