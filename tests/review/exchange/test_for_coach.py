"""What people revised on the page is what a coach is chosen and trained from: by the commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from support.review_page import new_database
from tunewright.cli import coach, review
from tunewright.errors import DataError
from tunewright.review.import_data import import_data
from tunewright.review.model import Decision, Role
from tunewright.review.store import people, revisions, work

NUM_PAIRS = 12
TINY = ("--model", "scratch:tiny", "--epochs", 1, "--validation", 0)
TOWNS = (
    "Oslo",
    "Lima",
    "Cairo",
    "Quito",
    "Hanoi",
    "Paris",
    "Tunis",
    "Delhi",
    "Seoul",
    "Accra",
    "Riga",
    "Bern",
)


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same work on pairs with explanations (`pairs` holds them) and without (`revisions` cannot)."""
    return {
        format: revised(tmp_path_factory.mktemp(format), has_explanations=format == "pairs")
        for format in ("pairs", "revisions")
    }


def revised(folder: Path, *, has_explanations: bool) -> Path:
    """A database with the queue `towns` of 12 pairs: 9 edited, 1 accepted, 1 rejected, 1 open."""
    rows = [
        {
            "id": f"r{number}",
            "instruction": f"Which country has {town} as its capital?",
            "output": f"i dont know where {town} is",
            "explanation": f"{town} is big." if has_explanations else "",
            "level": "A1",
        }
        for number, town in enumerate(TOWNS)
    ]
    data = folder / "towns.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    db = new_database(folder)
    queue = import_data(db, data).queue
    ann = people.add_person(db, "ann", Role.EXPERT, None)
    for number in range(NUM_PAIRS - 1):
        mine = work.next_work(db, queue.id, ann)
        assert mine is not None
        town = TOWNS[int(mine.item.key[1:])]
        decision = {9: Decision.ACCEPT, 10: Decision.REJECT}.get(number, Decision.EDIT)
        texts = dict(mine.item.original)
        if decision is Decision.EDIT:
            texts["output"] = f"{town} is the capital of the country that it is best known in."
            if has_explanations:
                texts["explanation"] = f"{town} is the seat of that country's government."
        revisions.save(
            db, mine.item.id, ann, version=0, decision=decision, texts=texts, reason="", seconds=5.0,
            seconds_open=6.0,
        )  # fmt: skip
    db.close()
    return folder / "review.sqlite"


def run(app: typer.Typer, *arguments: object) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def exported(database: Path, out: Path, format: str) -> str:
    return run(review.app, "export", "towns", "--db", database, "--format", format, "--out", out)


def test_pairs_are_chosen_from_and_train_a_coach_with_their_explanations(
    databases: dict[str, Path], tmp_path: Path
) -> None:
    """10 pairs, 9 of them changed; 4 are chosen by their explanations, and the coach learns those."""
    pairs, chosen, out = tmp_path / "pairs.jsonl", tmp_path / "chosen", tmp_path / "coach"
    said = exported(databases["pairs"], pairs, "pairs")
    assert said.startswith("10 of 12 items written; of all items 10 decided, 1 rejected, 1 open\n")
    run(coach.app, "select", pairs, "--alpha", 0.4, "--by", "explanation", "--out", chosen)
    taken = rows(chosen / "records.jsonl")
    assert len(taken) == 4
    assert all(row["revised"]["explanation"].endswith("of that country's government.") for row in taken)
    run(coach.app, "train", chosen, *TINY, "--out", out)
    learnt = [row for row in rows(out / "pairs.jsonl") if row["kind"] == "revision"]
    assert {row["id"] for row in learnt} == {row["id"] for row in taken}
    assert any("seat of that country" in json.dumps(row) for row in rows(out / "records.jsonl"))


@pytest.mark.parametrize("format", ["pairs", "revisions"])
def test_what_was_exported_trains_a_coach_as_it_is(
    databases: dict[str, Path], tmp_path: Path, format: str
) -> None:
    """The 9 that were changed, and a quarter of the whole of good records."""
    path, out = tmp_path / "revisions.jsonl", tmp_path / "coach"
    exported(databases[format], path, format)
    said = run(coach.app, "train", path, "--alpha", 1.0, *TINY, "--out", out)
    assert said.startswith("12 pairs trained on, 0 kept out to measure on: 9 revisions and 3 good records")


def test_the_published_form_says_that_it_cannot_hold_explanations(
    databases: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="the published form has no place for it; write pairs"):
        exported(databases["pairs"], tmp_path / "revisions.json", "revisions")
    assert list(tmp_path.iterdir()) == []
