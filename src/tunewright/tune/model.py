"""From a model spec to something the loop can train, and back to an ordinary `transformers` folder.

A spec is `scratch:tiny|small`, a folder, or a Hugging Face id. Weights are read and written as
safetensors only, and code that a model folder carries is never run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tunewright.errors import ModelError, RunFolderError
from tunewright.llm import weights
from tunewright.records.record import Record
from tunewright.tune import attention
from tunewright.tune.adapters import (
    Adapter,
    Save,
    add_adapter,
    base_of,
    check_quantisation,
    is_adapted,
    is_adapter_folder,
    quantised_loading,
    save_adapter,
)
from tunewright.tune.config import TuneConfig
from tunewright.tune.scratch import scratch_model, scratch_size, scratch_tokenizer


@dataclass(frozen=True)
class Spec:
    """A parsed model spec: `scratch` is a size, or None with `source` a folder or hub id."""

    source: str
    scratch: str | None

    @classmethod
    def parse(cls, text: str) -> Spec:
        return cls(source=text, scratch=scratch_size(text))


def load_tokenizer(spec: str, records: Sequence[Record]) -> Any:
    """The model's tokenizer, or for `scratch:` one trained on the records."""
    parsed = Spec.parse(spec)
    if parsed.scratch:
        if not records:
            raise ModelError(f"{spec} trains its tokenizer on the data, and there is none")
        return scratch_tokenizer(parsed.scratch, records)
    if is_adapter_folder(spec):
        return weights.load_tokenizer(weights.Checkpoint.find(spec))
    from transformers import AutoTokenizer

    with _clear_loading_errors(spec):
        return AutoTokenizer.from_pretrained(spec, trust_remote_code=False)


def load_model(
    spec: str,
    tokenizer: Any,
    *,
    seed: int,
    dtype: torch.dtype = torch.float32,
    quantised: bool = False,
) -> Any:
    """The causal language model in training mode, its weights in `dtype`; for `scratch:` drawn from the seed.

    The folder of an adapter gives its base with the adapter merged into it. `quantised` gives a base for
    QLoRA: linear layers in 4 bits, already on the CUDA device.
    """
    parsed = Spec.parse(spec)
    if quantised:
        check_quantisation(spec)
    if parsed.scratch:
        torch.manual_seed(seed)
        return scratch_model(parsed.scratch, tokenizer).to(dtype).train()
    if is_adapter_folder(spec):
        if quantised:
            raise ModelError(f"{spec} is an adapter and cannot be quantised; give a whole model")
        model = _merged(spec, dtype)
    else:
        from transformers import AutoModelForCausalLM

        with _clear_loading_errors(spec):
            model = AutoModelForCausalLM.from_pretrained(
                spec,
                dtype=torch.bfloat16 if quantised else dtype,
                use_safetensors=True,
                trust_remote_code=False,
                **(quantised_loading() if quantised else {}),
            )
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        raise ModelError(
            f"{spec}: the tokenizer has {len(tokenizer)} tokens, the model only {rows} embeddings"
        )
    return model.train()


@contextlib.contextmanager
def _clear_loading_errors(spec: str) -> Iterator[None]:
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()  # its warning about long rows is wrong here: such rows are dropped
    path = Path(spec)
    if path.exists() and not path.is_dir():
        raise ModelError(f"model {spec!r} is a file; give the folder that holds config.json and the weights")
    if path.is_dir() and not (path / "config.json").exists():
        raise ModelError(f"model folder {spec!r} has no config.json; is it a transformers model?")
    if not path.exists() and (path.is_absolute() or spec.startswith((".", "~")) or spec.count("/") > 1):
        raise ModelError(
            f"model folder {spec!r} does not exist; use a folder, a Hugging Face id, or scratch:tiny"
        )
    try:
        yield
    except Exception as error:  # loading touches files, network and remote configs: name it once, clearly
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"model {spec!r} cannot be loaded: {first_line}") from error


def _merged(spec: str, dtype: torch.dtype) -> Any:
    name = str(dtype).removeprefix("torch.")
    model = weights.load_model(weights.Checkpoint.find(spec), device="cpu", dtype=name)
    model.name_or_path = model.config._name_or_path = ""  # a new adapter must not name the old base as its
    return model


