"""How long the loop takes over many calls, what a call costs the client, and whether memory grows.

    python benchmarks/asking.py calls      5,000 calls, 64 at once, a loopback server that takes 200 ms
    python benchmarks/asking.py memory     1 k, 10 k, 100 k and 1 M requests, answered in this process at once

The server is the tests' own, in a process of its own, so that the client's CPU seconds are the client's.
Ideal time: calls × latency / calls at once. The bare SDK has a semaphore and keeps nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from tunewright.llm.ask import Asker
from tunewright.llm.config import AskConfig
from tunewright.llm.reply import Answer, Reply, Usage
from tunewright.llm.request import Message, Request

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

LATENCY_SECONDS = 0.2
AT_ONCE = 64


def requests(n: int) -> Iterator[Request]:
    for number in range(n):
        yield Request((Message("user", f"Rate record {number}: " + "some words of it " * 40),), max_tokens=64)


def serve(pipe: Connection) -> None:
    from support.hostile_server import HostileServer, good

    text = '{"reason": "' + "because it says so " * 8 + '", "score": 4}'
    with HostileServer(lambda call: good(text, delay_seconds=LATENCY_SECONDS)) as server:
        server.calls = _Forgetful()  # what it was asked is not looked at
        pipe.send(server.base_url)
        pipe.recv()


class _Forgetful(list):  # type: ignore[type-arg]
    def append(self, item: object) -> None:
        return None


def measure_calls(n: int) -> None:
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,))
    server.start()
    base_url = ours.recv()
    ideal = n * LATENCY_SECONDS / AT_ONCE
    print(f"{n:,} calls, {AT_ONCE} at once, {LATENCY_SECONDS * 1000:.0f} ms each: ideal {ideal:.2f} s\n")
    print("| client | wall s | of ideal | client CPU ms per call |\n| --- | --- | --- | --- |")
    import openai  # noqa: F401  -- half a second, once per process, of both

    for name, run in (("Asker", through_asker), ("bare openai SDK", through_sdk)):
        wall, cpu = run(base_url, n)
        print(f"| {name} | {wall:.2f} | {wall / ideal:.3f} | {cpu / n * 1000:.2f} |", flush=True)
    ours.send("stop")
    server.join()


def through_asker(base_url: str, n: int) -> tuple[float, float]:
    """Wall and CPU seconds of all of it: limits, journal, progress. The probe (six calls, once per endpoint)
    is over before."""
    with tempfile.TemporaryDirectory() as folder:
        config = AskConfig(model="openai:bench", base_url=base_url, concurrency=AT_ONCE)
        with Asker.open(config, folder) as asker:
            asker.ask(lambda: [Request((Message("user", "first"),))], len_of)
            wall, cpu = time.perf_counter(), time.process_time()
            totals = asker.ask(lambda: requests(n), len_of, total=n)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert totals.num_calls == n
    return wall, cpu


def len_of(reply: Reply) -> int:
    return len(reply.text)


def through_sdk(base_url: str, n: int) -> tuple[float, float]:
    import openai

    async def run() -> None:
        room = asyncio.Semaphore(AT_ONCE)
        async with openai.AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0) as client:

            async def one(request: Request) -> None:
                async with room:
                    await client.chat.completions.create(
                        model="bench",
                        messages=[{"role": "user", "content": request.messages[0].text}],
                        max_tokens=64,
                    )

            await asyncio.gather(*(one(request) for request in requests(n)))

    wall, cpu = time.perf_counter(), time.process_time()
    asyncio.run(run())
    return time.perf_counter() - wall, time.process_time() - cpu


class AtOnce:
    """Answers without waiting: what remains is the loop and the journal."""

    model, revision, batch_size, max_concurrency = "at-once", "1", 1, None

    async def answer(self, asked: Sequence[Request]) -> list[Answer]:
        return [Reply('{"score": 4}', "stop", Usage(170, 8), 0.0, raw="x" * 300) for _ in asked]

    async def close(self) -> None:
        return None


def measure_memory(sizes: Sequence[int]) -> None:
    print("| requests | seconds | µs per request | peak memory MiB |\n| --- | --- | --- | --- |")
    for size in sizes:
        words = [sys.executable, __file__, "one-memory", "--sizes", str(size)]
        subprocess.run(words, check=True)


def measure_one_memory(size: int) -> None:
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        config = AskConfig(model="at-once", concurrency=AT_ONCE)
        with Asker.open(config, folder, backend=AtOnce()) as asker:
            asker.ask(lambda: requests(size), len_of, total=size)
            assert sum(outcome.value == 12 for outcome in asker.outcomes(requests(size), len_of)) == size
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {size:,} | {seconds:.1f} | {seconds / size * 1e6:.0f} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["calls", "memory", "one-memory"])
    parser.add_argument("-n", type=int, default=5000, help="calls")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    options = parser.parse_args()
    if options.what == "calls":
        measure_calls(options.n)
    elif options.what == "memory":
        measure_memory(options.sizes)
    else:
        measure_one_memory(options.sizes[0])
