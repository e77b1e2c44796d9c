"""The answers stage: every prompt answered by one model, in a file that any judge reads.

Turns are asked in passes: the second turn of all questions follows the first, with the model's own first
answer in front of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.errors import DataError
from tunewright.evaluate.outputs.answered import (
    MT_BENCH_FILE,
    OUTPUTS_FILE,
    Answered,
    alpaca_eval_row,
    mt_bench_row,
    rows_as_json,
)
from tunewright.evaluate.outputs.config import AnswersConfig
from tunewright.evaluate.outputs.questions import Question, read_questions
from tunewright.evaluate.outputs.tuned import spec_of
from tunewright.llm.ask import Asker, Estimate, estimate
from tunewright.llm.backend import Backend
from tunewright.llm.journal import JOURNAL_FILE
from tunewright.llm.open import open_backend
from tunewright.llm.outcome import Outcome
from tunewright.llm.reply import Reply
from tunewright.llm.request import Message, Request
from tunewright.llm.structured import Unparsable, without_thoughts
from tunewright.records.reject import Reject, RejectWriter, cut
from tunewright.run.files import JsonlLog, write_text_atomic
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.folder import RunFolder, read_manifest
from tunewright.run.progress import Progress
from tunewright.run.seeds import derive_seed
from tunewright.run.versions import environment


def answers(
    config: AnswersConfig,
    prompts: str | Path,
    out: str | Path,
    *,
    progress: Progress | None = None,
    again: bool = False,
    backend: Backend | None = None,
) -> dict[str, Any]:
    """Answer the prompts into the folder `out`; gives back its manifest.

    Writes `model_outputs.json` in AlpacaEval's columns, or for MT-Bench's questions `model_answers.jsonl`
    in FastChat's, and `rejects.jsonl` (broken rows, and prompts without an answer: they are in no file of
    answers, and never an empty one). A `<think>` part at the start of a reply is no part of the answer.
    Stopped and called again, it asks only what it has no reply to; where requests may stay without reply,
    `finished` of what comes back is then None.
    """
    progress = progress or Progress()
    rejects: list[Reject] = []
    questions = list(read_questions(prompts, on_reject=rejects.append))
    config = with_spec(config)
    backend = backend or open_backend(config.ask)
    with RunFolder.open(out, fingerprint=_fingerprint(config, backend, questions), again=again) as folder:
        if not folder.is_done:
            with Asker.open(config.ask, folder.path, progress=progress, backend=backend) as asker:
                unfinished = _answer(config, questions, rejects, asker, folder)
            if unfinished is not None:
                return unfinished
    return read_manifest(out)


def estimate_answers(config: AnswersConfig, prompts: str | Path, out: str | Path) -> Estimate:
    """What `answers` would ask; later turns are counted without the answers in front of them."""
    config = with_spec(config)
    questions = list(read_questions(prompts, on_reject=lambda reject: None))
    requests = [
        _request(config, question, turn, [""] * (turn - 1))
        for question in questions
        for turn in range(1, len(question.turns) + 1)
    ]
    journal = config.ask.replies or Path(out) / JOURNAL_FILE
    if not journal.is_file():
        return estimate(config.ask, requests)
    with Asker.open(config.ask, out) as asker:
        return asker.estimate(requests, read_answer)


def with_spec(config: AnswersConfig) -> AnswersConfig:
    """The config with the folder of a tuned run resolved to the model in it."""
    spec = spec_of(config.ask.model)
    if spec == config.ask.model:
        return config
    return config.model_copy(update={"ask": config.ask.model_copy(update={"model": spec})})


def read_answer(reply: Reply) -> str:
    """The answer in a reply; Unparsable when a filter of the endpoint took it away."""
    if reply.finish == "filtered":
        raise Unparsable("the endpoint's filter stopped the answer; answer within its rules")
    return without_thoughts(reply.text).strip()


@dataclass
class _Thread:
    """One question on its way: the answers so far, and why there will be no more."""

    question: Question
    answers: list[str]
    is_cut: bool = False
    failure: Outcome[str] | None = None

    @property
    def is_open(self) -> bool:
        return self.failure is None and len(self.answers) < len(self.question.turns)


def _answer(
    config: AnswersConfig,
    questions: list[Question],
    rejects: list[Reject],
    asker: Asker,
    folder: RunFolder,
) -> dict[str, Any] | None:
    """Ask turn by turn, write all files and finish; the manifest so far when requests have no reply."""
    threads = [_Thread(question, []) for question in questions]
    num_unanswered = 0
    for turn in range(1, max(len(question.turns) for question in questions) + 1):
        open_ones = [thread for thread in threads if thread.is_open]
        ask_turn = _asks(config, open_ones, turn)
        totals = asker.ask(ask_turn, read_answer, total=len(open_ones), stage=f"answers, turn {turn}")
        for thread, outcome in zip(open_ones, asker.outcomes(ask_turn(), read_answer), strict=True):
            if outcome.value is None:
                thread.failure = outcome
                num_unanswered += outcome.reason == "unanswered"
            else:
                assert outcome.reply is not None
                thread.answers.append(outcome.value)
                thread.is_cut |= outcome.reply.finish == "length"
        num_unanswered = max(num_unanswered, totals.num_unanswered)
    name = config.generator or config.ask.model
    done = [_answered(thread, name) for thread in threads if thread.failure is None]
    _write(folder.path, done, threads, rejects)
    used = asker.used
    contents: dict[str, Any] = {
        "versions": environment(),
        "counts": {
            "prompts": len(questions),
            "answers": len(done),
            "failed": len(threads) - len(done),
            "rejected_rows": len(rejects),
            "cut_at_the_limit": sum(thread.is_cut for thread in threads),
            "empty": sum(not all(one.answers) for one in done),
        },
        "extra": {
            "model": asker.model,
            "revision": asker.revision,
            "generator": name,
            "prompt_tokens": used.prompt_tokens,
            "output_tokens": used.output_tokens,
            "cost": used.cost,
        },
    }
    if num_unanswered:
        contents["counts"]["unanswered"] = num_unanswered
        return folder.unfinished(contents)
    if not done:
        raise DataError(
            f"the model answered none of {len(questions):,} prompts; the first: {_first_problem(threads)}"
        )
    folder.finish(**contents)
    return None


def _asks(config: AnswersConfig, threads: list[_Thread], turn: int) -> Callable[[], Iterator[Request]]:
    def requests() -> Iterator[Request]:
        for thread in threads:
            yield _request(config, thread.question, turn, thread.answers[: turn - 1])

    return requests


def _request(config: AnswersConfig, question: Question, turn: int, answered: list[str]) -> Request:
    before = list(question.before)
    if config.system is not None:
        before = [Message("system", config.system), *(one for one in before if one.role != "system")]
    said = [
        message
        for user, answer in zip(question.turns, answered, strict=False)
        for message in (Message("user", user), Message("assistant", answer))
    ]
    temperature = config.temperature_of(question.category)
    name = question.question_id or question.turns[0][:60]
    return Request(
        messages=(*before, *said, Message("user", question.turns[turn - 1])),
        temperature=temperature,
        top_p=config.top_p,
        max_tokens=config.max_tokens,
        # endpoints take 31 bits
        seed=derive_seed(config.seed, "answers", *question.turns) % 2**31 if temperature > 0 else None,
        subject=f"{name} turn {turn}",
    )


def _answered(thread: _Thread, generator: str) -> Answered:
    question = thread.question
    return Answered(
        prompts=question.turns,
        answers=tuple(thread.answers),
        generator=generator,
        dataset=question.dataset,
        datasplit=question.datasplit,
        question_id=question.question_id,
        category=question.category,
        before=question.before,
    )


def _write(folder: Path, done: list[Answered], threads: list[_Thread], rejects: list[Reject]) -> None:
    is_mt_bench = any(thread.question.question_id for thread in threads)
    if is_mt_bench:
        with JsonlLog(folder / MT_BENCH_FILE) as log:
            log.keep(0)
            for one in done:
                log.append(mt_bench_row(one))
            log.sync()
    else:
        write_text_atomic(folder / OUTPUTS_FILE, rows_as_json(map(alpaca_eval_row, done)))
    with RejectWriter(folder / "rejects.jsonl") as write:
        for reject in rejects:
            write(reject)
        for number, thread in enumerate(threads, start=1):
            if thread.failure is not None:
                write(_failed(number, thread.question, thread.failure))


def _failed(number: int, question: Question, outcome: Outcome[str]) -> Reject:
    raw = outcome.reply.text if outcome.reply is not None else ""
    reason = f"prompt {question.question_id or number}: {outcome.reason}: {outcome.problem}"
    return Reject("", number, "output", reason, cut(raw))


def _first_problem(threads: list[_Thread]) -> str:
    return next(thread.failure.problem for thread in threads if thread.failure is not None)


def _fingerprint(config: AnswersConfig, backend: Backend, questions: list[Question]) -> Fingerprint:
    settings = config.settings()
    settings["ask"] |= {"model": backend.model, "revision": config.ask.revision or backend.revision}
    return Fingerprint("model answers", settings, {"prompts": _digest(questions)})


def _digest(questions: list[Question]) -> str:
    digest = hashlib.sha256()
    for question in questions:
        digest.update(repr(question).encode("utf-8", "replace") + b"\n")
    return digest.hexdigest()
