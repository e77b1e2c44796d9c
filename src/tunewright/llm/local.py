"""A model in this process: batched, on the CPU or a GPU, held to the request's JSON schema while it writes.

    backend = LocalBackend("models/judge", batch_size=16)

Loading is lazy: the configuration and the tokenizer with the first count or key, the weights with the first
answer. A reply is decided by its request, the weights and the batch it is in; on the CPU in float32 the other
rows of the batch move the model's numbers in their last digits only, which seldom shows in a reply.
"""

from __future__ import annotations

import asyncio
import functools
import json
import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tunewright.errors import ModelError
from tunewright.llm.decoding import Interrupted, Row, decode, rows_that_fit
from tunewright.llm.grammar import Grammars
from tunewright.llm.prompt import Prompt, Unaskable, prompt_of, room_for_answer
from tunewright.llm.reply import Answer, Broken, Refused, Reply, TokenLogprob, Usage
from tunewright.llm.request import Request
from tunewright.llm.weights import (
    INSTALL,
    Checkpoint,
    context_tokens,
    device_and_dtype,
    load_config,
    load_model,
    load_tokenizer,
    stop_ids,
)


class LocalBackend:
    """Answers with a `transformers` causal model: a folder, a Hugging Face id, or the folder of an adapter.

    `device` is `auto` (CUDA when there is one), `cpu`, `cuda` or `cuda:N`; `dtype` is `auto` (bfloat16 on
    CUDA, else float32) or a name. Of the model's generation config only the stop tokens count: temperature
    and top-p are the request's. Log probabilities are of what the grammar leaves, renormalised (what a score
    among allowed scores needs), before temperature and top-p; the token that ends the answer is left out.
    """

    known_as = "hf"  # in the key of a reply: its revision is made of the weights, wherever they lie
    max_concurrency = 1

    def __init__(
        self,
        path_or_id: str | Path,
        *,
        batch_size: int = 8,
        device: str = "auto",
        dtype: str = "auto",
        adapter: str | Path | None = None,
    ) -> None:
        if batch_size < 1:
            raise ModelError(f"batch_size is {batch_size}; use 1 or more")
        self.batch_size = batch_size
        self._path_or_id = str(path_or_id)
        self._device, self._dtype = device, dtype
        self._checkpoint = Checkpoint.find(
            self._path_or_id, adapter=None if adapter is None else str(adapter)
        )
        self._loaded: tuple[Any, Grammars, list[int]] | None = None

    @property
    def model(self) -> str:
        return f"hf:{self._path_or_id}"

    @functools.cached_property
    def revision(self) -> str:
        """SHA-256 of the weights, tokenizer and settings; see `Checkpoint.revision`. A dtype other than
        `auto` is added to it."""
        revision = self._checkpoint.revision()
        return revision if self._dtype == "auto" else f"{revision}-{self._dtype}"

    def count_tokens(self, request: Request) -> int:
        """The tokens of the request's prompt, exactly as they are sent. Needs the tokenizer only.

        Raises ModelError for messages that cannot be put to this model.
        """
        try:
            return len(self._prompt(request).ids)
        except Unaskable as problem:
            raise ModelError(f"{self.model}: {problem}") from None

    async def answer(self, requests: Sequence[Request]) -> list[Answer]:
        """One Reply or Refused per request; they share one batch. A cancelled call ends within a token."""
        interrupt = threading.Event()
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._worker, self._answer, requests, interrupt)
        except asyncio.CancelledError:
            interrupt.set()
            raise

    async def close(self) -> None:
        """Lets go of the weights; a later answer would load them again."""
        self._loaded = None
        if "_worker" in self.__dict__:
            self._worker.shutdown()
            del self._worker

    @functools.cached_property
    def _worker(self) -> ThreadPoolExecutor:
        """The one thread that computes: CUDA libraries keep what they have prepared per thread."""
        return ThreadPoolExecutor(1, thread_name_prefix="model")

    def _answer(self, requests: Sequence[Request], interrupt: threading.Event) -> list[Answer]:
        started = time.perf_counter()
        self._load()
        assert self._loaded is not None
        model, grammars, ends = self._loaded
        answers: dict[int, Answer] = {}
        asked: dict[int, tuple[Row, Prompt]] = {}
        for number, request in enumerate(requests):
            try:
                prompt = self._prompt(request)
                asked[number] = self._row(request, prompt, grammars), prompt
            except Unaskable as problem:
                answers[number] = Refused(str(problem))
        rows = [row for row, _ in asked.values()]
        if rows:
            try:
                for group in rows_that_fit(rows, self._widest()):
                    decode(model, group, stop_ids=ends, interrupt=interrupt)
            except Interrupted:
                return []  # nobody waits for it any more
            except (MemoryError, RuntimeError) as error:
                if "memory" not in str(error).lower() and not isinstance(error, MemoryError):
                    raise
                raise self._out_of_memory(len(rows)) from error
        seconds = time.perf_counter() - started
        for number, (row, prompt) in asked.items():
            answers[number] = self._reply(requests[number], row, prompt, seconds)
        return [answers[number] for number in range(len(requests))]

    def _widest(self) -> int | None:
        """The most columns of a batch, padding included: with rotary positions there is no such limit."""
        if getattr(self._config, "rope_parameters", None):
            return None
        return context_tokens(self._config, self._tokenizer)

    def _row(self, request: Request, prompt: Prompt, grammars: Grammars) -> Row:
        constraint = None if request.schema is None else grammars.start(request.schema)
        shortest = 1 if constraint is None else max(1, constraint.shortest_tokens or 1)
        context = context_tokens(self._config, self._tokenizer)
        room = room_for_answer(prompt, context, needed_tokens=shortest)
        # The model's name is left out: the same weights draw the same wherever they lie.
        key = request.key(model="", revision=self.revision)
        return Row(
            prompt=prompt.ids,
            max_tokens=request.max_tokens if room is None else min(request.max_tokens, room),
            temperature=request.temperature,
            top_p=request.top_p,
            top_logprobs=request.top_logprobs,
            stream=random.Random(int(key, 16)),  # the reply does not depend on its neighbours' luck
            constraint=constraint,
        )

    def _reply(self, request: Request, row: Row, prompt: Prompt, seconds: float) -> Reply | Broken:
        assert self._loaded is not None
        assert row.finish is not None
        grammars = self._loaded[1]
        if row.constraint is None:
            text = self._tokenizer.decode(row.tokens, skip_special_tokens=True)
        else:  # the very bytes that the grammar has seen; a tokenizer's own decoder may tidy spaces
            text = grammars.bytes_of(row.tokens).decode("utf-8", errors="replace")
        raw = {
            "text": text,
            "finish": row.finish,
            "token_ids": row.tokens,
            "rendering": prompt.rendering,
            "forced_tokens": 0 if row.constraint is None else row.constraint.num_forced,
            "chosen_tokens": 0 if row.constraint is None else row.constraint.num_chosen,
        }
        if row.constraint is not None and row.constraint.problem:
            return Broken(row.constraint.problem, raw=json.dumps(raw, ensure_ascii=False))
        logprobs = None
        if request.top_logprobs:
            logprobs = tuple(
                TokenLogprob(self._name(token), own, tuple((self._name(one), value) for one, value in top))
                for token, (own, top) in zip(row.tokens, row.logprobs, strict=True)
            )
        return Reply(
            text=text,
            finish=row.finish,
            usage=Usage(prompt_tokens=len(prompt.ids), output_tokens=row.num_written),
            seconds=seconds,
            raw=json.dumps(raw, ensure_ascii=False),
            model=self.model,
            logprobs=logprobs,
        )

    def _name(self, token: int) -> str:
        """The token's text with its spaces; a special token's name; parts of a character as �."""
        assert self._loaded is not None
        piece = self._loaded[1].pieces[token]
        if piece:
            return piece.decode("utf-8", errors="replace")
        return str(self._tokenizer.convert_ids_to_tokens(token) or "")

    def _out_of_memory(self, num_rows: int) -> ModelError:
        what_to_do = (
            "lower --batch-size"
            if num_rows > 1
            else "shorten the prompts, lower max_tokens or use a smaller model"
        )
        return ModelError(f"{self.model} ran out of memory with {num_rows} answers at a time; {what_to_do}")

    def _prompt(self, request: Request) -> Prompt:
        return prompt_of(self._tokenizer, request.messages)

    @functools.cached_property
    def _config(self) -> Any:
        return load_config(self._checkpoint)

    @functools.cached_property
    def _tokenizer(self) -> Any:
        return load_tokenizer(self._checkpoint)

    def _load(self) -> None:
        if self._loaded is not None:
            return
        device, dtype = device_and_dtype(self._device, self._dtype)
        model = load_model(self._checkpoint, device=device, dtype=dtype)
        ends = stop_ids(model, self._tokenizer)
        if not ends:
            raise ModelError(f"{self.model} names no end-of-sequence token; its answers could never end")
        width = model.get_output_embeddings().weight.shape[0]
        highest = max(self._tokenizer.get_vocab().values())
        if highest >= width:
            raise ModelError(
                f"{self.model}: the tokenizer has a token {highest}, the model only {width} outputs"
            )
        try:
            grammars = Grammars(self._tokenizer, num_tokens=width, stop_ids=ends)
        except ImportError as error:
            raise ModelError(f"a model in this process needs {error.name}; {INSTALL}") from error
        self._loaded = model, grammars, ends
