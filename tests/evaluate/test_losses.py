"""Distributions and paired differences, against numbers worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunewright.errors import DataError
from tunewright.evaluate.loss_tables import Arm, read_losses
from tunewright.evaluate.losses import (
    at_last_epoch,
    best_epoch,
    common_seeds,
    describe_losses,
    paired_difference,
)
from tunewright.evaluate.rows import paired_rows


def write_arm(folder: Path, name: str, seed: int, losses: dict[int, dict[str, list[float]]]) -> Arm:
    """An arm's folder with the given output losses: epoch → set → loss per example (2 tokens each)."""
    (folder / "losses").mkdir(parents=True)
    for epoch, sets in losses.items():
        rows = [
            {"set": set_name, "id": f"e{number}", "losses": {"output": [2 * loss, 2], "eos": [0.5, 1]}}
            for set_name, values in sets.items()
            for number, loss in enumerate(values)
        ]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / "losses" / f"epoch-{epoch}.jsonl").write_text(text)
    return Arm(name, seed, folder)


@pytest.fixture
def arms(tmp_path: Path) -> list[Arm]:
    return [
        write_arm(
            tmp_path / "it1",
            "it",
            1,
            {0: {"heldout": [3, 3]}, 1: {"heldout": [1, 2]}, 2: {"heldout": [2, 4]}},
        ),
        write_arm(
            tmp_path / "it2",
            "it",
            2,
            {0: {"heldout": [3, 3]}, 1: {"heldout": [1, 4]}, 2: {"heldout": [2, 2]}},
        ),
        write_arm(
            tmp_path / "im1",
            "im",
            1,
            {0: {"heldout": [3, 3]}, 1: {"heldout": [2, 2]}, 2: {"heldout": [1, 1]}},
        ),
        write_arm(
            tmp_path / "im2",
            "im",
            2,
            {0: {"heldout": [3, 3]}, 1: {"heldout": [2, 3]}, 2: {"heldout": [1, 3]}},
        ),
    ]


def test_an_arms_loss_is_the_mean_over_examples_of_mean_token_losses(arms: list[Arm]) -> None:
    found = {(d.arm, d.epoch): d for d in map(describe_losses, read_losses(arms))}
    assert found["it", 1].mean == (1 + 2 + 1 + 4) / 4
    assert found["it", 1].median == 1.5
    assert found["im", 2].mean == (1 + 1 + 1 + 3) / 4
    assert (found["im", 2].num_examples, found["im", 2].num_seeds) == (2, 2)


def test_the_difference_is_paired_by_example_and_seed(arms: list[Arm]) -> None:
    """Seed 1: (−1, −3), seed 2: (−1, 1): mean −1; by example −1 and −1: both lower."""
    tables = {(t.arm, t.epoch): t for t in read_losses(arms)}
    paired = paired_difference(tables["it", 2], tables["im", 2])
    assert paired.difference == -1
    assert paired.by_seed == (-2, 0)
    assert paired.share_lower == 1.0
    assert paired.interval.low <= -1 <= paired.interval.high


def test_the_best_epoch_is_the_lowest_after_training_began(arms: list[Arm]) -> None:
    found = list(map(describe_losses, read_losses(arms)))
    assert best_epoch(found, arm="it", set="heldout").epoch == 1
    assert best_epoch(found, arm="im", set="heldout").epoch == 2


def test_arms_measured_on_other_examples_are_not_compared(tmp_path: Path) -> None:
    arms = [
        write_arm(tmp_path / "a", "a", 1, {1: {"heldout": [1, 2]}}),
        write_arm(tmp_path / "b", "b", 1, {1: {"heldout": [1, 2, 3]}}),
    ]
    with pytest.raises(DataError, match="arms a and b were measured on different examples of heldout"):
        read_losses(arms)


def test_a_missing_loss_file_is_named(arms: list[Arm]) -> None:
    gone = arms[1].folder / "losses/epoch-1.jsonl"
    gone.unlink()
    with pytest.raises(DataError, match=f"{gone} is missing; restore it, or delete {arms[1].folder}"):
        read_losses(arms)


@pytest.fixture
def uneven(tmp_path: Path) -> list[Arm]:
    """Seed 2 of arm a stopped after epoch 1; arm b was trained for one epoch, with seeds 1 and 3."""
    return [
        write_arm(tmp_path / "a1", "a", 1, {0: {"h": [3, 3]}, 1: {"h": [2, 2]}, 2: {"h": [1, 3]}}),
        write_arm(tmp_path / "a2", "a", 2, {0: {"h": [3, 3]}, 1: {"h": [2, 4]}}),
        write_arm(tmp_path / "b1", "b", 1, {0: {"h": [3, 3]}, 1: {"h": [5, 5]}}),
        write_arm(tmp_path / "b3", "b", 3, {0: {"h": [3, 3]}, 1: {"h": [7, 7]}}),
    ]


def test_a_seed_that_stopped_early_is_at_its_own_end(uneven: list[Arm]) -> None:
    tables = read_losses(uneven)
    assert {(t.arm, t.epoch): t.seeds for t in tables}["a", 2] == (1,)
    last = at_last_epoch(tables, arm="a", set="h")
    assert (last.epoch, last.seeds, last.losses_SN.tolist()) == (2, (1, 2), [[1, 3], [2, 4]])


def test_the_best_epoch_is_one_that_all_seeds_reached(uneven: list[Arm]) -> None:
    """Epoch 2 has the lower mean, 2 against 2.5, but of one seed only."""
    found = list(map(describe_losses, read_losses(uneven)))
    assert best_epoch(found, arm="a", set="h").epoch == 1


def test_arms_of_unlike_lengths_and_seeds_are_paired_where_they_can_be(uneven: list[Arm]) -> None:
    tables = read_losses(uneven)
    rows = paired_rows(tables, list(map(describe_losses, tables)))
    assert [(row["at"], row["epoch"], row["num_seeds"], row["difference"]) for row in rows] == [
        ("epoch", 0, 1, 0.0),
        ("epoch", 1, 1, 3.0),
        ("last", 1, 1, 3.0),  # seed 1: (5, 5) against (1, 3)
        ("best", 1, 1, 3.0),  # seed 1: (5, 5) against (2, 2)
    ]
    assert rows[2]["epochs"] == [2, 1]


def test_best_epochs_are_for_looking_and_have_no_p(arms: list[Arm]) -> None:
    tables = read_losses(arms)
    rows = paired_rows(tables, list(map(describe_losses, tables)))
    best = [row for row in rows if row["at"] == "best"]
    assert [(row["epochs"], row["p"]) for row in best] == [([1, 2], None)]
    assert all(row["p"] is not None for row in rows if row["at"] != "best")


def test_arms_without_a_common_seed_are_not_paired(uneven: list[Arm]) -> None:
    tables = read_losses([uneven[1], uneven[3]])
    assert common_seeds(tables[0], tables[-1]) is None
    assert paired_rows(tables, list(map(describe_losses, tables))) == []


def test_a_loss_that_is_no_number_is_named(tmp_path: Path) -> None:
    arm = write_arm(tmp_path / "a", "a", 1, {1: {"heldout": [1, 2]}})
    file = arm.folder / "losses/epoch-1.jsonl"
    file.write_text(file.read_text().replace("[4, 2]", "[null, 2]").replace("[4.0, 2]", "[null, 2]"))
    with pytest.raises(DataError, match=r"epoch-1.jsonl: the loss of e1 \(heldout\) is not a number"):
        read_losses([arm])
