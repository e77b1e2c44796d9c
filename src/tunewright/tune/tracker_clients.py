"""The clients of the known trackers, each behind the same two methods; imported only when named.

They are told to send what is logged and nothing else: no source code, host name, console output, hardware
counters or usage reports. What a user sets in the environment for a client still holds.
"""

from __future__ import annotations

import importlib
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewright.errors import ModelError

if TYPE_CHECKING:
    from tunewright.tune.trackers import Tracker

PROJECT = "tunewright"  # the W&B project and MLflow experiment where the environment names none
_MOST_CHARS_OF_A_SETTING = 500  # MLflow's older limit; a chat template would not fit


def open_client(
    name: str, folder: Path, run_name: str, settings: Mapping[str, Any], *, run: str, resumed: bool
) -> Tracker:
    """The tracked run called `run` in the tracker `name`: a new one, or `resumed`.

    Raises ModelError when the package is missing or the client cannot start.
    """
    try:
        return CLIENTS[name](folder, run_name, settings, run, resumed)
    except ImportError as error:
        raise ModelError(f"tracker {name!r} needs a package: pip install {name} ({error})") from error
    except Exception as error:  # not logged in, no server, a file that is no store: each client has its own
        first_line = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelError(f"tracker {name!r} cannot be opened: {first_line}{_ADVICE[name]}") from error


class TensorBoard:
    """Event files in `folder/tensorboard`; `tensorboard --logdir` on the parent shows several runs."""

    def __init__(
        self, folder: Path, run_name: str, settings: Mapping[str, Any], run: str, resumed: bool
    ) -> None:
        self.run = run
        module = importlib.import_module("torch.utils.tensorboard")
        self._writer = module.SummaryWriter(str(folder / "tensorboard"))
        if not resumed:
            text = json.dumps(dict(settings), indent=2, default=str, ensure_ascii=False)
            # indented, so that it is shown as code and not taken for Markdown
            self._writer.add_text(run_name, "\n".join("    " + line for line in text.splitlines()))

    def log(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class WeightsAndBiases:
    """A W&B run; its files lie in `folder/wandb`, and with WANDB_MODE=offline nothing leaves the machine.

    The step is a value of its own ("step"), the x axis of all others: W&B's own step only ever grows, and
    an epoch's losses arrive at a step that a resumed run may already be past.
    """

    def __init__(
        self, folder: Path, run_name: str, settings: Mapping[str, Any], run: str, resumed: bool
    ) -> None:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        wandb = importlib.import_module("wandb")
        self.run = run
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT") or PROJECT,
            name=run_name,
            id=run,
            resume="allow",
            dir=str(folder),
            config=dict(settings),
            settings=wandb.Settings(
                console="off",
                silent=True,
                disable_code=True,
                disable_git=True,
                disable_job_creation=True,
                x_disable_meta=True,
                x_disable_stats=True,
                x_disable_machine_info=True,
                x_save_requirements=False,
            ),
        )
        self._run.define_metric("step", hidden=True)
        self._run.define_metric("*", step_metric="step")

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._run.log({**values, "step": step})

    def close(self) -> None:
        self._run.finish()


class MLflow:
    """An MLflow run in the store of MLFLOW_TRACKING_URI, or where that is unset in MLflow's own default.

    Values are sent in one call per step. The experiment is MLFLOW_EXPERIMENT_NAME or "tunewright".
    """

    def __init__(
        self, folder: Path, run_name: str, settings: Mapping[str, Any], run: str, resumed: bool
    ) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        mlflow = importlib.import_module("mlflow")
        entities = importlib.import_module("mlflow.entities")
        self._metric = entities.Metric
        self._client = mlflow.MlflowClient()
        if resumed:
            self.run = run
            self._client.update_run(run, status="RUNNING")
            return
        experiment = os.environ.get("MLFLOW_EXPERIMENT_NAME") or PROJECT
        found = self._client.get_experiment_by_name(experiment)
        place = self._client.create_experiment(experiment) if found is None else found.experiment_id
        self.run = self._client.create_run(place, run_name=run_name).info.run_id
        params = [entities.Param(name, _clipped(value)) for name, value in settings.items()]
        self._client.log_batch(self.run, params=params)

    def log(self, values: Mapping[str, float], step: int) -> None:
        now = int(time.time() * 1000)
        self._client.log_batch(
            self.run, metrics=[self._metric(name, value, now, step) for name, value in values.items()]
        )

    def close(self) -> None:
        self._client.set_terminated(self.run)


CLIENTS: Mapping[str, Callable[..., Tracker]] = {
    "tensorboard": TensorBoard,
    "wandb": WeightsAndBiases,
    "mlflow": MLflow,
}
_ADVICE = {
    "tensorboard": "",
    "wandb": "; log in with `wandb login`, or set WANDB_MODE=offline",
    "mlflow": "; set MLFLOW_TRACKING_URI to a server or a store such as sqlite:///mlflow.db",
}


def _clipped(value: Any) -> str:
    return str(value)[:_MOST_CHARS_OF_A_SETTING]
