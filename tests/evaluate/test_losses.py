"""Distributions and paired differences, against numbers worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tunewright.errors import DataError
from tunewright.evaluate.intervals import mean_interval
from tunewright.evaluate.losses import Arm, best_epoch, describe_losses, paired_difference, read_losses


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


def test_the_interval_of_a_known_mean_covers_it_about_as_often_as_it_says() -> None:
    """200 samples of 60 from a normal distribution around 0: 95 % intervals cover 0 in 88 to 99 % of them."""
    rng = np.random.default_rng(0)
    intervals = [mean_interval(rng.normal(size=60), seed=seed) for seed in range(200)]
    covered = sum(interval.low <= 0 <= interval.high for interval in intervals)
    assert 176 <= covered <= 198


def test_disagreeing_seeds_widen_the_interval() -> None:
    """The same values, once as noise between examples, once as a shift between seeds."""
    values = np.tile([1.0, -1.0], 100)
    between_examples = mean_interval(np.stack([values, values]))
    between_seeds = mean_interval(np.stack([np.ones(200), -np.ones(200)]))
    assert between_seeds.high - between_seeds.low > 3 * (between_examples.high - between_examples.low)
    assert not between_seeds.excludes_zero()


def test_the_interval_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="mean of nothing"):
        mean_interval([])


def test_a_missing_loss_file_is_named(arms: list[Arm]) -> None:
    gone = arms[1].folder / "losses/epoch-1.jsonl"
    gone.unlink()
    with pytest.raises(DataError, match=f"{gone} is missing; restore it, or delete {arms[1].folder}"):
        read_losses(arms)
