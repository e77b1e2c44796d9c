"""An OpenAI-compatible server on loopback that misbehaves exactly as a test says.

Written on bare asyncio, because a framework would not let a test cut a body in the middle or close the socket
before the headers. One thread, no tasks: it answers several thousand calls a second, so it also serves
as the other side of a measurement.

    def behaviour(call: Call) -> Act:
        return too_many("1") if call.times_seen == 0 else good(f"echo: {call.text}")

    with HostileServer(behaviour) as server:
        ... ask server.base_url ...
    assert server.num_calls == 2
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal

import orjson

Way = Literal["whole", "drip", "endless", "close before", "close midway", "never", "raw"]
_BLOCK = b" " * 65_536


@dataclass(frozen=True, slots=True)
class Call:
    """One POST as it arrived. `number` counts from 0; `times_seen`: how often this very body came before.

    `at_once` is how many calls, this one included, were open when it arrived; `at_seconds` is
    `time.monotonic()`.
    """

    number: int
    body: dict[str, Any]
    times_seen: int
    path: str
    headers: dict[str, str]  # lower-case names
    at_seconds: float
    at_once: int

    @property
    def text(self) -> str:
        """The last message's text."""
        return str(self.body["messages"][-1]["content"])


@dataclass(frozen=True, slots=True)
class Act:
    """What the server does with a call.

    `body` is sent as it is (bytes) or as JSON; None means a good completion made of `text` (None: the last
    message's text in capitals). `way`: "drip" sends the head and then one byte of the body every
    `drip_seconds`; "endless" a body that never ends; "close before" closes the socket without an answer;
    "close midway" after half of the body; "never" keeps silent; "raw" sends the bytes of `body` without any
    head and closes.
    """

    text: str | None = None
    status: int = 200
    body: bytes | dict[str, Any] | None = None
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str | None = "application/json"
    delay_seconds: float = 0.0
    way: Way = "whole"
    drip_seconds: float = 0.05
    finish: str = "stop"
    logprobs: dict[str, Any] | None = None
    usage: bool = True


def good(text: str | None = None, **more: Any) -> Act:
    """A good completion; without a text it answers with the last message in capitals."""
    return Act(text, **more)


def failing(status: int, message: str = "the server is unwell", **error: Any) -> Act:
    """An OpenAI-style error body with this status: `code`, `type` and `param` go into it."""
    return Act(status=status, body={"error": {"message": message, **error}})


