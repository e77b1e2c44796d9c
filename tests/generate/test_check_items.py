"""The check-items stage and its command: findings per record, counts, and statistics over the set."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tunewright.cli.check_items import _count_lines, command
from tunewright.errors import RecipeError
from tunewright.generate.check_items import CheckItemsConfig, check_items
from tunewright.generate.items import generate_items
from tunewright.records import Record, write_records
from tunewright.run.config import parse_config


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Forty sound items, two of them spoilt, a letter, and a row that cannot be read."""
    items = [record for record in generate_items(90, seed=4) if record.meta["options"]][:40]
    items[3] = replace(items[3], meta={**items[3].meta, "key": "H"})
    items[7] = replace(items[7], explanation="")
    letter = Record(
        id="letter", instruction="Write a letter.", output="Dear Ana, …", explanation="It greets."
    )
    path = tmp_path / "items.jsonl"
    write_records([*items, letter], path, format="native")
    path.write_text(path.read_text(encoding="utf-8") + '{"tunewright": 1, "id": "x"}\n', encoding="utf-8")
    return path


def test_findings_name_the_rule_the_reason_and_the_line(data: Path, tmp_path: Path) -> None:
    manifest = check_items(CheckItemsConfig(), data, tmp_path / "out")
    assert manifest["counts"]["records"] == 41
    assert manifest["counts"]["items"] == 40
    assert manifest["counts"]["with_hard_faults"] == 2
    assert manifest["counts"]["rejects"] == 1
    hard = [row for row in rows(tmp_path / "out/findings.jsonl") if row["is_hard"]]
    assert [row["line"] for row in hard] == [4, 8]
    assert hard[0]["findings"][0]["rule"] == "key_is_one_option"
    assert "the key 'H' is none of the options" in hard[0]["findings"][0]["reason"]
    assert [one["rule"] for one in hard[1]["findings"] if one["severity"] == "hard"] == ["empty_explanation"]


def test_the_summary_counts_over_the_items_a_rule_looks_at(data: Path, tmp_path: Path) -> None:
    check_items(CheckItemsConfig(), data, tmp_path / "out")
    summary = json.loads((tmp_path / "out/summary.json").read_text(encoding="utf-8"))
    rules = {row["name"]: row for row in summary["rules"]}
    assert (rules["key_is_one_option"]["fired"], rules["key_is_one_option"]["of"]) == (1, 40)
    assert (rules["empty_explanation"]["fired"], rules["empty_explanation"]["of"]) == (1, 41)
    assert rules["key_longest"]["of"] == 39
    assert rules["key_longest"]["on_expert_items"]["of"] == 1386
    assert rules["empty_explanation"]["on_expert_items"] is None
    assert summary["set"]["num_items"] == 39
    assert 0 <= summary["set"]["position_p"] <= 1


def test_a_skipped_rule_is_neither_asked_nor_counted(data: Path, tmp_path: Path) -> None:
    config = CheckItemsConfig(skip=("empty_explanation",))
    manifest = check_items(config, data, tmp_path / "out")
    assert manifest["counts"]["with_hard_faults"] == 1
    summary = json.loads((tmp_path / "out/summary.json").read_text(encoding="utf-8"))
    assert "empty_explanation" not in {row["name"] for row in summary["rules"]}


def test_an_unknown_rule_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RecipeError, match="no item rule 'longest'; choose from empty_field"):
        parse_config(CheckItemsConfig, {"skip": ["longest"]}, where="test")


def test_a_finished_folder_stays_as_it_is(data: Path, tmp_path: Path) -> None:
    first = check_items(CheckItemsConfig(), data, tmp_path / "out")
    before = (tmp_path / "out/findings.jsonl").stat().st_mtime_ns
    assert check_items(CheckItemsConfig(), data, tmp_path / "out") == first
    assert (tmp_path / "out/findings.jsonl").stat().st_mtime_ns == before


def test_an_empty_data_set_has_no_statistics(tmp_path: Path) -> None:
    data = tmp_path / "letters.jsonl"
    write_records([Record(id="l", instruction="Write.", output="Dear …", explanation="So.")], data)
    check_items(CheckItemsConfig(), data, tmp_path / "out")
    assert json.loads((tmp_path / "out/summary.json").read_text(encoding="utf-8"))["set"] is None


def app() -> typer.Typer:
    one = typer.Typer()
    one.command()(command)
    return one


def test_the_command_prints_rules_beside_the_experts_rate_and_how_keys_spread(
    data: Path, tmp_path: Path
) -> None:
    found = CliRunner().invoke(app(), [str(data), "--out", str(tmp_path / "out")])
    assert found.exit_code == 0, found.output
    assert (
        "41 records: 40 choice items, 1 open task (no options or 'answer': its texts alone are judged)"
        in found.output
    )
    assert "2 with hard faults, " in found.output
    assert "key_is_one_option" in found.output
    assert "key strictly longest:" in found.output
    assert "\n1 row could not be read: " in found.output


def test_what_the_command_counts_adds_up() -> None:
    summary = {"num_records": 41, "num_choice": 40, "num_written": 0, "num_hard": 2, "num_warned": 13}
    assert _count_lines(summary) == [
        "41 records: 40 choice items, 1 open task (no options or 'answer': its texts alone are judged)",
        "2 with hard faults, 13 with warnings alone, 26 without findings",
    ]
    one = {"num_records": 1, "num_choice": 1, "num_written": 0, "num_hard": 0, "num_warned": 0}
    assert _count_lines(one) == [
        "1 record: 1 choice item",
        "0 with hard faults, 0 with warnings alone, 1 without findings",
    ]


def test_the_command_leaves_one_line_free_where_nothing_fired(tmp_path: Path) -> None:
    (record,) = generate_items(1, seed=1)
    write_records([record], tmp_path / "one.jsonl", format="native")
    found = CliRunner().invoke(app(), [str(tmp_path / "one.jsonl"), "--out", str(tmp_path / "out")])
    assert found.exit_code == 0, found.output
    assert "0 with hard faults, 0 with warnings alone, 1 without findings\n\nkey" in found.output
    assert "\n\n\n" not in found.output


def test_the_command_lists_the_rules() -> None:
    found = CliRunner().invoke(app(), ["--list"])
    assert found.exit_code == 0, found.output
    assert "answer_in_stem" in found.output
    assert "19.1 %" in found.output  # key_longest: (81 + 184) of 1,386
