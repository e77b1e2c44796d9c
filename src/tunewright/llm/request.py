"""What is asked of a model, as data: the messages, how to decode, and the shape the reply must have.

A request does not know which model answers it. Together with the model's name and revision it has a key, by
which its reply is found again: the same question to the same model is asked once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tunewright.run.fingerprint import canonical_json

_MOST_QUOTED_CHARS = 8_000

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation that is sent."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """One question. `temperature` 0 is greedy decoding.

    `schema` is the JSON schema that the reply's text must fulfil; None asks for plain text. `top_logprobs`
    asks for the log probabilities of that many likeliest tokens at every position; 0 for none. `sample`
    tells several replies to the same question apart. `subject` says for people what it is about, such as a
    record's id and a criterion; it is no part of the key. `about` is for who reads the reply and needs to
    know what was asked about; it is neither sent nor kept nor part of the key.
    """

    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None = None
    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 1024
    seed: int | None = None
    top_logprobs: int = 0
    sample: int = 0
    subject: str = field(default="", compare=False)
    about: Any = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("temperature", "top_p"):  # 0 and 0.0 are one request, and must have one key
            object.__setattr__(self, name, float(getattr(self, name)))

    def key(self, *, model: str, revision: str) -> str:
        """SHA-256, in hexadecimal, of all that decides the reply: the request, the model, its revision."""
        asked = self.to_row()
        del asked["subject"]
        # As text: the order of its properties is the order in which they are written.
        asked["schema"] = None if self.schema is None else json.dumps(self.schema)
        data = {"request": asked, "model": model, "revision": revision}
        return hashlib.sha256(canonical_json(data).encode("utf-8")).hexdigest()

    def to_row(self) -> dict[str, Any]:
        """All of the request but `about`, as JSON-like data; `from_row` gives an equal request back."""
        # by hand: dataclasses.asdict copies the schema deeply, and this is done for every request
        return {
            "messages": [{"role": message.role, "text": message.text} for message in self.messages],
            "schema": None if self.schema is None else dict(self.schema),
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            "seed": self.seed,
            "top_logprobs": self.top_logprobs,
            "sample": self.sample,
            "subject": self.subject,
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Request:
        messages = tuple(Message(**message) for message in row["messages"])
        return cls(**{**row, "messages": messages})

    def asked_again(self, reply: str, problem: str) -> Request:
        """The same question once more, with the reply that could not be used and what is wrong with it.

        A long reply is quoted by its beginning.
        """
        quoted = reply if len(reply) <= _MOST_QUOTED_CHARS else reply[:_MOST_QUOTED_CHARS] + "…"
        return replace(
            self,
            messages=(
                *self.messages,
                Message("assistant", quoted),
                Message(
                    "user", f"That answer cannot be used: {problem}\nAnswer again, in full and corrected."
                ),
            ),
        )
