"""One record before the coach: what is asked, and what is made of the reply, which may be nothing at all.

A reply proposes a revision or is invalid; an invalid one leaves the record as it is, with a reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from tunewright.coach.after import AfterConfig, invalid
from tunewright.coach.form import Form
from tunewright.coach.revision import FIELDS, Revision, with_texts
from tunewright.llm.budget import likely_prompt_tokens
from tunewright.llm.outcome import Outcome
from tunewright.llm.reply import Reply
from tunewright.llm.request import Request
from tunewright.llm.structured import Parser, ParserByRequest, Unparsable, without_thoughts
from tunewright.records.record import Record

WINDOW_REQUESTS = 4096  # sorted by length at a time, some 20 MB of them

# How this package and the endpoints in use say that a prompt is longer than the model can read.
_TOO_LONG = re.compile(
    r"context[_ ](?:length|size|window)|model's context is \d|prompt is too long|too many (?:input )?tokens",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What came of asking about one record: `revised`, or the reason why there is none.

    Reasons are those of `after.FALLBACK_REASONS` and `unparsable`, `cut` (the reply ended at its token
    limit), `refused`, `too_long` (the record does not fit into the model) and `unanswered` (no reply yet).
    `raw` is the text of a reply that could not be used.
    """

    original: Record
    revised: Record | None
    reason: str = ""
    detail: str = ""
    raw: str = ""
    num_calls: int = 0

    @property
    def is_change(self) -> bool:
        return self.revised is not None and bool(Revision(self.original, self.revised).changed)


def parser(form: Form) -> ParserByRequest[Record]:
    """The reading of replies to requests whose `about` is the original: the record as it was revised.

    A `<think>` part at the start of a reply is not looked at. A reply that was cut at its token limit is
    unusable, though what there is of it may read well.
    """

    def parser_of(request: Request) -> Parser[Record]:
        original: Record = request.about

        def parse(reply: Reply) -> Record:
            if reply.finish == "length":
                raise Unparsable("the answer was cut at the length limit; answer more briefly")
            if reply.finish == "filtered":
                raise Unparsable("the answer was cut by a content filter")
            found = form.read(original, without_thoughts(reply.text))
            return with_texts(original, {name: getattr(found, name) for name in FIELDS})

        return parse

    return ParserByRequest(parser_of)


def proposal_of(outcome: Outcome[Record], config: AfterConfig) -> Proposal:
    """The proposal in a reply, or the first reason against it. What changes nothing is always valid."""
    original: Record = outcome.request.about
    raw = outcome.reply.text if outcome.reply is not None else ""
    if outcome.value is None:
        return Proposal(original, None, _reason(outcome), outcome.problem, raw, outcome.num_calls)
    proposal = Proposal(original, outcome.value, num_calls=outcome.num_calls)
    problem = invalid(original, outcome.value, config) if proposal.is_change else None
    if problem is None:
        return proposal
    detail = f"{problem.field}: {problem.detail}" if problem.field else problem.detail
    return replace(proposal, revised=None, reason=problem.reason, detail=detail, raw=raw)


def by_length(requests: Iterable[Request], *, window: int = WINDOW_REQUESTS) -> Iterator[Request]:
    """The requests in windows, each with its longest first, so that a batch has prompts of like length.

    With prompts of 5 to 115 words, 16 at a time, a model of 3 M parameters on one CPU core answers 2 times
    as fast where answers are short, 1.3 times where they are as long as the record. Longest first, because a
    batch that does not fit into memory then shows at the beginning.
    """
    source = iter(requests)
    while some := list(islice(source, window)):
        yield from sorted(some, key=likely_prompt_tokens, reverse=True)


def _reason(outcome: Outcome[Record]) -> str:
    if outcome.reason == "refused" and _TOO_LONG.search(outcome.problem):
        return "too_long"
    if outcome.reason == "unparsable" and outcome.reply is not None:
        return {"length": "cut", "filtered": "refused"}.get(outcome.reply.finish, "unparsable")
    return outcome.reason
