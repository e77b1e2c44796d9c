"""The loop: every question that is still open is asked, as many at once as the endpoint bears.

Requests come in batches of the backend's size, always the same ones, so that a model in this process sees
the same batches after a kill. What is finished goes into the journal at once; everything else (retries,
waiting, stopping) is kept in memory only and begins anew in another process.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from tunewright.errors import BudgetReached, ModelError, TunewrightError
from tunewright.llm.backend import Backend
from tunewright.llm.batch_file import BatchPending
from tunewright.llm.budget import Budget, likely_prompt_tokens, most_tokens
from tunewright.llm.config import AskConfig
from tunewright.llm.journal import Journal
from tunewright.llm.limits import Limits, Ticket, Wait
from tunewright.llm.outcome import Identity, Open, follow
from tunewright.llm.reply import Answer, Broken, Busy, Refused, Reply, Usage
from tunewright.llm.request import Request
from tunewright.llm.structured import AnyParser
from tunewright.run.progress import Progress

T = TypeVar("T")

FIRST_RETRY_SECONDS = 0.5  # doubles with every attempt
LONGEST_RETRY_SECONDS = 60.0
HOPELESS = 20  # calls given up in a row without a reply between: then it is the endpoint, not the requests
NUM_TO_PREPARE = 6  # tiny questions of a probe
MOST_TO_PREPARE = (2_000, 300)  # tokens they read and write
_TICK_SECONDS = 1.0
_WORTH_A_NOTE_SECONDS = 5.0


class Loop:
    """Asks through one backend into one journal. `run` may be called again for the next step's requests."""

    def __init__(
        self,
        backend: Backend,
        journal: Journal,
        config: AskConfig,
        *,
        who: Identity,
        budget: Budget,
        limits: Limits,
        progress: Progress,
        prepare: Callable[[], Awaitable[None]] | None,
    ) -> None:
        self._backend = backend
        self._journal = journal
        self._config = config
        self._who = who
        self._budget = budget
        self._limits = limits
        self._progress = progress
        self._prepare = prepare  # awaited once, before the first call
        self._stopped: BaseException | None = None
        self._queue = asyncio.Lock()  # first come, first served
        self._changed = asyncio.Event()  # a call ended, or the run stops
        self._stopping = asyncio.Event()
        self._under_way: dict[str, asyncio.Event] = {}
        self._why = ""
        self._last_reply = time.monotonic()
        self._hopeless = 0
        self._waits_for_file: BatchPending | None = None
        self.num_calls = 0
        self.unanswered: dict[str, str] = {}  # key → the last problem

    async def run(self, requests: Iterable[Request], parse: AnyParser[T]) -> None:
        """Ask what is open. Raises what stopped it, after the calls under way have been kept."""
        tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        # As many again stand in line, so that a call begins the moment another ends; but one after the other
        # where there is one at a time, so that batches are always formed alike.
        most = self._limits.most_at_once
        room = asyncio.Semaphore(most if most == 1 else 2 * most)

        def ended(task: asyncio.Task[None]) -> None:
            tasks.discard(task)
            room.release()
            if not task.cancelled() and (problem := task.exception()) is not None:
                self._stop(problem)

        ticker = asyncio.create_task(self._tick())
        try:
            try:
                for number, batch in enumerate(_batches(requests, self._backend.batch_size)):
                    questions = self._open_questions(batch, parse)
                    if not questions:
                        self._progress.advance(len(batch))
                        if number % 64 == 0:
                            await asyncio.sleep(0)  # many finished ones must not block the others
                        continue
                    await room.acquire()
                    await self._prepare_once()
                    if self._stopped is not None:
                        break
                    task = asyncio.create_task(self._finish(batch, parse, questions))
                    tasks.add(task)
                    task.add_done_callback(ended)
            except Exception as problem:  # of the requests themselves: calls under way are kept all the same
                self._stop(problem)
            while tasks:
                await asyncio.wait(tasks)
        finally:
            ticker.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(ticker, *tasks, return_exceptions=True)
        if self._stopped is not None:
            raise self._stopped
        if self._waits_for_file is not None:
            raise self._waits_for_file

    def stop(self, problem: BaseException) -> None:
        """End the run with this, from another thread; calls under way still come in and are kept."""
        self._loop.call_soon_threadsafe(self._stop, problem)

    @property
    def num_running(self) -> int:
        return self._limits.num_running

    async def _prepare_once(self) -> None:
        if self._prepare is None or self._stopped is not None:
            return
        prepare, self._prepare = self._prepare, None
        lacking = self._budget.lacks(*MOST_TO_PREPARE)
        if lacking:
            self._stop(BudgetReached(f"stopped by {lacking}; raise it and run the same command again"))
            return
        most = Usage(*MOST_TO_PREPARE)
        self._budget.reserve(*MOST_TO_PREPARE)
        for _ in range(NUM_TO_PREPARE):  # they count for the limits per minute too
            tokens = sum(MOST_TO_PREPARE) // NUM_TO_PREPARE
            self._limits.end(self._limits.begin(time.monotonic(), tokens))
        try:
            await prepare()
        finally:  # counted with the most it can have used
            self._lose(most)
            self._budget.settle(*MOST_TO_PREPARE, most)

    def _open_questions(self, batch: Sequence[Request], parse: AnyParser[T]) -> dict[str, Request]:
        """The next question of every request that has no outcome yet, each once, by key."""
        found = {}
        for request in batch:
            state = follow(
                request,
                parse,
                journal=self._journal,
                who=self._who,
                max_asked_again=self._config.max_asked_again,
            )
            if isinstance(state, Open) and state.key not in self.unanswered:
                found[state.key] = state.question
        return found

    async def _finish(
        self, batch: Sequence[Request], parse: AnyParser[T], questions: dict[str, Request]
    ) -> None:
        """Ask, and ask again, until every request of the batch has its outcome."""
        while self._stopped is None:
            if not questions:
                self._progress.advance(len(batch), **self._fields())
                return
            others = [self._under_way[key] for key in questions if key in self._under_way]
            mine = {
                key: question
                for key, question in questions.items()
                if key not in self._under_way and self._journal.get(key) is None
            }
            if not mine:  # another batch has asked the same, or has it under way
                if others:
                    await others[0].wait()
                questions = self._open_questions(batch, parse)
                continue
            ended = asyncio.Event()
            self._under_way.update(dict.fromkeys(mine, ended))
            try:
                is_pending = await self._ask(dict(mine))
            except TunewrightError as problem:
                self._stop(problem)
                return
            finally:
                for key in mine:
                    del self._under_way[key]
                ended.set()
            questions = self._open_questions(batch, parse)
            if is_pending and questions.keys() <= mine.keys():
                return  # nothing new to write for those who answer the file

    async def _ask(self, questions: dict[str, Request]) -> bool:
        """Ask until each has an answer or no attempt left. True when answers are yet to come, in a file."""
        attempts = dict.fromkeys(questions, 0)
        while questions and self._stopped is None:
            asked = list(questions.items())
            most = [most_tokens(question) for question in questions.values()]
            prompt_tokens, output_tokens = sum(p for p, _ in most), sum(o for _, o in most)
            ticket = await self._turn(list(questions.values()), prompt_tokens, output_tokens)
            if ticket is None:
                return False
            answers: Sequence[Answer | None] = ()
            is_pending = False
            try:
                answers = await self._backend.answer([question for _, question in asked])
            except BatchPending as pending:
                answers, is_pending = pending.answers, True
                self._waits_for_file = pending  # the last one tells of all that waits
            finally:
                self._settle(ticket, prompt_tokens, output_tokens, answers)
            self._keep(asked, answers)
            pause = 0.0
            given_up: list[tuple[str, Broken]] = []
            for (key, _), answer in zip(asked, answers, strict=True):
                if isinstance(answer, Reply | Refused):
                    del questions[key]
                elif isinstance(answer, Broken):
                    attempts[key] += 1
                    if attempts[key] >= self._config.max_attempts:
                        del questions[key]
                        given_up.append((key, answer))
                    pause = max(pause, FIRST_RETRY_SECONDS * 2.0 ** min(attempts[key] - 1, 30))
            self._learn(ticket, answers)
            self._give_up(given_up, had_reply=any(isinstance(answer, Reply) for answer in answers))
            if is_pending:
                return True
            if questions and pause:
                await self._sleep(min(pause, LONGEST_RETRY_SECONDS) * random.uniform(0.75, 1.25))
        return False

    async def _sleep(self, seconds: float) -> None:
        """Wait, but no longer than until the run stops."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _turn(
        self, questions: Sequence[Request], prompt_tokens: int, output_tokens: int
    ) -> Ticket | None:
        """Wait until these may be asked; None when the run stops instead."""
        likely = sum(likely_prompt_tokens(question) + question.max_tokens for question in questions)
        async with self._queue:
            while self._stopped is None:
                now = time.monotonic()
                lacking = self._budget.lacks(prompt_tokens, output_tokens)
                if lacking and not self._limits.num_running:
                    self._stop(
                        BudgetReached(f"stopped by {lacking}; raise it and run the same command again")
                    )
                    break
                wait = Wait(None, lacking) if lacking else self._limits.wait(now, likely)
                self._why = wait.why if wait is not None and (lacking or wait.seconds is not None) else ""
                if wait is None:
                    self._budget.reserve(prompt_tokens, output_tokens)
                    return self._limits.begin(now, likely)
                self._changed.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait.seconds):
                        await self._changed.wait()
        return None

    def _settle(
        self, ticket: Ticket, prompt_tokens: int, output_tokens: int, answers: Sequence[Answer | None]
    ) -> None:
        usages = [answer.usage for answer in answers if isinstance(answer, Reply)]
        used = Usage(sum(one.prompt_tokens for one in usages), sum(one.output_tokens for one in usages))
        broken = [answer for answer in answers if isinstance(answer, Broken)]
        if any(answer.is_slow for answer in broken):  # it may have been charged for: the most it can be
            lost = Usage(
                max(prompt_tokens - used.prompt_tokens, 0), max(output_tokens - used.output_tokens, 0)
            )
        else:
            charged = [answer.usage for answer in broken if answer.usage is not None]
            lost = Usage(sum(one.prompt_tokens for one in charged), sum(one.output_tokens for one in charged))
        self._lose(lost)
        used = Usage(used.prompt_tokens + lost.prompt_tokens, used.output_tokens + lost.output_tokens)
        self._budget.settle(prompt_tokens, output_tokens, used)
        self._limits.end(ticket, tokens=used.prompt_tokens + used.output_tokens)
        self._changed.set()

    def _lose(self, usage: Usage | None) -> None:
        """Remember tokens that brought no reply: they count against the budget of a later process too."""
        if usage is not None and (usage.prompt_tokens or usage.output_tokens):
            self._journal.add_lost(usage.prompt_tokens, usage.output_tokens)

    def _keep(self, asked: Sequence[tuple[str, Request]], answers: Sequence[Answer | None]) -> None:
        finished = [
            (key, self._backend.model, question, answer)
            for (key, question), answer in zip(asked, answers, strict=True)
            if isinstance(answer, Reply | Refused)
        ]
        if finished:
            self._journal.put(finished)
            self.num_calls += len(finished)

    def _learn(self, ticket: Ticket, answers: Sequence[Answer | None]) -> None:
        """What the answers say about how much the endpoint bears."""
        now = time.monotonic()
        for answer in answers:
            if isinstance(answer, Reply | Refused):
                self._limits.replied(ticket)
                self._last_reply, self._hopeless = now, 0
            elif isinstance(answer, Broken) and answer.is_slow:
                self._limits.was_slow(now, ticket)
            elif isinstance(answer, Busy):
                self._was_busy(now, ticket, answer)

    def _was_busy(self, now: float, ticket: Ticket, answer: Busy) -> None:
        was_paused = now < self._limits.paused_until
        seconds = self._limits.was_busy(now, ticket, answer.retry_after_seconds, answer.problem)
        patience = self._config.patience_seconds
        if max(seconds, now - self._last_reply) > patience:
            self._stop(
                ModelError(
                    f"{answer.problem}; that is longer than {patience:g} s of patience without a reply. All "
                    "replies so far are kept: run the same command again later, or with more patience"
                )
            )
        elif not was_paused and seconds >= _WORTH_A_NOTE_SECONDS:
            self._progress.note(f"waiting {seconds:.0f} s: {answer.problem}")

    def _give_up(self, given_up: Sequence[tuple[str, Broken]], *, had_reply: bool) -> None:
        if not given_up:
            return
        self.unanswered |= {key: answer.problem for key, answer in given_up}
        _, answer = given_up[-1]
        self._hopeless = 0 if had_reply else self._hopeless + 1
        if self._hopeless >= HOPELESS:
            self._stop(
                ModelError(
                    f"{HOPELESS} calls in a row got no answer in {self._config.max_attempts} attempts "
                    f"each, the last: {answer.problem}. All replies so far are kept: mend the endpoint and "
                    "run the same command again"
                )
            )

    def _stop(self, problem: BaseException) -> None:
        """End the run with this; calls under way still come in and are kept."""
        if self._stopped is None:
            self._stopped = problem
        self._changed.set()
        self._stopping.set()

    def _fields(self) -> dict[str, Any]:
        """What the progress line shows beside count, rate and time left."""
        fields: dict[str, Any] = {"tokens": f"{self._budget.prompt_tokens + self._budget.output_tokens:,}"}
        if self._budget.cost is not None:
            fields["cost"] = f"{self._budget.cost:.4f}"
        fields["at once"] = self._limits.num_running
        fields["waits for"] = self._why or "replies"
        return fields

    async def _tick(self) -> None:
        """Keep the line true while nothing comes in."""
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            self._progress.advance(0, **self._fields())


def _batches(requests: Iterable[Request], size: int) -> Iterator[list[Request]]:
    source = iter(requests)
    while batch := list(itertools.islice(source, size)):
        yield batch
