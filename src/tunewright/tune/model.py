"""From a model spec to something the loop can train, and back to an ordinary `transformers` folder.

A spec is `scratch:tiny|small`, a folder, or a Hugging Face id. Weights are read and written as
safetensors only, and code that a model folder carries is never run.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tunewright.errors import ModelError, RunFolderError
from tunewright.records.record import Record
from tunewright.tune import attention
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
    from transformers import AutoTokenizer

    with _clear_loading_errors(spec):
        return AutoTokenizer.from_pretrained(spec, trust_remote_code=False)


def load_model(spec: str, tokenizer: Any, *, seed: int) -> Any:
    """The causal language model in float32, in training mode; for `scratch:` drawn from the seed."""
    parsed = Spec.parse(spec)
    if parsed.scratch:
        torch.manual_seed(seed)
        return scratch_model(parsed.scratch, tokenizer).train()
    from transformers import AutoModelForCausalLM

    with _clear_loading_errors(spec):
        model = AutoModelForCausalLM.from_pretrained(
            spec, dtype=torch.float32, use_safetensors=True, trust_remote_code=False
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


def add_lora(model: Any, *, rank: int, alpha: float | None, seed: int) -> Any:
    """The model with a LoRA adapter on all linear layers but the head; only the adapter trains."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    config = LoraConfig(
        r=rank, lora_alpha=alpha or 2 * rank, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    with warnings.catch_warnings():  # peft still asks transformers for an attribute by its old name
        warnings.simplefilter("ignore", FutureWarning)
        return get_peft_model(model, config)


def save_model(
    model: Any, tokenizer: Any, folder: Path, *, stop_ids: Sequence[int], chat_template: str
) -> None:
    """Write `folder` as any `transformers` model: it loads with `AutoModelForCausalLM` and stops at its EOS.

    A LoRA adapter is merged into the weights here, and kept beside them in `folder/../adapter` unless its
    base is a scratch model, which is nowhere to be loaded from.
    """
    from transformers.utils import logging

    logging.disable_progress_bar()
    if hasattr(model, "merge_and_unload"):
        if model.peft_config["default"].base_model_name_or_path:
            with _clear_saving_errors(folder.parent / "adapter"):
                model.save_pretrained(str(folder.parent / "adapter"), safe_serialization=True)
        model = model.merge_and_unload()
    tokenizer.chat_template = chat_template
    model.generation_config.eos_token_id = list(stop_ids) if len(stop_ids) > 1 else stop_ids[0]
    if model.generation_config.pad_token_id is None:
        pad = tokenizer.pad_token_id
        model.generation_config.pad_token_id = stop_ids[0] if pad is None else pad
    with _clear_saving_errors(folder):
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
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
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
    except (TypeError, ValueError, NotImplementedError, RuntimeError):
        proved = False
    finally:
        model.train(was_training)
    if not proved:
        base.set_attn_implementation(before)
    return proved


def decoder_of(model: Any) -> Any:
    """The part of a causal model below its head; under PEFT, with the adapter's layers in it."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    return base.base_model
