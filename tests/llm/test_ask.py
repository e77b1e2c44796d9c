"""The loop against a real socket that misbehaves, and what it keeps."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from support.hostile_server import Act, Call, HostileServer, completion, failing, good, in_turn, too_many
from tunewright.errors import BudgetReached, ModelError
from tunewright.llm.ask import Asker
from tunewright.llm.batch_file import BatchFileBackend, BatchPending
from tunewright.llm.config import AskConfig
from tunewright.llm.endpoint import EndpointBackend
from tunewright.llm.journal import Journal, Spent
from tunewright.llm.outcome import Outcome
from tunewright.llm.reply import Answer, Broken, Busy, Refused, Reply, Usage
from tunewright.llm.request import Message, Request
from tunewright.llm.structured import ParserByRequest, Unparsable
from tunewright.run.progress import Event, Progress

Behaviour = Callable[[Call], Act]


def requests(n: int, *, max_tokens: int = 16) -> list[Request]:
    return [
        Request((Message("user", f"question {i}"),), max_tokens=max_tokens, subject=str(i)) for i in range(n)
    ]


def text_of(reply: Reply) -> str:
    return reply.text


def asker(
    server: HostileServer, folder: Path, *, events: list[Event] | None = None, **settings: Any
) -> Asker:
    deadline = settings.get("deadline_seconds", 120.0)
    config = AskConfig(model="openai:m", base_url=server.base_url, **settings)
    progress = Progress(events.append if events is not None else None)
    backend = EndpointBackend("m", base_url=server.base_url, deadline_seconds=deadline)
    # what the endpoint honours is another test's business: no probing calls here
    return Asker.open(config, folder, progress=progress, backend=Plain(backend))


class Plain:
    """A backend as it is, but not an EndpointBackend, so that it is not probed."""

    def __init__(self, inner: EndpointBackend) -> None:
        self.inner = inner
        self.model, self.revision = inner.model, inner.revision
        self.batch_size, self.max_concurrency = inner.batch_size, inner.max_concurrency

    async def answer(self, asked: Sequence[Request]) -> list[Answer]:
        return await self.inner.answer(asked)

    async def close(self) -> None:
        await self.inner.close()


def run(
    behaviour: Behaviour, folder: Path, n: int = 1, parse: Callable[[Reply], Any] = text_of, **settings: Any
) -> tuple[list[Outcome[Any]], HostileServer]:
    asked = requests(n)
    with HostileServer(behaviour) as server, asker(server, folder, **settings) as one:
        one.ask(lambda: asked, parse, total=n)
        return list(one.outcomes(asked, parse)), server


def test_every_request_is_asked_once_and_outcomes_come_in_order(tmp_path: Path) -> None:
    found, server = run(lambda call: good(delay_seconds=0.01 * (call.number % 3)), tmp_path, 50)
    assert [one.value for one in found] == [f"QUESTION {i}" for i in range(50)]
    assert server.num_calls == 50


def test_what_is_in_the_journal_is_not_asked_again(tmp_path: Path) -> None:
    run(lambda call: good(), tmp_path, 10)
    found, server = run(lambda call: good("other"), tmp_path, 12)
    assert [one.value for one in found] == [f"QUESTION {i}" for i in range(10)] + ["other"] * 2
    assert server.num_calls == 2


def test_equal_requests_are_one_call_even_at_the_same_time(tmp_path: Path) -> None:
    asked = [Request((Message("user", "same"),), subject=str(i)) for i in range(20)]
    with HostileServer(lambda call: good(delay_seconds=0.05)) as server, asker(server, tmp_path) as one:
        one.ask(lambda: asked, text_of)
        assert [outcome.value for outcome in one.outcomes(asked, text_of)] == ["SAME"] * 20
    assert server.num_calls == 1


def test_samples_of_one_question_are_calls_of_their_own(tmp_path: Path) -> None:
    asked = [Request((Message("user", "same"),), temperature=1.0, sample=i) for i in range(3)]
    numbered = HostileServer(lambda call: good(f"reply {call.number}"))
    with numbered as server, asker(server, tmp_path, concurrency=1) as one:
        one.ask(lambda: asked, text_of)
        assert [o.value for o in one.outcomes(asked, text_of)] == ["reply 0", "reply 1", "reply 2"]


def test_a_parser_can_depend_on_what_was_asked(tmp_path: Path) -> None:
    """Each reply is read by its own request's `about`, also when the request is asked again."""
    asked = [Request((Message("user", f"question {i}"),), about=i) for i in range(3)]

    def parser_of(request: Request) -> Callable[[Reply], str]:
        def parse(reply: Reply) -> str:
            if reply.text != f"ANSWER {request.about}":
                raise Unparsable(f"say ANSWER {request.about}")
            return f"read as {request.about}"

        return parse

    def behaviour(call: Call) -> Act:
        return good(call.text.split("say ")[1].split("\n")[0] if "say " in call.text else "no")

    with HostileServer(behaviour) as server, asker(server, tmp_path) as one:
        one.ask(lambda: asked, ParserByRequest(parser_of))
        found = list(one.outcomes(asked, ParserByRequest(parser_of)))
    assert [outcome.value for outcome in found] == ["read as 0", "read as 1", "read as 2"]
    assert server.num_calls == 6


