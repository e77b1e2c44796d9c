"""The efficiency experiment and what goes out and comes in: nothing shows a hidden draft, nothing measured
elsewhere is measured here, and what is measured can be computed again from the table."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path

import pytest

from support.review_page import client_of, person
from support.stores import Clock, clock_of, saved
from tunewright.review.exchange.export import export
from tunewright.review.exchange.items import read_items
from tunewright.review.exchange.result import Result
from tunewright.review.exchange.results import add_results
from tunewright.review.exchange.runs import drafts_of_run
from tunewright.review.model import Arm, Decision, Finding, Queue, Role
from tunewright.review.store.database import Database
from tunewright.review.store.lead import paces
from tunewright.review.store.outside import items
from tunewright.review.store.overview import DAY, finished_per_day, num_outside_arms
from tunewright.review.store.queues import NewItem, add_revise_queue, close_queue
from tunewright.review.store.work import next_work
from tunewright.review.web.experiment_page import experiment, experiment_page

SECRET = "1789"
MINE = {"instruction": "Ask.", "output": "Mine."}


@pytest.fixture(autouse=True)
def _clock(db: Database) -> None:
    db.clock = Clock()


def pairs(number: int) -> list[NewItem]:
    flag = Finding("output", "number changed", f"Response: 12 → {SECRET}", of_draft=True)
    other = Finding("output", "length", "warning: it is short")
    return [
        NewItem(
            f"k{place}",
            {"instruction": f"Ask {place}.", "output": "It was in 12."},
            {"instruction": f"Ask {place}.", "output": f"It was in {SECRET}."},
            findings=(flag, other),
            lineage={"coach": {"reason": f"said {SECRET}"}, "origin": {"format": "x"}},
        )
        for place in range(1, number + 1)
    ]


def arms(db: Database, queue: Queue) -> dict[int, Arm | None]:
    return {item.id: item.arm for item in items(db, queue.id)}


def test_a_flag_of_the_coachs_is_of_its_draft(tmp_path: Path) -> None:
    flag = {"field": "output", "kind": "number changed", "detail": "Response", "before": "12", "after": "15"}
    row = {
        "id": "r1", "proposal": {"output": "15"}, "status": "revised", "reason": "", "detail": "",
        "flags": [flag], "decision": "revised",
    }  # fmt: skip
    (tmp_path / "revisions.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    found = drafts_of_run(tmp_path)["r1"].findings
    assert found == (Finding("output", "number changed", "Response: 12 → 15", of_draft=True),)
    assert Finding(field="output", label="a", message="b", start=0, end=0).of_draft is False


def test_without_the_draft_nobody_sees_what_tells_of_it(db: Database) -> None:
    ann, olga = person(db, "ann", Role.EXPERT), person(db, "olga", Role.OWNER)
    queue = add_revise_queue(db, "exp", pairs(8), experiment=True)
    expert, owner = client_of(db, ann), client_of(db, olga)
    arm_of = arms(db, queue)
    seen = defaultdict(set)
    while (work := next_work(db, queue.id, ann)) is not None:
        arm = arm_of[work.item.id]
        assert arm is not None
        page, record = expert.get(f"/item/{work.item.id}").text, owner.get(f"/record/{work.item.id}").text
        assert "it is short" in page
        seen[arm].add((SECRET in page, SECRET in record, "number changed" in page + record))
        saved(db, work.item.id, ann, decision=Decision.REJECT)
    assert seen == {Arm.WITH_DRAFT: {(True, True, True)}, Arm.WITHOUT_DRAFT: {(False, False, False)}}
    close_queue(db, queue.id)
    assert all(SECRET in owner.get(f"/record/{item_id}").text for item_id in arm_of)


@pytest.mark.parametrize("tool", ["label-studio", "argilla", "potato"])
def test_other_tools_are_told_no_hidden_draft(db: Database, tmp_path: Path, tool: str) -> None:
    queue = add_revise_queue(db, "exp", pairs(8), experiment=True)
    out = tmp_path / ("out.json" if tool != "potato" else "out")
    export(db, queue.id, out, format=tool)
    if tool == "potato":
        [file] = list(out.rglob("items.jsonl"))
        tasks = [json.loads(line) for line in file.read_text().splitlines()]
    else:
        tasks = json.loads(out.read_text())
    arm_of = [arm for _, arm in sorted(arms(db, queue).items())]
    assert [SECRET in json.dumps(task) for task in tasks] == [arm is Arm.WITH_DRAFT for arm in arm_of]
    back = list(read_items(out))
    assert [any(one.of_draft for one in item.findings) for item in back] == [
        arm is Arm.WITH_DRAFT for arm in arm_of
    ]


def test_the_saving_can_be_computed_again_from_the_table(db: Database, tmp_path: Path) -> None:
    """T(a) = Σ_p n_p · m(a, p), saving = 1 − T(with)/T(without), by hand."""
    people = [person(db, name, Role.EXPERT) for name in ("ann", "bob")]
    queue = add_revise_queue(db, "exp", pairs(32), overlap=2, experiment=True)
    arm_of = arms(db, queue)
    for number, who in enumerate(people):
        while (work := next_work(db, queue.id, who)) is not None:
            id = work.item.id
            seconds = (50 + 40 * number) * (0.8 if arm_of[id] is Arm.WITH_DRAFT else 1.0) + id % 7
            decision = Decision.SKIP if id % 11 == 0 else Decision.FLAG if id % 13 == 0 else Decision.EDIT
            saved(db, id, who, decision=decision, texts=MINE, seconds=seconds)
            if id % 3 == 0 and decision is Decision.EDIT:
                saved(db, id, who, version=1, texts={**MINE, "output": "again"}, seconds=3.0)
    outside = Result("k1", "ann", Decision.EDIT, {"instruction": "a", "output": "b"}, seconds=9_000.0)
    add_results(db, queue.id, [outside], tool="label-studio")
    out = tmp_path / "out.csv"
    export(db, queue.id, out, format="csv")
    with out.open(encoding="utf-8-sig", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["arm"] and row["active_seconds"]]
    seconds, finished = defaultdict(float), defaultdict(int)
    for row in rows:
        cell = row["person"], row["arm"]
        seconds[cell] += float(row["active_seconds"])
        finished[cell] += row["decision"] in ("accept", "edit", "reject")
    total = {
        arm: sum(
            (finished[who, "with_draft"] + finished[who, "without_draft"]) * seconds[who, arm]
            / finished[who, arm]
            for who in ("ann", "bob")
        )
        for arm in ("with_draft", "without_draft")
    }  # fmt: skip
    saving = experiment(db, queue).saving
    assert saving is not None
    assert saving.share == pytest.approx(1 - total["with_draft"] / total["without_draft"], rel=1e-12)
    assert 0.1 < saving.share < 0.25
    export(db, queue.id, tmp_path / "out.jsonl", format="records")
    records = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    first = next(record["meta"]["review"] for record in records if record["id"] == "k3")
    assert first["arm"] == arm_of[3]
    assert first["active_seconds"] == next(
        float(row["active_seconds"])
        for row in rows
        if (row["item"], row["person"]) == ("k3", first["reviewer"])
    )


def test_what_comes_from_another_tool_is_not_measured(db: Database) -> None:
    ann = person(db, "ann", Role.EXPERT)
    queue = add_revise_queue(db, "exp", pairs(40), experiment=True)
    arm_of = arms(db, queue)
    for _ in range(20):
        work = next_work(db, queue.id, ann)
        assert work is not None
        saved(db, work.item.id, ann, seconds=100.0 + work.item.id % 2)
    before = experiment(db, queue, with_edits=False)
    here = paces(db, queue.id)[0]
    rest = [id for id, arm in arm_of.items() if id > 20 and arm is Arm.WITH_DRAFT]
    brought = [
        Result(f"k{id}", "ann", Decision.EDIT, {"instruction": "a", "output": "b"}, at=clock_of(db).now - 60)
        for id in rest
    ]
    assert add_results(db, queue.id, brought, tool="argilla").num_added == len(rest)
    assert experiment(db, queue, with_edits=False) == before
    assert num_outside_arms(db, queue.id) == len(rest)
    sentence = f"{len(rest)} pairs were brought in from other tools and not measured"
    assert sum(sentence in one for one in experiment_page(db, queue).further) == 1
    now = paces(db, queue.id)[0]
    assert (now.num_done, now.active_seconds, now.per_hour) == (20 + len(rest), 2010.0, here.per_hour)
    assert finished_per_day(db, queue.id)[-1] == 20
    # corrected here in three seconds: still nobody knows how long that pair took
    saved(db, rest[0], ann, version=1, texts={"output": "again"}, seconds=3.0)
    assert experiment(db, queue, with_edits=False) == before


def test_a_correction_is_no_new_work_of_its_day(db: Database) -> None:
    ann = person(db, "ann", Role.EXPERT)
    queue = add_revise_queue(db, "q", pairs(4))
    for id in (1, 2, 3):
        assert next_work(db, queue.id, ann) is not None
        saved(db, id, ann, decision=Decision.SKIP if id == 3 else Decision.EDIT)
    clock_of(db).forward(5 * DAY)
    for id in (1, 2):
        saved(db, id, ann, version=1, texts={"output": "again"}, seconds=2.0)
    saved(db, 3, ann, version=1, texts={"output": "after all"})  # skipped before, decided today
    assert finished_per_day(db, queue.id)[-6:] == [2, 0, 0, 0, 0, 1]
