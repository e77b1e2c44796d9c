"""Asking a model from a stage: `Asker` owns the place that answers, the journal and the loop between them.

    with Asker.open(config, folder, progress=progress) as asker:
        asker.ask(requests, parse, total=len(records))
        for outcome in asker.outcomes(requests(), parse):
            ...

`ask` makes the calls that are missing, in whatever order they finish; `outcomes` then reads the journal in
the order of the requests. So memory does not grow with the data, and what a stage writes is the same
however often it was killed in between.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from tunewright.errors import ModelError
from tunewright.llm.backend import Backend
from tunewright.llm.budget import Budget, Prices, likely_prompt_tokens
from tunewright.llm.config import AskConfig
from tunewright.llm.journal import JOURNAL_FILE, Journal
from tunewright.llm.limits import Limits
from tunewright.llm.loop import Loop
from tunewright.llm.open import find_honours, open_backend, recall_honours
from tunewright.llm.outcome import Identity, Open, Outcome, closed, follow
from tunewright.llm.request import Request
from tunewright.llm.structured import AnyParser
from tunewright.run.aside import newest_aside
from tunewright.run.progress import Progress

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Totals:
    """What one process did: calls it finished; and what the whole journal has used, with its price."""

    num_calls: int
    num_unanswered: int
    prompt_tokens: int
    output_tokens: int
    cost: float | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run would ask, before its first call.

    `prompt_tokens` is a count at four bytes a token (exact for a model in this process), `output_tokens`
    the most that may be written. Asking again after unusable replies comes on top. Costs are None without
    prices.
    """

    num_requests: int
    num_to_ask: int
    prompt_tokens: int
    most_output_tokens: int
    least_cost: float | None
    most_cost: float | None


class Asker:
    """One model, one journal. Use it in a `with`: leaving it closes the connections."""

    def __init__(self, config: AskConfig, backend: Backend, journal: Journal, progress: Progress) -> None:
        self._config = config
        self._backend = backend
        self._journal = journal
        self._progress = progress
        self.who = identity_of(backend, config)
        spent = journal.spent()
        self._budget = Budget(
            tokens=config.budget_tokens,
            money=config.budget_money,
            prices=_prices(config),
            spent_prompt_tokens=spent.prompt_tokens,
            spent_output_tokens=spent.output_tokens,
        )
        most_at_once = min(config.concurrency, backend.max_concurrency or config.concurrency)
        self._limits = Limits(
            most_at_once=most_at_once,
            requests_per_minute=config.requests_per_minute,
            tokens_per_minute=config.tokens_per_minute,
        )
        self._thread: _LoopThread | None = None
        self._is_to_forget = config.ask_refused  # once: what is refused anew stays refused

    @classmethod
    def open(
        cls,
        config: AskConfig,
        folder: str | Path,
        *,
        run: str | Path | None = None,
        progress: Progress | None = None,
        backend: Backend | None = None,
    ) -> Self:
        """The asker of a folder, whose journal is `replies.sqlite` in it unless the config names another.

        A run begun again with other settings takes the journal of the folder that was moved aside along:
        what has not changed is not asked again. `run` is the run's own folder, where the journal lies in one
        below it. Raises ModelError when the spec names nothing known.
        """
        backend = backend or open_backend(config)
        path = Path(config.replies) if config.replies is not None else Path(folder) / JOURNAL_FILE
        if config.replies is None and not path.exists():
            _inherit(path, Path(run) if run is not None else path.parent)
        return cls(config, backend, Journal(path), progress or Progress())

    @property
    def model(self) -> str:
        return self._backend.model

    @property
    def revision(self) -> str:
        return self.who.revision

    @property
    def used(self) -> Totals:
        """What the journal has used so far, also while calls are under way; calls are not counted here."""
        return self._totals(0, 0)

    def ask(
        self,
        requests: Callable[[], Iterable[Request]],
        parse: AnyParser[T],
        *,
        total: int | None = None,
        stage: str = "ask",
    ) -> Totals:
        """Make all calls that are missing until every request has an outcome.

        `requests` is called anew for every pass. Raises ModelError when the endpoint cannot be used or some
        requests got no answer (unless the config allows it), BudgetReached at the budget's end; the replies
        that came are kept in any case.
        """
        self._progress.start(stage, total, "requests")
        if not self._config.calls:
            self._progress.finish("no calls: only what is in the journal")
            return self._totals(0, 0)
        if self._is_to_forget:
            self._journal.forget_refused()
            self._is_to_forget = False
        if self._thread is None:
            self._thread = _LoopThread()
        loop = Loop(
            self._backend,
            self._journal,
            self._config,
            who=self.who,
            budget=self._budget,
            limits=self._limits,
            progress=self._progress,
            prepare=None if recall_honours(self._backend, self._journal) else self._prepare,
        )
        self._thread.run(loop.run(requests(), parse), on_interrupt=lambda: self._interrupt(loop))
        self._progress.finish()
        num = len(loop.unanswered)
        if num and not self._config.allow_unanswered:
            raise ModelError(
                f"{num:,} request{'s' * (num > 1)} got no answer in {self._config.max_attempts} attempts; "
                f"the first because: {next(iter(loop.unanswered.values()))}. All replies are kept; the "
                "same command asks only those again, --allow-unanswered goes on without them"
            )
        return self._totals(loop.num_calls, len(loop.unanswered))

    def outcomes(self, requests: Iterable[Request], parse: AnyParser[T]) -> Iterator[Outcome[T]]:
        """What became of each request, in their order, from the journal alone."""
        for request in requests:
            yield closed(request, self._follow(request, parse))

    def estimate(self, requests: Iterable[Request], parse: AnyParser[T] | None = None) -> Estimate:
        """What `ask` would have to ask, without a call."""
        return estimate(
            self._config, requests, parse, journal=self._journal, who=self.who, backend=self._backend
        )

    def close(self) -> None:
        try:
            if self._thread is not None:
                self._thread.run(self._backend.close())
        finally:
            try:
                if self._thread is not None:
                    self._thread.close()
                    self._thread = None
            finally:
                self._journal.close()

    def _interrupt(self, loop: Loop) -> None:
        """The first Ctrl-C: what is under way has been paid for, so it is waited for and kept."""
        self._progress.note(
            f"stopping; waits for {loop.num_running} calls under way, Ctrl-C again drops them"
        )
        loop.stop(_Interrupted())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _follow(self, request: Request, parse: AnyParser[T]) -> Outcome[T] | Open:
        return follow(
            request,
            parse,
            journal=self._journal,
            who=self.who,
            max_asked_again=self._config.max_asked_again,
        )

    async def _prepare(self) -> None:
        """Before the first call: learn once what the endpoint honours, and say it."""
        for line in await find_honours(self._backend, self._journal):
            self._progress.note(line)

    def _totals(self, num_calls: int, num_unanswered: int) -> Totals:
        budget = self._budget
        return Totals(num_calls, num_unanswered, budget.prompt_tokens, budget.output_tokens, budget.cost)


