"""The vLLM backend against a stand-in with the shapes of vLLM's API; vLLM itself needs a CUDA machine."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from llm.local_models import asking, quiet_peft, random_llama
from support.tiny_models import STYLES
from tunewright.errors import ModelError
from tunewright.llm.reply import Answer, Refused, Reply
from tunewright.llm.request import Request
from tunewright.llm.vllm import VllmBackend

RATING = {"type": "object", "properties": {"score": {"enum": [0, 1]}}, "required": ["score"]}


@dataclass
class StructuredOutputsParams:
    json: Any = None


@dataclass
class SamplingParams:
    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int | None = 16
    seed: int | None = None
    logprobs: int | None = None
    structured_outputs: StructuredOutputsParams | None = None


@dataclass
class LLM:
    """Echoes the number of prompt tokens; takes no schema with "not", as a whole call, like vLLM."""

    arguments: dict[str, Any]
    calls: list[tuple[list[Any], list[SamplingParams]]] = field(default_factory=list)

    def generate(self, prompts: list[Any], sampling: list[SamplingParams], *, use_tqdm: bool) -> list[Any]:
        assert not use_tqdm
        self.calls.append((prompts, sampling))
        if any(one.structured_outputs and "not" in one.structured_outputs.json for one in sampling):
            raise ValueError("Grammar does not support 'not'")
        return [self._output(*both) for both in zip(prompts, sampling, strict=True)]

    def _output(self, prompt: dict[str, list[int]], sampling: SamplingParams) -> Any:
        likely = SimpleNamespace(logprob=-0.1, rank=1, decoded_token="yes")
        chosen = SimpleNamespace(logprob=-3.0, rank=7, decoded_token=" no")
        completion = SimpleNamespace(
            text=f"{len(prompt['prompt_token_ids'])} no",
            token_ids=(5, 6),
            finish_reason="length" if sampling.max_tokens == 2 else "stop",
            logprobs=[{5: likely}, {6: chosen, 5: likely}] if sampling.logprobs else None,
        )
        return SimpleNamespace(outputs=[completion])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_llama(tmp_path_factory.mktemp("models") / "llama", STYLES["chatml"](), context=64)


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[LLM]:
    """The engines that were made, with vLLM replaced by the stand-in."""
    made: list[LLM] = []

    def make(**arguments: Any) -> LLM:
        made.append(LLM(arguments))
        return made[-1]

    package, parameters = ModuleType("vllm"), ModuleType("vllm.sampling_params")
    package.__dict__.update(LLM=make, SamplingParams=SamplingParams)
    parameters.__dict__.update(StructuredOutputsParams=StructuredOutputsParams)
    monkeypatch.setitem(sys.modules, "vllm", package)
    monkeypatch.setitem(sys.modules, "vllm.sampling_params", parameters)
    return made


def answers(backend: VllmBackend, requests: Sequence[Request]) -> list[Answer]:
    return asyncio.run(backend.answer(requests))


def test_a_request_becomes_prompt_tokens_and_sampling_parameters(folder: Path, engines: list[LLM]) -> None:
    backend = VllmBackend(folder, tensor_parallel_size=2)
    request = asking("Hi", temperature=0.7, top_p=0.9, max_tokens=9, top_logprobs=2, schema=RATING)
    (reply,) = answers(backend, [request])
    (engine,) = engines
    assert engine.arguments == {
        "model": str(folder),
        "trust_remote_code": False,
        "load_format": "safetensors",
        "tensor_parallel_size": 2,
    }
    ((prompt,), (sampling,)) = engine.calls[0]
    assert len(prompt["prompt_token_ids"]) == backend.count_tokens(request)
    seed = int(request.key(model="", revision=backend.revision), 16) % 2**31
    assert sampling == SamplingParams(0.7, 0.9, 9, seed, 2, StructuredOutputsParams(RATING))
    assert isinstance(reply, Reply)
    assert reply.text == f"{backend.count_tokens(request)} no"
    assert reply.usage.output_tokens == 2
    assert reply.logprobs is not None
    assert [one.token for one in reply.logprobs] == ["yes", " no"]
    assert reply.logprobs[1].top == (("yes", -0.1), (" no", -3.0))


def test_samples_have_seeds_of_their_own_and_a_cut_reply_says_so(folder: Path, engines: list[LLM]) -> None:
    got = answers(VllmBackend(folder), [asking("Hi", sample=n, max_tokens=2) for n in range(3)])
    assert len({sampling.seed for sampling in engines[0].calls[0][1]}) == 3
    assert [reply.finish for reply in got if isinstance(reply, Reply)] == ["length"] * 3


def test_a_request_that_vllm_does_not_take_is_refused_alone(folder: Path, engines: list[LLM]) -> None:
    fine, odd, long = asking("Hi"), asking("Hi", schema={"not": {}}), asking("word " * 200)
    first, refused, too_long, last = answers(VllmBackend(folder), [fine, odd, long, fine])
    assert isinstance(first, Reply)
    assert isinstance(refused, Refused)
    assert "does not support 'not'" in refused.problem
    assert isinstance(too_long, Refused)
    assert "context is 64" in too_long.problem
    assert isinstance(last, Reply)
    assert len(engines[0].calls) == 4  # all together, then one by one


def test_an_answer_has_no_more_tokens_than_the_context_leaves(folder: Path, engines: list[LLM]) -> None:
    backend = VllmBackend(folder)
    answers(backend, [asking("Hi", max_tokens=1000)])
    assert engines[0].calls[0][1][0].max_tokens == 64 - backend.count_tokens(asking("Hi"))


def test_without_vllm_the_message_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    monkeypatch.setitem(sys.modules, "vllm.sampling_params", None)
    with pytest.raises(ModelError, match=r"needs vLLM: pip install 'vllm"):
        answers(VllmBackend(folder), [asking("Hi")])


def test_an_engine_that_does_not_start_is_reported(folder: Path, engines: list[LLM]) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("No CUDA GPUs are available\nmore")

    sys.modules["vllm"].__dict__["LLM"] = fail
    with pytest.raises(ModelError, match="cannot be loaded: No CUDA GPUs are available"):
        answers(VllmBackend(folder), [asking("Hi")])


def test_an_adapter_is_not_taken(folder: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    with quiet_peft():
        model = AutoModelForCausalLM.from_pretrained(folder)
        get_peft_model(model, LoraConfig(target_modules="all-linear")).save_pretrained(str(tmp_path))
    with pytest.raises(ModelError, match="LoRA adapter; merge it"):
        VllmBackend(tmp_path)


def test_a_closed_backend_lets_go_of_its_engine(folder: Path, engines: list[LLM]) -> None:
    backend = VllmBackend(folder)
    answers(backend, [asking("Hi")])
    asyncio.run(backend.close())
    answers(backend, [asking("Hi")])
    assert len(engines) == 2
