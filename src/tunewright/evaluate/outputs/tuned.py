"""Naming a model that Tunewright tuned: the folder of its run stands for the weights in it."""

from __future__ import annotations

from pathlib import Path

from tunewright.errors import ModelError

_WEIGHTS = ("config.json", "adapter_config.json")


def spec_of(model: str) -> str:
    """`hf:RUN/model` for the folder of a tuned run, written bare or as `hf:RUN`; any other spec as it is.

    ModelError for a folder that holds neither a model nor a tuned run.
    """
    kind, _, name = model.partition(":")
    path = Path(name) if kind == "hf" else Path(model)
    if not path.is_dir() or _is_model(path):
        return f"hf:{model}" if kind != "hf" and path.is_dir() else model
    if _is_model(path / "model"):
        return f"hf:{path / 'model'}"
    raise ModelError(
        f"{path}: holds no model and no tuned run (it has no config.json, and no folder 'model' with one)"
    )


def _is_model(path: Path) -> bool:
    return any((path / name).is_file() for name in _WEIGHTS)