TROUBLE = {
    "500": failing(500),
    "502 with a page": Act(status=502, body=b"<html>Bad gateway", content_type="text/html"),
    "closed before the answer": Act(way="close before"),
    "closed in the middle": Act(way="close midway"),
    "cut JSON": Act(body=b'{"choices": [{"message": {"content": "hal'),
    "empty choices": Act(body=completion("x") | {"choices": []}),
    "a page instead of JSON": Act(body=b"<html>hello", content_type="text/html"),
    "429 without Retry-After": too_many(),
    "429 with Retry-After": too_many("1"),
    "429 with milliseconds": too_many("300", header="retry-after-ms"),
    "503": failing(503),
}


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
def test_trouble_passes_and_the_reply_is_there(trouble: Act, tmp_path: Path) -> None:
    found, server = run(in_turn(trouble, good()), tmp_path, 3)
    assert [one.value for one in found] == [f"QUESTION {i}" for i in range(3)]
    assert server.num_calls == 6


def test_a_call_that_hangs_meets_its_deadline_and_is_made_again(tmp_path: Path) -> None:
    found, server = run(in_turn(Act(way="never"), good()), tmp_path, 2, deadline_seconds=0.4)
    assert [one.value for one in found] == ["QUESTION 0", "QUESTION 1"]
    assert server.num_calls == 4


def test_a_busy_endpoint_costs_no_attempt(tmp_path: Path) -> None:
    acts = [too_many("0")] * 6 + [good()]
    found, server = run(in_turn(*acts), tmp_path, 1, max_attempts=1)
    assert found[0].value == "QUESTION 0"
    assert server.num_calls == 7


def test_retry_after_is_waited_for_by_everybody(tmp_path: Path) -> None:
    """Nothing is sent between the 429 and the moment it names."""

    def behaviour(call: Call) -> Act:
        return too_many("1") if call.number < 2 else good()

    _, server = run(behaviour, tmp_path, 6, concurrency=2)
    first_two, rest = server.calls[:2], server.calls[2:]
    said = max(call.at_seconds for call in first_two)
    assert min(call.at_seconds for call in rest) >= said + 0.95


def test_attempts_end_and_the_others_are_kept(tmp_path: Path) -> None:
    def behaviour(call: Call) -> Act:
        return failing(500, "no such luck") if call.text == "question 1" else good()

    with pytest.raises(
        ModelError, match=r"1 request got no answer in 2 attempts.*no such luck.*asks only those"
    ):
        run(behaviour, tmp_path, 3, max_attempts=2)
    found, server = run(lambda call: good(), tmp_path, 3)
    assert [one.value for one in found] == [f"QUESTION {i}" for i in range(3)]
    assert [call.text for call in server.calls] == ["question 1"]


def test_unanswered_ones_may_be_allowed_and_are_named(tmp_path: Path) -> None:
    def behaviour(call: Call) -> Act:
        return failing(500) if call.text == "question 1" else good()

    found, _ = run(behaviour, tmp_path, 3, max_attempts=1, allow_unanswered=True)
    assert [one.reason for one in found] == ["", "unanswered", ""]


def test_an_endpoint_that_answers_nothing_ends_the_run_soon(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="20 calls in a row got no answer"):
        run(lambda call: failing(500), tmp_path, 500, max_attempts=1, concurrency=4)


