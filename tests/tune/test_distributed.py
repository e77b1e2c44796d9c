"""Two processes, joined by gloo on the loopback, train what one process trains.

Tolerances: a sum over processes is rounded in another order than a sum over micro-batches, so losses agree to
1e-6 of themselves and gradients to 1e-6 of the largest (seen: 3e-7 and 2e-7). AdamW divides by the root of
the squared gradient, which makes noise of gradients that are nearly zero: after 8 steps weights agree to
2e-4 at a learning rate of 1e-3 (seen: 4e-5). Between runs in the same number of processes nothing differs.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import torch
from safetensors.torch import load_file

from support.processes import in_processes, step_of, tune_together, write_checkpoints_seen
from support.tiny_models import make_records
from tunewright.errors import ProcessLost, RecipeError
from tunewright.records.record import Record
from tunewright.run.files import read_jsonl
from tunewright.run.folder import read_manifest
from tunewright.tune.distributed import World
from tunewright.tune.launch import run_processes, should_launch
from tunewright.tune.sharding import blocks_of

RECORDS = make_records(27)
TRAIN, HELDOUT = RECORDS[:10], RECORDS[19:]
# 10 rows in steps of 3: the last step of each epoch is one document, for two processes
CONFIG: dict[str, Any] = {
    "epochs": 2, "batch_size": 3, "objective": "plw:0.25", "lr": 1e-3, "neftune": 5.0, "pack_tokens": 96,
    "record_weight": "weight",
}  # fmt: skip
NUM_STEPS = 8


def weighted(records: list[Record]) -> list[Record]:
    """With a weight each, one of them 0, so that a document without loss is in a step of few."""
    return [
        dataclasses.replace(record, meta={"weight": [1.0, 0.5, 2.0, 0.0][number % 4]})
        for number, record in enumerate(records)
    ]


TRAIN = weighted(TRAIN)
HELDOUT = weighted(HELDOUT)


# Sharing out


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_processes_share_all_documents_and_none_twice(size: int) -> None:
    costs = [7, 100, 3, 3, 50, 0, 12, 12, 41]
    shares = [World(rank, size).share(costs) for rank in range(size)]
    assert sorted(index for share in shares for index in share) == list(range(9))
    assert all(share == sorted(share) for share in shares)
    loads = [sum(costs[index] for index in share) for share in shares]
    assert max(loads) - min(loads) <= max(costs)


def test_a_share_may_be_empty() -> None:
    assert [World(rank, 2).share([9]) for rank in range(2)] == [[0], []]


def test_the_longest_documents_go_to_different_processes() -> None:
    """10 to the first, 9 to the second, which has less and gets 8; then 17 stand against 10: the first."""
    assert [World(rank, 2).share([10, 9, 8, 1]) for rank in range(2)] == [[0, 3], [1, 2]]


# One step


CASES = [
    pytest.param([0, 1, 2], {"neftune": 5.0}, id="three documents"),
    pytest.param([5], {"neftune": 5.0}, id="one document"),
    pytest.param([0, 1, 2, 3, 4], {"lora": 4, "kl": 0.5, "neftune": 5.0, "checkpointing": True}, id="all"),
    pytest.param([0, 1, 2], {"kl": 0.5}, id="kl to a copy", marks=pytest.mark.slow),
    pytest.param([0, 1, 2, 3], {"lora": 4}, id="lora", marks=pytest.mark.slow),
]


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # peft's own
@pytest.mark.parametrize("sharding", ["none", "fsdp"])
@pytest.mark.parametrize(("rows", "options"), CASES)
def test_two_processes_give_the_loss_and_gradients_of_one(
    rows: list[int], options: dict[str, Any], sharding: str
) -> None:
    loss, kl, num_tokens, expected = step_of(RECORDS[:24], rows, options)
    found, codes = in_processes(
        2, step_of, RECORDS[:24], rows, {**options, "sharding": sharding, "pack_tokens": 60}
    )
    assert codes == [0, 0]
    scale = max(float(gradient.abs().max()) for gradient in expected.values())
    for its_loss, its_kl, its_tokens, gradients in found:
        assert its_tokens == num_tokens
        assert its_loss == pytest.approx(loss, rel=1e-6)
        assert its_kl == pytest.approx(kl, rel=1e-5)
        assert gradients.keys() == expected.keys()
        for name, gradient in gradients.items():
            torch.testing.assert_close(gradient, expected[name], rtol=0, atol=1e-6 * scale)
    assert all(torch.equal(a, b) for a, b in zip(found[0][3].values(), found[1][3].values(), strict=True))


# Whole runs


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("alone") / "arm"
    assert in_processes(1, tune_together, CONFIG, TRAIN, HELDOUT, out) == (["done"], [0])
    return out


@pytest.fixture(scope="module", params=["none", "fsdp"])
def together(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    out = tmp_path_factory.mktemp(request.param) / "arm"
    config = {**CONFIG, "sharding": request.param}
    assert in_processes(2, tune_together, config, TRAIN, HELDOUT, out) == (["done", "done"], [0, 0])
    return out


def assert_same_up_to_rounding(found: Path, expected: Path) -> None:
    rows = [list(read_jsonl(arm / "metrics.jsonl")) for arm in (found, expected)]
    assert len(rows[0]) == len(rows[1]) == NUM_STEPS
    for row, its in zip(*rows, strict=True):
        assert row["loss"] == pytest.approx(its["loss"], rel=1e-4)
        for name in ("step", "epoch", "num_tokens", "num_seen", "num_without", "lr"):
            assert row[name] == its[name], name
    losses = [list(read_jsonl(arm / "losses/epoch-2.jsonl")) for arm in (found, expected)]
    for row, its in zip(*losses, strict=True):
        assert (row["set"], row["id"]) == (its["set"], its["id"])
        assert row["losses"]["output"][0] == pytest.approx(its["losses"]["output"][0], rel=1e-3)
    weights = [load_file(arm / "model/model.safetensors") for arm in (found, expected)]
    assert weights[0].keys() == weights[1].keys()
    for name, weight in weights[0].items():
        torch.testing.assert_close(weight, weights[1][name], rtol=0, atol=2e-4)


def test_two_processes_train_the_weights_that_one_trains(together: Path, alone: Path) -> None:
    assert_same_up_to_rounding(together, alone)
    assert read_manifest(together)["extra"]["processes"] == 2
    assert not list(together.glob("*.safetensors*")), "the checkpoint goes when the model is there"


def test_measuring_in_two_processes_keeps_every_row_in_its_place(together: Path, alone: Path) -> None:
    """Before training the weights are the same, so the losses are, to the last bit."""
    files = [(arm / "losses/epoch-0.jsonl").read_bytes() for arm in (together, alone)]
    assert files[0] == files[1]


def test_a_killed_process_ends_the_other_and_the_run_goes_on_exactly(together: Path, tmp_path: Path) -> None:
    """The second process is killed with -9 after step 6 of 8. The first ends by itself and says why; the
    same command then ends with the bytes of a run that nobody disturbed."""
    config = read_manifest(together)["config"]
    kill = (1, 6, signal.SIGKILL)
    ended, codes = in_processes(2, tune_together, config, TRAIN, HELDOUT, tmp_path / "arm", kill)
    assert ended == ["ProcessLost", None]
    assert codes == [0, -signal.SIGKILL]
    assert not (tmp_path / "arm/manifest.json").exists()
    assert in_processes(2, tune_together, config, TRAIN, HELDOUT, tmp_path / "arm")[0] == ["done", "done"]
    for name in ("model/model.safetensors", "metrics.jsonl", "losses/epoch-2.jsonl"):
        assert (tmp_path / "arm" / name).read_bytes() == (together / name).read_bytes(), name


def test_a_signal_to_one_process_stops_all_after_the_same_step_and_one_goes_on(
    together: Path, alone: Path, tmp_path: Path
) -> None:
    config = read_manifest(together)["config"]
    stop = (1, 3, signal.SIGTERM)
    ended, codes = in_processes(2, tune_together, config, TRAIN, HELDOUT, tmp_path / "arm", stop)
    assert (ended, codes) == (["KeyboardInterrupt", "KeyboardInterrupt"], [0, 0])
    assert len(list(read_jsonl(tmp_path / "arm/metrics.jsonl"))) == 3
    assert in_processes(1, tune_together, config, TRAIN, HELDOUT, tmp_path / "arm")[0] == ["done"]
    assert_same_up_to_rounding(tmp_path / "arm", alone)


@pytest.mark.parametrize("sharding", ["none", "fsdp"])
def test_a_checkpoint_is_written_once(tmp_path: Path, sharding: str) -> None:
    """All processes take the steps, the first alone writes, one file after each of them."""
    config = {**CONFIG, "epochs": 1, "batch_size": 4, "sharding": sharding}
    seen, _ = in_processes(2, write_checkpoints_seen, config, TRAIN[:10], tmp_path / "arm")
    assert seen == [(3, 3), (3, 0)]


@pytest.mark.parametrize("sharding", ["none", pytest.param("fsdp", marks=pytest.mark.slow)])
@pytest.mark.parametrize("extra", [{"lora": 4}, {"keep": "best", "patience": 1, "lr": 5e-3, "epochs": 4}])
def test_adapters_and_the_best_epoch_are_saved_from_two_processes(
    tmp_path: Path, sharding: str, extra: dict[str, Any]
) -> None:
    config = {**CONFIG, **extra, "sharding": sharding}
    for size in (1, 2):
        ended, _ = in_processes(size, tune_together, config, TRAIN, HELDOUT, tmp_path / str(size))
        assert ended == ["done"] * size
    manifests = [read_manifest(tmp_path / str(size))["extra"] for size in (1, 2)]
    assert manifests[0]["kept_epoch"] == manifests[1]["kept_epoch"]
    weights = [load_file(tmp_path / str(size) / "model/model.safetensors") for size in (1, 2)]
    for name, weight in weights[0].items():
        torch.testing.assert_close(weight, weights[1][name], rtol=0, atol=5e-3)


def test_an_error_of_the_first_process_ends_the_others_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "arm").mkdir()
    (tmp_path / "arm/thesis.tex").write_text("not a run")
    ended, codes = in_processes(2, tune_together, CONFIG, TRAIN, HELDOUT, tmp_path / "arm")
    assert (ended, codes) == (["RunFolderError", None], [0, 1])


def test_blocks_are_the_largest_list_of_modules() -> None:
    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norms = torch.nn.ModuleList(torch.nn.LayerNorm(2) for _ in range(9))
            self.layers = torch.nn.ModuleList(torch.nn.Linear(8, 8) for _ in range(2))

    model = Model()
    assert blocks_of(model) == list(model.layers)


# The command


def test_the_command_starts_the_processes_itself(tmp_path: Path) -> None:
    """`--nproc 2`: one set of output, one model. Interrupted by SIGTERM first; the same command goes on."""
    data = tmp_path / "data.jsonl"
    rows = [{"instruction": record.instruction, "output": record.output} for record in make_records(40)]
    data.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    command = [sys.executable, "-m", "tunewright", "tune", str(data), "--out", str(tmp_path / "arm")]
    command += ["--epochs", "400", "--batch-size", "40", "--nproc", "2"]
    variables = {**os.environ, "OMP_NUM_THREADS": "1"}
    running = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    end = time.monotonic() + 300
    while not (tmp_path / "arm/losses/epoch-1.jsonl").exists():
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)
    running.terminate()
    said, complaints = running.communicate(timeout=60)
    assert running.returncode == 130, complaints
    assert complaints.count(b"the same command goes on") == 1
    assert said == b""
    assert complaints.count(b'"event": "start", "stage": "tokenise"') == 1
    steps = len(list(read_jsonl(tmp_path / "arm/metrics.jsonl")))
    assert 1 <= steps < 400
    assert (tmp_path / "arm/checkpoint.safetensors").exists()


def test_a_process_that_is_killed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for the command: the second kills itself, the first would sleep for ever."""
    script = (
        "import os, signal, sys, time\n"
        "if os.environ['RANK'] == '1':\n"
        "    print('out of luck', file=sys.stderr, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "time.sleep(600)\n"
    )
    stand_in(monkeypatch, script)
    monkeypatch.setattr("tunewright.tune.launch.SECONDS_TO_END", 0.2)
    start = time.monotonic()
    with pytest.raises(ProcessLost, match=r"(?s)process 2 of 2 was killed by SIGKILL.*same command.*of luck"):
        run_processes([], 2)
    assert time.monotonic() - start < 20


