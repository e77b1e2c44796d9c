"""Early stopping and the best weights, through whole runs: decided by files, the same after a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.tiny_models import make_records
from tunewright.errors import RecipeError
from tunewright.run.files import read_jsonl
from tunewright.run.progress import Progress
from tunewright.tune.config import TuneConfig
from tunewright.tune.stage import tune
from tunewright.tune.stopping import best_epoch, output_losses

RECORDS = make_records(20)
HELDOUT = {"heldout": RECORDS[16:]}
# so fast that the held-out loss rises within a few epochs
QUICK: dict[str, Any] = {"epochs": 8, "batch_size": 4, "lr": 2e-2}


class Killed(Exception):
    pass


class KillAfterMeasuring:
    """Ends the run as soon as an epoch was measured, before anything is decided by it."""

    def __init__(self, epoch: int) -> None:
        self.stage = f"measure epoch {epoch}"

    def __call__(self, event: Any) -> None:
        if event.kind == "finish" and event.stage == self.stage:
            raise Killed


def test_training_stops_when_the_held_out_loss_no_longer_falls_and_the_best_epoch_is_saved(
    tmp_path: Path,
) -> None:
    """The saved weights are those of a run that ends at the best epoch: same order, same constant rate."""
    given = {**QUICK, "schedule": "constant", "warmup": 0.0}
    stopped = tune(
        TuneConfig.model_validate({**given, "patience": 2, "keep": "best"}),
        RECORDS[:16],
        tmp_path / "a",
        heldout=HELDOUT,
    )
    losses = output_losses(tmp_path / "a", "heldout", epochs=stopped["extra"]["epochs_run"])
    best = best_epoch(losses)
    assert stopped["extra"]["epochs_run"] == best + 2 < 8
    assert stopped["extra"]["kept_epoch"] == best
    assert stopped["counts"]["steps"] == 4 * (best + 2)
    assert not (tmp_path / "a/best.safetensors").exists()
    tune(TuneConfig.model_validate({**given, "epochs": best}), RECORDS[:16], tmp_path / "b", heldout=HELDOUT)
    weights = [(tmp_path / name / "model/model.safetensors").read_bytes() for name in "ab"]
    assert weights[0] == weights[1]


@pytest.mark.parametrize("epoch", [2, 3, 4])
def test_a_kill_between_measuring_and_deciding_changes_nothing(tmp_path: Path, epoch: int) -> None:
    config = TuneConfig.model_validate({**QUICK, "patience": 1, "keep": "best"})
    tune(config, RECORDS[:16], tmp_path / "whole", heldout=HELDOUT)
    try:
        progress = Progress(KillAfterMeasuring(epoch))
        tune(config, RECORDS[:16], tmp_path / "cut", heldout=HELDOUT, progress=progress)
    except Killed:
        tune(config, RECORDS[:16], tmp_path / "cut", heldout=HELDOUT)
    for name in ("model/model.safetensors", "metrics.jsonl"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes(), name


@pytest.mark.parametrize("settings", [{"patience": 1}, {"keep": "best"}])
def test_a_rule_on_held_out_rows_needs_some(tmp_path: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match="go by a held-out set"):
        tune(TuneConfig.model_validate(settings), RECORDS, tmp_path / "arm")


def test_a_set_to_stop_on_that_is_not_there_is_an_error_that_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no held-out set 'other'; there are: heldout"):
        tune(TuneConfig(stop_on="other", patience=1), RECORDS[:16], tmp_path / "arm", heldout=HELDOUT)


def test_a_tracker_sees_every_step_and_epoch_and_changes_no_result(tmp_path: Path) -> None:
    """TensorBoard's event files hold the numbers of metrics.jsonl; the weights are those of a run without."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    plain = TuneConfig.model_validate({**QUICK, "epochs": 2})
    tune(plain, RECORDS[:16], tmp_path / "plain", heldout=HELDOUT)
    tracked = TuneConfig.model_validate({**QUICK, "epochs": 2, "trackers": ["tensorboard"]})
    tune(tracked, RECORDS[:16], tmp_path / "tracked", heldout=HELDOUT)
    (events,) = (tmp_path / "tracked").rglob("events.out.*")
    read = EventAccumulator(str(events.parent))
    read.Reload()
    rows = list(read_jsonl(tmp_path / "tracked/metrics.jsonl"))
    assert [point.step for point in read.Scalars("loss")] == [row["step"] for row in rows]
    assert [p.value for p in read.Scalars("loss")] == pytest.approx([row["loss"] for row in rows])
    assert [point.step for point in read.Scalars("heldout/heldout/output_loss")] == [4, 8]
    weights = [(tmp_path / n / "model/model.safetensors").read_bytes() for n in ("plain", "tracked")]
    assert weights[0] == weights[1]


def test_held_out_losses_that_a_tracker_missed_are_handed_over_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after epoch 2, whose loss never arrived: the resumed run hands over those of 1, 2 and 3."""
    seen: list[tuple[float, int]] = []
    monkeypatch.setattr(
        "tunewright.tune.trackers.Trackers.log",
        lambda self, values, step: seen.extend((v, step) for k, v in values.items() if "/" in k),
    )
    config = TuneConfig.model_validate({**QUICK, "epochs": 3})
    progress = Progress(KillAfterMeasuring(2))
    with pytest.raises(Killed):
        tune(config, RECORDS[:16], tmp_path / "arm", heldout=HELDOUT, progress=progress)
    seen.clear()
    tune(config, RECORDS[:16], tmp_path / "arm", heldout=HELDOUT)
    assert {step for _, step in seen} == {4, 8, 12}
