"""Subsets: nested, stratified within one record, the same whatever the file's order; and unseen."""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from pathlib import Path

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.cli.subsets import _sizes
from tunewright.errors import DataError, RunFolderError
from tunewright.generate.grow.cells import cell_of_meta
from tunewright.generate.grow.subsets import nested_order, subsets
from tunewright.records import read_records, write_records
from tunewright.records.record import Record


def record(name: str, task: str = "notice", **texts: str) -> Record:
    meta = {"skill": "reading", "level": "A1", "task": task, "topic": "food", "form": "open"}
    return Record(**{"id": name, "instruction": f"Say {name}.", "output": "o", "meta": meta} | texts)


def of_sizes(sizes: list[int]) -> list[Record]:
    return [record(f"r{cell}-{n}", f"task{cell}") for cell, size in enumerate(sizes) for n in range(size)]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=25), st.integers(0, 9))
@settings(deadline=None)
def test_every_beginning_of_the_order_is_within_one_of_the_ideal(sizes: list[int], seed: int) -> None:
    """For every k and every cell: |count - k·m/n| < 1. So subsets of any sizes are nested and stratified."""
    records = of_sizes(sizes)
    order = nested_order(records, seed=seed)
    assert sorted(order) == list(range(len(records)))
    counts: Counter[str] = Counter()
    for k, place in enumerate(order, start=1):
        counts[records[place].meta["task"]] += 1
        for cell, size in enumerate(sizes):
            assert abs(counts[f"task{cell}"] - k * size / len(records)) < 1


def test_many_small_cells_do_not_crowd_a_large_one_out() -> None:
    """A cell of 200 beside 200 cells of one: half of any beginning is the large one's."""
    records = of_sizes([200, *([1] * 200)])
    order = nested_order(records, seed=0)
    for k in (50, 199, 200, 201, 350):
        assert abs(sum(records[place].meta["task"] == "task0" for place in order[:k]) - k / 2) < 1


def test_the_order_of_the_file_does_not_matter() -> None:
    records = of_sizes([7, 3, 12])
    shuffled = random.Random(1).sample(records, len(records))
    one = [records[place].id for place in nested_order(records, seed=4)]
    assert [shuffled[place].id for place in nested_order(shuffled, seed=4)] == one
    assert [records[place].id for place in nested_order(records, seed=5)] != one


def test_subsets_are_nested_files_in_the_order_of_the_data(tmp_path: Path) -> None:
    records = of_sizes([10, 20, 30])
    write_records(records, tmp_path / "records.jsonl", format="native")
    found = subsets(tmp_path, [30, 12, 60])
    assert [one.size for one in found.subsets] == [12, 30, 60]
    ids = [
        [r.id for r in read_records(tmp_path / "subsets" / f"subset-{size}.jsonl")] for size in (12, 30, 60)
    ]
    assert set(ids[0]) < set(ids[1]) < set(ids[2])
    everything = [r.id for r in records]
    assert ids[2] == everything
    assert ids[0] == [one for one in everything if one in set(ids[0])]
    tasks = Counter(cell_of_meta(r.meta).group.task for r in records if r.id in set(ids[0]))
    assert tasks == {"task0": 2, "task1": 4, "task2": 6}
    report = json.loads((tmp_path / "subsets/subsets.json").read_text(encoding="utf-8"))
    assert report["subsets"][0]["farthest_from_ideal"] == 0.0
    assert report["subsets"][1]["num_cells"] == 3


def test_a_subset_larger_than_the_data_is_an_error(tmp_path: Path) -> None:
    write_records(of_sizes([3]), tmp_path / "records.jsonl", format="native")
    with pytest.raises(DataError, match=r"has 3 records; too large for that: 4"):
        subsets(tmp_path, [4, 2])


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([], "no sizes were given"),
        ([0], "the size 0 is none"),
        ([2, 1, 2], "the size 2 is given 2 times"),
    ],
)
def test_sizes_that_make_no_sense_are_named(tmp_path: Path, sizes: list[int], message: str) -> None:
    write_records(of_sizes([3]), tmp_path / "records.jsonl", format="native")
    with pytest.raises(DataError, match=message):
        subsets(tmp_path, sizes)
    assert not (tmp_path / "subsets").exists()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_later_call_takes_the_earlier_ones_files_away(tmp_path: Path) -> None:
    write_records(of_sizes([9]), tmp_path / "records.jsonl", format="native")
    assert subsets(tmp_path, [2, 4]).cleared == ()
    (tmp_path / "subsets/notes.txt").write_text("mine")
    assert subsets(tmp_path, [4, 8]).cleared == ("subset-2.jsonl",)
    assert names(tmp_path / "subsets") == ["notes.txt", "subset-4.jsonl", "subset-8.jsonl", "subsets.json"]


