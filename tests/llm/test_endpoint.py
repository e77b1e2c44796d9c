"""The endpoint backend against a real socket, and a server that does everything wrong that can be."""

from __future__ import annotations

import asyncio
import email.utils
import gzip
import json
import re
import sys
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from support.hostile_server import (
    Act,
    Behaviour,
    Call,
    HostileServer,
    completion,
    failing,
    good,
    in_turn,
    too_many,
    unused_port,
)
from tunewright.errors import ModelError
from tunewright.llm.endpoint import EndpointBackend
from tunewright.llm.reply import Answer, Broken, Busy, Refused, Reply, TokenLogprob, Usage
from tunewright.llm.request import Message, Request

HELLO = Request(messages=(Message("system", "Be brief."), Message("user", "say hello")))
SCHEMA = {"type": "object", "properties": {"score": {"type": "integer"}}}
KEY = "sk-very-secret-1234567890"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)


def ask_all(server: HostileServer | str, requests: list[Request], **options: Any) -> list[Answer]:
    """All at once through one backend, which is closed at the end."""
    base_url = server if isinstance(server, str) else server.base_url

    async def asked() -> list[Answer]:
        backend = EndpointBackend("tiny", base_url=base_url, **options)
        try:
            answers = await asyncio.gather(*(backend.answer([request]) for request in requests))
        finally:
            await backend.close()
        return [answer for (answer,) in answers]

    return asyncio.run(asked())


def ask(behaviour: Behaviour | Act, request: Request = HELLO, **options: Any) -> Answer:
    act = behaviour if isinstance(behaviour, Act) else None
    with HostileServer((lambda call: act) if act is not None else behaviour) as server:  # type: ignore[arg-type]
        (answer,) = ask_all(server, [request], **options)
    return answer


def broken(act: Act, **options: Any) -> Broken:
    answer = ask(act, **options)
    assert isinstance(answer, Broken), answer
    return answer


def with_choice(**changes: Any) -> Act:
    body = completion("hello")
    body["choices"][0] |= changes
    return Act(body=body)


def with_message(text: str | None, **message: Any) -> Act:
    return Act(body=completion(text, **message))


