"""A model in this process under vLLM, where that is installed (a CUDA machine).

Prompts are rendered here, as for `hf:`, and sent as token ids. Written against the vLLM 0.12 API
(`LLM.generate`, `StructuredOutputsParams`). It has run only against a stand-in, never against vLLM itself.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunewright.errors import ModelError
from tunewright.llm.prompt import Prompt, Unaskable, prompt_of, room_for_answer
from tunewright.llm.reply import Answer, Finish, Refused, Reply, TokenLogprob, Usage
from tunewright.llm.request import Request
from tunewright.llm.weights import (
    Checkpoint,
    clear_errors,
    commit_of,
    context_tokens,
    load_config,
    load_tokenizer,
)

INSTALL = "pip install 'vllm>=0.12' on a machine with a CUDA GPU, or use hf:PATH"
_FINISHES: dict[str | None, Finish] = {"stop": "stop", "length": "length"}
_SEED_BITS = 31  # what every version takes


class VllmBackend:
    """Answers with vLLM: a folder or a Hugging Face id; a LoRA adapter must be merged first.

    vLLM forms its own batches, so one call takes many requests; which of them run together moves its numbers
    in their last digits, and a reply with them now and then. Log probabilities are vLLM's `raw_logprobs`: of
    the model's own distribution, before the grammar, unlike those of `hf:`.
    """

    max_concurrency = 1

    def __init__(self, path_or_id: str | Path, *, batch_size: int = 256, **engine_arguments: Any) -> None:
        self.batch_size = batch_size
        self._path_or_id = str(path_or_id)
        self._engine_arguments = engine_arguments  # passed to vllm.LLM, e.g. tensor_parallel_size
        self._checkpoint = Checkpoint.find(self._path_or_id)
        if self._checkpoint.adapter is not None:
            raise ModelError(f"{self.model} is a LoRA adapter; merge it into its base model, or use hf:PATH")

    @property
    def model(self) -> str:
        return f"vllm:{self._path_or_id}"

    @functools.cached_property
    def revision(self) -> str:
        """SHA-256 of the weights and tokenizer; see `Checkpoint.revision`."""
        return self._checkpoint.revision()

    def count_tokens(self, request: Request) -> int:
        """The tokens of the request's prompt, exactly. Raises ModelError for messages it cannot take."""
        try:
            return len(prompt_of(self._tokenizer, request.messages).ids)
        except Unaskable as problem:
            raise ModelError(f"{self.model}: {problem}") from None

    async def answer(self, requests: Sequence[Request]) -> list[Answer]:
        """One Reply or Refused per request."""
        return await asyncio.to_thread(self._answer, requests)

    async def close(self) -> None:
        """Lets go of the engine."""
        self.__dict__.pop("_engine", None)

    def _answer(self, requests: Sequence[Request]) -> list[Answer]:
        started = time.perf_counter()
        answers: dict[int, Answer] = {}
        asked: list[tuple[int, Prompt, Any]] = []
        for number, request in enumerate(requests):
            try:
                prompt = prompt_of(self._tokenizer, request.messages)
                asked.append((number, prompt, self._sampling(request, prompt)))
            except Unaskable as problem:
                answers[number] = Refused(str(problem))
        outputs = self._generate([(prompt, sampling) for _, prompt, sampling in asked])
        seconds = time.perf_counter() - started
        for (number, prompt, _), output in zip(asked, outputs, strict=True):
            answers[number] = (
                output
                if isinstance(output, Refused)
                else self._reply(requests[number], prompt, output, seconds)
            )
        return [answers[number] for number in range(len(requests))]

    def _generate(self, asked: Sequence[tuple[Prompt, Any]]) -> list[Any]:
        """vLLM's completion per prompt, or Refused. One request that vLLM does not take fails its whole call,
        so after a failure they are asked one by one."""
        if not asked:
            return []
        engine = self._engine  # made outside the try: its errors are not about a request
        try:
            outputs = engine.generate(
                [{"prompt_token_ids": list(prompt.ids)} for prompt, _ in asked],
                [sampling for _, sampling in asked],
                use_tqdm=False,
            )
        except ValueError as error:
            if len(asked) == 1:
                return [Refused(f"vLLM does not take this request: {error}")]
            return [completion for one in asked for completion in self._generate([one])]
        return [output.outputs[0] for output in outputs]

    def _sampling(self, request: Request, prompt: Prompt) -> Any:
        room = room_for_answer(prompt, context_tokens(self._config, self._tokenizer), needed_tokens=1)
        key = request.key(model="", revision=self.revision)
        structured = {}
        if request.schema is not None:
            parameters = self._vllm("vllm.sampling_params").StructuredOutputsParams
            structured["structured_outputs"] = parameters(json=dict(request.schema))
        return self._vllm("vllm").SamplingParams(
            temperature=request.temperature,
            top_p=request.top_p,
            max_tokens=request.max_tokens if room is None else min(request.max_tokens, room),
            seed=int(key, 16) % 2**_SEED_BITS,
            logprobs=request.top_logprobs or None,
            **structured,
        )

    def _reply(self, request: Request, prompt: Prompt, completion: Any, seconds: float) -> Reply:
        token_ids = list(completion.token_ids)
        raw = {
            "text": completion.text,
            "finish": completion.finish_reason,
            "token_ids": token_ids,
            "rendering": prompt.rendering,
        }
        logprobs = None
        if request.top_logprobs and completion.logprobs is not None:
            logprobs = tuple(
                _token_logprob(token, at_place, request.top_logprobs)
                for token, at_place in zip(token_ids, completion.logprobs, strict=True)
            )
        return Reply(
            text=completion.text,
            finish=_FINISHES.get(completion.finish_reason, "other"),
            usage=Usage(prompt_tokens=len(prompt.ids), output_tokens=len(token_ids)),
            seconds=seconds,
            raw=json.dumps(raw, ensure_ascii=False),
            model=self.model,
            logprobs=logprobs,
        )

    @functools.cached_property
    def _config(self) -> Any:
        return load_config(self._checkpoint)

    @functools.cached_property
    def _tokenizer(self) -> Any:
        return load_tokenizer(self._checkpoint)

    @functools.cached_property
    def _engine(self) -> Any:
        make = self._vllm("vllm").LLM
        revision = {} if Path(self._path_or_id).is_dir() else {"revision": commit_of(self._path_or_id)}
        with clear_errors(self._path_or_id):
            return make(
                model=self._path_or_id,
                trust_remote_code=False,
                load_format="safetensors",
                **revision,
                **self._engine_arguments,
            )

    def _vllm(self, module: str) -> Any:
        try:
            return importlib.import_module(module)
        except ImportError as error:
            raise ModelError(f"{self.model} needs vLLM: {INSTALL}") from error


def _token_logprob(token: int, at_place: Any, num_top: int) -> TokenLogprob:
    """vLLM gives {token id: Logprob} per place: the likeliest tokens, and the chosen one if it is not among
    them."""
    ranked = sorted(at_place.values(), key=lambda one: -one.logprob)[:num_top]
    chosen = at_place[token]
    return TokenLogprob(
        chosen.decoded_token or "",
        chosen.logprob,
        tuple((one.decoded_token or "", one.logprob) for one in ranked),
    )
