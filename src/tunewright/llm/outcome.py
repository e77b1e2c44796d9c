"""From a request to what became of it, by the journal alone: the same whether a run was killed or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from tunewright.llm.journal import Journal
from tunewright.llm.reply import Refused, Reply
from tunewright.llm.request import Request
from tunewright.llm.structured import AnyParser, ParserByRequest, Unparsable

T = TypeVar("T")
Reason = Literal["", "unparsable", "refused", "unanswered"]


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What became of a request: a value, or the reason why there is none.

    `unparsable`: no reply could be used, however often it was asked again. `refused`: the endpoint does not
    take the request. `unanswered`: the journal has no reply. `reply` is the last one, `key` its key, and
    `num_calls` counts the replies in the journal that belong to the request.
    """

    request: Request
    key: str
    value: T | None
    reason: Reason
    problem: str
    reply: Reply | None
    num_calls: int


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answers: with a request it makes the key of the reply."""

    model: str
    revision: str

    def key(self, request: Request) -> str:
        return request.key(model=self.model, revision=self.revision)


@dataclass(frozen=True, slots=True)
class Open:
    """The question that has to be asked next for a request; `num_calls` replies came before it."""

    question: Request
    key: str
    num_calls: int
    problem: str
    reply: Reply | None


def follow(
    request: Request, parse: AnyParser[T], *, journal: Journal, who: Identity, max_asked_again: int
) -> Outcome[T] | Open:
    """Follow a request through the journal: to its outcome, or to the first question without a reply.

    A reply that `parse` cannot use leads to the same question with the problem added, which is a request
    with a key of its own. So a run and its repetition take the same way, and another `parse` takes its own.
    """
    read = parse.parser_of(request) if isinstance(parse, ParserByRequest) else parse
    question, problem, last = request, "", None
    for num_calls in range(max_asked_again + 1):
        key = who.key(question)
        answer = journal.get(key)
        if answer is None:
            return Open(question, key, num_calls, problem, last)
        if isinstance(answer, Refused):
            return Outcome(request, key, None, "refused", answer.problem, last, num_calls + 1)
        last = answer
        try:
            return Outcome(request, key, read(answer), "", "", answer, num_calls + 1)
        except Unparsable as found:
            problem = str(found)
        question = question.asked_again(answer.text, problem)
    return Outcome(request, key, None, "unparsable", problem, last, max_asked_again + 1)


def closed(request: Request, found: Outcome[T] | Open) -> Outcome[T]:
    """The outcome when nothing more is asked: an open question ends with the last reply's problem."""
    if isinstance(found, Outcome):
        return found
    reason: Reason = "unparsable" if found.reply is not None else "unanswered"
    problem = found.problem or "there is no reply in the journal"
    return Outcome(request, found.key, None, reason, problem, found.reply, found.num_calls)
