"""From a model's spec, `openai:gpt-x` or `hf:PATH`, to the backend that answers for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tunewright.errors import ModelError
from tunewright.llm.backend import Backend
from tunewright.llm.config import AskConfig
from tunewright.llm.journal import Journal

if TYPE_CHECKING:
    from tunewright.llm.endpoint import EndpointBackend


def open_backend(config: AskConfig) -> Backend:
    """The backend of `config.model`; nothing is loaded or connected before the first call.

    Raises ModelError for a spec that names no kind of backend.
    """
    kind, _, name = config.model.partition(":")
    make = _KINDS.get(kind)
    if make is None or not name:
        hint = f"hf:{config.model}" if Path(config.model).exists() else "openai:NAME"
        raise ModelError(
            f"the model '{config.model}' does not say who answers; write one of "
            f"{', '.join(f'{known}:…' for known in _KINDS)}, here probably {hint}"
        )
    return make(name, config)


def recall_honours(backend: Backend, journal: Journal) -> bool:
    """Tell the backend what is known of its endpoint; False when that has to be found out first.

    Other kinds of backend honour what they promise: there is nothing to find out.
    """
    from tunewright.llm.endpoint import EndpointBackend
    from tunewright.llm.probe import Honours

    if not isinstance(backend, EndpointBackend):
        return True
    known = journal.fact(_name_of_honours(backend))
    if known is not None:
        backend.honours = Honours.from_row(json.loads(known))
    return known is not None


async def find_honours(backend: Backend, journal: Journal) -> list[str]:
    """Find out what the endpoint honours, tell the backend, and say it in lines for people.

    It is remembered for this endpoint and model, unless a moment of trouble left something open.
    """
    from tunewright.llm.endpoint import EndpointBackend
    from tunewright.llm.probe import probe

    assert isinstance(backend, EndpointBackend), "only endpoints have to be probed"
    honours = await probe(backend)
    if honours.is_certain:
        journal.set_fact(_name_of_honours(backend), json.dumps(honours.to_row()))
    return honours.describe()


def _name_of_honours(backend: EndpointBackend) -> str:
    return f"honours {backend.model} at {backend.base_url}"


def _endpoint(name: str, config: AskConfig) -> Backend:
    from tunewright.llm.endpoint import EndpointBackend

    return EndpointBackend(
        name, base_url=config.base_url, revision=config.revision, deadline_seconds=config.deadline_seconds
    )


def _local(name: str, config: AskConfig) -> Backend:
    from tunewright.llm.local import LocalBackend

    return LocalBackend(name, batch_size=config.batch_size)


def _vllm(name: str, config: AskConfig) -> Backend:
    from tunewright.llm.vllm import VllmBackend

    return VllmBackend(name)


def _batch(name: str, config: AskConfig) -> Backend:
    from tunewright.llm.batch_file import BatchFileBackend

    if config.batch_model is None:
        raise ModelError(f"a batch file names its model: add --batch-model NAME to --model {config.model}")
    return BatchFileBackend(name, model_name=config.batch_model, revision=config.revision)


def _scripted(name: str, config: AskConfig) -> Backend:
    from tunewright.llm.scripted import ScriptedBackend

    return ScriptedBackend(name)


_KINDS: dict[str, Callable[[str, AskConfig], Backend]] = {
    "openai": _endpoint,
    "hf": _local,
    "vllm": _vllm,
    "batch": _batch,
    "scripted": _scripted,
}