def estimate(
    config: AskConfig,
    requests: Iterable[Request],
    parse: AnyParser[T] | None = None,
    *,
    journal: Journal | None = None,
    who: Identity | None = None,
    backend: Backend | None = None,
) -> Estimate:
    """What a run would ask. With a journal, what it holds is not counted again, but for refused requests
    where `ask_refused` is set. The journal stays as it is."""
    backend = backend or open_backend(config)
    who = who or identity_of(backend, config)
    count = getattr(backend, "count_tokens", likely_prompt_tokens)
    keys: set[bytes] = set()
    num_requests = prompt_tokens = output_tokens = 0
    for request in requests:
        num_requests += 1
        question = request
        if journal is not None:
            found = follow(
                request,
                parse or (lambda reply: reply),
                journal=journal,
                who=who,
                max_asked_again=config.max_asked_again,
            )
            if isinstance(found, Open):
                question = found.question
            elif found.reason != "refused" or not config.ask_refused:
                continue
        key = bytes.fromhex(who.key(question))
        if key not in keys:
            keys.add(key)
            prompt_tokens += count(question)
            output_tokens += question.max_tokens
    prices = _prices(config)
    return Estimate(
        num_requests,
        len(keys),
        prompt_tokens,
        output_tokens,
        None if prices is None else prices.of(prompt_tokens, 0),
        None if prices is None else prices.of(prompt_tokens, output_tokens),
    )


def identity_of(backend: Backend, config: AskConfig) -> Identity:
    """Who answers. A model in this process is known by its weights, wherever they lie."""
    known_as = getattr(backend, "known_as", backend.model)
    return Identity(known_as, config.revision or backend.revision)


def _prices(config: AskConfig) -> Prices | None:
    if config.price_input is None or config.price_output is None:
        return None
    return Prices(config.price_input, config.price_output)


def _inherit(path: Path, run: Path) -> None:
    """Copy the run's journal from the newest folder that `--again` moved aside, if there is one."""
    newest = newest_aside(run, path.resolve().relative_to(run.resolve()))
    if newest is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.0.tmp")
    partial.unlink(missing_ok=True)  # of a process that was killed here
    with sqlite3.connect(newest) as source, sqlite3.connect(partial) as target:
        source.backup(target)
    source.close()
    target.close()
    shutil.move(partial, path)


class _Interrupted(Exception):
    """Stands for KeyboardInterrupt in the loop's thread, which that one would end."""


class _LoopThread:
    """An event loop in a thread of its own: connections live as long as the asker, and a caller that has a
    running loop already (a notebook) can ask all the same."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="asking", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], *, on_interrupt: Callable[[], None] | None = None) -> T:
        """The result of `work`. An interruption here calls `on_interrupt`, which shall bring it to its end;
        the next one, or where there is none the first, cancels it and waits until it has cleaned up."""
        done = threading.Event()

        async def watched() -> T:
            try:
                return await work
            finally:
                done.set()

        future = asyncio.run_coroutine_threadsafe(watched(), self._loop)
        try:
            try:
                return future.result()
            except KeyboardInterrupt:
                if on_interrupt is None:
                    raise
                on_interrupt()
                return future.result()
        except _Interrupted:
            raise KeyboardInterrupt from None
        except BaseException:
            future.cancel()
            done.wait(timeout=10.0)
            raise

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _serve(self) -> None:
        self._loop.run_forever()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
