"""Requests out to a file, replies back from files that others wrote."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.hostile_server import completion
from tunewright.errors import ModelError
from tunewright.llm.batch_file import BatchFileBackend, BatchPending
from tunewright.llm.reply import Answer, Broken, Refused, Reply
from tunewright.llm.request import Message, Request
from tunewright.run.files import read_jsonl

A, B, C = (Request(messages=(Message("user", name),), max_tokens=9) for name in "abc")


def backend(folder: Path, **options: Any) -> BatchFileBackend:
    return BatchFileBackend(folder, model_name="gpt-x", **options)


def ask(folder: Path, *requests: Request, **options: Any) -> list[Answer | None]:
    """As a new process would: what is answered, None for what is pending."""
    try:
        return list(asyncio.run(backend(folder, **options).answer(requests)))
    except BatchPending as pending:
        return pending.answers


def custom_id(request: Request) -> str:
    return request.key(model="batch:gpt-x", revision="")


def row(request: Request, text: str = "fine", **response: Any) -> dict[str, Any]:
    body = {"status_code": 200, "request_id": "r", "body": completion(text)} | response
    return {"id": "batch_req_1", "custom_id": custom_id(request), "response": body, "error": None}


def failed(request: Request, **error: Any) -> dict[str, Any]:
    return {"id": "batch_req_1", "custom_id": custom_id(request), "response": None, "error": error}


def put(folder: Path, name: str, *rows: dict[str, Any]) -> None:
    (folder / name).write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))


def ids(folder: Path, name: str) -> list[str]:
    return [one["custom_id"] for one in read_jsonl(folder / name)]


def texts(answers: list[Answer | None]) -> list[str | None]:
    return [answer.text if isinstance(answer, Reply) else None for answer in answers]


class TestRequests:
    def test_are_written_in_the_format_that_batch_services_take(self, tmp_path: Path) -> None:
        folder = tmp_path / "new" / "batch"
        with pytest.raises(BatchPending) as pending:
            asyncio.run(backend(folder).answer([A, B]))
        assert pending.value.answers == [None, None]
        assert list(read_jsonl(folder / "requests-0001.jsonl")) == [
            {
                "custom_id": custom_id(request),
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": {
                    "model": "gpt-x",
                    "messages": [{"role": "user", "content": name}],
                    "max_tokens": 9,
                    "temperature": 0.0,
                },
            }
            for request, name in ((A, "a"), (B, "b"))
        ]
        assert [path.name for path in folder.iterdir()] == ["requests-0001.jsonl"]

    def test_that_wait_are_told_with_their_file_and_what_to_do(self, tmp_path: Path) -> None:
        ask(tmp_path, A)
        with pytest.raises(BatchPending) as pending:
            asyncio.run(backend(tmp_path).answer([A, B, C]))
        message = str(pending.value)
        assert message.startswith(
            f"3 requests wait for their replies, in {tmp_path}: "
            "requests-0001.jsonl (1), requests-0002.jsonl (2). "
        )
        for words in (
            "/v1/chat/completions",
            "vllm run-batch",
            "--model gpt-x",
            "run the same command again",
        ):
            assert words in message

    def test_are_counted_over_all_calls(self, tmp_path: Path) -> None:
        async def asked() -> str:
            one = backend(tmp_path)
            for request in (A, B):
                with pytest.raises(BatchPending) as pending:
                    await one.answer([request])
            return str(pending.value)

        assert asyncio.run(asked()).startswith("2 requests wait")

    def test_are_written_once_however_often_the_command_runs(self, tmp_path: Path) -> None:
        for _ in range(3):
            ask(tmp_path, A, B)
        assert ids(tmp_path, "requests-0001.jsonl") == [custom_id(A), custom_id(B)]
        assert len(list(tmp_path.iterdir())) == 1

    def test_asked_twice_in_one_call_are_written_once(self, tmp_path: Path) -> None:
        assert ask(tmp_path, A, B, A) == [None, None, None]
        assert ids(tmp_path, "requests-0001.jsonl") == [custom_id(A), custom_id(B)]

    def test_go_into_several_files_when_one_would_be_too_large(self, tmp_path: Path) -> None:
        ask(tmp_path, A, most_bytes=10**6)
        size = (tmp_path / "requests-0001.jsonl").stat().st_size
        (tmp_path / "requests-0001.jsonl").unlink()
        ask(tmp_path, A, B, C, most_bytes=2 * size)  # all three rows are equally long
        assert ids(tmp_path, "requests-0001.jsonl") == [custom_id(A), custom_id(B)]
        assert ids(tmp_path, "requests-0002.jsonl") == [custom_id(C)]

    def test_larger_than_a_file_get_one_of_their_own(self, tmp_path: Path) -> None:
        ask(tmp_path, A, B, most_bytes=1)
        assert ids(tmp_path, "requests-0001.jsonl") == [custom_id(A)]
        assert ids(tmp_path, "requests-0002.jsonl") == [custom_id(B)]

    def test_never_go_into_a_file_that_is_already_there(self, tmp_path: Path) -> None:
        put(tmp_path, "requests-0007.jsonl", {"custom_id": custom_id(A)})
        ask(tmp_path, A, B)
        assert ids(tmp_path, "requests-0008.jsonl") == [custom_id(B)]

    def test_need_a_model_to_be_asked(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="--batch-model NAME"):
            BatchFileBackend(tmp_path, model_name=" ")

    def test_have_ids_that_do_not_depend_on_where_the_folder_is(self, tmp_path: Path) -> None:
        for name in ("one", "two"):
            ask(tmp_path / name, A)
        assert ids(tmp_path / "one", "requests-0001.jsonl") == ids(tmp_path / "two", "requests-0001.jsonl")


class TestReplies:
    def test_are_found_in_any_file_in_any_order(self, tmp_path: Path) -> None:
        ask(tmp_path, A, B, C)
        put(tmp_path, "batch_67_output.jsonl", row(C, "see"), row(A, "ay"))
        put(tmp_path, "more.jsonl", row(B, "bee"))
        assert texts(ask(tmp_path, A, B, C)) == ["ay", "bee", "see"]

    def test_that_are_there_are_not_lost_when_others_are_missing(self, tmp_path: Path) -> None:
        ask(tmp_path, A, B)
        put(tmp_path, "out.jsonl", row(B, "bee"))
        assert texts(ask(tmp_path, A, B)) == [None, "bee"]
        assert len(list(tmp_path.glob("requests-*"))) == 1

    def test_are_read_like_an_endpoints_replies(self, tmp_path: Path) -> None:
        (reply,) = ask_with(tmp_path, row(A, "fine"))
        assert isinstance(reply, Reply)
        assert (reply.usage.prompt_tokens, reply.usage.output_tokens, reply.model) == (7, 5, "hostile")

    def test_that_refuse_are_final(self, tmp_path: Path) -> None:
        error = {"error": {"message": "too long", "code": "context_length_exceeded"}}
        assert ask_with(tmp_path, row(A, status_code=400, body=error)) == [
            Refused("HTTP 400: too long", orjson.dumps(error).decode())
        ]

    def test_of_vllm_that_refuse_have_their_words_beside_the_response(self, tmp_path: Path) -> None:
        vllm = row(A, status_code=400, body=None) | {
            "error": {"message": "bad role", "type": "X", "code": 400}
        }
        (answer,) = ask_with(tmp_path, vllm)
        assert isinstance(answer, Refused)
        assert answer.problem == "HTTP 400: bad role"

    @pytest.mark.parametrize(
        "bad",
        [
            failed(A, code="batch_expired", message="This request could not be executed in time."),
            row(A, status_code=500, body={"error": {"message": "oh"}}),
            row(A, status_code=429, body={}),
            row(A, body={}),  # a success without a reply in it
            row(A, body=None),
            {"custom_id": custom_id(A), "response": None, "error": None},
        ],
    )
    def test_that_came_to_nothing_are_asked_for_again_three_times_at_most(
        self, tmp_path: Path, bad: dict[str, Any]
    ) -> None:
        ask(tmp_path, A, B)
        for times in (1, 2):
            put(tmp_path, f"out-{times}.jsonl", bad)
            assert ask(tmp_path, A) == [None]
            assert ask(tmp_path, A) == [None]  # only waits
            assert ids(tmp_path, f"requests-000{times + 1}.jsonl") == [custom_id(A)]
        put(tmp_path, "out-3.jsonl", bad)
        (answer,) = ask(tmp_path, A)
        assert isinstance(answer, Broken)
        assert answer.problem.startswith("sent 3 times, the last time: ")

    def test_that_succeeded_count_more_than_failures_before_or_after(self, tmp_path: Path) -> None:
        bad = failed(A, code="batch_expired", message="late")
        assert texts(ask_with(tmp_path, bad, row(A, "good"), bad)) == ["good"]


class TestOddReplyFiles:
    def test_are_named_in_notes_and_spoil_nothing(self, tmp_path: Path) -> None:
        ask(tmp_path, A, B)
        whole = b"\xef\xbb\xbf" + orjson.dumps(row(A, "ay")) + b"\r\n\r\n"
        lines = [
            b"[1]",
            b'{"custom_id": "mine", "response": {}}',
            orjson.dumps(row(A, "second")),
            orjson.dumps(row(C)),
        ]
        cut = orjson.dumps(row(B))[:-20]
        (tmp_path / "out.jsonl").write_bytes(whole + b"\n".join(lines) + b"\n" + cut)
        one = backend(tmp_path)
        assert texts(one.answered([A, B])) == ["ay", None]
        assert one.notes == [
            f"{tmp_path / 'out.jsonl'}:3 is no whole row with an id of ours, nor are 2 others; "
            "is the file complete?",
            f"{tmp_path / 'out.jsonl'}: 1 replies are there a second time, the first ones count",
            f"{tmp_path}: 1 replies to what was never asked here",
        ]

    def test_are_mentioned_where_the_user_is_told_to_wait(self, tmp_path: Path) -> None:
        (tmp_path / "out.jsonl").write_bytes(b"oops\n")
        with pytest.raises(BatchPending, match=r"Note: .*out\.jsonl:1 is no whole row"):
            asyncio.run(backend(tmp_path).answer([A]))

    def test_may_be_empty_or_something_else_altogether(self, tmp_path: Path) -> None:
        (tmp_path / "empty.jsonl").write_bytes(b"")
        put(tmp_path, "records.jsonl", {"id": "r1", "instruction": "x"})
        (tmp_path / "readme.txt").write_text("hello")
        assert ask(tmp_path, A) == [None]


def ask_with(folder: Path, *rows: dict[str, Any]) -> list[Answer | None]:
    ask(folder, A)
    put(folder, "out.jsonl", *rows)
    return ask(folder, A)


@settings(max_examples=12, deadline=None)
@given(answered=st.lists(st.sets(st.integers(0, 11)), max_size=4), per_call=st.integers(1, 12))
def test_every_request_is_sent_once_and_every_reply_found(
    tmp_path_factory: pytest.TempPathFactory, answered: list[set[int]], per_call: int
) -> None:
    """However the replies trickle in and the calls are cut: no request twice in our files, no reply lost."""
    folder = tmp_path_factory.mktemp("batch")
    requests = [Request(messages=(Message("user", f"q{number}"),)) for number in range(12)]
    known: set[int] = set()
    for round_, numbers in enumerate([set(), *answered]):
        put(
            folder,
            f"out-{round_}.jsonl",
            *(row(requests[number], f"a{number}") for number in sorted(numbers)),
        )
        known |= numbers
        found: list[str | None] = []
        for begin in range(0, 12, per_call):
            found += texts(ask(folder, *requests[begin : begin + per_call]))
        assert found == [f"a{number}" if number in known else None for number in range(12)]
    sent = [key for file in folder.glob("requests-*.jsonl") for key in ids(folder, file.name)]
    assert sorted(sent) == sorted(custom_id(request) for request in requests)
