"""Trackers mirror the run and never harm it: nothing twice, nothing lost, no failure comes through."""

from __future__ import annotations

import json
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tunewright.errors import ModelError, RecipeError
from tunewright.run.files import read_jsonl
from tunewright.tune import tracker_clients, trackers
from tunewright.tune.trackers import open_trackers

SETTINGS = {"model": "scratch:tiny", "lr": 0.002, "chat_template": "x" * 9000}


class Server:
    """Keeps what its runs were told, as a server would; can be told to fail or to hang."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, int, float]] = []
        self.fail_at_step: int | None = None
        self.hang = threading.Event()
        self.hang.set()

    def client(self, folder: Path, name: str, settings: Mapping[str, Any], run: str, resumed: bool) -> Any:
        server = self

        class Client:
            def __init__(self) -> None:
                self.run = run

            def log(self, values: Mapping[str, float], step: int) -> None:
                server.hang.wait()
                if step == server.fail_at_step:
                    raise ConnectionError("the network is gone\nand more")
                server.rows += [(run, name, step, value) for name, value in values.items()]

            def close(self) -> None:
                return None

        return Client()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server()
    monkeypatch.setattr(tracker_clients, "CLIENTS", {"mine": made.client})
    monkeypatch.setattr(trackers, "CLIENTS", {"mine": made.client})
    monkeypatch.setattr(tracker_clients, "_ADVICE", {"mine": "; do this"})
    return made


def test_values_arrive_in_order_and_only_numbers_do(server: Server, tmp_path: Path) -> None:
    with open_trackers(["mine"], tmp_path, "arm", SETTINGS) as opened:
        opened.log({"loss": 2, "name": "it", "ok": True, "bad": float("nan")}, 1)
        opened.log({"loss": 1.5}, 2)
    assert [row[1:] for row in server.rows] == [("loss", 1, 2.0), ("loss", 2, 1.5)]


def test_a_resumed_run_goes_on_in_the_same_run_and_repeats_nothing(server: Server, tmp_path: Path) -> None:
    """All rows are offered again, as after a resume; also an epoch's loss at a step already there."""
    with open_trackers(["mine"], tmp_path, "arm", SETTINGS) as opened:
        for step in (1, 2, 3):
            opened.log({"loss": float(step)}, step)
    with open_trackers(["mine"], tmp_path, "arm", SETTINGS) as opened:
        for step in (1, 2, 3, 4):
            opened.log({"loss": float(step)}, step)
        opened.log({"heldout": 9.0}, 3)
        opened.log({"heldout": 9.0}, 3)
    assert len({row[0] for row in server.rows}) == 1
    assert [row[1:] for row in server.rows] == [
        ("loss", 1, 1.0),
        ("loss", 2, 2.0),
        ("loss", 3, 3.0),
        ("loss", 4, 4.0),
        ("heldout", 3, 9.0),
    ]


def test_a_tracker_that_fails_is_dropped_with_one_note_and_caught_up_later(
    server: Server, tmp_path: Path
) -> None:
    notes: list[str] = []
    server.fail_at_step = 2
    opened = open_trackers(["mine"], tmp_path, "arm", SETTINGS, note=notes.append)
    for step in (1, 2, 3):
        opened.log({"loss": float(step)}, step)
    opened.close()
    assert notes == [
        "the tracker mine is left out from here on (ConnectionError: the network is gone); training goes "
        "on, and a resumed run hands over what is missing"
    ]
    server.fail_at_step = None
    with open_trackers(["mine"], tmp_path, "arm", SETTINGS, note=notes.append) as opened:
        for step in (1, 2, 3):
            opened.log({"loss": float(step)}, step)
    assert [row[2] for row in server.rows] == [1, 2, 3]
    assert len(notes) == 1


def test_a_tracker_that_hangs_holds_up_neither_a_step_nor_the_end(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trackers, "CLOSE_SECONDS", 0.2)
    notes: list[str] = []
    server.hang.clear()
    start = time.monotonic()
    with open_trackers(["mine"], tmp_path, "arm", SETTINGS, note=notes.append) as opened:
        for step in range(100):
            opened.log({"loss": 1.0}, step)
        logged = time.monotonic() - start
    assert logged < 0.2
    assert time.monotonic() - start < 2
    assert "did not take everything" in notes[0]
    server.hang.set()  # it wakes after the end: nothing more is noted as handed over
    assert [set(row) for row in read_jsonl(tmp_path / "trackers.jsonl")] == [{"tracker", "run"}]


def test_without_a_name_nothing_is_imported_and_nothing_written(tmp_path: Path) -> None:
    with open_trackers([], tmp_path, "arm", SETTINGS) as opened:
        opened.log({"loss": 1.0}, 1)
    assert list(tmp_path.iterdir()) == []


