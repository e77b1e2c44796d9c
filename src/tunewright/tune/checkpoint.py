"""One file that lets training go on as if nothing had happened.

Trainable weights, the optimizer's state and the step are all there is: the order of rows, the learning
rate and the dropout of each step follow from the seed and the step's number. The file is replaced
atomically, so a kill leaves the old checkpoint or the new one.

Weights that are split over processes are gathered one by one and written whole, by one process: the file
does not depend on how many there are, and any number can go on from it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.distributed.tensor import DTensor, distribute_tensor

from tunewright.errors import RunFolderError


def save_checkpoint(
    path: Path,
    model: Any,
    optimizer: torch.optim.Optimizer,
    facts: dict[str, Any],
    *,
    writes: bool = True,
) -> None:
    """Write weights, optimizer state and `facts` (JSON values) to `path`.

    Of several processes all call it, one with `writes`: gathering split weights takes them all.
    """
    tensors: dict[str, Tensor] = {}
    for name, parameter in _trainable(model):
        stored = {"weight": parameter.detach(), **optimizer.state.get(parameter, {})}
        for key, value in stored.items():
            gathered = whole(torch.as_tensor(value))
            if writes:
                tensors[f"{key}/{name}"] = gathered.cpu().contiguous()
    if not writes:
        return
    temporary = path.with_name(path.name + ".tmp")
    try:
        save_file(tensors, str(temporary), metadata={"facts": json.dumps(facts)})
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except Exception as error:  # safetensors raises its own type for a full disk
        temporary.unlink(missing_ok=True)
        raise RunFolderError(
            f"the checkpoint {path} cannot be written ({error}); free some space and run the same command: "
            "it goes on from the last checkpoint"
        ) from error


def load_checkpoint(path: Path, model: Any, optimizer: torch.optim.Optimizer) -> dict[str, Any] | None:
    """Restore weights and optimizer state in place and give back the facts; None when there is no file."""
    if not path.exists():
        return None
    with safe_open(str(path), framework="pt") as stored:
        names = set(stored.keys())
        for name, parameter in _trainable(model):
            with torch.no_grad():
                parameter.copy_(_like(parameter, stored.get_tensor(f"weight/{name}")))
            state = {
                key: stored.get_tensor(f"{key}/{name}")
                for key in ("step", "exp_avg", "exp_avg_sq")
                if f"{key}/{name}" in names
            }
            if state:
                optimizer.state[parameter] = {
                    # a fused optimizer wants its step, a scalar, where the weights are
                    key: value.to(parameter.device) if key == "step" else _like(parameter, value)
                    for key, value in state.items()
                }
        facts: dict[str, Any] = json.loads(stored.metadata()["facts"])
    return facts


def whole(tensor: Tensor) -> Tensor:
    """The tensor with all its parts in this process; a partial sum is added up. All call it together."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def _trainable(model: Any) -> list[tuple[str, torch.nn.Parameter]]:
    return [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]


def _like(parameter: Tensor, stored: Tensor) -> Tensor:
    """`stored` where the parameter is, and split as it is; every process has read it, so nothing is sent."""
    stored = stored.to(parameter.device)
    if not isinstance(parameter, DTensor):
        return stored
    return distribute_tensor(stored, parameter.device_mesh, parameter.placements, src_data_rank=None)
