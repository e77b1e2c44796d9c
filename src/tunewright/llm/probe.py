"""What an endpoint really does with the parts of a request that servers ignore or refuse.

A few tiny calls, once per endpoint, before the first question. Servers answer HTTP 200 to a JSON schema that
they then ignore, so the reply is looked at, not the status.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import orjson

from tunewright.errors import ModelError
from tunewright.llm.chat_api import Complaint, Feature, body_of
from tunewright.llm.endpoint import EndpointBackend, NoResponse
from tunewright.llm.reply import Answer, Broken, Busy, Refused, Reply
from tunewright.llm.request import Message, Request
from tunewright.llm.structured import Unparsable, json_object

# "no": taken without a word and ignored. "refused": answered with an error.
Verdict = Literal["yes", "no", "refused", "unknown"]

_DEADLINE_SECONDS = 60.0
_WAIT_SECONDS = 1.0  # before another try, when the endpoint does not say how long
_MOST_WAIT_SECONDS = 10.0
_NUM_TRIES = 3
_WORDS = Request((Message("user", "Say in one plain sentence what a river is."),), max_tokens=32)
# No model writes this of its own accord, and any that must can do so in a dozen tokens.
_FITS = {"zq": "zq7"}
_SCHEMA = {
    "type": "object",
    "properties": {"zq": {"type": "string", "enum": ["zq7"]}},
    "required": ["zq"],
    "additionalProperties": False,
}
_CHANCE = Request(
    (Message("user", "Write a random line of twenty letters and digits."),),
    temperature=1.0,
    max_tokens=32,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict on one feature, and how it was seen, as words for people."""

    verdict: Verdict
    how: str
    is_final: bool = True  # False: seen in a moment of trouble, so another time may tell


