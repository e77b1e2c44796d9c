"""A queue goes out whole: the final texts with what they were, to every format, and back."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from review.exchange.items_and_results import all_texts
from support.studies import study
from tunewright.coach.mended import read_mended
from tunewright.coach.train import _training
from tunewright.coach.train_config import CoachConfig
from tunewright.errors import DataError, RunFolderError
from tunewright.evaluate.study.ratings import import_ratings
from tunewright.records import read_records
from tunewright.review.exchange import FORMATS, add_results, export, read_items, read_results
from tunewright.review.exchange.entries import entries
from tunewright.review.exchange.export import config_of
from tunewright.review.model import Decision, Person, Queue, Role
from tunewright.review.store.audit import events
from tunewright.review.store.database import Database
from tunewright.review.store.lead import owner_verdict, sample_for_owner
from tunewright.review.store.people import add_person
from tunewright.review.store.queues import NewItem, add_rate_queue, add_revise_queue
from tunewright.review.store.ratings import next_task, rate
from tunewright.review.store.revisions import history, save
from tunewright.review.store.work import next_work
from tunewright.run.config import parse_config

BEGIN = 1_700_000_000.0
TOOLS = ("label-studio", "argilla", "potato")
DATA: list[dict[str, Any]] = [
    {
        "id": "a",
        "instruction": "Name a red fruit.",
        "input": "",
        "output": "Banana",
        "review": "a column",
        "n": 1,
    },
    {"id": "b", "instruction": "What is 2 + 2?", "input": "", "output": "4"},
    {"id": "c", "instruction": "Say nothing.", "input": "", "output": "Blah"},
    {"id": "d", "instruction": "=1+1", "input": "", "output": "two\r\nlines"},
    {"id": "e", "instruction": "Greet me.", "input": "", "output": "Go away"},
]


@pytest.fixture
def ann(db: Database) -> Person:
    ticks = itertools.count()
    db.clock = lambda: BEGIN + next(ticks) / 8
    return add_person(db, "ann", Role.EXPERT, None)


@pytest.fixture
def queue(db: Database, ann: Person, tmp_path: Path) -> Queue:
    """Five records, four of them seen: a edited, b as it was, c rejected, d flagged; nobody did e."""
    data = tmp_path / "data.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in DATA))
    made = add_revise_queue(db, "first", read_items(data))
    decide(db, made, ann, Decision.EDIT, output="Cherry", reason="a banana is yellow")
    decide(db, made, ann, Decision.ACCEPT)
    decide(db, made, ann, Decision.REJECT, reason="=nothing to save")
    decide(db, made, ann, Decision.FLAG)
    return made


def decide(
    db: Database, queue: Queue, who: Person, decision: Decision, reason: str = "", **texts: str
) -> None:
    work = next_work(db, queue.id, who)
    assert work is not None
    save(
        db,
        work.item.id,
        who,
        version=work.version,
        decision=decision,
        texts={**all_texts(**(work.item.draft or work.item.original)), **texts},
        reason=reason,
        seconds=7.5,
        seconds_open=9.25,
    )


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_records_have_the_final_texts_and_what_they_were_without_rejected_and_withheld_ones(
    db: Database, queue: Queue, tmp_path: Path
) -> None:
    done = export(db, queue.id, tmp_path / "out.jsonl", format="records")
    assert (done.num_items, done.num_written, done.num_rejected, done.num_undecided) == (5, 3, 1, 2)
    assert done.by_how == {"only": 3, "flagged": 1, "open": 1}
    a, b, e = read_records(tmp_path / "out.jsonl")
    assert [one.id for one in (a, b, e)] == ["a", "b", "e"]  # c is rejected, d flagged
    assert (a.instruction, a.output) == ("Name a red fruit.", "Cherry")
    assert a.meta["review"] == "a column"
    note = dict(a.meta["review~2"])
    assert note.pop("at").startswith("2023-11-14T22:13:2")
    assert note == {
        "status": "revised",
        "changed": ["output"],
        "original": {"output": "Banana"},
        "how": "only",
        "reviewer": "ann",
        "decision": "edit",
        "reason": "a banana is yellow",
        "seconds": 7.5,
        "shown_draft": False,
    }
    assert (b.output, b.meta["review"]["status"], b.meta["review"]["changed"]) == ("4", "unchanged", [])
    assert e.meta["review"] == {"status": "open", "changed": [], "original": {}}
    assert a.origin is not None
    assert (a.origin.format, a.origin.line) == ("alpaca", 1)
    done = export(db, queue.id, tmp_path / "decided.jsonl", format="records", only_decided=True)
    assert [one.id for one in read_records(tmp_path / "decided.jsonl")] == ["a", "b"]
    assert done.num_written == 2
    export(db, queue.id, tmp_path / "out.json", format="records")
    [first, *_] = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert list(first) == ["id", "instruction", "input", "output", "review", "n", "review~2"]
    assert first["output"] == "Cherry"


def test_revisions_go_straight_into_the_training_of_a_coach(
    db: Database, queue: Queue, tmp_path: Path
) -> None:
    for format, name in (("revisions", "r.json"), ("pairs", "p.jsonl")):
        done = export(db, queue.id, tmp_path / name, format=format)
        assert done.num_written == 2  # neither rejected, flagged nor open ones
        config = parse_config(CoachConfig, {"model": "scratch:tiny", "alpha": 1.0}, where="test")
        training = _training(config, read_mended(tmp_path / name), None)
        assert [(pair.kind, pair.revision.id) for pair in training.pairs] == [
            ("revision", "a"),
            ("good", "b"),
        ]
        assert training.pairs[0].revision.revised.output == "Cherry"
        assert not training.unwritable
    [first, _] = json.loads((tmp_path / "r.json").read_text())
    assert first["Raw Response"], first["Revised Response"] == ("Banana", "Cherry")
    assert (first["Distance"], first["reviewer"]) == (6, "ann")  # Banana → Cherry: six letters


def test_the_published_form_says_what_it_cannot_hold(db: Database, ann: Person, tmp_path: Path) -> None:
    explained = NewItem("x", all_texts(instruction="Why?", output="So.", explanation="Because."))
    queue = add_revise_queue(db, "explained", [explained])
    decide(db, queue, ann, Decision.EDIT, output="Thus.")
    with pytest.raises(DataError, match=r"item x: 'original.explanation' .* write pairs"):
        export(db, queue.id, tmp_path / "r.json", format="revisions")
    assert not (tmp_path / "r.json").exists()
    assert export(db, queue.id, tmp_path / "p.jsonl", format="pairs").num_written == 1


@pytest.mark.parametrize("format", TOOLS)
def test_a_queue_goes_to_another_tool_and_comes_back(
    db: Database, queue: Queue, ann: Person, tmp_path: Path, format: str
) -> None:
    target = tmp_path / ("out.json" if format == "label-studio" else "out")
    done = export(db, queue.id, target, format=format)
    assert (done.num_written, done.unwritable) == (5, ())
    known = list(entries(db, queue.id))
    items = list(read_items(target))
    assert [(one.key, one.original, one.draft, one.meta) for one in items] == [
        (entry.item.key, entry.item.original, entry.item.draft, entry.item.meta) for entry in known
    ]
    results = list(read_results(target))
    assert sorted(results, key=lambda one: one.key) == [one for entry in known for one in entry.results]

    other = add_revise_queue(db, "again", items)
    taken = add_results(db, other.id, results, tool=format)
    assert (taken.num_added, taken.num_known, taken.unknown_items, taken.people_added) == (4, 0, (), ())
    for one, two in zip(entries(db, other.id), known, strict=True):
        assert [(said.decision, said.texts, said.at, said.seconds) for said in one.results] == [
            (said.decision, said.texts, said.at, said.seconds) for said in two.results
        ]
    assert add_results(db, other.id, read_results(target), tool=format).num_added == 0
    first = next(iter(entries(db, other.id))).item
    noted = [event for event in events(db, subject=f"item:{first.id}") if event.action == "import result"]
    assert [(event.detail["of"], event.detail["tool"]) for event in noted] == [("ann", format)]
    again = export(db, queue.id, target, format=format, overwrite=True)
    assert again.num_written == 5
    # what annotators did in a project's folder since is kept
    assert target.with_name("out.old-1").exists() == (format != "label-studio")


def test_the_files_of_a_tool_stand_where_it_looks_for_them(
    db: Database, queue: Queue, tmp_path: Path
) -> None:
    export(db, queue.id, tmp_path / "ls.json", format="label-studio")
    assert "<View>" in config_of(tmp_path / "ls.json").read_text()
    export(db, queue.id, tmp_path / "arg", format="argilla")
    assert {one.relative_to(tmp_path / "arg").as_posix() for one in (tmp_path / "arg").rglob("*.json")} == {
        "records.json",
        ".argilla/settings.json",
        ".argilla/dataset.json",
    }
    export(db, queue.id, tmp_path / "arg.json", format="argilla")
    assert len(list(read_items(tmp_path / "arg.json"))) == 5
    export(db, queue.id, tmp_path / "potato", format="potato")
    assert (tmp_path / "potato" / "annotation_output" / "ann" / "user_state.json").is_file()
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".")]  # nothing half written is left


def test_the_table_holds_everything_and_runs_nothing(db: Database, queue: Queue, tmp_path: Path) -> None:
    assert export(db, queue.id, tmp_path / "t.csv", format="csv").num_written == 5
    text = (tmp_path / "t.csv").read_text("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert "'=nothing to save" in cells
    results = {one.key: one for one in read_results(tmp_path / "t.csv")}
    assert results["c"].reason == "=nothing to save"
    assert results["d"].texts["instruction"] == "=1+1"


def test_ratings_are_rows_that_a_study_takes(db: Database, ann: Person, tmp_path: Path) -> None:
    folder = study(tmp_path / "study", num_prompts=3)
    queue = add_rate_queue(db, folder)
    rater = add_person(db, folder.raters[0], Role.RATER, None) if folder.raters[0] != "ann" else ann
    task = next_task(db, queue.id, rater)
    assert task is not None
    question = folder.questions.questions[0]
    code = task.answers[0][0]
    values = {(question.id, code): question.scale()[-1]}
    rate(db, queue.id, task.item, rater, version=0, values=values, comment="", seconds=4.0)
    done = export(db, queue.id, tmp_path / "ratings.jsonl", format="ratings")
    [row] = rows(tmp_path / "ratings.jsonl")
    assert list(row) == ["item", "system", "rater", "question", "value", "time", "seconds"]
    assert (row["item"], row["system"], row["rater"]) == (task.item, code, rater.name)
    assert done.num_written == 1
    taken = import_ratings(folder, tmp_path / "ratings.jsonl")
    assert (taken.num_added, taken.rejected) == (1, ())
    export(db, queue.id, tmp_path / "ratings.csv", format="ratings")
    assert f'"{row["item"]}"' in (tmp_path / "ratings.csv").read_text("utf-8-sig")
    with pytest.raises(DataError, match="is to rate"):
        export(db, queue.id, tmp_path / "x.jsonl", format="records")


def test_an_owners_word_counts_before_all_others(db: Database, queue: Queue, ann: Person) -> None:
    owner = add_person(db, "olga", Role.OWNER, None)
    sample_for_owner(db, queue.id, 1.0, 7)
    edited, flagged = (entry.item.id for entry in entries(db, queue.id) if entry.item.key in ("a", "d"))
    owner_verdict(db, edited, owner, False, "still wrong")
    owner_verdict(db, flagged, owner, True)
    how = {entry.item.key: entry.final.how for entry in entries(db, queue.id)}
    assert how == {"a": "sent_back", "b": "only", "c": "only", "d": "only", "e": "open"}


def test_what_no_file_can_hold_is_named_and_holds_up_nothing(
    db: Database, ann: Person, tmp_path: Path
) -> None:
    outputs = {"bad": "half \ud800", "good": "whole"}
    new = [NewItem(key, all_texts(instruction="a", output=output)) for key, output in outputs.items()]
    queue = add_revise_queue(db, "odd", new)
    for _ in new:
        decide(db, queue, ann, Decision.ACCEPT)
    for format in (one for one in FORMATS if one != "ratings"):
        target = tmp_path / {"potato": "p", "argilla": "g", "csv": "t.csv", "revisions": "r.json"}.get(
            format, f"{format}.jsonl" if format in ("records", "pairs") else f"{format}.json"
        )
        done = export(db, queue.id, target, format=format)
        assert [key for key, _ in done.unwritable] == ["bad"], format
        assert "surrogate" in done.unwritable[0][1]
        assert done.num_written == 1, format


def test_results_of_other_items_and_of_new_people(db: Database, queue: Queue, tmp_path: Path) -> None:
    tasks = [
        {"data": {"id": key, "instruction": "Name a red fruit.", "output": "Banana"},
         "annotations": [{"completed_by": {"email": "eve@example.org"}, "lead_time": 3,
                          "updated_at": "2026-05-04T09:30:00Z", "result": [
                              {"from_name": "output", "type": "textarea", "value": {"text": [key]}}]}]}
        for key in ("e", "zz", "a")
    ]  # fmt: skip
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps(tasks))
    taken = add_results(
        db, queue.id, read_results(path, people={"eve@example.org": "Eve"}), tool="label-studio"
    )
    # e had its only place free; a's belongs to ann, who has saved
    assert (taken.num_added, taken.num_known, taken.without_place) == (1, 0, ("a",))
    assert (taken.unknown_items, taken.people_added) == (("zz",), ("Eve",))
    last = list(entries(db, queue.id))[-1]
    [said] = last.results
    assert (said.person, said.texts["output"], said.at, said.seconds) == ("Eve", "e", 1777887000.0, 3.0)


def test_a_later_result_of_the_same_person_is_their_next_version_and_an_earlier_one_changes_nothing(
    db: Database, queue: Queue, tmp_path: Path
) -> None:
    item = next(iter(entries(db, queue.id))).item
    for time, text in (("2020-01-01T00:00:00Z", "too late"), ("2026-01-01T00:00:00Z", "newer")):
        task = {"data": {"id": "a", "instruction": "Name a red fruit.", "output": "Banana"}, "annotations": [
            {"completed_by": "ann", "updated_at": time, "result": [
                {"from_name": "output", "type": "textarea", "value": {"text": [text]}}]}]}  # fmt: skip
        (tmp_path / "t.json").write_text(json.dumps([task]))
        add_results(db, queue.id, read_results(tmp_path / "t.json"), tool="label-studio")
    assert [(one.version, one.texts["output"]) for one in history(db, item.id)] == [
        (1, "Cherry"),
        (2, "newer"),
    ]


def test_pairs_bring_back_who_revised_and_when(db: Database, queue: Queue, tmp_path: Path) -> None:
    export(db, queue.id, tmp_path / "p.jsonl", format="pairs")
    one, two = read_results(tmp_path / "p.jsonl")
    assert (one.key, one.person, one.decision, one.texts["output"]) == ("a", "ann", Decision.EDIT, "Cherry")
    assert (two.key, two.decision) == ("b", Decision.ACCEPT)
    assert one.at is not None
    assert BEGIN <= one.at < BEGIN + 60
    released = tmp_path / "released.jsonl"
    released.write_text(json.dumps({"before": DATA[0], "after": DATA[0]}) + "\n")
    with pytest.raises(DataError, match="no column 'reviewer'"):
        list(read_results(released))
    with pytest.raises(DataError, match="is records, which holds no results"):
        read_results(tmp_path / "data.jsonl")


def test_nothing_is_written_over_unasked_and_never_a_folder_of_something_else(
    db: Database, queue: Queue, tmp_path: Path
) -> None:
    export(db, queue.id, tmp_path / "out.jsonl", format="records")
    with pytest.raises(DataError, match="is there already"):
        export(db, queue.id, tmp_path / "out.jsonl", format="records")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("years of work")
    with pytest.raises(RunFolderError, match="a folder of something else"):
        export(db, queue.id, mine, format="potato", overwrite=True)
    assert (mine / "thesis.tex").read_text() == "years of work"
    with pytest.raises(DataError, match="a spreadsheet runs texts"):
        export(db, queue.id, tmp_path / "out.csv", format="records")
    with pytest.raises(DataError, match="unknown format 'xml'"):
        export(db, queue.id, tmp_path / "x", format="xml")
    with pytest.raises(DataError, match="no queue 99"):
        export(db, 99, tmp_path / "x", format="csv")


def test_two_people_of_alike_names_have_a_state_each(db: Database, ann: Person, tmp_path: Path) -> None:
    queue = add_revise_queue(db, "two", [NewItem("x", all_texts(instruction="a", output="b"))], overlap=2)
    for name in ("jo/e", "jo e"):
        decide(db, queue, add_person(db, name, Role.EXPERT, None), Decision.EDIT, output=name)
    export(db, queue.id, tmp_path / "p", format="potato")
    assert {one.person for one in read_results(tmp_path / "p")} == {"jo/e", "jo e"}
    assert all(one.parent.parent == tmp_path / "p" / "annotation_output" for one in states(tmp_path / "p"))


def states(folder: Path) -> Iterator[Path]:
    return folder.rglob("user_state.json")


def test_a_line_of_potatos_items_ends_where_every_reader_ends_it(
    db: Database, ann: Person, tmp_path: Path
) -> None:
    """Potato splits its files as Python splits text: at U+2028, U+0085 and others too."""
    text = "one\u2028two\x85three\x1cfour\x0bfive"
    queue = add_revise_queue(db, "lines", [NewItem("x", all_texts(instruction="a", output=text))])
    export(db, queue.id, tmp_path / "p", format="potato")
    assert len((tmp_path / "p" / "data" / "items.jsonl").read_text("utf-8").splitlines()) == 1
    [item] = read_items(tmp_path / "p")
    assert item.original["output"] == text
