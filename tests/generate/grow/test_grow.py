"""Growing end to end with a model that writes by chance: counts add up, and a kill changes nothing."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from generate.grow import fake_model
from generate.grow.fake_model import FakeModel
from tunewright.errors import BudgetReached, DataError, ModelError, RecipeError, RunFolderError
from tunewright.generate.config import GenerateConfig, plan_rows
from tunewright.generate.grow.push import check_name, push
from tunewright.generate.grow.stage import estimate_growth, grow
from tunewright.generate.grow.summary import summary_of
from tunewright.generate.seeds import load_seeds
from tunewright.records import read_records, write_records
from tunewright.records.record import Record
from tunewright.run.config import parse_config
from tunewright.run.files import read_jsonl
from tunewright.run.folder import read_manifest
from tunewright.run.progress import Event, Progress

FILES = ("records.jsonl", "rejects.jsonl", "metrics.jsonl", "README.md", "DATASHEET.md")


def config(n: int = 40, *, ask: dict[str, Any] | None = None, **grow: Any) -> GenerateConfig:
    settings = {
        "source": "model",
        "n": n,
        "ask": {"model": "fake:model", "max_asked_again": 1} | (ask or {}),
        "grow": {"refuse_level": "none", "calls_per_round": 8, "licence": "cc0-1.0"} | grow,
    }
    return parse_config(GenerateConfig, settings, where="test")


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    return list(read_jsonl(folder / name))


def test_every_candidate_is_accepted_or_rejected_for_a_reason_with_its_text(tmp_path: Path) -> None:
    model = FakeModel(fault_share=0.5, cut_share=0.2)
    out = grow(config(80), tmp_path / "grown", backend=model)
    counts = read_manifest(out)["counts"]
    records, rejects, metrics = (rows(out, name) for name in FILES[:3])
    assert counts["records"] == len(records) == 80
    assert counts["rejects"] == len(rejects) > 20
    assert counts["candidates"] == len(records) + len(rejects)
    assert sum(row["candidates"] for row in metrics) == counts["candidates"]
    assert sum(row["accepted"] for row in metrics) == 80
    reasons = Counter((row["step"], row["reason"]) for row in rejects)
    table = {(row["step"], row["reason"]): row["rejected"] for row in read_manifest(out)["extra"]["reasons"]}
    assert table == reasons
    assert {"cut", "schema", "not_json", "not_asked_for", "repeated", "evidence_in_passage"} <= {
        reason for _, reason in reasons
    }
    assert all(row["text"] for row in rejects)
    numbers = [row["candidate"] for row in rejects]
    assert numbers == sorted(set(numbers))
    assert len({row["id"] for row in records}) == 80


def test_the_plan_is_filled_evenly(tmp_path: Path) -> None:
    out = grow(config(48), tmp_path / "grown", backend=FakeModel())
    records = list(read_records(out / "records.jsonl"))
    assert Counter(record.meta["skill"] for record in records) == dict.fromkeys(
        ("reading", "listening", "writing", "speaking"), 12
    )
    levels = Counter(record.meta["level"] for record in records)
    assert min(levels.values()) >= 6
    assert max(levels.values()) <= 10
    assert all(record.meta["grown"]["licence"] == "cc0-1.0" for record in records)
    assert any(record.meta["grown"]["example_ids"] for record in records[24:])
    assert all(len(record.meta["grown"]["seed_ids"]) == 6 for record in records)


def test_the_same_seed_gives_the_same_bytes_and_another_one_other_items(tmp_path: Path) -> None:
    settings = config(20)
    one = grow(settings, tmp_path / "one", backend=FakeModel())
    two = grow(settings, tmp_path / "two", backend=FakeModel())
    other = grow(settings.model_copy(update={"seed": 8}), tmp_path / "other", backend=FakeModel())
    for name in FILES:
        assert (one / name).read_bytes() == (two / name).read_bytes(), name
    assert (one / "records.jsonl").read_bytes() != (other / "records.jsonl").read_bytes()


def test_a_finished_folder_asks_nothing(tmp_path: Path) -> None:
    grow(config(8), tmp_path / "grown", backend=FakeModel())
    model = FakeModel()
    grow(config(8), tmp_path / "grown", backend=model)
    assert model.num_calls == 0


def test_a_budget_keeps_what_was_accepted_and_more_of_it_goes_on(tmp_path: Path) -> None:
    whole = grow(config(40), tmp_path / "whole", backend=FakeModel())
    events: list[Event] = []
    with pytest.raises(BudgetReached):
        grow(
            config(40, ask={"budget_tokens": 60_000}),
            tmp_path / "parts",
            backend=FakeModel(),
            progress=Progress(events.append),
        )
    there = len(rows(tmp_path / "parts", "records.jsonl"))
    assert f"{there} of 40 items are accepted" in next(
        event.message for event in reversed(events) if event.kind == "note"
    )
    kept = (tmp_path / "parts/records.jsonl").read_bytes()
    assert 0 < kept.count(b"\n") < 40
    parts = grow(config(40), tmp_path / "parts", backend=FakeModel())
    assert (parts / "records.jsonl").read_bytes().startswith(kept)
    for name in FILES:
        assert (parts / name).read_bytes() == (whole / name).read_bytes(), name


def test_a_plan_that_cannot_be_filled_stops_with_what_there_is(tmp_path: Path) -> None:
    model = FakeModel(fault_share=0.97, cut_share=0.0, only="copy")
    out = grow(config(60, patience_rounds=2, min_acceptance=0.2), tmp_path / "grown", backend=model)
    manifest = read_manifest(out)
    assert 0 < manifest["counts"]["records"] < 60
    assert "in 2 rounds in a row less than 20% of what was asked for" in manifest["extra"]["stopped"]
    assert "**60 were planned.**" in (out / "README.md").read_text(encoding="utf-8")
    missing = 60 - manifest["counts"]["records"]
    named = manifest["extra"]["open_cells"]
    assert len(named) == 10
    assert {one["missing"] for one in named} == {1}
    lines = list(summary_of(out))
    assert lines[-12].startswith(f"warning: {60 - missing} of 60: in 2 rounds in a row")
    assert lines[-11] == f"          1 missing  {named[0]['cell']}"
    assert lines[-1] == f"  and {missing - 10} more cells"
    for name in ("README.md", "DATASHEET.md"):
        text = (out / name).read_text(encoding="utf-8")
        assert f"| {named[0]['cell']} | 1 |" in text
        assert f"| {missing - 10} more | {missing - 10} |" in text


def test_the_card_counts_and_names_the_licence(tmp_path: Path) -> None:
    out = grow(config(24), tmp_path / "grown", backend=FakeModel())
    text = (out / "README.md").read_text(encoding="utf-8")
    counts = read_manifest(out)["counts"]
    assert text.startswith("---\nlicense: cc0-1.0\n")
    assert "size_categories:\n- n<1K\n" in text
    assert f"{counts['candidates']} candidates = 24 accepted + {counts['rejects']} rejected." in text
    assert "| reading | 6 |" in text
    assert "`fake:model` (revision `1`)" in text


def test_progress_shows_accepted_rejected_cells_and_tokens(tmp_path: Path) -> None:
    events: list[Event] = []
    grow(config(24), tmp_path / "grown", backend=FakeModel(), progress=Progress(events.append))
    last = [event for event in events if event.stage == "generate"][-1]
    assert (last.kind, last.done, last.total, last.unit) == ("finish", 24, 24, "items")
    assert {"rejected", "cells", "tokens"} <= last.fields.keys()
    assert last.fields["cells"] == "24/24"


def test_general_data_grows_without_cells(tmp_path: Path) -> None:
    seeds = [
        Record(id=f"g{n}", instruction=text, output="Yes.")
        for n, text in enumerate(["Name three fixed things.", "Sing a song of summer.", "Why is snow white?"])
    ]
    write_records(seeds, tmp_path / "seeds.jsonl")
    settings = config(20, domain="general", seeds=str(tmp_path / "seeds.jsonl"))
    out = grow(settings, tmp_path / "grown", backend=FakeModel())
    records = list(read_records(out / "records.jsonl"))
    assert len(records) == 20
    assert all(record.explanation for record in records)
    assert "skill" not in records[0].meta
    assert records[0].meta["grown"]["seed_ids"]
    for name in ("README.md", "DATASHEET.md"):
        text = (out / name).read_text(encoding="utf-8")
        assert "cell" not in text
        assert "dropped among all, by their instruction, at ROUGE-L F1 > 0.7" in text
        assert "Tasks of any kind" in text
    assert not any("cells" in line for line in summary_of(out))


def test_a_plan_of_ones_own_decides_the_cells(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(
        "plan:\n"
        "  - {skill: reading, tasks: [notice], levels: [A1, A2], topics: [trains, zoos], weight: 3}\n"
        "  - {skill: writing, tasks: [postcard], levels: [B1]}\n"
    )
    out = grow(config(16, plan=plan_rows(plan)), tmp_path / "grown", backend=FakeModel())
    found = Counter(
        (r.meta["task"], r.meta["form"], r.meta["level"]) for r in read_records(out / "records.jsonl")
    )
    assert found == {
        ("notice", "choice", "A1"): 6,
        ("notice", "choice", "A2"): 6,
        ("postcard", "open", "B1"): 4,
    }
    (tmp_path / "bad.yaml").write_text("rows: []\n")
    with pytest.raises(RecipeError, match="one list, 'plan:'"):
        plan_rows(tmp_path / "bad.yaml")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            "{skill: readin, tasks: [a], levels: [A1]}",
            r"bad\.yaml:3: 'plan\[1\]\.skill' is 'readin'; it must be",
        ),
        (
            "{skill: reading, tasks: [a], levels: [A1], weight: 0}",
            r"bad\.yaml:3: 'plan\[1\]\.weight' is 0; it",
        ),
        (
            "{skill: reading, tasks: [a], levels: [A1], weight: 1e-300}",
            r"bad\.yaml: row 2 of the plan .*1e-300",
        ),
        (
            "{skill: reading, tasks: [a], levels: [A1], topics: ['']}",
            r"bad\.yaml:3: .*topics\[0\]' is '': it is e",
        ),
    ],
)
def test_an_error_in_a_plan_names_the_file_and_the_row(tmp_path: Path, row: str, said: str) -> None:
    plan = tmp_path / "bad.yaml"
    plan.write_text(f"plan:\n  - {{skill: reading, tasks: [notice], levels: [A1]}}\n  - {row}\n")
    with pytest.raises(RecipeError, match=said):
        plan_rows(plan)


def test_a_finished_folder_whose_records_were_cut_is_noticed_and_can_be_made_again(tmp_path: Path) -> None:
    out = grow(config(12), tmp_path / "grown", backend=FakeModel())
    whole = (out / "records.jsonl").read_bytes()
    (out / "records.jsonl").write_bytes(whole[:-100])
    with pytest.raises(
        RunFolderError,
        match=r"jsonl has [\d,]+ bytes instead of .* move it elsewhere, delete .*manifest",
    ):
        grow(config(12), out, backend=FakeModel())
    (out / "records.jsonl").write_bytes(whole[:50] + b"x" + whole[51:])
    with pytest.raises(RunFolderError, match=r"records\.jsonl has other content"):
        grow(config(12), out, backend=FakeModel())
    (out / "records.jsonl").unlink()
    with pytest.raises(RunFolderError, match=r"records\.jsonl is missing"):
        grow(config(12), out, backend=FakeModel())
    (out / "manifest.json").unlink()  # with the file elsewhere, what the error says to do
    model = FakeModel()
    grow(config(12), out, backend=model)
    assert (out / "records.jsonl").read_bytes() == whole
    assert model.num_calls == 0


def test_an_estimate_asks_nothing_and_counts_the_calls(tmp_path: Path) -> None:
    script = tmp_path / "script.yaml"
    script.write_text("rules:\n  - reply: none\n")
    ask = {"model": f"scripted:{script}", "price_input": 1.0, "price_output": 2.0}
    found = estimate_growth(config(40, ask=ask))
    assert found.num_requests >= 10
    assert found.most_cost is not None


def test_an_unknown_detector_or_rule_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="there is no detector 'refusals'; did you mean 'refusal'"):
        grow(config(8, skip_detectors=["refusals"]), tmp_path / "out", backend=FakeModel())
    with pytest.raises(RecipeError, match="there is no item rule 'options'"):
        grow(config(8, skip_item_rules=["options"]), tmp_path / "out", backend=FakeModel())
    assert not (tmp_path / "out").exists()


def test_a_language_nobody_can_tell_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="two or three small letters such as en, or any"):
        config(8, language="German")
    with pytest.raises(
        RecipeError, match=r"'xx' cannot be told; give any, or the code of one of the \d+ languages"
    ):
        grow(config(8, language="xx"), tmp_path / "out", backend=FakeModel())
    assert not (tmp_path / "out").exists()


def test_an_empty_plan_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="the plan has no rows"):
        grow(config(8, plan=[]), tmp_path / "out", backend=FakeModel())
    assert not (tmp_path / "out").exists()


def test_a_run_that_accepts_nothing_is_an_error_that_keeps_its_files(tmp_path: Path) -> None:
    out = tmp_path / "grown"
    settings = config(8, patience_rounds=2)
    for num_calls in (True, False):  # the second time all replies are there, and the end is the same
        model = FakeModel(fault_share=1.0, cut_share=0.0, only="empty_explanation")
        with pytest.raises(ModelError, match=r"accepted: 16 calls in 2 rounds .* refused as: schema 16\."):
            grow(settings, out, backend=model)
        assert bool(model.num_calls) is num_calls
    assert len(rows(out, "rejects.jsonl")) == 16
    assert rows(out, "records.jsonl") == []
    with pytest.raises(RunFolderError):
        read_manifest(out)


def test_tasks_for_an_author_are_grown_and_shown_only_when_asked_for(tmp_path: Path) -> None:
    author_ids = {seed.id for seed in load_seeds() if seed.meta.get("mode") == "author"}
    for wanted in (False, True):
        out = grow(config(48, author_tasks=wanted), tmp_path / str(wanted), backend=FakeModel())
        records = list(read_records(out / "records.jsonl"))
        shown = {one for record in records for one in record.meta["grown"]["seed_ids"]}
        assert ("author" in {record.meta["form"] for record in records}) is wanted
        assert bool(shown & author_ids) is wanted
        card = (out / "README.md").read_text(encoding="utf-8")
        assert ("Tasks for an author of items were left out." in card) is not wanted


@pytest.mark.parametrize("name", ["items", "team/items", "my-team/items_2.v1"])
def test_a_name_that_the_hub_takes_passes(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    "name", ["", "a/b/c", "team/", "/items", "my items", "team/it--ems", "a..b", "-items", "items.", "x.git"]
)
def test_a_name_that_the_hub_refuses_is_an_error(name: str) -> None:
    with pytest.raises(RecipeError, match="is no name of a data-set repository: give NAME or OWNER/NAME"):
        check_name(name)


def test_a_source_and_its_settings_belong_together() -> None:
    with pytest.raises(RecipeError, match="source 'model' needs a model"):
        parse_config(GenerateConfig, {"source": "model"}, where="test")
    with pytest.raises(RecipeError, match="are for source 'model'"):
        parse_config(GenerateConfig, {"grow": {}}, where="test")
    assert set(GenerateConfig().settings()) == {"source", "n", "seed", "skills", "levels"}


def test_a_hub_gets_records_card_and_manifest_and_nothing_else(tmp_path: Path) -> None:
    class Hub:
        def __init__(self) -> None:
            self.calls: list[tuple[str, dict[str, Any]]] = []

        def create_repo(self, repo: str, **given: Any) -> None:
            self.calls.append((repo, given))

        def upload_folder(self, **given: Any) -> None:
            self.calls.append(("upload", given))

    out = grow(config(8), tmp_path / "grown", backend=FakeModel())
    hub = Hub()
    assert push(out, "team/items", hub=hub) == "datasets/team/items"
    assert hub.calls[0] == ("team/items", {"repo_type": "dataset", "private": True, "exist_ok": True})
    assert hub.calls[1][1]["allow_patterns"] == [
        "records.jsonl",
        "README.md",
        "DATASHEET.md",
        "manifest.json",
    ]
    for name, content in (("README.md", None), ("rejects.jsonl", b"{}\n"), ("records.jsonl", b"{}\n")):
        kept = (out / name).read_bytes()
        (out / name).unlink()
        if content is not None:
            (out / name).write_bytes(content)
        num_calls = len(hub.calls)
        with pytest.raises(RunFolderError, match=name.replace(".", r"\.")):
            push(out, "team/items", hub=hub)
        assert len(hub.calls) == num_calls
        (out / name).write_bytes(kept)
    hub.upload_folder = lambda **given: (_ for _ in ()).throw(OSError("no route"))  # type: ignore[method-assign]
    with pytest.raises(DataError, match="team/items: the hub did not take it: no route"):
        push(out, "team/items", hub=hub)


def killed(out: Path, n: int, *, kills: int, seconds: float) -> None:
    """Grow in a process that is killed so many times after some rows, then to its end."""
    command = [sys.executable, str(Path(fake_model.__file__)), str(out), str(n), "7"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    dice = random.Random(3)
    log = out / "records.jsonl"
    for number in range(kills):
        process = subprocess.Popen([*command, str(seconds)], env=environment, stderr=subprocess.PIPE)
        wanted = n * (number + 1) // (kills + 1)
        while process.poll() is None and (not log.exists() or log.read_bytes().count(b"\n") < wanted):
            time.sleep(0.02)
        time.sleep(dice.uniform(0.0, 0.05))
        is_running = process.poll() is None
        process.send_signal(signal.SIGKILL)
        said = process.communicate()[1]
        assert is_running, f"it ended before it was killed, nothing was tested: {said!r}"
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def compare_killed(tmp_path: Path, n: int, *, kills: int, seconds: float) -> None:
    fake_model.main(str(tmp_path / "whole"), str(n), "7")
    killed(tmp_path / "parts", n, kills=kills, seconds=seconds)
    for name in FILES:
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    assert read_manifest(tmp_path / "parts")["counts"] == read_manifest(tmp_path / "whole")["counts"]


def test_growing_that_is_killed_ends_with_the_same_bytes(tmp_path: Path) -> None:
    compare_killed(tmp_path, 60, kills=1, seconds=0.1)


@pytest.mark.slow
def test_2000_tuples_killed_five_times_end_with_the_same_bytes(tmp_path: Path) -> None:
    compare_killed(tmp_path, 2000, kills=5, seconds=0.02)


def test_seeds_of_ours_have_a_cell_each() -> None:
    from tunewright.generate.grow.cells import group_of

    assert len({group_of(seed) for seed in load_seeds()}) > 100


def test_the_summary_adds_up(tmp_path: Path) -> None:
    out = grow(config(24), tmp_path / "grown", backend=FakeModel())
    lines = list(summary_of(out))
    counts = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["counts"]
    assert lines[0].startswith(
        f"{counts['candidates']} candidates: 24 accepted, {counts['rejects']} rejected"
    )
    assert "24 of 24 cells filled" in lines