@dataclass(frozen=True, slots=True)
class Honours:
    """What an endpoint honours. Nothing here asks for `n`; it is probed because others count on it."""

    schema: Finding
    n: Finding
    logprobs: Finding
    seed: Finding

    def describe(self) -> list[str]:
        """One line per feature, with what follows from it."""
        return [
            f"{name}: {_IN_WORDS[finding.verdict]} ({finding.how}){_what_follows(name, finding.verdict)}"
            for name, finding in self._findings().items()
        ]

    @property
    def is_certain(self) -> bool:
        """Whether nothing has to be asked once more another time."""
        return all(finding.verdict != "unknown" or finding.is_final for finding in self._findings().values())

    def refused(self) -> dict[Feature, str]:
        """What not to send to this endpoint, with the reason."""
        findings: dict[Feature, Finding] = {
            "schema": self.schema,
            "logprobs": self.logprobs,
            "seed": self.seed,
        }
        return {name: finding.how for name, finding in findings.items() if finding.verdict == "refused"}

    def to_row(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Honours:
        return cls(**{name: Finding(**finding) for name, finding in row.items()})

    def _findings(self) -> dict[str, Finding]:
        return {"schema": self.schema, "n": self.n, "logprobs": self.logprobs, "seed": self.seed}


async def probe(backend: EndpointBackend) -> Honours:
    """What the endpoint honours, found out with six tiny calls; the backend then leaves out what is refused.

    A call that fails is a finding. Raises ModelError when no call at all can succeed: the endpoint cannot be
    reached, does not know the model or the key, or fails at a plain question.
    """
    logprobs = await _probe_logprobs(backend)  # what it learns on the way need not be learnt five times
    try:
        async with asyncio.TaskGroup() as group:
            choices = group.create_task(_probe_choices(backend))
            schema = group.create_task(
                _ask_for_feature(backend, replace(_WORDS, schema=_SCHEMA, max_tokens=64))
            )
            chances = [
                group.create_task(_ask_for_feature(backend, replace(_CHANCE, seed=seed)))
                for seed in (11, 11, 12)
            ]
    except ExceptionGroup as problems:
        raise problems.exceptions[0] from None
    honours = Honours(
        schema=_schema(backend, schema.result()),
        n=choices.result(),
        logprobs=logprobs,
        seed=_seed(backend, [chance.result() for chance in chances]),
    )
    backend.honours = honours
    return honours


async def _probe_logprobs(backend: EndpointBackend) -> Finding:
    """Asked first, so it also finds out whether anything is answered at all."""
    answer = await _ask(backend, replace(_WORDS, top_logprobs=2))
    if isinstance(answer, Reply):
        if "logprobs" in backend.refused:
            return Finding("refused", backend.refused["logprobs"])
        return Finding("yes", "they came") if answer.logprobs else Finding("no", "HTTP 200, none came")
    plain = await _ask(backend, _WORDS)
    if isinstance(plain, Reply):
        return Finding("refused", answer.problem)
    raise ModelError(
        f"a first, tiny question to {backend.base_url} failed: {plain.problem}. Check that the server runs, "
        f"that it serves the model '{backend.name}', and the address (it usually ends in /v1)"
    )


async def _probe_choices(backend: EndpointBackend) -> Finding:
    """By hand, because a Request asks for one reply."""
    body = body_of(_CHANCE, backend.name, without=backend.refused.keys()) | {"n": 2}
    try:
        async with asyncio.timeout(_DEADLINE_SECONDS):
            response = await backend.post(body)
    except (TimeoutError, NoResponse):
        return Finding("unknown", "no reply came", is_final=False)
    if not response.is_success:
        complaint = Complaint.of(response.status_code, response.content)
        is_for_now = response.status_code in (429, 503, 529)
        how = f"HTTP {complaint.status}: {complaint.message}"
        return Finding("unknown" if is_for_now else "refused", how, is_final=not is_for_now)
    try:
        num_choices = len(orjson.loads(response.content)["choices"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return Finding("unknown", "the reply had no choices")
    return Finding("yes" if num_choices == 2 else "no", f"asked for 2, {num_choices} came")


async def _ask(backend: EndpointBackend, request: Request) -> Answer:
    """The answer; what may be gone in a moment is tried again a few times."""
    for _ in range(_NUM_TRIES - 1):
        (answer,) = await backend.answer([request])
        if not isinstance(answer, Busy | Broken):
            return answer
        wait = answer.retry_after_seconds if isinstance(answer, Busy) else None
        await asyncio.sleep(min(_WAIT_SECONDS if wait is None else wait, _MOST_WAIT_SECONDS))
    return (await backend.answer([request]))[0]


async def _ask_for_feature(backend: EndpointBackend, request: Request) -> Answer:
    """The answer; Broken only where it is the feature that breaks it: a plain question goes through, and the
    feature fails once more after that. A server that merely restarts is Busy."""
    answer = await _ask(backend, request)
    if isinstance(answer, Broken) and not answer.is_slow:
        plain = await _ask(backend, _WORDS)
        if not isinstance(plain, Reply):
            return Busy(answer.problem)
        return (await backend.answer([request]))[0]
    return answer


def _schema(backend: EndpointBackend, answer: Answer) -> Finding:
    if "schema" in backend.refused:
        return Finding("refused", backend.refused["schema"])
    if not isinstance(answer, Reply):
        return _failed(answer)
    try:
        if json_object(answer) == _FITS:
            return Finding("yes", "the reply fitted a schema nobody would guess")
    except Unparsable:
        return Finding("no", "HTTP 200, plain text came back")
    return Finding("no", "HTTP 200, other JSON came back")


def _seed(backend: EndpointBackend, answers: list[Answer]) -> Finding:
    if "seed" in backend.refused:
        return Finding("refused", backend.refused["seed"])
    for answer in answers:
        if not isinstance(answer, Reply):
            return _failed(answer)
    first, again, other = (answer.text for answer in answers if isinstance(answer, Reply))
    if first != again:
        return Finding("no", "the same seed gave two different replies")
    if first == other:
        return Finding("unknown", "the same reply for every seed, so it cannot be told")
    return Finding("yes", "the same reply for the same seed, another for another")


def _failed(answer: Busy | Broken | Refused) -> Finding:
    is_for_now = isinstance(answer, Busy) or (isinstance(answer, Broken) and answer.is_slow)
    return Finding("unknown" if is_for_now else "refused", answer.problem, is_final=not is_for_now)


_IN_WORDS: dict[Verdict, str] = {
    "yes": "honoured",
    "no": "ignored",
    "refused": "refused",
    "unknown": "not known",
}


def _what_follows(feature: str, verdict: Verdict) -> str:
    if verdict == "yes":
        return ""
    is_sent = verdict != "refused"
    match feature:
        case "schema":
            return f" – {'' if is_sent else 'not sent; '}replies are validated and asked again"
        case "n":
            return " – not used here: several replies are several calls"
        case "logprobs":
            return " – steps that need them do without, or cannot run"
        case _:
            return " – replies cannot be drawn again, only read back from the journal"