def test_a_wrong_key_ends_the_run_at_once(tmp_path: Path) -> None:
    with HostileServer(lambda call: failing(401, "bad key")) as server, asker(server, tmp_path) as one:
        asked = requests(500)
        with pytest.raises(ModelError, match="OPENAI_API_KEY"):
            one.ask(lambda: asked, text_of)
    assert server.num_calls <= 32


def test_calls_under_way_are_kept_when_another_one_ends_the_run(tmp_path: Path) -> None:
    def behaviour(call: Call) -> Act:
        return failing(401, delay_seconds=0.1) if call.text == "question 0" else good(delay_seconds=0.5)

    def failing(status: int, *, delay_seconds: float) -> Act:
        return Act(status=status, body={"error": {"message": "bad key"}}, delay_seconds=delay_seconds)

    with pytest.raises(ModelError):
        run(behaviour, tmp_path, 40, concurrency=8)
    found, server = run(lambda call: good("second"), tmp_path, 8)
    assert [one.value for one in found] == ["second"] + [f"QUESTION {i}" for i in range(1, 8)]
    assert server.num_calls == 1


def test_a_request_too_long_is_refused_and_never_asked_again(tmp_path: Path) -> None:
    def behaviour(call: Call) -> Act:
        return failing(400, "maximum context length is 10 tokens") if call.text == "question 1" else good()

    found, _ = run(behaviour, tmp_path, 3)
    assert [one.reason for one in found] == ["", "refused", ""]
    assert "maximum context length" in found[1].problem
    _, server = run(lambda call: good(), tmp_path, 3)
    assert server.num_calls == 0


def number(reply: Reply) -> int:
    try:
        return int(reply.text)
    except ValueError:
        raise Unparsable("answer with a number") from None


def test_an_unusable_reply_is_asked_again_with_what_is_wrong(tmp_path: Path) -> None:
    def behaviour(call: Call) -> Act:
        return good("7") if len(call.body["messages"]) == 3 else good("seven")

    found, server = run(behaviour, tmp_path, 2, parse=number)
    assert [(one.value, one.num_calls) for one in found] == [(7, 2), (7, 2)]
    last = server.bodies[-1]["messages"]
    assert last[1] == {"role": "assistant", "content": "seven"}
    assert "answer with a number" in last[2]["content"]


def test_what_stays_unusable_is_kept_as_failed_with_its_text(tmp_path: Path) -> None:
    found, server = run(lambda call: good("seven"), tmp_path, 1, parse=number, max_asked_again=2)
    assert server.num_calls == 3
    (one,) = found
    assert (one.value, one.reason, one.problem, one.num_calls) == (
        None,
        "unparsable",
        "answer with a number",
        3,
    )
    assert one.reply is not None
    assert one.reply.text == "seven"
    assert json.loads(one.reply.raw)["choices"]


def test_another_parser_reads_the_same_replies_without_a_call(tmp_path: Path) -> None:
    run(lambda call: good("seven"), tmp_path, 2, parse=number, max_asked_again=1)
    found, server = run(lambda call: good(), tmp_path, 2, parse=lambda reply: len(reply.text), calls=False)
    assert [one.value for one in found] == [5, 5]
    assert server.num_calls == 0


def test_without_calls_what_is_not_in_the_journal_is_unanswered(tmp_path: Path) -> None:
    run(lambda call: good("5"), tmp_path, 1)
    found, _ = run(lambda call: good(), tmp_path, 2, calls=False)
    assert [one.reason for one in found] == ["", "unanswered"]


def test_requests_per_minute_are_kept(tmp_path: Path) -> None:
    events: list[Event] = []
    with (
        HostileServer(lambda call: good()) as server,
        asker(server, tmp_path, events=events, requests_per_minute=5) as one,
    ):
        worker = threading.Thread(target=_ignoring(one.ask), args=(lambda: requests(9), text_of), daemon=True)
        worker.start()
        worker.join(timeout=2.5)
        assert server.num_calls == 5
        assert any(event.fields.get("waits for") == "5 requests a minute" for event in events)
        loop = one._thread._loop  # type: ignore[union-attr]
        loop.call_soon_threadsafe(_cancel_all, loop)
        worker.join(timeout=5)
        assert not worker.is_alive()


def _ignoring(ask: Callable[..., Any]) -> Callable[..., None]:
    def run(*args: Any) -> None:
        try:
            ask(*args)
        except BaseException:
            return

    return run


