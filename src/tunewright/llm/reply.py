"""What comes back from a model: a reply, or one of three ways of not getting one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Finish = Literal["stop", "length", "filtered", "other"]  # "length": cut at max_tokens


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written. `is_estimated` when the server did not say and they were worked out here."""

    prompt_tokens: int
    output_tokens: int
    is_estimated: bool = False


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """One token of the reply with its log probability (nats) and the likeliest tokens at its place."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """A finished call. `raw` is the body as received; `model` is what the server calls itself."""

    text: str
    finish: Finish
    usage: Usage
    seconds: float
    raw: str = ""
    model: str = ""
    logprobs: tuple[TokenLogprob, ...] | None = None

    def to_row(self) -> dict[str, Any]:
        logprobs = None if self.logprobs is None else [asdict(one) for one in self.logprobs]
        return {
            "text": self.text,
            "finish": self.finish,
            "usage": asdict(self.usage),
            "seconds": self.seconds,
            "raw": self.raw,
            "model": self.model,
            "logprobs": logprobs,
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Reply:
        logprobs = row["logprobs"]
        if logprobs is not None:
            logprobs = tuple(
                TokenLogprob(one["token"], one["logprob"], tuple((t, p) for t, p in one["top"]))
                for one in logprobs
            )
        return cls(**{**row, "usage": Usage(**row["usage"]), "logprobs": logprobs})


@dataclass(frozen=True, slots=True)
class Busy:
    """Not now: the endpoint is overloaded, limits the rate, or is not there for the moment.

    Costs the request no attempt. `retry_after_seconds` is what the endpoint asked for, None when it said
    nothing.
    """

    problem: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """This attempt came to nothing (an error of the server, a time-out, a reply that is no reply).

    `is_slow`: it ran into the deadline, so fewer calls at once may help. `usage` is what the server says that
    it charges all the same; None when it says nothing.
    """

    problem: str
    raw: str = ""
    is_slow: bool = False
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The endpoint will never answer this request as it is, e.g. because it is too long for the model."""

    problem: str
    raw: str = ""


Answer = Reply | Busy | Broken | Refused
