"""Adapters: a few new weights on a frozen model, by peft.

LoRA (Hu et al. 2021, arXiv 2106.09685), DoRA (Liu et al. 2024, arXiv 2402.09353), and QLoRA (Dettmers et
al. 2023, arXiv 2305.14314), which is LoRA on a base in 4 bits.

The base stays within reach: `without_adapter` gives its logits, which is the reference of a KL term for
free. A merged model is an ordinary folder; a separate one is a few megabytes that name their base.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from tunewright.errors import ModelError, RecipeError
from tunewright.run.files import write_json_atomic

_PLAIN_NAMES = re.compile(r"[\w.]+(,[\w.]+)*")


class AdapterKind(StrEnum):
    LORA = "lora"
    DORA = "dora"  # the weight's direction by LoRA, its norms by themselves; about twice the time
    QLORA = "qlora"


class Save(StrEnum):
    """What an adapted model is saved as: one ordinary model, or the adapter alone, which names its base."""

    MERGED = "merged"
    ADAPTER = "adapter"


@dataclass(frozen=True)
class Adapter:
    """The settings of an adapter. The update of a weight is (alpha / rank)·B·A, alpha by default 2·rank.

    `targets` are suffixes of layer names ("q_proj", "layers.0.mlp.up_proj") in a list or separated by
    commas, or one regular expression over whole names; any text that is more than names, dots and commas
    is taken as one. None means all linear layers but the head.
    """

    rank: int
    kind: AdapterKind = AdapterKind.LORA
    alpha: float | None = None
    dropout: float = 0.0
    targets: Sequence[str] | str | None = None


def check_adapter(spec: str, adapter: Adapter | None, save: Save = Save.MERGED) -> None:
    """Raise, before anything is loaded, for what could not be trained or saved in the end."""
    if adapter is None:
        if save is Save.ADAPTER:
            raise RecipeError("without an adapter there is none to save; give --lora RANK or save 'merged'")
        return
    if adapter.rank < 1:
        raise RecipeError(f"the rank of an adapter is at least 1, not {adapter.rank}")
    if save is Save.ADAPTER and spec.startswith("scratch:"):
        raise RecipeError(
            f"an adapter on {spec} cannot be saved alone: its base is nowhere to be loaded from"
        )
    if save is Save.ADAPTER and is_adapter_folder(spec):
        raise RecipeError(
            f"{spec} is an adapter itself, and a second one on it would name no base that can be loaded; "
            "save 'merged', or merge the first one"
        )
    if adapter.kind is AdapterKind.QLORA:
        if save is Save.MERGED:
            # Into 4 bits the sum is rounded; onto the full base it is another model than the one trained.
            raise RecipeError(
                "a QLoRA adapter cannot be merged without changing the model that was trained; save 'adapter'"
            )
        check_quantisation(spec)


def check_quantisation(spec: str) -> None:
    """Raise a ModelError that says what to install, where 4-bit weights cannot be used."""
    if spec.startswith("scratch:"):
        raise ModelError(f"qlora quantises weights that exist, and {spec} has none; use lora")
    if importlib.util.find_spec("bitsandbytes") is None:
        raise ModelError("qlora needs bitsandbytes and a CUDA device: pip install bitsandbytes; or use lora")
    if not torch.cuda.is_available():
        # On a CPU bitsandbytes 0.50 repacks its weights when a model is first evaluated, and from then on
        # torch warns that gradients through them may be wrong.
        raise ModelError("qlora needs a CUDA device, and this machine has none; use lora")


def quantised_loading() -> dict[str, Any]:
    """What `from_pretrained` is told for a 4-bit base: NF4, quantised twice, products in bfloat16."""
    from transformers import BitsAndBytesConfig

    quantisation = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    # quantised while it is loaded, so on the device where it is to stay
    return {"quantization_config": quantisation, "device_map": {"": torch.cuda.current_device()}}


def add_adapter(model: Any, adapter: Adapter, *, seed: int) -> Any:
    """The model with a new adapter drawn from the seed; only the adapter trains.

    At first the update is zero, so the logits are the base's. Raises ModelError, with the names there are,
    for a target that no linear layer has, and for the head: the loss reads its weight directly.
    """
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    targets = split_targets(adapter.targets)
    names = target_names(model, targets)
    _refuse_full_rank(adapter.rank, [model.get_submodule(name) for name in names])
    if adapter.kind is AdapterKind.QLORA:
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    config = LoraConfig(
        r=adapter.rank,
        lora_alpha=2 * adapter.rank if adapter.alpha is None else adapter.alpha,
        lora_dropout=adapter.dropout,
        use_dora=adapter.kind is AdapterKind.DORA,
        target_modules=list(targets) if isinstance(targets, tuple) else targets or "all-linear",
        fan_in_fan_out=any(_is_conv1d(model.get_submodule(name)) for name in names),  # GPT-2's own layout
        task_type="CAUSAL_LM",
    )
    torch.manual_seed(seed)
    try:
        with peft_warnings_ignored():
            return get_peft_model(model, config)
    except ValueError as error:  # a suffix that some other module, which is not linear, has too
        raise ModelError(f"no adapter can be put on {adapter.targets!r}: {error}") from error


def _refuse_full_rank(rank: int, layers: Sequence[Any]) -> None:
    """An adapter as wide as every layer it is put on has more weights than the layers, and says no more."""
    sides = [
        min(layer.in_features, layer.out_features)
        if hasattr(layer, "in_features")
        else min(layer.weight.shape)
        for layer in layers  # 4-bit weights are packed into another shape, and GPT-2's layers name no sizes
    ]
    if sides and rank >= max(sides):
        raise ModelError(
            f"an adapter of rank {rank} is as wide as the layers themselves ({max(sides)}); take a smaller "
            "rank, or train all weights"
        )


def split_targets(targets: Sequence[str] | str | None) -> tuple[str, ...] | str | None:
    """Suffixes as a tuple, a regular expression as text; a pattern that does not compile is a RecipeError."""
    if targets is None:
        return None
    if not isinstance(targets, str):
        return tuple(targets)
    if _PLAIN_NAMES.fullmatch(targets):
        return tuple(targets.split(","))
    try:
        re.compile(targets)
    except re.error as error:
        raise RecipeError(f"adapter targets {targets!r} is no regular expression: {error}") from None
    return targets


def target_names(model: Any, targets: tuple[str, ...] | str | None) -> list[str]:
    """The full names of the linear layers that get an adapter, in the model's order."""
    head = model.get_output_embeddings()
    linear = {name: module for name, module in model.named_modules() if _is_linear(module)}
    there = [name for name, module in linear.items() if module is not head]
    if targets is None:
        return there
    patterns = (targets,) if isinstance(targets, str) else targets
    found: set[str] = set()
    for pattern in patterns or ("",):
        matched = [name for name in linear if _matches(name, pattern, regular=isinstance(targets, str))]
        if any(linear[name] is head for name in matched):
            raise ModelError(f"adapter target {pattern!r} is the model's head, which takes no adapter here")
        if not matched:
            raise ModelError(
                f"adapter target {pattern!r} matches no linear layer; there are {_listing(there)} "
                f"(a whole name is {there[0] if there else 'none'})"
            )
        found.update(matched)
    return [name for name in there if name in found]


