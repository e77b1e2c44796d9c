"""Arms that differ in more than their objective, measured in what is alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tunewright.errors import DataError
from tunewright.evaluate.loss_tables import Arm, read_losses
from tunewright.evaluate.losses import describe_losses
from tunewright.evaluate.rows import paired_rows
from tunewright.evaluate.unlike import Unlike, read_unlike, unlike
from tunewright.records.record import Record, Turn


def manifest(**changes: Any) -> dict[str, Any]:
    """A tuned model's, as far as it is looked at; `tokenizer`, `rows`, `data` and `held` are digests."""
    settings = {"max_tokens": 64, "too_long": "drop", "explanation": True, "chat_template": None}
    return {
        "config": settings | {key: changes[key] for key in settings if key in changes},
        "inputs": {"data": changes.get("data", "d"), "held": changes.get("held", "h")},
        "extra": {
            "rows_digest": changes.get("rows", "r"),
            "template_sha256": "t",
            "tokenizer_sha256": changes.get("tokenizer", "k"),
        },
    }


HELD = {"held": [Record("e0", "say", "héllo"), Record("e1", "say", "ok")]}


def test_arms_on_the_same_rows_are_not_unlike() -> None:
    assert unlike({"a": manifest(), "b": manifest()}, {}, HELD) is None


def test_arms_of_one_setting_with_other_rows_are_refused() -> None:
    with pytest.raises(DataError, match="a and b were not trained on the same token rows"):
        unlike({"a": manifest(), "b": manifest(rows="other")}, {}, HELD)


def test_other_data_with_one_tokenizer_compare_by_token() -> None:
    found = unlike({"a": manifest(), "b": manifest(data="e", rows="s")}, {}, HELD)
    assert found == Unlike()
    assert found.unit == "nats/token"


def test_the_bytes_of_a_conversation_are_those_of_all_its_answers() -> None:
    """Earlier answers are scored as output too. A question, a system text and an explanation are not."""
    history = (Turn("user", "Hello?"), Turn("assistant", "Yés."))
    record = Record("c", "And?", output="No.", explanation="why", system="Be brief.", history=history)
    found = unlike({"a": manifest(), "b": manifest(tokenizer="l", rows="s")}, {}, {"held": [record]})
    assert found is not None
    assert found.heldout_bytes == {"held": {"c": 5 + 3}}


def test_other_tokenizers_compare_by_byte() -> None:
    """é is two bytes of UTF-8."""
    train = {"a": [Record("x", "say", "one")], "b": [Record("x", "say", "three")]}
    found = unlike({"a": manifest(), "b": manifest(tokenizer="l", rows="s")}, train, HELD)
    assert found is not None
    assert found.unit == "nats/byte"
    assert found.lengths("a", "held") == {"e0": 6, "e1": 2}
    assert (found.lengths("a", "train"), found.lengths("b", "train")) == ({"x": 3}, {"x": 5})


def test_cut_outputs_have_no_length_in_bytes() -> None:
    with pytest.raises(DataError, match="leave out too_long: cut"):
        unlike({"a": manifest(), "b": manifest(tokenizer="l", too_long="cut")}, {}, HELD)


def test_arms_measured_on_other_held_out_records_are_refused() -> None:
    with pytest.raises(DataError, match="a and b were not measured on the same records of held"):
        unlike({"a": manifest(), "b": manifest(held="i", data="e")}, {}, HELD)


def test_what_was_found_is_read_back(tmp_path: Path) -> None:
    assert read_unlike(tmp_path) is None
    for found in (Unlike(), Unlike({"a": {"x": 3}}, {"held": {"e0": 6}})):
        found.write(tmp_path)
        assert read_unlike(tmp_path) == found


def write_arm(folder: Path, name: str, rows: list[tuple[str, str, float, int]]) -> Arm:
    """An arm's losses of epoch 1: set, id, nats, tokens."""
    (folder / "losses").mkdir(parents=True)
    lines = [{"set": s, "id": i, "losses": {"output": [nll, num]}} for s, i, nll, num in rows]
    (folder / "losses/epoch-1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return Arm(name, 1, folder)


def test_by_token_only_examples_with_equally_many_tokens_count(tmp_path: Path) -> None:
    """e1 was cut in b, e2 is missing there; the training rows are each arm's own."""
    a = [("train", "x", 4.0, 2), ("held", "e0", 6.0, 2), ("held", "e1", 9.0, 3), ("held", "e2", 1.0, 1)]
    b = [("train", "y", 3.0, 1), ("held", "e0", 2.0, 2), ("held", "e1", 1.0, 1)]
    arms = [write_arm(tmp_path / "a", "a", a), write_arm(tmp_path / "b", "b", b)]
    with pytest.raises(DataError, match="measured on different examples"):
        read_losses(arms)
    tables = {(table.arm, table.set): table for table in read_losses(arms, unlike=Unlike())}
    assert tables["a", "held"].ids == tables["b", "held"].ids == ("e0",)
    assert (tables["a", "train"].ids, tables["b", "train"].ids) == (("x",), ("y",))
    assert tables["a", "train"].is_own
    rows = paired_rows(list(tables.values()), list(map(describe_losses, tables.values())))
    assert {row["set"] for row in rows} == {"held"}
    assert [row["difference"] for row in rows] == [-2.0, -2.0, -2.0]


def test_by_byte_the_tokens_do_not_matter(tmp_path: Path) -> None:
    """12 nats over 6 bytes in 2 tokens, 9 over the same 6 in 5."""
    arms = [
        write_arm(tmp_path / "a", "a", [("held", "e0", 12.0, 2)]),
        write_arm(tmp_path / "b", "b", [("held", "e0", 9.0, 5)]),
    ]
    tables = read_losses(arms, unlike=Unlike({"a": {}, "b": {}}, {"held": {"e0": 6}}))
    assert [table.losses_SN.tolist() for table in tables] == [[[2.0]], [[1.5]]]
    assert {table.unit for table in tables} == {"nats/byte"}


def test_arms_that_share_no_example_are_not_compared(tmp_path: Path) -> None:
    arms = [
        write_arm(tmp_path / "a", "a", [("held", "e0", 1.0, 1)]),
        write_arm(tmp_path / "b", "b", [("held", "e1", 1.0, 1)]),
    ]
    with pytest.raises(DataError, match="no example of held was measured alike by all arms"):
        read_losses(arms, unlike=Unlike())