def _cancel_all(loop: Any) -> None:

    for task in asyncio.all_tasks(loop):
        task.cancel()


def test_the_token_budget_is_a_hard_stop_and_counts_earlier_runs(tmp_path: Path) -> None:
    """Each call uses 2 + 2 tokens and reserves 11 + 16 + 16 = 43 (42 up to question 9)."""
    with pytest.raises(BudgetReached, match="budget of 100 tokens: 60 are used, the next call may need 43"):
        run(lambda call: good(), tmp_path, 40, budget_tokens=100)
    with pytest.raises(BudgetReached, match="60 are used"):
        run(lambda call: good(), tmp_path, 40, budget_tokens=100)
    found, server = run(lambda call: good(), tmp_path, 40, budget_tokens=1000)
    assert all(one.value for one in found)
    assert server.num_calls == 25


def test_money_is_counted_by_the_prices_given(tmp_path: Path) -> None:
    with pytest.raises(BudgetReached, match=r"the budget of 0\.0001"):
        run(lambda call: good(), tmp_path, 40, budget_money=0.0001, price_input=1.0, price_output=1.0)


class Batches:
    """Answers three at a time and remembers which it saw together."""

    model, revision, batch_size, max_concurrency = "fake", "1", 3, 1

    def __init__(self, answers: Callable[[Request], Answer]) -> None:
        self.answers = answers
        self.seen: list[list[str]] = []

    async def answer(self, asked: Sequence[Request]) -> list[Answer]:
        self.seen.append([one.messages[0].text.removeprefix("question ") for one in asked])
        return [self.answers(one) for one in asked]

    async def close(self) -> None:
        return None


def reply(text: str) -> Reply:
    return Reply(text, "stop", Usage(1, 1), 0.0)


def open_fake(backend: Batches, folder: Path, **settings: Any) -> Asker:
    return Asker.open(AskConfig(model="fake", **settings), folder, backend=backend)


def test_batches_are_the_same_after_a_stop(tmp_path: Path) -> None:
    """Law: a stop between two batches changes none of the batches that follow."""
    asked = requests(10)
    whole = Batches(lambda request: reply("1"))
    with open_fake(whole, tmp_path / "whole") as one:
        one.ask(lambda: asked, text_of)
    stopped = open_fake(Batches(lambda request: reply("1")), tmp_path / "parts", budget_tokens=130)
    with stopped as one, pytest.raises(BudgetReached):
        one.ask(lambda: asked, text_of)
    rest = Batches(lambda request: reply("1"))
    with open_fake(rest, tmp_path / "parts") as one:
        one.ask(lambda: asked, text_of)
    assert whole.seen == [["0", "1", "2"], ["3", "4", "5"], ["6", "7", "8"], ["9"]]
    assert rest.seen == whole.seen[-len(rest.seen) :]
    assert 0 < len(rest.seen) < 4


def test_only_the_failed_of_a_batch_are_asked_again(tmp_path: Path) -> None:
    trouble: dict[str, Iterator[Answer]] = {
        "question 1": iter([Broken("oops"), reply("1")]),
        "question 2": iter([Busy("wait", 0.0), Refused("never")]),
    }

    def answers(request: Request) -> Answer:
        return next(trouble.get(request.messages[0].text, itertools.repeat(reply("0"))))

    backend = Batches(answers)
    asked = requests(3)
    with open_fake(backend, tmp_path) as one:
        one.ask(lambda: asked, text_of)
        assert [o.value for o in one.outcomes(asked, text_of)] == ["0", "1", None]
    assert backend.seen == [["0", "1", "2"], ["1", "2"]]


def test_an_error_of_our_own_is_not_swallowed(tmp_path: Path) -> None:
    def answers(request: Request) -> Answer:
        raise ZeroDivisionError

    with open_fake(Batches(answers), tmp_path) as one, pytest.raises(ZeroDivisionError):
        one.ask(lambda: requests(10), text_of)


