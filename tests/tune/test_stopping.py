"""Stopping early and keeping the best: rules on losses, and a file that survives a kill."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.errors import DataError, ModelError, RecipeError, RunFolderError
from tunewright.tune import checkpoint
from tunewright.tune.stopping import BestWeights, EarlyStopping, best_epoch, output_losses

LOSSES = st.lists(st.one_of(st.integers(0, 6).map(float), st.just(math.nan), st.just(math.inf)), max_size=12)


def test_it_stops_after_as_many_epochs_without_progress_as_it_has_patience() -> None:
    rule = EarlyStopping(patience=2)
    assert not rule.should_stop([])
    assert not rule.should_stop([3.0])
    assert not rule.should_stop([3.0, 2.0, 2.5])
    assert rule.should_stop([3.0, 2.0, 2.5, 2.4])
    assert not rule.should_stop([3.0, 2.0, 2.5, 1.9])


def test_progress_of_less_than_min_delta_uses_up_patience() -> None:
    creeping = [3.0, 2.95, 2.90, 2.85]  # never 0.2 under the last one that counted, 3.0
    assert EarlyStopping(patience=3, min_delta=0.2).should_stop(creeping)
    assert not EarlyStopping(patience=3, min_delta=0.1).should_stop(creeping)  # 2.85 is


def test_a_loss_that_is_no_number_is_worse_than_any_other() -> None:
    assert EarlyStopping(patience=1).should_stop([2.0, math.nan])
    assert EarlyStopping(patience=1).should_stop([math.inf])
    assert best_epoch([math.nan, 2.0, -math.inf]) == 2
    with pytest.raises(ModelError, match=r"finite held-out output loss \(of 2\); try a lower --lr"):
        best_epoch([math.nan, math.nan])


@pytest.mark.parametrize("given", [{"patience": 0}, {"patience": 2, "min_delta": -0.1}])
def test_a_rule_that_could_never_hold_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match="patience of at least 1"):
        EarlyStopping(**given)


def test_the_best_epoch_is_the_earliest_of_equals() -> None:
    assert best_epoch([3.0, 1.0, 2.0, 1.0]) == 2


@given(LOSSES, st.integers(1, 4))
def test_it_never_stops_within_patience_of_the_best_epoch(losses: list[float], patience: int) -> None:
    """With min_delta 0, epochs without progress are those since the best one."""
    finite = [loss for loss in losses if math.isfinite(loss)]
    since_best = len(losses) - (best_epoch(losses) if finite else 0)
    assert EarlyStopping(patience).should_stop(losses) == (since_best >= patience)


def write_losses(folder: Path, epoch: int, rows: list[dict[str, Any]]) -> None:
    (folder / "losses").mkdir(exist_ok=True)
    (folder / f"losses/epoch-{epoch}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_the_output_loss_is_the_mean_of_the_examples_means(tmp_path: Path) -> None:
    rows = [
        {"set": "mine", "id": "a", "losses": {"output": [6.0, 3], "instruction": [99.0, 1]}},  # 2.0
        {"set": "mine", "id": "b", "losses": {"output": [4.0, 1]}},  # 4.0
        {"set": "mine", "id": "c", "losses": {"eos": [9.0, 1]}},  # has no output
        {"set": "train", "id": "d", "losses": {"output": [50.0, 1]}},
    ]
    write_losses(tmp_path, 1, rows)
    broken = [{"set": "mine", "id": "a", "losses": {"output": [None, 3]}}]  # JSON's way to say NaN
    write_losses(tmp_path, 2, broken)
    first, second = output_losses(tmp_path, "mine", epochs=2)
    assert first == 3.0
    assert math.isnan(second)
    with pytest.raises(DataError, match="'other' has no output tokens"):
        output_losses(tmp_path, "other", epochs=1)


def model_of(value: float) -> torch.nn.Module:
    """Two weights of which one trains."""
    model = torch.nn.Sequential(torch.nn.Linear(1, 1, bias=False), torch.nn.Linear(1, 1, bias=False))
    for parameter in model.parameters():
        torch.nn.init.constant_(parameter, value)
    model[0].weight.requires_grad_(False)
    return model


def test_the_best_epochs_weights_come_back_and_frozen_ones_are_left(tmp_path: Path) -> None:
    best, losses = BestWeights(tmp_path / "best.safetensors"), [3.0, 2.0, 2.5]
    written = [best.keep(model_of(float(epoch)), losses[:epoch]) for epoch in (1, 2, 3)]
    assert written == [True, True, False]
    last = model_of(3.0)
    assert best.restore(last, losses) == 2
    assert [parameter.item() for parameter in last.parameters()] == [3.0, 2.0]


@settings(max_examples=30, deadline=None)
@given(losses=LOSSES.filter(lambda losses: any(map(math.isfinite, losses))), data=st.data())
def test_a_kill_before_or_after_any_writing_changes_nothing(
    losses: list[float], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """After a kill the loop comes back to the same epoch's end with the same weights and asks again."""
    path = tmp_path_factory.mktemp("best") / "best.safetensors"
    for epoch in range(1, len(losses) + 1):
        for _ in range(data.draw(st.integers(1, 3))):
            BestWeights(path).keep(model_of(float(epoch)), losses[:epoch])
    model = model_of(0.0)
    assert BestWeights(path).restore(model, losses) == best_epoch(losses)
    assert model[1].weight.item() == best_epoch(losses)


def test_a_kill_in_the_middle_of_writing_leaves_the_former_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = BestWeights(tmp_path / "best.safetensors")
    best.keep(model_of(1.0), [3.0])

    def torn(tensors: Any, name: str, **_: Any) -> None:
        Path(name).write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save_file", torn)
        with pytest.raises(KeyboardInterrupt):
            best.keep(model_of(2.0), [3.0, 2.0])
    assert best.epoch() == 1
    best.keep(model_of(2.0), [3.0, 2.0])
    assert best.epoch() == 2


def test_a_missing_file_is_an_error_and_not_the_last_epochs_weights(tmp_path: Path) -> None:
    best = BestWeights(tmp_path / "best.safetensors")
    with pytest.raises(RunFolderError, match="weights of epoch 1, the best, and holds none"):
        best.restore(model_of(2.0), [2.0, 3.0])
    best.keep(model_of(1.0), [2.0])
    with pytest.raises(RunFolderError, match="weights of epoch 2, the best, and holds epoch 1"):
        best.restore(model_of(2.0), [2.0, 1.0])
