"""The loop: rounds of calls, each built from what was accepted before, until every cell has its share.

A round's questions follow from the seed and from the replies of earlier rounds alone. So a run that was
killed goes through its rounds again, finds its replies in the journal, and comes to the same rows; only
what has no reply is asked. A run that is stopped inside a round judges the replies that came, up to the first
call without one: rows are written in the order of the calls, and more of them only behind.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunewright.errors import ModelError
from tunewright.generate.config import GrowConfig
from tunewright.generate.grow.ask import Decoding, build, parser, prompt_hash
from tunewright.generate.grow.candidate import Candidate, Provenance, candidate_of
from tunewright.generate.grow.cells import GENERAL, Cell, Form, group_of
from tunewright.generate.grow.examples import Example, Shelf
from tunewright.generate.grow.gate import Gate, GateSettings, Rejection
from tunewright.generate.grow.growth import Growth, Pace
from tunewright.generate.grow.plan import Order, Plan
from tunewright.generate.grow.replayed import ReplayedLog
from tunewright.generate.grow.tally import Tally
from tunewright.generate.grow.tuples import GeneralTuple, Given, given_in
from tunewright.llm.ask import Asker, Totals
from tunewright.llm.outcome import Outcome
from tunewright.llm.request import Request
from tunewright.llm.structured import Parser, ParserByRequest
from tunewright.records.native import native_row
from tunewright.records.record import Record
from tunewright.run.progress import Progress
from tunewright.run.seeds import derive_seed


@dataclass(frozen=True, slots=True)
class Asked:
    """A call of the round, with the ids of the seeds and machine items that its prompt shows."""

    order: Order
    request: Request
    seed_ids: tuple[str, ...]
    example_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """One tuple of a reply on its way through the gate."""

    number: int  # of all candidates, from 1
    asked: Asked
    key: str
    given: Given
    cell: Cell
    candidate: Candidate | None


@dataclass
class _Round:
    """What a round has come to: its counts, and how many items each of its calls may still bring."""

    room: dict[Order, Counter[str]]
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True)
class Logs:
    """Where a run is written: what was accepted, what was not, and a row per round."""

    records: ReplayedLog
    rejects: ReplayedLog
    metrics: ReplayedLog

    def all(self) -> tuple[ReplayedLog, ReplayedLog, ReplayedLog]:
        return self.records, self.rejects, self.metrics


@dataclass
class Grower:
    """A plan that is being filled. `step` is one round; it needs whoever asks and the logs to write to."""

    config: GrowConfig
    seeds: Sequence[Record]
    plan: Plan
    seed: int
    tally: Tally = field(default_factory=Tally)
    num_rounds: int = 0
    num_calls: int = 0
    num_waiting: int = 0  # replies of a begun round that are kept, but stand behind a call without one

    def __post_init__(self) -> None:
        config = self.config
        self.decoding = Decoding(config.temperature, config.top_p, config.max_tokens)
        self._seed_shelf, self._machine_shelf = Shelf(), Shelf()
        for seed in self.seeds:
            group = GENERAL.group if config.domain == "general" else group_of(seed)
            # what an author is told is no example of an item; where it is all there is, better than none
            if group.form != "author" or self._shows_author_tasks():
                self._seed_shelf.add(Example.of(seed), group)
        self.gate = Gate(
            GateSettings(
                near_duplicate=config.near_duplicate,
                language=config.language,
                refuse_level=config.refuse_level,
                skip_detectors=config.skip_detectors,
                skip_item_rules=config.skip_item_rules,
            ),
            seeds=[_whole(seed, config.domain) for seed in self.seeds],
        )
        self._futile_rounds = 0
        self.totals = Totals(0, 0, 0, 0, None)
        self.pace = Pace()

    def _shows_author_tasks(self) -> bool:
        return any(cell.group.form == "author" for cell in self.plan.targets) or all(
            group_of(seed).form == "author" for seed in self.seeds
        )

    def next_round(self) -> list[Asked]:
        """The calls of the next round; empty when the plan is filled, or when it cannot be."""
        if self.stopped:
            return []
        config = self.config
        orders = self.plan.next_round(
            self.num_rounds, num_calls=config.calls_per_round, per_call=config.per_call
        )
        return [self.asked(order) for order in orders]

    @property
    def stopped(self) -> str:
        """Why no more is asked although the plan is not filled; "" otherwise."""
        if self._futile_rounds < self.config.patience_rounds or self.plan.num_accepted == self.plan.n:
            return ""
        said = (
            f"in {self._futile_rounds} rounds in a row less than {self.config.min_acceptance:.0%} of what "
            "was asked for was accepted"
        )
        if self.config.domain == "general":
            return said
        num_open = len(self.plan.targets) - self.plan.num_filled
        return f"{said}, with {num_open:,} of {len(self.plan.targets):,} cells not filled"

    def open_cells(self) -> list[tuple[Cell, int]]:
        """The cells that are not filled with how many items they lack, the emptiest first."""
        missing = ((cell, self.plan.missing(cell)) for cell in self.plan.targets)
        return sorted(((c, n) for c, n in missing if n), key=lambda one: (-one[1], one[0]))

    def step(
        self,
        calls: Sequence[Asked],
        asker: Asker,
        *,
        logs: Logs,
        progress: Progress,
        may_ask: bool = True,
        given_up: Collection[str] = (),
        look: Callable[[], None] = lambda: None,
    ) -> None:
        """Ask, take the replies in the order of the calls through the gate, and write what came of it.

        Replies that are there already come first: when the logs hold rows beyond them, RowsDiffer, before
        anything is asked. Whatever ends the asking (a budget, Ctrl-C, an endpoint that fails, or that it must
        not ask), the replies up to the first missing one are judged before it is raised again. `given_up` are
        keys of calls that an earlier process went on without, `look` is called after every candidate.
        """
        judged = _Round({one.order: Counter(one.order.topics) for one in calls})
        num_settled = self._num_settled(calls, asker, given_up)
        self._gate(calls[:num_settled], judged, asker, logs, progress, look)
        if open_calls := calls[num_settled:]:
            for log in logs.all():
                log.refuse_old()
            try:
                self._ask(open_calls, asker, may_ask=may_ask)
            except BaseException:
                num_settled = self._num_settled(open_calls, asker)
                self._gate(open_calls[:num_settled], judged, asker, logs, progress, look)
                self.num_waiting = sum(self._is_settled(one, asker) for one in open_calls[num_settled:])
                raise
            self._gate(open_calls, judged, asker, logs, progress, look)
        self.totals = asker.used
        logs.metrics.append(self._metrics(calls, judged.tally))
        for log in logs.all():
            log.sync()
        num_asked = sum(len(one.order.topics) for one in calls)
        is_futile = judged.tally.num_accepted < self.config.min_acceptance * num_asked
        self._futile_rounds = self._futile_rounds + 1 if is_futile else 0
        self.num_rounds += 1
        self.num_calls += len(calls)

    def _ask(self, calls: Sequence[Asked], asker: Asker, *, may_ask: bool) -> None:
        if not may_ask:
            raise ModelError(
                f"the kept replies end in round {self.num_rounds + 1:,}, and no calls are to be made: the "
                "run is not finished. The same command without --no-calls goes on"
            )
        self.pace.begins_round(self.tally.num_accepted)
        parsers = {one.request.subject: self._parser(one) for one in calls}
        totals = asker.ask(
            lambda: [one.request for one in calls],
            ParserByRequest(lambda request: parsers[request.subject]),
            total=len(calls),
        )
        if totals.num_calls:
            self.pace.asked()

    def _parser(self, one: Asked) -> Parser[list[Given]]:
        return parser(one.order.group.form, explanations=self.config.explanations)

    def _num_settled(self, calls: Sequence[Asked], asker: Asker, given_up: Collection[str] = ()) -> int:
        """How many calls stand before the first that has to be asked."""
        for number, one in enumerate(calls):
            if self._is_settled(one, asker):
                continue
            if next(asker.outcomes([one.request], self._parser(one))).key not in given_up:
                return number
        return len(calls)

    def _is_settled(self, one: Asked, asker: Asker) -> bool:
        return not asker.estimate([one.request], self._parser(one)).num_to_ask

    def _gate(
        self,
        calls: Sequence[Asked],
        judged: _Round,
        asker: Asker,
        logs: Logs,
        progress: Progress,
        look: Callable[[], None],
    ) -> None:
        """Judge what these calls brought, and write it."""
        for one in self._tried(calls, asker):
            room = judged.room[one.asked.order]
            rejection = self._judge(one, room)
            if rejection is None:
                assert one.candidate is not None, "what has no candidate is rejected"
                self._accept(one.candidate, room)
                logs.records.append(native_row(one.candidate.record, as_text=False))
            else:
                logs.rejects.append(_reject_row(one, rejection))
            for tally in (self.tally, judged.tally):
                tally.add(rejection)
            progress.advance(int(rejection is None), **self._fields())
            look()

    def asked(self, order: Order) -> Asked:
        """The call of an order, with examples drawn from the seeds and from what is accepted so far."""
        config = self.config
        rng = random.Random(derive_seed(self.seed, "examples", order.round, order.number))
        seeds = self._seed_shelf.draw(order.group, config.seed_examples, rng)
        machine = self._machine_shelf.draw(order.group, config.machine_examples, rng)
        examples = [*seeds, *machine]
        rng.shuffle(examples)
        request = build(
            order, examples, decoding=self.decoding, seed=self.seed, explanations=config.explanations
        )
        return Asked(order, request, tuple(e.id for e in seeds), tuple(e.id for e in machine))

    def _tried(self, calls: Sequence[Asked], asker: Asker) -> Iterator[Tried]:
        number = self.tally.num_candidates
        for asked in calls:
            group = asked.order.group
            outcome = next(asker.outcomes([asked.request], self._parser(asked)))
            for given in _given(outcome, group.form, explanations=self.config.explanations):
                number += 1
                topic = asked.order.topics[0]
                if given.parts is not None and not isinstance(given.parts, GeneralTuple):
                    topic = given.parts.topic
                cell = Cell(group, topic)
                candidate = None
                if given.parts is not None:
                    provenance = self._provenance(asked, outcome.key, asker)
                    candidate = candidate_of(given.parts, cell, provenance, seed=self.seed)
                yield Tried(number, asked, outcome.key, given, cell, candidate)

    def _provenance(self, asked: Asked, key: str, asker: Asker) -> Provenance:
        return Provenance(
            seed_ids=asked.seed_ids,
            example_ids=asked.example_ids,
            prompt_hash=prompt_hash(),
            model=asker.model,
            revision=asker.revision,
            decoding=self.decoding,
            licence=self.config.licence,
            round=asked.order.round,
            call=key,
        )

    def _judge(self, one: Tried, room: Counter[str]) -> Rejection | None:
        if one.candidate is None or one.given.parts is None:
            return Rejection("tuple", one.given.reason, one.given.problem)
        if room[one.cell.topic] <= 0:
            return Rejection("plan", "not_asked_for", f"topic {one.cell.topic!r} is not open in this call")
        return self.gate.judge(one.candidate, one.given.parts)

    def _accept(self, candidate: Candidate, room: Counter[str]) -> None:
        self.plan.accept(candidate.cell)
        room[candidate.cell.topic] -= 1
        self._machine_shelf.add(Example.of(candidate.record), candidate.cell.group)

    def growth(self, used: Totals) -> Growth:
        """How far it is; `used` are the tokens and the price up to now."""
        accepted, wanted = self.tally.num_accepted, self.plan.n
        per_second = self.pace.per_second(accepted)
        from_before = self.pace.from_before
        return Growth(
            accepted=accepted,
            wanted=wanted,
            from_before=accepted if from_before is None else from_before,
            candidates=self.tally.num_candidates,
            reasons=tuple((step, why, n) for (step, why), n in self.tally.rejected.most_common()),
            cells_filled=self.plan.num_filled,
            cells=len(self.plan.targets),
            rounds=self.num_rounds,
            prompt_tokens=used.prompt_tokens,
            output_tokens=used.output_tokens,
            cost=used.cost,
            per_second=per_second,
            eta_seconds=(wanted - accepted) / per_second if per_second else None,
        )

    def _fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "rejected": f"{self.tally.num_rejected:,}",
            "cells": f"{self.plan.num_filled:,}/{len(self.plan.targets):,}",
        }
        reason = self.tally.first_reason()
        return fields | ({"most": reason} if reason else {})

    def _metrics(self, calls: Sequence[Asked], tally: Tally) -> dict[str, Any]:
        return {
            "round": self.num_rounds,
            "calls": len(calls),
            "candidates": tally.num_candidates,
            "accepted": tally.num_accepted,
            "rejected": tally.num_rejected,
            "reasons": tally.reasons(),
            "total_accepted": self.plan.num_accepted,
            "cells_filled": self.plan.num_filled,
        }


def _given(outcome: Outcome[list[Given]], form: Form, *, explanations: bool) -> list[Given]:
    """The tuples of a reply. A call without a usable one counts with those it has; with one when it has
    none at all, so that it is not lost from the counts."""
    if outcome.value is not None:
        return outcome.value
    text = outcome.reply.text if outcome.reply is not None else ""
    reason = outcome.reason if outcome.reason != "unparsable" else "no_item"
    return (given_in(text, form, explanations=explanations) if reason == "no_item" else []) or [
        Given(text, None, reason, outcome.problem)
    ]


def _reject_row(one: Tried, rejection: Rejection) -> dict[str, Any]:
    """All of a rejected tuple: its whole text, so that nothing a model was paid for is gone."""
    group = one.cell.group
    return {
        "candidate": one.number,
        "step": rejection.step,
        "reason": rejection.reason,
        "detail": rejection.detail,
        "skill": group.skill,
        "task": group.task,
        "level": group.level,
        "topic": one.cell.topic,
        "round": one.asked.order.round,
        "call": one.key,
        "text": one.given.text,
    }


def _whole(seed: Record, domain: str) -> str:
    """What of a seed is compared with candidates: as `Candidate.whole` has it."""
    if domain == "general":
        return seed.instruction
    return f"{seed.input or seed.instruction}\n{seed.output}"