def test_what_others_wrote_or_changed_is_never_taken_away(tmp_path: Path) -> None:
    write_records(of_sizes([9]), tmp_path / "records.jsonl", format="native")
    subsets(tmp_path, [2])
    changed = tmp_path / "subsets/subset-2.jsonl"
    whole = changed.read_text(encoding="utf-8")
    changed.write_text(whole + "\n", encoding="utf-8")
    for sizes in ([2], [3]):
        with pytest.raises(DataError, match=r"subset-2\.jsonl was changed since it was cut"):
            subsets(tmp_path, sizes)
    changed.write_text(whole, encoding="utf-8")
    (tmp_path / "subsets/subset-5.jsonl").write_text("mine")
    with pytest.raises(DataError, match=r"subset-5\.jsonl is not from this command"):
        subsets(tmp_path, [3])
    assert (tmp_path / "subsets/subset-5.jsonl").read_text() == "mine"


def test_a_subset_that_is_read_is_not_replaced(tmp_path: Path) -> None:
    write_records(of_sizes([9]), tmp_path / "records.jsonl", format="native")
    subsets(tmp_path, [6])
    source = tmp_path / "subsets/subset-6.jsonl"
    with pytest.raises(DataError, match="is read here and would be replaced"):
        subsets(source, [3], tmp_path / "subsets")
    with pytest.raises(DataError, match="is read here and would be replaced"):
        subsets(tmp_path, [3], against=source)
    assert source.exists()


def test_after_a_kill_the_same_call_goes_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_records(of_sizes([9]), tmp_path / "records.jsonl", format="native")
    module = sys.modules[subsets.__module__]
    monkeypatch.setattr(module, "_subset", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        subsets(tmp_path, [2, 4])
    assert names(tmp_path / "subsets") == ["subset-2.jsonl", "subsets.json"]
    monkeypatch.undo()
    assert [one.size for one in subsets(tmp_path, [3]).subsets] == [3]
    assert names(tmp_path / "subsets") == ["subset-3.jsonl", "subsets.json"]


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ("", "it is empty"),
        ("10,abc", "'abc' in '10,abc' is no whole number"),
        ("10,-3", "-3 is not positive"),
        ("5,5", "5 is given 2 times"),
        ("0", "0 is no size"),
    ],
)
def test_the_command_says_what_is_wrong_with_sizes(sizes: str, message: str) -> None:
    with pytest.raises(typer.BadParameter, match=message):
        _sizes(sizes)


def test_the_command_takes_sizes_in_any_order() -> None:
    assert _sizes("50_000, 17000") == [50000, 17000]


def test_what_is_seen_is_in_no_subset(tmp_path: Path) -> None:
    records = of_sizes([6, 6])
    write_records(records, tmp_path / "data.jsonl", format="native")
    write_records([records[4]], tmp_path / "eval.jsonl", format="native")
    found = subsets(
        tmp_path / "data.jsonl", [4], tmp_path / "out", against=tmp_path / "eval.jsonl", threshold=0.9
    )
    assert (found.num_records, found.num_left_out) == (11, 1)
    report = json.loads((tmp_path / "out/subsets.json").read_text(encoding="utf-8"))
    assert list(report["unseen"]["seen_ids"]) == [records[4].id]
    assert records[4].id not in {r.id for r in read_records(tmp_path / "out/subset-4.jsonl")}
    with pytest.raises(DataError, match="has 11 records that are unseen"):
        subsets(
            tmp_path / "data.jsonl", [12], tmp_path / "out", against=tmp_path / "eval.jsonl", threshold=0.9
        )


def test_a_finished_run_that_was_changed_since_is_refused(tmp_path: Path) -> None:
    """The manifest's marks are `generate`'s; here they are written by hand."""
    write_records(of_sizes([9]), tmp_path / "records.jsonl", format="native")
    marks = {"records.jsonl": {"bytes": 1, "sha256": "0"}}
    manifest = {"stage": "generate", "config": {}, "inputs": {}, "created": "", "extra": {"files": marks}}
    for name in ("manifest.json", "stage.json"):
        (tmp_path / name).write_text(json.dumps(manifest), encoding="utf-8")
    for data in (tmp_path, tmp_path / "records.jsonl"):
        with pytest.raises(RunFolderError, match=r"records\.jsonl has [0-9,]+ bytes instead of 1"):
            subsets(data, [2], tmp_path / "out")
    assert not (tmp_path / "out").exists()