@contextlib.contextmanager
def without_adapter(model: Any) -> Iterator[Any]:
    """The model as its base alone, bit for bit, inside the block: the reference of a KL term.

    The adapter's weights are not trainable inside; take the reference under `torch.no_grad()`.
    """
    assert is_adapted(model), "there is no adapter to leave out"
    with model.disable_adapter():
        yield model


def is_adapted(model: Any) -> bool:
    return hasattr(model, "merge_and_unload")


def is_adapter_folder(spec: str) -> bool:
    """Whether the spec is a folder that holds an adapter and no model of its own."""
    folder = Path(spec)
    return (folder / "adapter_config.json").exists() and not (folder / "config.json").exists()


def base_of(model: Any) -> str:
    """Where the base of an adapted model can be loaded from; empty when nowhere."""
    return str(model.peft_config["default"].base_model_name_or_path or "")


def save_adapter(model: Any, folder: Path) -> None:
    """Write the adapter alone, in peft's format. A base in a folder is named by its absolute path."""
    config = model.peft_config["default"]
    if Path(base_of(model)).is_dir():
        config.base_model_name_or_path = str(Path(base_of(model)).resolve())
    # No embeddings are trained, and to find that out peft would ask the hub for the base's configuration.
    model.save_pretrained(str(folder), safe_serialization=True, save_embedding_layers=False)
    settings = folder / "adapter_config.json"  # peft writes the layers' names in the order of a set
    written = json.loads(settings.read_text(encoding="utf-8"))
    if isinstance(written.get("target_modules"), list):
        write_json_atomic(settings, {**written, "target_modules": sorted(written["target_modules"])})
    if config.use_dora:
        _name_magnitudes_in_full(folder / "adapter_model.safetensors")


def _name_magnitudes_in_full(file: Path) -> None:
    """Give DoRA's magnitudes the name that transformers looks for; peft reads them under either.

    peft leaves out a ".weight" that transformers 5.23 does not add again: it would load a DoRA adapter with
    the base's own magnitudes and only warn.
    """
    tensors = load_file(str(file))
    full = {
        name + ".weight" if name.endswith("lora_magnitude_vector") else name: tensor
        for name, tensor in tensors.items()
    }
    save_file(full, str(file), metadata={"format": "pt"})


@contextlib.contextmanager
def peft_warnings_ignored() -> Iterator[None]:
    """peft still asks transformers for an attribute by its old name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def _matches(name: str, pattern: str, *, regular: bool) -> bool:
    if regular:
        return re.fullmatch(pattern, name) is not None
    return name == pattern or name.endswith("." + pattern)


def _is_linear(module: torch.nn.Module) -> bool:
    return isinstance(module, torch.nn.Linear) or _is_conv1d(module)


def _is_conv1d(module: torch.nn.Module) -> bool:
    from transformers.pytorch_utils import Conv1D

    return isinstance(module, Conv1D)


def _listing(names: Sequence[str]) -> str:
    counts = Counter(name.rpartition(".")[2] for name in names)
    return ", ".join(f"{name} ({count})" for name, count in counts.items()) or "none"