def too_many(retry_after: str | None = None, *, header: str = "retry-after", status: int = 429) -> Act:
    """429 (or another status) with the given header, e.g. "2", an HTTP date, or `retry-after-ms`."""
    headers = () if retry_after is None else ((header, retry_after),)
    body = {"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}}
    return Act(status=status, body=body, headers=headers)


def completion(text: str | None, *, model: str = "hostile", **message: Any) -> dict[str, Any]:
    """The body of a good completion, to be spoilt by a test. `message` adds to or replaces in the message."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, **message},
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12},
    }


def in_turn(*acts: Act) -> Callable[[Call], Act]:
    """The first time a body is seen the first act, then the second, …; the last for ever."""
    return lambda call: acts[min(call.times_seen, len(acts) - 1)]


Behaviour = Callable[[Call], Act]


@dataclass
class HostileServer:
    """Runs between `with` and its end, in a thread of its own. An error in `behaviour` is raised at the end.

    `models` is what GET /v1/models lists; None makes it fail with 500, as one real server does.
    """

    behaviour: Behaviour
    models: Sequence[str] | None = ("hostile",)
    calls: list[Call] = field(default_factory=list)
    max_at_once: int = 0
    num_connections: int = 0
    num_bytes_sent: int = 0  # of endless bodies
    failure: BaseException | None = None
    read_json: Callable[[bytes], dict[str, Any]] = orjson.loads

    def __enter__(self) -> HostileServer:
        self._open: set[_Connection] = set()
        self._seen: Counter[bytes] = Counter()
        self._at_once = 0
        self._loop = asyncio.new_event_loop()
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = int(listener.getsockname()[1])
        self._server = self._loop.run_until_complete(
            self._loop.create_server(lambda: _Connection(self), sock=listener)
        )
        self._thread = threading.Thread(target=self._loop.run_forever, name="hostile server", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()
        if self.failure is not None:
            raise AssertionError("the behaviour of the hostile server failed") from self.failure

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def num_calls(self) -> int:
        return len(self.calls)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [call.body for call in self.calls]

    async def _stop(self) -> None:
        self._server.close()
        for connection in list(self._open):
            connection.abort()
        await self._server.wait_closed()
        await asyncio.sleep(0)  # lets aborted transports close their sockets

    def receive(self, path: str, headers: dict[str, str], raw: bytes) -> tuple[Call, Act]:
        self._at_once += 1
        self.max_at_once = max(self.max_at_once, self._at_once)
        times_seen = self._seen[raw]
        self._seen[raw] += 1
        call = Call(
            len(self.calls), self.read_json(raw), times_seen, path, headers, time.monotonic(), self._at_once
        )
        self.calls.append(call)
        try:
            return call, self.behaviour(call)
        except BaseException as error:  # told to the test at the end; the client must not hang until then
            self.failure = self.failure or error
            return call, Act(way="close before")

    def done(self) -> None:
        self._at_once -= 1


class _Connection(asyncio.Protocol):
    """One kept-alive connection; one call at a time, as HTTP/1.1 clients do without pipelining."""

    def __init__(self, server: HostileServer) -> None:
        self.server = server
        self.buffer = b""
        self.is_busy = self.is_paused = False
        self.timer: asyncio.TimerHandle | None = None
        self.endless = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server._open.add(self)
        self.server.num_connections += 1

    def connection_lost(self, error: Exception | None) -> None:
        self.server._open.discard(self)
        self.endless = False
        if self.timer is not None:
            self.timer.cancel()
        self._done()

    def abort(self) -> None:
        self.transport.abort()

    def pause_writing(self) -> None:
        self.is_paused = True

    def resume_writing(self) -> None:
        self.is_paused = False
        if self.endless:
            self._endless()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.buffer[:1].isalpha():  # TLS, for one
            self.transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            self.transport.close()
            return
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0 or self.is_busy:
            return
        request, *lines = self.buffer[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        whole = end + 4 + int(headers.get("content-length", "0"))
        if len(self.buffer) < whole:
            return
        raw, self.buffer = self.buffer[end + 4 : whole], self.buffer[whole:]
        method, path, _ = request.split(" ", 2)
        self.is_busy = True
        if method == "GET":
            self.server._at_once += 1
            self._answer(None, self._page(path))
            return
        call, act = self.server.receive(path, headers, raw)
        if act.delay_seconds > 0:
            loop = asyncio.get_running_loop()
            self.timer = loop.call_later(act.delay_seconds, self._answer, call, act)
        else:
            self._answer(call, act)

    def _page(self, path: str) -> Act:
        if path.endswith("/models") and self.server.models is not None:
            return Act(body={"object": "list", "data": [{"id": name} for name in self.server.models]})
        return Act(body={"status": "ok"}) if path.endswith("/health") else Act(status=500, body=b"{}")

    def _answer(self, call: Call | None, act: Act) -> None:
        if act.way == "never":
            return
        if act.way in ("close before", "raw"):
            if isinstance(act.body, bytes):
                self.transport.write(act.body)
            self.transport.close()
            return
        body = _body_of(call, act)
        head = _head_of(act, None if act.way == "endless" else len(body))
        if act.way == "whole":
            self.transport.write(head + body)
            self._done()
        elif act.way == "close midway":
            self.transport.write(head + body[: len(body) // 2])
            self.transport.close()
        elif act.way == "drip":
            self.transport.write(head)
            self._drip(body, act.drip_seconds)
        else:
            self.transport.write(head)
            self.endless = True
            self._endless()

    def _drip(self, rest: bytes, seconds: float) -> None:
        self.transport.write(rest[:1])
        if len(rest) == 1:
            self._done()
            return
        self.timer = asyncio.get_running_loop().call_later(seconds, self._drip, rest[1:], seconds)

    def _endless(self) -> None:
        """Writes until the kernel's buffer is full; `resume_writing` goes on."""
        while self.endless and not self.is_paused and not self.transport.is_closing():
            self.transport.write(b"%x\r\n" % len(_BLOCK) + _BLOCK + b"\r\n")
            self.server.num_bytes_sent += len(_BLOCK)

    def _done(self) -> None:
        if self.is_busy:
            self.is_busy = False
            self.server.done()


def _head_of(act: Act, num_bytes: int | None) -> bytes:
    lines = [f"HTTP/1.1 {act.status} Scripted"]
    if act.content_type is not None:
        lines.append(f"content-type: {act.content_type}")
    lines.append("transfer-encoding: chunked" if num_bytes is None else f"content-length: {num_bytes}")
    lines += [f"{name}: {value}" for name, value in act.headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _body_of(call: Call | None, act: Act) -> bytes:
    if isinstance(act.body, bytes):
        return act.body
    if act.body is not None:
        return orjson.dumps(act.body)
    assert call is not None
    text = call.text.upper() if act.text is None else act.text
    body = completion(text, model=str(call.body.get("model", "hostile")))
    body["choices"][0]["finish_reason"] = act.finish
    body["choices"][0]["logprobs"] = act.logprobs
    if act.usage:
        written = len(text.split())
        read = sum(len(str(message["content"]).split()) for message in call.body["messages"])
        body["usage"] = {
            "prompt_tokens": read,
            "completion_tokens": written,
            "total_tokens": read + written,
        }
    else:
        del body["usage"]
    return orjson.dumps(body)


@contextlib.contextmanager
def unused_port() -> Iterator[int]:
    """A port of loopback at which nothing listens: it is bound, so nobody else takes it, but not open."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])