class TestAGoodReply:
    def test_has_the_text_the_usage_and_the_body_as_received(self) -> None:
        answer = ask(good("hello there"))
        assert isinstance(answer, Reply)
        assert (answer.text, answer.finish, answer.model) == ("hello there", "stop", "tiny")
        assert answer.usage == Usage(prompt_tokens=4, output_tokens=2)
        assert '"content":"hello there"' in answer.raw
        assert 0 < answer.seconds < 5

    def test_is_asked_for_with_all_that_the_request_says(self) -> None:
        request = Request(
            messages=HELLO.messages,
            schema=SCHEMA,
            temperature=0.5,
            top_p=0.9,
            max_tokens=77,
            seed=40,
            top_logprobs=3,
            sample=2,
        )
        with HostileServer(lambda call: good()) as server:
            ask_all(server, [request], api_key=KEY)
        assert server.calls[0].path == "/v1/chat/completions"
        assert server.calls[0].headers["authorization"] == f"Bearer {KEY}"
        assert server.calls[0].headers["content-type"] == "application/json"
        assert server.bodies == [
            {
                "model": "tiny",
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": "say hello"},
                ],
                "max_tokens": 77,
                "temperature": 0.5,
                "top_p": 0.9,
                "seed": 42,  # 40, and 2 for the sample
                "logprobs": True,
                "top_logprobs": 3,
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "reply", "strict": True, "schema": SCHEMA},
                },
            }
        ]

    def test_of_a_plain_question_sends_no_more_than_needed(self) -> None:
        with HostileServer(lambda call: good()) as server:
            ask_all(server, [HELLO])
        assert sorted(server.bodies[0]) == ["max_tokens", "messages", "model", "temperature"]

    @pytest.mark.parametrize(
        ("reason", "finish"),
        [
            ("stop", "stop"),
            ("length", "length"),
            ("content_filter", "filtered"),
            ("odd", "other"),
            (None, "other"),
        ],
    )
    def test_says_how_it_finished(self, reason: str | None, finish: str) -> None:
        answer = ask(with_choice(finish_reason=reason))
        assert isinstance(answer, Reply)
        assert answer.finish == finish

    def test_without_usage_is_estimated_and_says_so(self) -> None:
        answer = ask(good("12345", usage=False))
        assert isinstance(answer, Reply)
        # "Be brief." has 9 bytes, "say hello" 9: three tokens each at four bytes a token; "12345" two
        assert answer.usage == Usage(prompt_tokens=6, output_tokens=2, is_estimated=True)

    @pytest.mark.parametrize(
        "usage", [[], {"prompt_tokens": -1, "completion_tokens": 3}, {"prompt_tokens": "7"}]
    )
    def test_with_nonsense_for_usage_is_estimated(self, usage: Any) -> None:
        answer = ask(Act(body=completion("hello") | {"usage": usage}))
        assert isinstance(answer, Reply)
        assert answer.usage.is_estimated

    def test_brings_log_probabilities(self) -> None:
        token = {"token": "A", "logprob": -0.5, "top_logprobs": [{"token": "B", "logprob": -1.5}]}
        answer = ask(good("A", logprobs={"content": [token]}))
        assert isinstance(answer, Reply)
        assert answer.logprobs == (TokenLogprob("A", -0.5, (("B", -1.5),)),)

    @pytest.mark.parametrize("odd", [{"content": [{"token": "A"}]}, {"content": 3}, [], {"content": ["A"]}])
    def test_with_odd_log_probabilities_has_none(self, odd: Any) -> None:
        answer = ask(with_choice(logprobs=odd))
        assert isinstance(answer, Reply)
        assert answer.logprobs is None

    def test_may_come_as_a_list_of_parts(self) -> None:
        parts = [
            {"type": "thinking", "thinking": "hm"},
            {"type": "text", "text": "a"},
            {"type": "text", "text": "b"},
        ]
        answer = ask(with_message(parts))  # type: ignore[arg-type]
        assert isinstance(answer, Reply)
        assert answer.text == "ab"

    def test_keeps_reasoning_in_the_raw_body_only(self) -> None:
        answer = ask(with_message("four", reasoning_content="two and two"))
        assert isinstance(answer, Reply)
        assert answer.text == "four"
        assert "two and two" in answer.raw

    def test_may_be_empty_when_it_was_cut_at_the_limit(self) -> None:
        body = completion(None)
        body["choices"][0]["finish_reason"] = "length"
        answer = ask(Act(body=body))
        assert isinstance(answer, Reply)
        assert (answer.text, answer.finish) == ("", "length")

    def test_may_be_a_refusal_which_counts_as_filtered(self) -> None:
        answer = ask(with_message(None, refusal="I cannot help with that."))
        assert isinstance(answer, Reply)
        assert (answer.text, answer.finish) == ("I cannot help with that.", "filtered")

    def test_comes_with_a_wrong_content_type_but_the_right_body(self) -> None:
        assert isinstance(ask(good("fine", content_type="text/plain")), Reply)

    def test_may_come_compressed_though_that_was_not_asked_for(self) -> None:
        with HostileServer(
            lambda call: Act(
                body=gzip.compress(orjson.dumps(completion("small"))), headers=(("content-encoding", "gzip"),)
            )
        ) as server:
            (answer,) = ask_all(server, [HELLO])
        assert isinstance(answer, Reply)
        assert answer.text == "small"
        assert server.calls[0].headers["accept-encoding"] == "identity"

    def test_comes_even_to_a_text_that_is_no_unicode(self) -> None:
        half_a_pair = "\ud83d"
        with HostileServer(lambda call: good("odd")) as server:
            server.read_json = json.loads
            (answer,) = ask_all(server, [Request(messages=(Message("user", half_a_pair),))])
        assert isinstance(answer, Reply)
        assert server.bodies[0]["messages"][0]["content"] == half_a_pair

    def test_of_any_script_arrives_whole(self) -> None:
        answer = ask(good("Grüße, 世界 🙂\n\u2028\x00"))
        assert isinstance(answer, Reply)
        assert answer.text == "Grüße, 世界 🙂\n\u2028\x00"