@pytest.mark.parametrize(("codes", "expected"), [([0, 0], 0), ([1, 1], 1), ([130, 130], 130), ([2, 75], 2)])
def test_the_exit_code_is_the_first_process_s(
    monkeypatch: pytest.MonkeyPatch, codes: list[int], expected: int
) -> None:
    stand_in(monkeypatch, f"import os, sys; sys.exit({codes}[int(os.environ['RANK'])])")
    assert run_processes([], 2) == expected


def test_the_others_failure_is_told_when_the_first_only_lost_them(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, "import os, sys; sys.exit('no memory' if os.environ['RANK'] == '1' else 75)")
    with pytest.raises(ProcessLost, match=r"(?s)process 2 of 2 ended with code 1.*no memory"):
        run_processes([], 2)


def stand_in(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    start = subprocess.Popen
    monkeypatch.setattr(
        "tunewright.tune.launch.subprocess.Popen",
        lambda command, **given: start([sys.executable, "-c", script], **given),
    )


def test_processes_are_not_started_in_one_that_was(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [should_launch(num) for num in (2, 1, None)] == [True, False, False]
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert [should_launch(num) for num in (2, None)] == [False, False]
    with pytest.raises(RecipeError, match="--nproc 4 inside a run of 2 processes"):
        should_launch(4)


@pytest.mark.slow
def test_torchrun_starts_it_too(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    rows = [{"instruction": record.instruction, "output": record.output} for record in make_records(12)]
    data.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "tunewright"]
    command += ["tune", str(data), "--out", str(tmp_path / "arm"), "--epochs", "1", "--sharding", "fsdp"]
    done = subprocess.run(command, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert read_manifest(tmp_path / "arm")["extra"]["processes"] == 2
    assert done.stdout.count(b"model: ") == 1