def test_an_estimate_asks_nothing_and_leaves_out_what_is_known(tmp_path: Path) -> None:
    backend = Batches(lambda request: reply("1"))
    asked = [*requests(4), *requests(2)]
    with open_fake(backend, tmp_path, price_input=1e6, price_output=2e6) as one:
        one.ask(lambda: asked[:1], text_of)
        found = one.estimate(asked, text_of)
    assert (found.num_requests, found.num_to_ask) == (6, 3)
    assert found.prompt_tokens == 3 * 7  # 10 bytes and 16 for the message, at four a token
    assert found.most_output_tokens == 3 * 16
    assert (found.least_cost, found.most_cost) == (21.0, 21.0 + 96.0)
    assert len(backend.seen) == 1


def test_it_works_where_a_loop_is_running_already(tmp_path: Path) -> None:

    async def notebook() -> list[str | None]:
        with open_fake(Batches(lambda request: reply("1")), tmp_path) as one:
            one.ask(lambda: requests(2), text_of)
            return [o.value for o in one.outcomes(requests(2), text_of)]

    assert asyncio.run(notebook()) == ["1", "1"]


def test_a_folder_begun_again_takes_its_replies_along(tmp_path: Path) -> None:
    for name, text in (("run.old-2", "older"), ("run.old-10", "newest")):
        folder = tmp_path / name
        folder.mkdir()
        with open_fake(Batches(lambda request, text=text: reply(text)), folder) as one:  # type: ignore[misc]
            one.ask(lambda: requests(2), text_of)
    (tmp_path / "run").mkdir()
    backend = Batches(lambda request: reply("asked"))
    with open_fake(backend, tmp_path / "run") as one:
        one.ask(lambda: requests(3), text_of)
        assert [o.value for o in one.outcomes(requests(3), text_of)] == ["newest", "newest", "asked"]


def test_nothing_is_remembered_of_calls_that_are_over(tmp_path: Path) -> None:
    """Law: what the loop holds does not grow with the number of requests."""
    held: list[int] = []

    def answers(request: Request) -> Answer:
        held.append(sum(type(one) is asyncio.Event for one in gc.get_objects()))
        return reply("1")

    with open_fake(Batches(answers), tmp_path) as one:
        one.ask(lambda: requests(90), text_of)
    assert held[-1] <= held[2] + 2


def test_a_budget_is_not_passed_by_the_probe(tmp_path: Path) -> None:
    with HostileServer(lambda call: good()) as server:
        config = AskConfig(model="openai:m", base_url=server.base_url, budget_tokens=2_000)
        with Asker.open(config, tmp_path) as one, pytest.raises(BudgetReached):
            one.ask(lambda: requests(3), text_of)
    assert server.num_calls == 0


def test_what_is_charged_without_a_reply_counts_also_for_the_next_process(tmp_path: Path) -> None:
    """Each attempt brings no choices but a usage of 7 + 5 tokens, and reserves 42: three fit into 70."""
    empty = Act(body=completion("x") | {"choices": []})
    with pytest.raises(ModelError, match="the reply has no choices"):
        run(lambda call: empty, tmp_path, 1, max_attempts=3, budget_tokens=70)
    with pytest.raises(BudgetReached, match="36 are used"):
        run(lambda call: empty, tmp_path, 1, max_attempts=3, budget_tokens=70)
    with Journal(tmp_path / "replies.sqlite") as journal:
        assert journal.spent() == Spent(0, 21, 15)


def test_a_stop_does_not_wait_for_the_next_attempt(tmp_path: Path) -> None:
    def behaviour(call: Call) -> Act:
        if call.text == "question 0":
            return failing(500)
        return Act(status=401, body={"error": {"message": "no"}}, delay_seconds=1.2)

    begin = time.monotonic()
    with pytest.raises(ModelError, match="OPENAI_API_KEY"):
        run(behaviour, tmp_path, 2, max_attempts=30)
    assert time.monotonic() - begin < 4.0


def kept(folder: Path) -> int:
    with Journal(folder / "replies.sqlite") as journal:
        return journal.spent().num_calls


def test_an_error_in_the_requests_keeps_the_calls_under_way(tmp_path: Path) -> None:
    def broken() -> Iterator[Request]:
        yield from requests(8)
        raise ZeroDivisionError

    slow = HostileServer(lambda call: good(delay_seconds=0.1 * (call.number % 3)))
    with slow as server, asker(server, tmp_path, concurrency=2) as one, pytest.raises(ZeroDivisionError):
        one.ask(broken, text_of)
    assert kept(tmp_path) == server.num_calls >= 4


