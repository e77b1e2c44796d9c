"""Finding, identifying and loading a model of this machine: a folder, a Hugging Face id, or a LoRA adapter.

Weights are read as safetensors only, and code that a model folder carries is never run.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.errors import ModelError

INSTALL = "pip install 'tunewright[train]'"

# Raised when the same weights would answer differently because our rendering or decoding changed.
_DECODING = "1"

_ANSWER_FILES = (  # every file of a model folder that can change an answer
    "*.safetensors",
    "*.safetensors.index.json",
    "config.json",
    "generation_config.json",
    "adapter_config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "spiece.model",
    "*.jinja",
)
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a model is: `base` a folder or a Hugging Face id, `adapter` a folder or None."""

    spec: str  # as the user wrote it
    base: str
    adapter: Path | None

    @classmethod
    def find(cls, spec: str, *, adapter: str | None = None) -> Checkpoint:
        """The checkpoint of a folder or id. A folder that is itself an adapter names its base.

        Raises ModelError for a folder that is missing or holds something else.
        """
        if adapter is None and (Path(spec) / "adapter_config.json").exists():
            config = json.loads((Path(spec) / "adapter_config.json").read_text(encoding="utf-8"))
            base = config.get("base_model_name_or_path")
            if not base:
                raise ModelError(f"adapter {spec!r} does not name its base model in adapter_config.json")
            adapter, base_of = spec, f"the base model of adapter {spec!r}, "
        else:
            base, base_of = spec, ""
        _check_place(base, base_of)
        if adapter is not None and not (Path(adapter) / "adapter_model.safetensors").exists():
            raise ModelError(
                f"adapter {adapter!r} has no adapter_model.safetensors; give the folder of a LoRA adapter"
            )
        return cls(spec=spec, base=base, adapter=None if adapter is None else Path(adapter))

    @property
    def tokenizer_source(self) -> str:
        """The adapter's folder when it carries a tokenizer, else the base."""
        if self.adapter is not None and (self.adapter / "tokenizer_config.json").exists():
            return str(self.adapter)
        return self.base

    def revision(self) -> str:
        """SHA-256 over all files that decide an answer, names included; of a hub id, over its commit.

        Reads the weights whole, for no cheaper sign is sure: about 0.7 seconds for each GB once they are
        in the disk's cache.
        """
        digest = hashlib.sha256(f"decoding {_DECODING}\n".encode())
        if Path(self.base).is_dir():
            _hash_folder(digest, Path(self.base))
        else:
            digest.update(f"commit {commit_of(self.base)}\n".encode())
        if self.adapter is not None:
            _hash_folder(digest, self.adapter)
        return digest.hexdigest()


@functools.cache
def commit_of(place: str) -> str:
    """The commit that a Hugging Face id stands for now; "main" for a folder, which has none.

    Found once per process, so that configuration, tokenizer, weights and revision are of one commit.
    """
    if Path(place).is_dir():
        return "main"
    with clear_errors(place):
        from transformers.utils.hub import cached_file

        # A file of the hub's cache lies in snapshots/COMMIT.
        return Path(cached_file(place, "config.json")).parent.name


def load_config(checkpoint: Checkpoint) -> Any:
    """The model's configuration, without its weights."""
    with clear_errors(checkpoint.base):
        from transformers import AutoConfig

        return AutoConfig.from_pretrained(
            checkpoint.base, trust_remote_code=False, revision=commit_of(checkpoint.base)
        )


def load_tokenizer(checkpoint: Checkpoint) -> Any:
    source = checkpoint.tokenizer_source
    with clear_errors(source):
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(source, trust_remote_code=False, revision=commit_of(source))


def load_model(checkpoint: Checkpoint, *, device: str, dtype: str) -> Any:
    """The causal language model in evaluation mode on the device, an adapter merged into it."""
    with clear_errors(checkpoint.base):
        import torch
        from transformers import AutoModelForCausalLM

        place = torch.device(device)
        model = AutoModelForCausalLM.from_pretrained(
            checkpoint.base,
            dtype=getattr(torch, dtype),
            use_safetensors=True,
            trust_remote_code=False,
            revision=commit_of(checkpoint.base),
        )
    if checkpoint.adapter is not None:
        with clear_errors(str(checkpoint.adapter)), warnings.catch_warnings():
            from peft import PeftModel

            # peft still asks transformers for an attribute by its old name.
            warnings.simplefilter("ignore", FutureWarning)
            model = PeftModel.from_pretrained(model, str(checkpoint.adapter)).merge_and_unload()
    return model.to(place).eval()


def device_and_dtype(device: str, dtype: str) -> tuple[str, str]:
    """`auto` resolved: a CUDA device when there is one, else the CPU; bfloat16 on CUDA, else float32."""
    import torch

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ModelError(f"device {device!r} is not there; use 'cpu' or 'auto'")
    if dtype == "auto":
        dtype = "bfloat16" if device.startswith("cuda") and torch.cuda.is_bf16_supported() else "float32"
    if dtype not in ("float32", "bfloat16", "float16"):
        raise ModelError(f"dtype {dtype!r}: use 'float32', 'bfloat16', 'float16' or 'auto'")
    return device, dtype


def context_tokens(config: Any, tokenizer: Any) -> int | None:
    """How many tokens, prompt and answer together, the model was made for; None when it does not say."""
    most = getattr(config.get_text_config(), "max_position_embeddings", None)
    if most is None and tokenizer.model_max_length < 10**9:  # transformers writes 10**30 for "unknown"
        most = tokenizer.model_max_length
    return most


def stop_ids(model: Any, tokenizer: Any) -> list[int]:
    """The tokens that end an answer: the generation config's, and the tokenizer's end of sequence."""
    named = getattr(model.generation_config, "eos_token_id", None)
    found = [named] if isinstance(named, int) else list(named or [])
    if tokenizer.eos_token_id is not None:
        found.append(tokenizer.eos_token_id)
    return list(dict.fromkeys(found))


def _check_place(place: str, what: str) -> None:
    path = Path(place)
    if path.exists() and not path.is_dir():
        raise ModelError(
            f"{what}model {place!r} is a file; give the folder that holds config.json and the weights"
        )
    if path.is_dir() and not (path / "config.json").exists():
        raise ModelError(f"{what}model folder {place!r} has no config.json; is it a transformers model?")
    if not path.exists() and (path.is_absolute() or place.startswith((".", "~")) or place.count("/") > 1):
        raise ModelError(f"{what}model folder {place!r} does not exist; use a folder or a Hugging Face id")


@contextlib.contextmanager
def clear_errors(place: str) -> Iterator[None]:
    """Whatever goes wrong in loading the model at `place` becomes a ModelError that names it."""
    try:
        from transformers.utils import logging

        logging.disable_progress_bar()
        logging.set_verbosity_error()  # its warning about long prompts is wrong here: they are refused
        yield
    except ImportError as error:
        raise ModelError(f"a model in this process needs {error.name or error}; {INSTALL}") from error
    except Exception as error:  # loading touches files, network and remote configs: name it once, clearly
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"model {place!r} cannot be loaded: {first_line}") from error


def _hash_folder(digest: Any, folder: Path) -> None:
    files = sorted({file for pattern in _ANSWER_FILES for file in folder.glob(pattern) if file.is_file()})
    for file in files:
        digest.update(f"{file.name} {file.stat().st_size}\n".encode())
        with file.open("rb") as opened:
            while chunk := opened.read(_CHUNK_BYTES):
                digest.update(chunk)
