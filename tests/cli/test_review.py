"""The command `review`, from arguments to printed lines."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from support.rated_studies import full_study
from support.review_page import cheap_hashes
from tunewright.cli import review_database
from tunewright.cli.review import app
from tunewright.errors import DataError, RecipeError, RunFolderError
from tunewright.review.config import ReviewConfig
from tunewright.review.model import Decision
from tunewright.review.store import people, queues, ratings, revisions, work
from tunewright.review.store.database import Database


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap_hashes(monkeypatch)


def invoke(*arguments: object, typed: str = "") -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=typed)


def run(*arguments: object, typed: str = "", code: int | None = None) -> str:
    """What the command says. `code` is the exit code to be had, None for any."""
    result = invoke(*arguments, typed=typed)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert code is None or result.exit_code == code, result.output
    return result.output


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "r.sqlite"


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    rows = [{"id": f"r{n}", "instruction": f"Ask {n}.", "output": f"Answer {n}."} for n in range(3)]
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def decide(place: Path, queue: str, name: str, output: str, *, decision: Decision = Decision.EDIT) -> None:
    """`name` decides on the first item of the queue that is theirs to do."""
    db = Database.open(place)
    who = people.person_named(db, name) or people.add_person(db, name, people.Role.EXPERT, None)
    [found] = [one for one in queues.queues(db) if one.name == queue]
    taken = work.next_work(db, found.id, who)
    assert taken is not None
    texts = {**taken.item.original, "output": output}
    revisions.save(
        db, taken.item.id, who, version=0, decision=decision, texts=texts, reason="",
        seconds=9.0, seconds_open=12.0,
    )  # fmt: skip
    db.close()


def test_people_are_added_listed_changed_and_disabled(place: Path) -> None:
    said = run("users", "add", "Ann", "--role", "expert", "--db", place, typed="a long enough one\n")
    assert said == "Ann: expert\n"
    run("users", "add", "bob", "--role", "rater", "--no-password", "--db", place)
    run("users", "role", "bob", "owner", "--db", place)
    run("users", "password", "ann", "--db", place, typed="another long one\n")
    run("users", "disable", "bob", "--db", place)
    assert run("users", "list", "--db", place) == "Ann: expert\nbob: owner, no password, disabled\n"
    assert run("users", "disable", "bob", "--undo", "--db", place) == "bob: may log in\n"
    db = Database.open(place)
    assert people.check_password(db, "ANN", "another long one") is not None
    db.close()


def test_a_role_or_password_that_is_none_is_refused(place: Path) -> None:
    with pytest.raises(RecipeError, match="give rater, expert, owner or lead"):
        run("users", "add", "ann", "--role", "boss", "--db", place, typed="a long enough one\n")
    with pytest.raises(DataError, match="5 characters"):
        run("users", "add", "ann", "--role", "lead", "--db", place, typed="short\n")
    assert list(place.parent.iterdir()) == []  # nobody is in it, so there is no database either


def test_a_mistyped_database_is_not_made(place: Path, tmp_path: Path) -> None:
    for words in (("users", "list"), ("backup", tmp_path / "b"), ("export", "q", "--out", tmp_path / "o")):
        with pytest.raises(DataError, match="there is no such database"):
            run(*words, "--db", place)
    assert not place.exists()


def test_pairs_go_in_are_revised_and_come_out_for_the_coach(place: Path, pairs: Path, tmp_path: Path) -> None:
    assert run("import", pairs, "--db", place) == "queue 'pairs' made: 3 items\n"
    assert "is there already, nothing was changed" in run("import", pairs, "--db", place)
    decide(place, "pairs", "ann", "A better answer.")
    out = tmp_path / "out.jsonl"
    run("export", "pairs", "--db", place, "--format", "records", "--out", out)
    written = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert "A better answer." in json.dumps(written)
    path = tmp_path / "revisions.jsonl"
    said = run("export", "pairs", "--db", place, "--format", "revisions", "--out", path)
    assert said == (
        "1 of 3 items written; of all items 1 decided, 2 open\n"
        "how it was decided: 1 by the only person\n"
        f"revisions: {path}\n"
    )
    from tunewright.coach.read_revisions import read_revisions

    changed = [one for one in read_revisions(tmp_path / "revisions.jsonl") if one.changed]
    assert [one.revised.output for one in changed] == ["A better answer."]


def test_a_queue_or_form_that_is_not_there_is_named(place: Path, pairs: Path, tmp_path: Path) -> None:
    run("import", pairs, "--db", place)
    with pytest.raises(DataError, match="no queue is called 'x'; there are: 'pairs'"):
        run("export", "x", "--db", place, "--out", tmp_path / "o")
    with pytest.raises(RecipeError, match="--format xml: give one of records, revisions"):
        run("export", "pairs", "--db", place, "--format", "xml", "--out", tmp_path / "o")


def test_what_cannot_be_brought_in_is_told_with_what_to_do(place: Path, pairs: Path, tmp_path: Path) -> None:
    run("import", pairs, "--db", place)
    with pytest.raises(DataError, match="unknown format 'xml'; results come in one of label-studio"):
        run("import", pairs, "--db", place, "--into", "pairs", "--format", "xml")
    with pytest.raises(DataError, match="gone: no such folder; findings come from a check run"):
        run("import", pairs, "--db", place, "--name", "x", "--findings", tmp_path / "gone")
    with pytest.raises(DataError, match="'x' cannot be an experiment: no item has a draft"):
        run("import", pairs, "--db", place, "--name", "x", "--experiment")
    with pytest.raises(RecipeError, match="--runs gone: there is no such folder"):
        run("--db", place, "--runs", "gone", "--no-browser")
    run("import", full_study(tmp_path / "study", num_prompts=1).path, "--db", place)
    out = tmp_path / "results.csv"
    run("export", "pairs", "--db", place, "--format", "csv", "--out", out)
    with pytest.raises(DataError, match="the column 'rater' is missing; there are: item"):
        run("import", out, "--db", place, "--into", "study")


def test_a_broken_row_is_told_with_its_line_and_ends_in_3(place: Path, pairs: Path) -> None:
    pairs.write_text(pairs.read_text() + '{"instruction": 7}\n', encoding="utf-8")
    result = invoke("import", pairs, "--db", place)
    assert result.exit_code == 3
    assert "queue 'pairs' made: 3 items" in result.stdout
    assert "pairs.jsonl:4" in result.stderr
    assert "1 row left out, the rest is done" in result.stderr


def test_the_counts_of_an_export_add_up(place: Path, pairs: Path, tmp_path: Path) -> None:
    """3 items: one edited, one rejected, one open. The records hold two of them, the table a row for each."""
    run("import", pairs, "--db", place)
    decide(place, "pairs", "ann", "A better answer.")
    decide(place, "pairs", "bob", "", decision=Decision.REJECT)
    how = "how it was decided: 2 by the only person"
    for format, written, still in (
        ("records", "2 of 3 items", "1 open and written as they were"),
        ("pairs", "1 of 3 items", "1 open"),
        ("csv", "3 rows of 3 items", "1 open"),
    ):
        out = tmp_path / f"out-{format}.jsonl"
        said = run("export", "pairs", "--db", place, "--format", format, "--out", out)
        counts = f"of all items 1 decided, 1 rejected, {still}"
        assert said == f"{written} written; {counts}\n{how}\n{format}: {out}\n"


def test_a_name_that_cannot_be_seen_is_refused_and_nothing_is_made(place: Path, pairs: Path) -> None:
    for name in ("", " ", "a\x1b[31mb", "two\nlines", " space", "x" * 201, "turned \u202e round"):
        with pytest.raises(DataError, match=r"a queue's name .* has 1 to 200 letters that can be seen"):
            run("import", pairs, "--db", place, "--name", name)
    assert not place.exists()
    for name in ("Größe 1/2 «x»", "數據集", "می\u200cخواهم", "हिन्दी", "x" * 200):
        run("import", pairs, "--db", place, "--name", name)


def test_a_name_is_found_again_however_its_letters_are_composed(
    place: Path, pairs: Path, tmp_path: Path
) -> None:
    run("import", pairs, "--db", place, "--name", "A\u0308rger")  # as macOS writes the names of files
    run("export", "\u00c4rger", "--db", place, "--out", tmp_path / "one.jsonl")
    run("export", "A\u0308rger", "--db", place, "--out", tmp_path / "two.jsonl")


def test_two_records_with_one_id_are_both_kept_and_told(place: Path, pairs: Path) -> None:
    pairs.write_text(pairs.read_text() + '{"id": "r1", "instruction": "Another.", "output": "Yes."}\n')
    result = invoke("import", pairs, "--db", place)
    assert (result.exit_code, result.stdout) == (0, "queue 'pairs' made: 4 items\n")
    assert result.stderr == f"{pairs}:4: the id 'r1' is an earlier record's; kept as 'r1~2'\n"


def test_results_for_a_database_that_is_not_there_make_none(place: Path, pairs: Path) -> None:
    with pytest.raises(DataError, match="there is no such database"):
        run("import", pairs, "--db", place, "--into", "pairs")
    assert not place.exists()


def test_ratings_go_out_of_one_database_and_into_another(place: Path, tmp_path: Path) -> None:
    study = full_study(tmp_path / "study", num_prompts=1)
    run("import", study.path, "--db", place)
    db = Database.open(place)
    ann = people.person_named(db, "ann")
    assert ann is not None
    task = ratings.next_task(db, 1, ann)
    assert task is not None
    [(code, _)] = task.answers
    values = {(question, code): 1 for question in ("validity", "readiness", "explanation")}
    ratings.rate(db, 1, task.item, ann, version=0, values=values, seconds=5)
    db.close()
    out, other = tmp_path / "ratings.jsonl", tmp_path / "other.sqlite"
    run("export", "study", "--db", place, "--format", "ratings", "--out", out)
    run("import", study.path, "--db", other)
    assert (
        run("import", out, "--db", other, "--into", "study", code=0)
        == "3 ratings taken over, 0 there already\n"
    )
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    rows[0]["question"], rows[0]["value"] = "readiness", 4
    later = {**rows[0], "question": "comment", "value": "late", "rater": "nobody"}
    out.write_text("".join(json.dumps(row) + "\n" for row in [rows[0], later]), encoding="utf-8")
    said = run("import", out, "--db", other, "--into", "study", code=3)
    assert "0 ratings taken over, 0 there already" in said
    assert "ratings.jsonl:1: the rater gave another value here, which stays" in said
    assert "ratings.jsonl:2: 'nobody' is not a rater of this study" in said
    assert "2 rows left out, the rest is done" in said


def test_people_of_another_tool_are_named_on_the_way_out_and_back(
    place: Path, pairs: Path, tmp_path: Path
) -> None:
    run("import", pairs, "--db", place, "--name", "one")
    run("import", pairs, "--db", place, "--name", "other")
    decide(place, "one", "ann", "A better answer.")
    user = "8f14e45f-ceea-467f-9d2b-0d1c1f1f9a11"
    out = tmp_path / "arg"
    run("export", "one", "--db", place, "--format", "argilla", "--out", out, "--people", f"ann={user}")
    rows = json.loads((out / "records.json").read_text(encoding="utf-8"))
    assert {said["user_id"] for row in rows for one in row["responses"].values() for said in one} == {user}
    said = run("import", out, "--db", place, "--into", "other", "--people", f"{user}=ann")
    assert said == "1 decision taken over, 0 there already, none left out\n"
    with pytest.raises(RecipeError, match="write the name here, =, the tool's"):
        run("export", "one", "--db", place, "--format", "argilla", "--out", tmp_path / "b", "--people", "ann")


def test_what_was_not_taken_is_named(place: Path, pairs: Path, tmp_path: Path) -> None:
    run("import", pairs, "--db", place, "--name", "one", "--overlap", 2)
    decide(place, "one", "ann", "A better answer.")
    out = tmp_path / "results.csv"
    run("export", "one", "--db", place, "--format", "csv", "--out", out)
    run("import", pairs, "--db", place, "--name", "full")
    decide(place, "full", "bob", "Bob was first.")
    said = run("import", out, "--db", place, "--into", "full", code=3)
    assert said.splitlines()[:2] == [
        "0 decisions taken over, 0 there already, 1 item not taken",
        "not taken, for as many people as the queue asks for have done the item: r0",
    ]
    more = tmp_path / "more.jsonl"
    more.write_text('{"id": "other", "instruction": "Ask.", "output": "Answer."}\n', encoding="utf-8")
    run("import", more, "--db", place, "--name", "more")
    said = run("import", out, "--db", place, "--into", "more", code=3)
    assert "not taken, for the queue has no such item: r0" in said


def test_a_decision_of_somebody_whom_the_queue_is_not_given_to_says_so(
    place: Path, pairs: Path, tmp_path: Path
) -> None:
    run("import", pairs, "--db", place, "--name", "one", "--overlap", 2)
    decide(place, "one", "ann", "A better answer.")
    out = tmp_path / "results.csv"
    run("export", "one", "--db", place, "--format", "csv", "--out", out)
    run("users", "add", "bob", "--role", "expert", "--db", place, "--no-password")
    run("import", pairs, "--db", place, "--name", "bobs")
    run("assign", "bobs", "bob", "--db", place)
    said = run("import", out, "--db", place, "--into", "bobs", code=3)
    assert said.splitlines() == [
        "0 decisions taken over, 0 there already, 1 item not taken",
        "not taken, for the queue is given to others than ann: r0; tunewright review assign bobs NAME… gives "
        "it to more people",
    ]


def test_an_item_that_no_file_can_hold_is_named(place: Path, pairs: Path, tmp_path: Path) -> None:
    run("import", pairs, "--db", place)
    decide(place, "pairs", "ann", "half \ud800")
    result = invoke("export", "pairs", "--db", place, "--out", tmp_path / "out.jsonl")
    assert result.exit_code == 3
    assert "2 of 3 items written" in result.stdout
    assert "item r0: " in result.stderr
    assert "1 item left out" in result.stderr


def test_a_study_is_locked_with_what_was_rated_on_the_page(place: Path, tmp_path: Path) -> None:
    folder = full_study(tmp_path / "study", num_prompts=1)
    run("import", folder.path, "--db", place)
    db = Database.open(place)
    rater = people.person_named(db, "ann")
    assert rater is not None
    [queue] = queues.queues(db)
    task = ratings.next_task(db, queue.id, rater)
    assert task is not None
    values = {("validity", task.answers[0][0]): 1.0}
    ratings.rate(db, queue.id, task.item, rater, version=0, values=values, seconds=4.0)
    db.close()
    with pytest.raises(RunFolderError, match=r"items not rated yet: .* lock with --allow-missing"):
        run("lock", "study", "--db", place)
    said = run("lock", "study", "--db", place, "--allow-missing")
    assert re.match(r"locked at .*: 1 rating\nSHA-256 of lock.json, .*: [0-9a-f]{64}\nresults: ", said)
    assert folder.is_locked


def test_a_queue_is_given_to_named_people_and_back_to_everybody(place: Path, pairs: Path) -> None:
    run("import", pairs, "--db", place)
    assert run("assign", "pairs", "--db", place) == (
        "queue 'pairs': everybody who may revise; 1 revision of each pair\n"
    )
    for name, role in (("ann", "expert"), ("rob", "rater")):
        run("users", "add", name, "--role", role, "--db", place, typed="a long password\na long password\n")
    assert run("assign", "pairs", "ann", "--overlap", "2", "--db", place) == (
        "queue 'pairs': ann; 2 revisions of each pair\n"
    )
    for arguments, words in (
        (["ann", "zoe"], "nobody here is called 'zoe'; see: tunewright review users list"),
        (["rob"], "rob: a rater sees no pairs"),
        (["ann", "--everybody"], "give names or --everybody, not both"),
        (["--overlap", "1"], "each pair goes to 2 people now; give a number from 2 to 50"),
    ):
        with pytest.raises((DataError, RecipeError), match=words):
            run("assign", "pairs", *arguments, "--db", place)
    assert "ann; 2" in run("assign", "pairs", "--db", place)
    assert "everybody who may revise; 2" in run("assign", "pairs", "--everybody", "--db", place)


def test_a_study_is_not_assigned(place: Path, tmp_path: Path) -> None:
    study = full_study(tmp_path / "study").path
    run("import", study, "--name", "pilot", "--db", place)
    with pytest.raises(DataError, match="'pilot' is a rating study; its plan says who rates what"):
        run("assign", "pilot", "--db", place)


def test_a_queue_of_pairs_is_not_locked(place: Path, pairs: Path) -> None:
    run("import", pairs, "--db", place)
    with pytest.raises(DataError, match="the queue 'pairs' is no rating study"):
        run("lock", "pairs", "--db", place)


def test_a_backup_is_a_database_and_is_never_written_over(place: Path, pairs: Path, tmp_path: Path) -> None:
    run("import", pairs, "--db", place)
    assert (
        run("backup", tmp_path / "b.sqlite", "--db", place) == f"backup, checked: {tmp_path / 'b.sqlite'}\n"
    )
    db = Database.open(tmp_path / "b.sqlite")
    assert [queue.name for queue in queues.queues(db)] == ["pairs"]
    db.close()
    with pytest.raises(DataError, match="there already"):
        run("backup", tmp_path / "b.sqlite", "--db", place)


def test_options_become_the_settings_of_the_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[Any] = []
    monkeypatch.setattr("tunewright.review.serve.serve", lambda config, say: seen.append(config))
    run("--data", "d.jsonl", "--db", "x.sqlite", "--port", 0, "--workers", 2, "--no-browser", "--runs", "a",
        "--runs", "b")  # fmt: skip
    run()
    assert seen == [
        ReviewConfig(
            data=Path("d.jsonl"),
            db="x.sqlite",
            port=0,
            workers=2,
            open_browser=False,
            runs=(Path("a"), Path("b")),
        ),
        ReviewConfig(),
    ]
    with pytest.raises(RecipeError, match="without a path"):
        run("--url", "review.example.org")


def test_an_option_before_a_subcommand_is_refused_rather_than_ignored(place: Path, pairs: Path) -> None:
    """Else `review --db mine import x` would import into another database than the one named."""
    result = invoke("--db", place, "import", pairs)
    assert result.exit_code == 2
    assert "--db belongs after import" in result.output
    assert not place.exists()


def test_without_the_extra_the_command_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review_database, "NEEDED", ("fastapi", "no_such_library_here"))
    with pytest.raises(
        RecipeError, match=r"no_such_library_here not installed.*pip install 'tunewright\[review\]'"
    ):
        run("users", "list")


def test_help_loads_none_of_the_pages_libraries() -> None:
    program = (
        "import sys; from tunewright.cli import review; "
        "print(sorted(set(sys.modules) & {'fastapi', 'sqlalchemy', 'uvicorn', 'jinja2', 'pydantic'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