def enable_checkpointing(model: Any) -> None:
    """Keep each layer's input alone and compute the rest again in the backward pass: same gradients.

    About a third more time for a memory that grows with layers·tokens·width once, not some twenty times.
    Works under an adapter, whose frozen embeddings need no gradient, since the checkpoints are not
    re-entrant. Raises ModelError for a model class that cannot.
    """
    base = _without_wrapper(model)
    # the older name says the same where the newer one is missing (transformers < 5.20 or so)
    enable = getattr(base, "activation_checkpointing_enable", None) or base.gradient_checkpointing_enable
    try:
        enable({"use_reentrant": False})
    except ValueError as error:
        raise ModelError(f"{type(base).__name__} has no gradient checkpointing; leave it off") from error


def add_lora(model: Any, *, rank: int, alpha: float | None, seed: int) -> Any:
    """The model with a LoRA adapter on all linear layers but the head; only the adapter trains."""
    return add_adapter(model, Adapter(rank, alpha=alpha), seed=seed)


def save_model(
    model: Any,
    tokenizer: Any,
    folder: Path,
    *,
    stop_ids: Sequence[int],
    chat_template: str,
    save: Save = Save.MERGED,
) -> None:
    """Write `folder` as any `transformers` model: it loads with `AutoModelForCausalLM` and stops at its EOS.

    An adapter is merged into the weights, and kept beside them in `folder/../adapter` unless its base is
    nowhere to be loaded from (a scratch model). With `Save.ADAPTER` the folder holds the adapter and the
    tokenizer alone; it loads the same way where peft is installed, as long as its base stays where it is.
    Then `generate` needs the folder's own `generation_config.json` to stop, since transformers reads the
    base's.
    """
    from transformers.utils import logging

    logging.disable_progress_bar()
    if is_adapted(model) and save is Save.MERGED:
        if base_of(model):
            with _clear_saving_errors(folder.parent / "adapter"):
                save_adapter(model, folder.parent / "adapter")
        model = model.merge_and_unload()
    generation = model.generation_config
    generation.eos_token_id = list(stop_ids) if len(stop_ids) > 1 else stop_ids[0]
    if generation.pad_token_id is None:
        pad = tokenizer.pad_token_id
        generation.pad_token_id = stop_ids[0] if pad is None else pad
    tokenizer.chat_template = chat_template
    with _clear_saving_errors(folder):
        if is_adapted(model):
            save_adapter(model, folder)
            generation.save_pretrained(str(folder))
        else:
            model.save_pretrained(str(folder), safe_serialization=True)
        tokenizer.save_pretrained(str(folder))


@contextlib.contextmanager
def _clear_saving_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # safetensors has its own type for a full disk
        raise RunFolderError(
            f"the model cannot be written to {folder} ({error}); free some space and run the same command: "
            "training is not repeated"
        ) from error


def default_lr(config: TuneConfig) -> float:
    """The peak learning rate when none is given: larger the less there is to spoil."""
    if config.lr is not None:
        return config.lr
    if config.lora is not None:
        return 2e-4
    return 2e-3 if Spec.parse(config.model).scratch else 2e-5


def device_of_choice() -> torch.device:
    """A CUDA device when there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def supports_packing(model: Any) -> bool:
    """Whether this model gives, for two documents packed in a row, what it gives for each alone.

    Proved on the model itself, with random tokens; on success it is left with per-document attention.
    """
    base = _without_wrapper(model)
    if not getattr(base, "_supports_attention_backend", False):
        return False
    before = base.config._attn_implementation
    attention.register()
    generator = torch.Generator().manual_seed(0)
    vocabulary = base.get_input_embeddings().weight.shape[0]
    ids = torch.randint(0, vocabulary, (1, 13), generator=generator).to(base.device)
    positions = torch.cat([torch.arange(8), torch.arange(5)])[None].to(base.device)
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            alone = [
                decoder_of(model)(input_ids=part, use_cache=False)[0]
                for part in torch.split(ids, [8, 5], dim=1)
            ]
            base.set_attn_implementation(attention.NAME)
            packed = decoder_of(model)(
                input_ids=ids, position_ids=positions, document_lengths=[8, 5], use_cache=False
            )[0]
        proved = torch.allclose(torch.cat(alone, dim=1), packed, atol=1e-4, rtol=1e-3)
    except (TypeError, ValueError, RuntimeError):
        proved = False
    finally:
        model.train(was_training)
    if not proved:
        base.set_attn_implementation(before)
    return proved


def decoder_of(model: Any) -> Any:
    """The part of a causal model below its head; under PEFT, with the adapter's layers in it."""
    base = _without_wrapper(model)
    return base.base_model


def _without_wrapper(model: Any) -> Any:
    """The transformers model itself; under peft, with the adapter's layers still in it."""
    return model.get_base_model() if is_adapted(model) else model
