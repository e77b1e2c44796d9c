"""Random models on disk and real small ones beside the repository, for the tests of the local backend."""

from __future__ import annotations

import asyncio
import contextlib
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.utils import logging

from tunewright.llm.local import LocalBackend
from tunewright.llm.reply import Answer, Reply
from tunewright.llm.request import Message, Request

MODELS = Path(__file__).resolve().parents[2].parent / "shared" / "models"

torch.set_num_threads(1)  # the same sums on any machine load


def random_llama(folder: Path, tokenizer: Any, *, context: int = 1024, seed: int = 0) -> Path:
    """A two-layer Llama with random weights and more outputs than tokens, saved with its tokenizer."""
    logging.disable_progress_bar()
    torch.manual_seed(seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=max(tokenizer.get_vocab().values()) + 4,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            intermediate_size=48,
            max_position_embeddings=context,
            initializer_range=0.2,  # so that the next token is not a matter of the last digits
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=None,
        )
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def real_model(name: str) -> Path:
    if not (MODELS / name).exists():
        pytest.skip(f"the model {name} is not beside the repository")
    return MODELS / name


def on_cpu(path: str | Path, **settings: Any) -> LocalBackend:
    """A backend on the CPU also where there is a GPU: the tests' equalities hold there."""
    return LocalBackend(path, **({"device": "cpu"} | settings))


def asking(text: str, **settings: Any) -> Request:
    return Request((Message("user", text),), **({"max_tokens": 24} | settings))


def answers(backend: LocalBackend, requests: Sequence[Request]) -> list[Answer]:
    return asyncio.run(backend.answer(requests))


def replies(backend: LocalBackend, requests: Sequence[Request]) -> list[Reply]:
    found = answers(backend, requests)
    assert all(isinstance(one, Reply) for one in found), found
    return [one for one in found if isinstance(one, Reply)]


@contextlib.contextmanager
def quiet_peft() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield
