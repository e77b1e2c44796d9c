"""One file that lets training go on as if nothing had happened.

Trainable weights, the optimizer's state and the step are all there is: the order of rows, the learning
rate and the dropout of each step follow from the seed and the step's number. The file is replaced
atomically, so a kill leaves the old checkpoint or the new one.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from tunewright.errors import RunFolderError


def save_checkpoint(path: Path, model: Any, optimizer: torch.optim.Optimizer, facts: dict[str, Any]) -> None:
    """Write weights, optimizer state and `facts` (JSON values) to `path`."""
    tensors: dict[str, torch.Tensor] = {}
    for name, parameter in _trainable(model):
        tensors[f"weight/{name}"] = parameter.detach()
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"{key}/{name}"] = torch.as_tensor(value)
    temporary = path.with_name(path.name + ".tmp")
    try:
        save_file(
            {name: tensor.cpu().contiguous().clone() for name, tensor in tensors.items()},
            str(temporary),
            metadata={"facts": json.dumps(facts)},
        )
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
                parameter.copy_(stored.get_tensor(f"weight/{name}"))
            state = {
                key: stored.get_tensor(f"{key}/{name}")
                for key in ("step", "exp_avg", "exp_avg_sq")
                if f"{key}/{name}" in names
            }
            if state:
                optimizer.state[parameter] = {
                    key: value if key == "step" else value.to(parameter.device)
                    for key, value in state.items()
                }
        facts: dict[str, Any] = json.loads(stored.metadata()["facts"])
    return facts


def _trainable(model: Any) -> list[tuple[str, torch.nn.Parameter]]:
    return [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