class TestABrokenReply:
    @pytest.mark.parametrize(
        ("act", "words"),
        [
            (Act(body=completion("x") | {"choices": []}), "no choices"),
            (Act(body={"object": "chat.completion"}), "no choices"),
            (Act(body={"error": {"message": "the worker died"}}), "the worker died"),
            (with_choice(message=None), "no message"),
            (Act(body=completion("x") | {"choices": ["x"]}), "no message"),
            (with_message(None), "no text"),
            (with_message(None, tool_calls=[{"id": "1"}]), "called a tool"),
            (Act(body=b'{"choices": [{"message": {"content": "hel'), 'not a JSON object: \'{"choices"'),
            (Act(body=b"[1, 2]"), "not a JSON object"),
            (Act(body=b""), "it is empty"),
            (Act(body=b"\xff\xfe\x00"), "not a JSON object"),
            (Act(body=b"<html>Sign in</html>", content_type="text/html"), "<html>Sign in</html>"),
            (Act(body=b'data: {"x": 1}\n\n', content_type="text/event-stream"), "data: "),
            (failing(500), "HTTP 500: the server is unwell"),
            (failing(502), "HTTP 502"),
            (failing(409), "HTTP 409"),
            (Act(way="close before"), "connection broke"),
            (Act(way="close midway"), "connection broke"),
            (Act(body=b"plain words", status=500, content_type="text/plain"), "HTTP 500: 'plain words'"),
            (Act(way="raw", body=b"what is this\r\n\r\n"), "connection broke"),
            (
                Act(way="raw", body=b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n"),
                "connection broke",
            ),
            (Act(way="raw", body=b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"), "connection broke"),
            (Act(way="raw", body=b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n{}"), "connection broke"),
            (
                Act(way="raw", body=b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}"),
                "connection broke",
            ),
            (Act(body=b"no gzip", headers=(("content-encoding", "gzip"),)), "connection broke"),
        ],
    )
    def test_is_told_apart_by_what_is_wrong(self, act: Act, words: str) -> None:
        answer = broken(act)
        assert words in answer.problem
        assert not answer.is_slow

    def test_keeps_the_body_for_people(self) -> None:
        assert broken(Act(body=b"<html>Sign in</html>")).raw == "<html>Sign in</html>"

    @pytest.mark.parametrize("status", [408, 504, 524])
    def test_that_timed_out_behind_the_server_counts_as_slow(self, status: int) -> None:
        assert broken(failing(status)).is_slow

    @pytest.mark.parametrize("act", [Act(way="never"), good(delay_seconds=5), good("slow", way="drip")])
    def test_past_the_deadline_counts_as_slow_even_when_bytes_drip(self, act: Act) -> None:
        begin = time.monotonic()
        answer = broken(act, deadline_seconds=0.3)
        assert answer.is_slow
        assert answer.problem == "no whole reply within 0.3 s"
        assert time.monotonic() - begin < 2

    @pytest.mark.parametrize("status", [200, 500, 429])
    def test_without_end_is_not_read_into_memory(self, status: int) -> None:
        with HostileServer(lambda call: Act(status=status, way="endless")) as server:
            (answer,) = ask_all(server, [HELLO], max_reply_bytes=100_000)
        assert isinstance(answer, Broken)
        assert answer.problem == "the reply is longer than 100,000 bytes, it was not read to the end"
        assert server.num_bytes_sent < 20_000_000  # what fits into the sockets' buffers

    def test_that_unpacks_to_a_thousand_times_its_size_is_not_unpacked(self) -> None:
        bomb = gzip.compress(bytes(50_000_000))  # 49 kB
        answer = broken(Act(body=bomb, headers=(("content-encoding", "gzip"),)), max_reply_bytes=1 << 20)
        assert "longer than" in answer.problem

    def test_does_not_spoil_the_next_call(self) -> None:
        acts = in_turn(
            Act(way="close midway"), Act(way="close before"), Act(body=b"{"), failing(500), good("ok")
        )

        async def asked(base_url: str) -> list[str]:
            backend = EndpointBackend("tiny", base_url=base_url)
            answers = [(await backend.answer([HELLO]))[0] for _ in range(5)]
            await backend.close()
            return [type(answer).__name__ for answer in answers]

        with HostileServer(acts) as server:
            assert asyncio.run(asked(server.base_url)) == ["Broken"] * 4 + ["Reply"]


class TestBusy:
    @pytest.mark.parametrize(
        ("act", "seconds"),
        [
            (too_many(), None),
            (too_many("7"), 7.0),
            (too_many("1.5"), 1.5),
            (too_many("0"), 0.0),
            (too_many("250", header="retry-after-ms"), 0.25),
            (too_many("-3"), None),
            (too_many("soon"), None),
            (too_many("nan"), None),
            (too_many("99999999999"), None),
            (too_many("Thu, 01 Jan 1970 00:00:00 GMT"), 0.0),
            (too_many("5", status=503), 5.0),
            (too_many(status=529), None),
            (Act(status=429, body=b"slow down", headers=(("Retry-After", "2"), ("Retry-After", "9"))), 9.0),
            (
                Act(
                    status=429,
                    body=b"{}",
                    headers=(
                        ("Date", "Mon, 05 Jan 2026 10:00:00 GMT"),
                        ("Retry-After", "Mon, 05 Jan 2026 10:00:30 GMT"),
                    ),
                ),
                30.0,  # by the server's clock
            ),
        ],
    )
    def test_says_how_long_it_was_told_to_wait(self, act: Act, seconds: float | None) -> None:
        answer = ask(act)
        assert isinstance(answer, Busy), answer
        assert answer.retry_after_seconds == seconds
        assert f"HTTP {act.status}" in answer.problem

    def test_counts_a_date_from_now_when_the_server_has_no_clock(self) -> None:
        answer = ask(too_many(email.utils.formatdate(time.time() + 60, usegmt=True)))
        assert isinstance(answer, Busy)
        assert answer.retry_after_seconds == pytest.approx(60, abs=3)

    def test_is_an_endpoint_that_is_not_there(self) -> None:
        with unused_port() as port:
            (answer,) = ask_all(f"http://127.0.0.1:{port}/v1", [HELLO])
        assert isinstance(answer, Busy)
        assert answer.problem.startswith(f"http://127.0.0.1:{port}/v1 does not answer (")


class TestRefused:
    @pytest.mark.parametrize(
        ("act", "words"),
        [
            (failing(400, "bad role"), "HTTP 400: bad role"),
            (failing(413, "too large"), "HTTP 413: too large"),
            (Act(status=422, body={"detail": [{"loc": ["body", "seed"], "msg": "is odd", "input": "x"}]}),
             "HTTP 422: body.seed: is odd"),
            (Act(status=422, body={"detail": "no"}), "HTTP 422: no"),
            (Act(status=400, body={"error": "no"}), "HTTP 400: no"),
        ],
    )  # fmt: skip
    def test_is_a_request_that_can_never_be_answered(self, act: Act, words: str) -> None:
        answer = ask(act)
        assert isinstance(answer, Refused)
        assert answer.problem == words

    def test_is_a_prompt_longer_than_the_context_whatever_else_the_message_mentions(self) -> None:
        words = (
            "'max_tokens' or 'max_completion_tokens' is too large: the maximum context length is 4096 tokens"
        )
        with HostileServer(lambda call: failing(400, words)) as server:
            (answer,) = ask_all(server, [HELLO])
        assert isinstance(answer, Refused)
        assert server.num_calls == 1


class TestAFeatureThatTheEndpointDoesNotTake:
    @pytest.mark.parametrize(
        ("status", "words", "request_", "field"),
        [
            (
                400,
                "'response_format' of type 'json_schema' is not supported",
                {"schema": SCHEMA},
                "response_format",
            ),
            (500, "Unsupported grammar", {"schema": SCHEMA}, "response_format"),
            (422, "logprobs are not available here", {"top_logprobs": 5}, "logprobs"),
            (400, "Unknown field: seed", {"seed": 1}, "seed"),
            (400, "Only the default (1) temperature is supported", {"temperature": 0.0}, "temperature"),
            (400, "Use 'max_completion_tokens' instead.", {}, "max_tokens"),
        ],
    )
    def test_is_left_out_at_once_and_from_then_on(
        self, status: int, words: str, request_: dict[str, Any], field: str
    ) -> None:
        def behaviour(call: Call) -> Act:
            return failing(status, words) if field in call.body else good("fine")

        async def asked(base_url: str) -> list[Answer]:
            backend = EndpointBackend("tiny", base_url=base_url)
            request = Request(messages=HELLO.messages, **request_)
            answers = [(await backend.answer([request]))[0] for _ in range(2)]
            assert list(backend.refused.values()) == [f"HTTP {status}: {words}"]
            await backend.close()
            return answers

        with HostileServer(behaviour) as server:
            answers = asyncio.run(asked(server.base_url))
        assert [isinstance(answer, Reply) for answer in answers] == [True, True]
        assert [field in body for body in server.bodies] == [True, False, False]
        if field == "max_tokens":
            assert server.bodies[1]["max_completion_tokens"] == 1024

    def test_may_be_several(self) -> None:
        def behaviour(call: Call) -> Act:
            for field in ("response_format", "max_tokens", "temperature"):
                if field in call.body:
                    more = "; use max_completion_tokens" if field == "max_tokens" else ""
                    return failing(400, f"Unsupported parameter: {field}{more}")
            return good("fine")

        with HostileServer(behaviour) as server:
            (answer,) = ask_all(server, [Request(messages=HELLO.messages, schema=SCHEMA)])
        assert isinstance(answer, Reply)
        assert server.num_calls == 4

    def test_is_not_remembered_when_leaving_it_out_did_not_help(self) -> None:
        async def asked(base_url: str) -> None:
            backend = EndpointBackend("tiny", base_url=base_url)
            (answer,) = await backend.answer([Request(messages=HELLO.messages, schema=SCHEMA)])
            assert isinstance(answer, Broken)
            assert backend.refused == {}
            await backend.close()

        with HostileServer(in_turn(failing(500, "grammar: out of memory"))) as server:
            asyncio.run(asked(server.base_url))
        assert server.num_calls == 2


class TestWhatEndsTheRun:
    @pytest.mark.parametrize(
        ("act", "words"),
        [
            (failing(401, "Incorrect API key provided"), "OPENAI_API_KEY"),
            (failing(403, "Not for you"), "OPENAI_API_KEY"),
            (failing(429, "You exceeded your quota", code="insufficient_quota"), "no money or quota left"),
            (failing(402, "Insufficient balance"), "no money or quota left"),
            (failing(404, "The model `tiny` does not exist"), "it has the models hostile"),
            (failing(400, "Server is pinned to 'big'; requested 'tiny'."), "it has the models hostile"),
            (failing(400, "no", code="model_not_found"), "it has the models hostile"),
            (
                Act(status=307, body=b"", headers=(("location", "https://elsewhere.example/v1"),)),
                "elsewhere.example",
            ),
        ],
    )
    def test_is_an_error_that_says_what_to_do(self, act: Act, words: str) -> None:
        with pytest.raises(ModelError, match=words):
            ask(act, api_key=KEY)

    def test_when_the_endpoint_does_not_list_its_models(self) -> None:
        with (
            HostileServer(lambda call: failing(404, "Not Found"), models=None) as server,
            pytest.raises(ModelError, match="usually ends in /v1"),
        ):
            ask_all(server, [HELLO])

    def test_https_where_plain_http_is_spoken(self) -> None:
        with (
            HostileServer(lambda call: good()) as server,
            pytest.raises(ModelError, match="no secure connection"),
        ):
            ask_all(server.base_url.replace("http://", "https://"), [HELLO])

    @pytest.mark.parametrize("base_url", ["localhost:8000/v1", "ftp://x/v1"])
    def test_an_address_that_is_none(self, base_url: str) -> None:
        with pytest.raises(ModelError, match="must begin with http"):
            EndpointBackend("tiny", base_url=base_url)

    def test_a_package_that_is_not_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "aiohttp", None)
        with pytest.raises(ModelError, match=re.escape("pip install 'openai[aiohttp]'")):
            ask_all("http://127.0.0.1:1/v1", [HELLO])

    def test_no_key_for_the_one_endpoint_that_needs_it(self) -> None:
        with pytest.raises(ModelError, match="set the environment variable OPENAI_API_KEY"):
            ask_all("https://api.openai.com/v1", [HELLO])


class TestTheKey:
    ECHOES: tuple[Callable[[str], Act], ...] = (
        lambda key: failing(401, f"Incorrect API key provided: {key}"),
        lambda key: failing(400, f"you sent {key}"),
        lambda key: failing(500, f"you sent {key}"),
        lambda key: Act(body=f"you sent {key}".encode()),
        lambda key: good(f"you sent {key}"),
    )

    @pytest.mark.parametrize("echo", ECHOES)
    def test_is_in_no_error_and_no_reply_even_when_the_server_repeats_it(
        self, echo: Callable[[str], Act]
    ) -> None:
        try:
            said = repr(ask(echo(KEY), api_key=KEY))
        except ModelError as error:
            said = str(error)
        assert "[key]" in said
        assert KEY not in said

    def test_is_not_needed_for_an_endpoint_of_ones_own(self) -> None:
        with HostileServer(lambda call: good("none is here, none")) as server:
            (answer,) = ask_all(server, [HELLO])
        assert isinstance(answer, Reply)
        assert answer.text == "none is here, none"  # the dummy key is no secret
        assert server.calls[0].headers["authorization"] == "Bearer none"

    def test_and_the_address_come_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def asked() -> None:
            backend = EndpointBackend("tiny")
            await backend.answer([HELLO])
            await backend.close()

        with HostileServer(lambda call: good()) as server:
            monkeypatch.setenv("OPENAI_API_KEY", KEY)
            monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
            monkeypatch.setenv("OPENAI_ORG_ID", "org-7")
            asyncio.run(asked())
        assert server.calls[0].headers["authorization"] == f"Bearer {KEY}"
        assert server.calls[0].headers["openai-organization"] == "org-7"

    def test_in_an_address_is_not_shown(self) -> None:
        backend = EndpointBackend("tiny", base_url="http://me:hush@127.0.0.1:1/v1")
        assert backend.base_url == "http://127.0.0.1:1/v1"


class TestTheWayThere:
    def test_to_this_machine_leads_through_no_proxy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with unused_port() as port:
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
            assert isinstance(ask(good()), Reply)


class TestManyAtOnce:
    def test_in_trouble_of_all_kinds_do_not_disturb_each_other(self) -> None:
        """Sixty-four at once, over shared connections: every call gets what was meant for it."""
        acts = {
            "good": good(delay_seconds=0.01),
            "busy": too_many("1"),
            "bad": failing(500),
            "refused": failing(413),
            "cut": Act(body=b'{"choices": ['),
            "closed": Act(way="close before"),
            "halved": Act(way="close midway"),
            "endless": Act(way="endless"),
            "silent": Act(way="never"),
        }
        kinds = {"good": Reply, "busy": Busy, "refused": Refused}
        names = [name for number in range(30) for name in acts] + ["good"] * 200

        async def asked(base_url: str) -> list[Answer]:
            backend = EndpointBackend("tiny", base_url=base_url, deadline_seconds=2, max_reply_bytes=1 << 18)
            places = asyncio.Semaphore(64)

            async def one(name: str) -> Answer:
                async with places:
                    return (await backend.answer([Request(messages=(Message("user", name),))]))[0]

            answers = await asyncio.gather(*(one(name) for name in names))
            await backend.close()
            return answers

        with HostileServer(lambda call: acts[call.text]) as server:
            answers = asyncio.run(asked(server.base_url))
        for name, answer in zip(names, answers, strict=True):
            assert isinstance(answer, kinds.get(name, Broken)), (name, answer)
            assert getattr(answer, "is_slow", False) == (name == "silent"), (name, answer)

    def test_go_over_as_many_connections_and_keep_them(self) -> None:
        requests = [Request(messages=(Message("user", f"number {n}"),)) for n in range(256)]

        async def asked(base_url: str) -> list[str]:
            backend = EndpointBackend("tiny", base_url=base_url)
            texts = []
            for _ in range(2):
                answers = await asyncio.gather(*(backend.answer([request]) for request in requests))
                texts = [answer.text for (answer,) in answers if isinstance(answer, Reply)]
            await backend.close()
            return texts

        with HostileServer(lambda call: good(delay_seconds=0.5)) as server:
            assert asyncio.run(asked(server.base_url)) == [f"NUMBER {n}" for n in range(256)]
        assert server.max_at_once == 256
        assert server.num_connections == 256

    def test_stop_when_cancelled(self) -> None:
        async def asked(base_url: str) -> None:
            backend = EndpointBackend("tiny", base_url=base_url)
            task = asyncio.create_task(backend.answer([HELLO]))
            await asyncio.sleep(0.2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await backend.close()

        with HostileServer(lambda call: Act(way="never")) as server:
            asyncio.run(asked(server.base_url))

    def test_close_without_a_call_does_nothing(self) -> None:
        asyncio.run(EndpointBackend("tiny", base_url="http://127.0.0.1:1/v1").close())
