"""The tutorial's five seeds: sound items that grow, and whose grown items an item bank can hold."""

from __future__ import annotations

import re
from pathlib import Path

from generate.grow.fake_model import FakeModel
from tunewright.bank.export import export
from tunewright.generate.config import GenerateConfig
from tunewright.generate.grow.stage import grow
from tunewright.generate.item_rules import judge
from tunewright.records import read_records
from tunewright.run.config import parse_config

PAGE = Path(__file__).resolve().parents[3] / "docs" / "tutorial-item-bank.md"


def write_seeds(path: Path) -> Path:
    block = re.search(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    path.write_text(block[1], encoding="utf-8")
    return path


def test_the_seeds_break_no_rule_and_draw_no_warning(tmp_path: Path) -> None:
    seeds = list(read_records(write_seeds(tmp_path / "my-seeds.jsonl")))
    assert [judge(seed) for seed in seeds] == [[]] * 5
    assert len(next(seed for seed in seeds if seed.id == "shift").output.split()) == 37


def test_they_grow_into_a_bank_of_twenty_cells(tmp_path: Path) -> None:
    seeds = write_seeds(tmp_path / "my-seeds.jsonl")
    settings = {
        "source": "model",
        "n": 40,
        "ask": {"model": "fake:model"},
        "grow": {"seeds": str(seeds), "refuse_level": "none", "calls_per_round": 8},
    }
    config = parse_config(GenerateConfig, settings, where="test")
    out = grow(config, tmp_path / "bank", backend=FakeModel())
    records = list(read_records(out / "records.jsonl"))
    assert len({(r.meta["task"], r.meta["level"], r.meta["topic"]) for r in records}) == 20
    report = export(out / "records.jsonl", "moodle", tmp_path / "bank.xml")
    assert report.num_written == 40
    assert report.kinds["choice"] == 20  # the shares of reading and listening