def test_unknown_and_repeated_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="'tensorbord' is not known; use tensorboard, wandb, mlflow"):
        open_trackers(["tensorbord"], tmp_path, "arm", SETTINGS)
    with pytest.raises(RecipeError, match="named twice"):
        open_trackers(["mlflow", "mlflow"], tmp_path, "arm", SETTINGS)


@pytest.mark.parametrize("name", ["wandb", "mlflow", "tensorboard"])
def test_a_missing_package_is_named_with_its_installation(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(module: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(tracker_clients.importlib, "import_module", missing)
    with pytest.raises(ModelError, match=f"pip install {name}"):
        open_trackers([name], tmp_path, "arm", SETTINGS)


def cut_run(name: str, folder: Path) -> None:
    """Three steps, then a resume that offers them again with a fourth and an epoch's loss."""
    notes: list[str] = []
    with open_trackers([name], folder, "im seed 1", SETTINGS, note=notes.append) as opened:
        for step in (1, 2, 3):
            opened.log({"loss": 4.0 - step, "lr": 0.5}, step)
    if name == "wandb":  # it names its folder by the second, and two runs in one would share it
        time.sleep(1.1)
    with open_trackers([name], folder, "im seed 1", SETTINGS, note=notes.append) as opened:
        for step in (1, 2, 3, 4):
            opened.log({"loss": 4.0 - step, "lr": 0.5}, step)
        opened.log({"heldout/mine": 2.25}, 3)
    assert notes == []


LOSS = [(1, 3.0), (2, 2.0), (3, 1.0), (4, 0.0)]


def test_tensorboard_reads_back_every_value_once(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    cut_run("tensorboard", tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == LOSS
    assert [(event.step, event.value) for event in events.Scalars("heldout/mine")] == [(3, 2.25)]
    text = events.Tensors("im seed 1/text_summary")
    assert len(text) == 1
    assert b'"model": "scratch:tiny"' in text[0].tensor_proto.string_val[0]


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")  # MLflow's own store
def test_mlflow_reads_back_every_value_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("alembic")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    cut_run("mlflow", tmp_path)
    client = mlflow.MlflowClient()
    place = client.get_experiment_by_name("tunewright")
    (run,) = client.search_runs([place.experiment_id])
    history = client.get_metric_history(run.info.run_id, "loss")
    assert sorted((metric.step, metric.value) for metric in history) == LOSS
    assert run.data.metrics["heldout/mine"] == 2.25
    assert run.data.params["model"] == "scratch:tiny"
    assert len(run.data.params["chat_template"]) == 500
    assert run.info.status == "FINISHED"


def test_wandb_reads_back_every_value_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline, from the files that `wandb sync` would send: both parts belong to one run."""
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    cut_run("wandb", tmp_path)
    rows, runs = read_wandb(tmp_path / "wandb")
    for _ in range(100):  # W&B's own process may still be writing when `finish` has come back
        if len(rows) >= len(LOSS) + 1:
            break
        time.sleep(0.1)
        rows, runs = read_wandb(tmp_path / "wandb")
    assert [(row["step"], row["loss"]) for row in rows if "loss" in row] == LOSS
    assert [row for row in rows if "heldout/mine" in row] == [{"heldout/mine": 2.25, "step": 3}]
    assert len(list((tmp_path / "wandb").glob("offline-run-*"))) == 2
    assert len(set(runs)) == 1


def read_wandb(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The logged rows, and the run's id in each file, in the order the files were written."""
    from wandb.proto import wandb_internal_pb2

    rows, runs = [], []
    for file in sorted(folder.glob("offline-run-*/*.wandb"), key=lambda file: file.stat().st_mtime_ns):
        for data in leveldb_records(file.read_bytes()):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(data)
            if record.WhichOneof("record_type") == "run":
                runs.append(record.run.run_id)
            if record.WhichOneof("record_type") == "history":
                items = {item.key or item.nested_key[0]: item.value_json for item in record.history.item}
                rows.append({name: json.loads(text) for name, text in items.items() if name[0] != "_"})
    return rows, runs


def leveldb_records(data: bytes) -> Iterator[bytes]:
    """The records of a LevelDB log after W&B's header of 7 bytes: blocks of 32 KiB, pieces with a header
    of 4 bytes checksum, 2 bytes length and 1 byte kind (1 whole, 2 first, 3 middle, 4 last)."""
    place, pieces = 7, b""
    while place < len(data):
        if 32768 - place % 32768 < 7:  # a block's end that no header fits into
            place += 32768 - place % 32768
            continue
        length, kind = struct.unpack_from("<HB", data, place + 4)
        pieces += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):
            yield pieces
            pieces = b""
