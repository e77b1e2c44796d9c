"""What the probe says of endpoints that keep, ignore, refuse or break."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from support.hostile_server import Act, Call, HostileServer, completion, failing, good, too_many, unused_port
from tunewright.errors import ModelError
from tunewright.llm import probe as probe_module
from tunewright.llm.endpoint import EndpointBackend
from tunewright.llm.probe import Finding, Honours, probe
from tunewright.llm.reply import Reply
from tunewright.llm.request import Message, Request

LOGPROBS = {"content": [{"token": "A", "logprob": -0.5, "top_logprobs": [{"token": "A", "logprob": -0.5}]}]}


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_module, "_WAIT_SECONDS", 0.01)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def honest(call: Call) -> Act:
    """An endpoint that does all it is asked for; its replies to a seed are a number made of the seed."""
    body = call.body
    text = f"number {body['seed'] * 7}" if "seed" in body else "A river is water that flows."
    if "response_format" in body:
        properties = body["response_format"]["json_schema"]["schema"]["properties"]
        text = orjson.dumps({name: one["enum"][0] for name, one in properties.items()}).decode()
    whole = completion(text)
    whole["choices"] *= body.get("n", 1)
    if body.get("logprobs"):
        whole["choices"][0] |= {"logprobs": LOGPROBS}
    return Act(body=whole)


def refusing(field: str, status: int = 400) -> Callable[[Call], Act]:
    return lambda call: failing(status, f"'{field}' is not supported") if field in call.body else honest(call)


def honours_of(
    behaviour: Callable[[Call], Act], *, then: Request | None = None
) -> tuple[Honours, HostileServer]:
    async def probed(base_url: str) -> Honours:
        backend = EndpointBackend("tiny", base_url=base_url, deadline_seconds=5)
        try:
            found = await probe(backend)
            if then is not None:
                assert isinstance((await backend.answer([then]))[0], Reply)
        finally:
            await backend.close()
        return found

    with HostileServer(behaviour) as server:
        return asyncio.run(probed(server.base_url)), server


def verdicts(honours: Honours) -> list[str]:
    return [honours.schema.verdict, honours.n.verdict, honours.logprobs.verdict, honours.seed.verdict]


def test_an_honest_endpoint_honours_all_in_six_calls() -> None:
    honours, server = honours_of(honest)
    assert verdicts(honours) == ["yes", "yes", "yes", "yes"]
    assert server.num_calls == 6
    assert honours.refused() == {}


def test_an_endpoint_that_says_200_to_everything_and_ignores_it_is_found_out() -> None:
    """As `transformers serve` does; its replies differ at random."""
    honours, server = honours_of(lambda call: good(f"Some words, {call.number}."))
    assert verdicts(honours) == ["no", "no", "no", "no"]
    assert server.num_calls == 6
    assert honours.describe() == [
        "schema: ignored (HTTP 200, plain text came back) – replies are validated and asked again",
        "n: ignored (asked for 2, 1 came) – not used here: several replies are several calls",
        "logprobs: ignored (HTTP 200, none came) – steps that need them do without, or cannot run",
        "seed: ignored (the same seed gave two different replies) – replies cannot be drawn again, "
        "only read back from the journal",
    ]


def test_json_that_is_not_the_schemas_counts_as_ignored() -> None:
    honours, _ = honours_of(lambda call: good('{"answer": "zq7"}'))
    assert honours.schema == Finding("no", "HTTP 200, other JSON came back")


def test_the_same_reply_to_every_seed_tells_nothing() -> None:
    honours, _ = honours_of(lambda call: good("always this"))
    assert honours.seed == Finding("unknown", "the same reply for every seed, so it cannot be told")


@pytest.mark.parametrize(
    ("field", "feature"), [("response_format", "schema"), ("logprobs", "logprobs"), ("seed", "seed")]
)
@pytest.mark.parametrize("status", [400, 422, 500])
def test_what_is_refused_is_not_sent_any_more(field: str, feature: str, status: int) -> None:
    later = Request(
        messages=(Message("user", "later"),),
        schema={"type": "object", "properties": {}},
        seed=1,
        temperature=1.0,
        top_logprobs=2,
    )
    honours, server = honours_of(refusing(field, status), then=later)
    assert getattr(honours, feature).verdict == "refused"
    assert honours.refused() == {feature: f"HTTP {status}: '{field}' is not supported"}
    assert sorted(verdicts(honours)) == ["refused", "yes", "yes", "yes"]
    assert server.bodies[-1]["messages"][-1]["content"] == "later"
    assert {"response_format", "logprobs", "seed"} - server.bodies[-1].keys() == {field}


def test_a_server_that_dies_of_a_feature_without_saying_why_refuses_it() -> None:
    honours, server = honours_of(
        lambda call: failing(500) if "response_format" in call.body else honest(call),
        then=Request(messages=(Message("user", "later"),), schema={"type": "object"}),
    )
    assert honours.schema == Finding("refused", "HTTP 500: the server is unwell")
    assert "response_format" not in server.bodies[-1]


def test_n_may_be_refused() -> None:
    honours, _ = honours_of(refusing("n"))
    assert honours.n == Finding("refused", "HTTP 400: 'n' is not supported")


def test_newer_names_and_fixed_temperatures_are_learnt_on_the_way() -> None:
    def behaviour(call: Call) -> Act:
        if "max_tokens" in call.body:
            return failing(400, "Unsupported parameter: use 'max_completion_tokens' instead")
        if call.body.get("temperature", 1.0) != 1.0:
            return failing(400, "Only temperature 1 is supported")
        return honest(call)

    honours, server = honours_of(behaviour)
    assert verdicts(honours) == ["yes", "yes", "yes", "yes"]
    assert server.num_calls == 8  # two of them to learn


def test_being_told_to_wait_is_waited_for() -> None:
    honours, _ = honours_of(lambda call: too_many("0") if call.times_seen == 0 else honest(call))
    assert verdicts(honours)[0] == "yes"


def test_an_endpoint_that_is_slow_in_one_call_leaves_that_unknown() -> None:
    def behaviour(call: Call) -> Act:
        return Act(way="never") if "response_format" in call.body else honest(call)

    async def probed(base_url: str) -> Honours:
        backend = EndpointBackend("tiny", base_url=base_url, deadline_seconds=0.2)
        found = await probe(backend)
        await backend.close()
        return found

    with HostileServer(behaviour) as server:
        honours = asyncio.run(probed(server.base_url))
    assert honours.schema == Finding("unknown", "no whole reply within 0.2 s", is_final=False)
    assert honours.refused() == {}
    assert not honours.is_certain  # so it is asked another time


@pytest.mark.parametrize(
    "act",
    [
        failing(500),
        Act(body=b"<html>Welcome</html>", content_type="text/html"),
        Act(way="close before"),
        Act(body={}),
        failing(401),
        failing(404),
    ],
)
def test_an_endpoint_that_answers_nothing_is_an_error_with_its_address(act: Act) -> None:
    with pytest.raises(ModelError, match=r"http://127\.0\.0\.1:\d+/v1"):
        honours_of(lambda call: act)


def test_an_endpoint_that_is_not_there_is_an_error_that_says_what_to_check() -> None:
    async def probed(port: int) -> None:
        backend = EndpointBackend("tiny", base_url=f"http://127.0.0.1:{port}/v1")
        try:
            await probe(backend)
        finally:
            await backend.close()

    with unused_port() as port, pytest.raises(ModelError, match="Check that the server runs") as error:
        asyncio.run(probed(port))
    assert f"http://127.0.0.1:{port}/v1 does not answer" in str(error.value)


def test_findings_come_back_from_a_row_equal() -> None:
    honours, _ = honours_of(refusing("seed"))
    row: dict[str, Any] = orjson.loads(orjson.dumps(honours.to_row()))
    assert Honours.from_row(row) == honours


def test_findings_of_an_earlier_run_are_kept_to_by_a_new_backend() -> None:
    honours, _ = honours_of(refusing("seed"))
    backend = EndpointBackend("tiny", base_url="http://127.0.0.1:1/v1", honours=honours)
    assert backend.refused == {"seed": "HTTP 400: 'seed' is not supported"}
    assert backend.honours == honours
