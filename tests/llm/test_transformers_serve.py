"""Against a real server: `transformers serve --continuous-batching` with a tiny random model, offline."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.hostile_server import unused_port
from support.tiny_models import chatml
from tunewright.errors import ModelError
from tunewright.llm.endpoint import EndpointBackend
from tunewright.llm.probe import Honours, probe
from tunewright.llm.reply import Answer, Reply
from tunewright.llm.request import Message, Request

_START_SECONDS = 180.0
_MISSING = [name for name in ("fastapi", "uvicorn") if importlib.util.find_spec(name) is None]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(_MISSING), reason=f"transformers serve needs {' and '.join(_MISSING)}"),
]


@dataclass(frozen=True)
class Served:
    base_url: str
    model: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    model = str(make_model(folder / "tiny"))
    with unused_port() as port:
        pass
    log = folder / "server.log"
    environment = os.environ | {
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(folder / "home"),
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }
    command = [str(Path(sys.executable).with_name("transformers")), "serve", model, "--host", "127.0.0.1"]
    command += ["--port", str(port), "--device", "cpu", "--continuous-batching"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}/health", server, log)
        yield Served(f"http://127.0.0.1:{port}/v1", model)
    finally:
        stop(server)


def make_model(folder: Path) -> Path:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    tokenizer = chatml()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def wait_until_healthy(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if server.poll() is not None:
            pytest.fail(
                f"the server ended with {server.returncode}:\n{log.read_text(errors='replace')[-3000:]}"
            )
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    pytest.fail(f"no answer from the server:\n{end_of(log)}")


def end_of(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-3000:]


def stop(server: subprocess.Popen[bytes]) -> None:
    """Terminate, then kill, the whole process group; nothing may outlive the test."""
    for how in (15, 9):
        try:
            os.killpg(server.pid, how)
        except ProcessLookupError:
            break
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            continue
    server.wait(timeout=10)


def ask(served: Served, *requests: Request) -> list[Answer]:
    async def asked() -> list[Answer]:
        backend = EndpointBackend(served.model, base_url=served.base_url)
        try:
            answers = await asyncio.gather(*(backend.answer([request]) for request in requests))
        finally:
            await backend.close()
        return [answer for (answer,) in answers]

    return asyncio.run(asked())


def test_sixteen_questions_at_once_are_all_answered(served: Served) -> None:
    requests = [Request(messages=(Message("user", f"Name {n} rivers."),), max_tokens=8) for n in range(16)]
    answers = ask(served, *requests)
    assert all(isinstance(answer, Reply) for answer in answers), answers
    for answer in answers:
        assert isinstance(answer, Reply)
        assert answer.usage.prompt_tokens > 0
        assert not answer.usage.is_estimated
        assert answer.usage.output_tokens <= 8


def test_a_greedy_reply_comes_again(served: Served) -> None:
    request = Request(messages=(Message("user", "Say hello."),), max_tokens=12)
    (first,), (again,) = ask(served, request), ask(served, request)
    assert isinstance(first, Reply)
    assert isinstance(again, Reply)
    assert first.text == again.text
    assert first.finish == again.finish


def test_the_probe_finds_out_what_the_server_ignores_without_a_word(served: Served) -> None:
    async def probed() -> Honours:
        backend = EndpointBackend(served.model, base_url=served.base_url)
        try:
            return await probe(backend)
        finally:
            await backend.close()

    honours = asyncio.run(probed())
    assert honours.schema.verdict == "no"
    assert honours.describe()[0].startswith("schema: ignored (HTTP 200, plain text came back)")
    assert (honours.n.verdict, honours.n.how) == ("no", "asked for 2, 1 came")
    assert (honours.logprobs.verdict, honours.logprobs.how) == ("no", "HTTP 200, none came")


def test_a_model_it_does_not_have_ends_the_run(served: Served) -> None:
    with pytest.raises(ModelError, match=r"pinned to .*; requested 'no/such-model'"):
        ask(Served(served.base_url, "no/such-model"), Request(messages=(Message("user", "x"),)))