def test_the_first_interruption_keeps_the_calls_under_way(tmp_path: Path) -> None:
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.4, lambda: signal.pthread_kill(main, signal.SIGINT))
    with HostileServer(lambda call: good(delay_seconds=0.8)) as server:
        timer.start()
        with asker(server, tmp_path, concurrency=3) as one, pytest.raises(KeyboardInterrupt):
            one.ask(lambda: requests(30), text_of)
    timer.join()
    assert kept(tmp_path) == server.num_calls == 3


def test_a_batch_with_many_lost_rows_can_be_finished_without_them(tmp_path: Path) -> None:
    def answers(request: Request) -> Answer:
        return Broken("gone") if request.messages[0].text.endswith("7") else reply("1")

    backend = Batches(answers)
    backend.batch_size = 400
    with open_fake(backend, tmp_path, allow_unanswered=True, max_attempts=1) as one:
        totals = one.ask(lambda: requests(400), text_of)
    assert totals.num_unanswered == 40


def test_what_was_refused_can_be_asked_again(tmp_path: Path) -> None:
    run(lambda call: failing(400, "maximum context length is 10 tokens"), tmp_path, 2)
    found, server = run(lambda call: good(), tmp_path, 2, ask_refused=True)
    assert [one.value for one in found] == ["QUESTION 0", "QUESTION 1"]
    assert server.num_calls == 2


def test_a_batch_file_is_followed_by_what_has_to_be_asked_again_at_once(tmp_path: Path) -> None:
    """One reply is unusable, one is missing: the question about the first is written in the same run."""
    asked = requests(2)

    def one_run() -> str:
        backend = BatchFileBackend(tmp_path / "batch", model_name="m")
        with (
            Asker.open(AskConfig(model="batch:x"), tmp_path, backend=backend) as one,
            pytest.raises(BatchPending) as pending,
        ):
            one.ask(lambda: asked, number)
        return str(pending.value)

    assert one_run().startswith("2 requests wait")
    key = asked[0].key(model="batch:m", revision="")
    reply_row = {
        "custom_id": key,
        "response": {"status_code": 200, "body": completion("seven")},
        "error": None,
    }
    (tmp_path / "batch" / "out.jsonl").write_text(json.dumps(reply_row) + "\n")
    assert one_run().startswith("2 requests wait")
    (again,) = (tmp_path / "batch" / "requests-0002.jsonl").read_text().splitlines()
    assert json.loads(again)["body"]["messages"][1] == {"role": "assistant", "content": "seven"}
    assert one_run().startswith("2 requests wait")
    assert not (tmp_path / "batch" / "requests-0003.jsonl").exists()


def test_an_estimate_forgets_no_refusal(tmp_path: Path) -> None:
    """It counts what would be asked again, and leaves it in the journal."""
    with open_fake(Batches(lambda request: Refused("400 no")), tmp_path) as one:
        one.ask(lambda: requests(2), text_of)
    for _ in range(2):
        with open_fake(Batches(lambda request: reply("1")), tmp_path, ask_refused=True) as one:
            assert one.estimate(requests(2), text_of).num_to_ask == 2
            assert one.estimate(requests(3), text_of).num_to_ask == 3
    with open_fake(Batches(lambda request: reply("1")), tmp_path) as one:
        assert [o.reason for o in one.outcomes(requests(2), text_of)] == ["refused", "refused"]
    with open_fake(Batches(lambda request: reply("1")), tmp_path, ask_refused=True, calls=False) as one:
        one.ask(lambda: requests(2), text_of)
        assert [o.reason for o in one.outcomes(requests(2), text_of)] == ["refused", "refused"]


def test_a_journal_in_a_folder_of_the_run_is_taken_along_too(tmp_path: Path) -> None:
    old, new = tmp_path / "run.old-1" / "accept-x", tmp_path / "run" / "accept-x"
    old.mkdir(parents=True)
    with open_fake(Batches(lambda request: reply("kept")), old) as one:
        one.ask(lambda: requests(2), text_of)
    new.parent.mkdir()
    backend = Batches(lambda request: reply("asked"))
    with Asker.open(AskConfig(model="fake"), new, run=tmp_path / "run", backend=backend) as one:
        one.ask(lambda: requests(3), text_of)
        assert [o.value for o in one.outcomes(requests(3), text_of)] == ["kept", "kept", "asked"]
