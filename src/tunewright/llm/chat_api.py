"""The chat-completions format: a request as its JSON body, and what a body that came back means.

Pure functions, shared by the endpoint and the batch file, so the two can never read the same reply
differently. Nothing here trusts the other side: every field may be missing or of the wrong type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

import orjson

from tunewright.llm.reply import Answer, Broken, Busy, Finish, Refused, Reply, TokenLogprob, Usage
from tunewright.llm.request import Message, Request

# What an endpoint may not take: asked without it, the question stays the same question.
Feature = Literal["schema", "logprobs", "seed", "temperature", "max_tokens"]

_FINISHES: dict[str, Finish] = {"stop": "stop", "length": "length", "content_filter": "filtered"}
_NO_MONEY = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "account_deactivated"}
_NO_MODEL = {"model_not_found", "invalid_model", "model_not_supported"}
_MOST_RAW_CHARS = 10_000  # kept of a body that is no reply
_MOST_MESSAGE_CHARS = 300  # of the server's own words in our messages


def body_of(request: Request, model: str, *, without: Set[Feature] = frozenset()) -> dict[str, Any]:
    """The JSON body that asks `request` of `model`, leaving out the features in `without`.

    A seed is sent as seed + sample, so that several samples of one question differ. Without "max_tokens" the
    limit goes by its newer name, `max_completion_tokens`.
    """
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": message.role, "content": message.text} for message in request.messages],
        ("max_completion_tokens" if "max_tokens" in without else "max_tokens"): request.max_tokens,
    }
    if "temperature" not in without:
        body["temperature"] = request.temperature
        if request.top_p != 1.0:
            body["top_p"] = request.top_p
    if request.seed is not None and "seed" not in without:
        body["seed"] = request.seed + request.sample
    if request.top_logprobs and "logprobs" not in without:
        body |= {"logprobs": True, "top_logprobs": request.top_logprobs}
    if request.schema is not None and "schema" not in without:
        schema = {"name": "reply", "strict": True, "schema": dict(request.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


def encoded(body: Mapping[str, Any]) -> bytes:
    """The body as JSON in one line. Half a surrogate pair, which is no Unicode, goes out as its escape."""
    try:
        return orjson.dumps(body)
    except TypeError:
        return json.dumps(body).encode("ascii")


def reply_of_body(
    body: bytes | Mapping[str, Any], messages: Sequence[Message], *, seconds: float
) -> Reply | Broken:
    """The reply in the body of a call that succeeded, or Broken saying what is wrong with the body.

    A model's refusal is a Reply that finished "filtered", with the refusal as its text: asking again would
    bring the same, and a person should see it. No text at all counts as an empty reply only when the body
    gives a reason for it (the token limit, the filter). Other fields, such as the reasoning before the
    answer, stay in `raw`.
    """
    raw = body if isinstance(body, bytes) else orjson.dumps(body)

    data = _json_object(raw) if isinstance(body, bytes) else body

    def broken(problem: str) -> Broken:
        charged = data.get("usage") if data is not None else None
        usage = _usage_of(charged, messages, "") if isinstance(charged, Mapping) else None
        return Broken(problem, shown(raw), usage=usage)

    if data is None:
        return broken(f"the reply is not a JSON object: {_begin(raw)}")
    choices = data.get("choices")
    if not isinstance(choices, list) or not choices:
        complaint = Complaint.of(200, raw)
        return broken(complaint.message if "error" in data else "the reply has no choices")
    choice = choices[0] if isinstance(choices[0], Mapping) else {}
    message = choice.get("message")
    if not isinstance(message, Mapping):
        return broken("the reply's first choice has no message")
    finish = _FINISHES.get(str(choice.get("finish_reason")), "other")
    text = _text_of(message.get("content"))
    refusal = message.get("refusal")
    if not text and isinstance(refusal, str) and refusal:
        text, finish = refusal, "filtered"
    if text is None:
        if message.get("tool_calls"):
            return broken("the model called a tool instead of answering")
        if finish not in ("length", "filtered"):
            return broken("the reply has no text")
        text = ""
    return Reply(
        text=text,
        finish=finish,
        usage=_usage_of(data.get("usage"), messages, text),
        seconds=seconds,
        raw=raw.decode("utf-8", "replace"),
        model=str(data.get("model") or ""),
        logprobs=_logprobs_of(choice.get("logprobs")),
    )


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an endpoint says about a call that failed: the HTTP status and its own words."""

    status: int
    message: str
    codes: frozenset[str]  # `code` and `type` of OpenAI-style errors
    param: str
    raw: str

    @classmethod
    def of(cls, status: int, raw: bytes) -> Complaint:
        """Read from the styles in use: OpenAI's `error` object, FastAPI's `detail`, or just text.

        Of FastAPI's list only place and message count: its `input` repeats what was sent.
        """
        data = _json_object(raw) or {}
        error, detail = data.get("error"), data.get("detail")
        if not isinstance(error, Mapping):
            error = {"message": error} if isinstance(error, str) else data
        message = error.get("message")
        if isinstance(detail, list):
            rows = [row for row in detail if isinstance(row, Mapping)]
            message = "; ".join(f"{_dotted(row.get('loc'))}: {row.get('msg')}" for row in rows)
        elif isinstance(detail, str):
            message = detail
        codes = frozenset(str(error[name]) for name in ("code", "type") if error.get(name))
        words = str(message) if message else _begin(raw)
        return cls(status, _clipped(words), codes, str(error.get("param") or ""), shown(raw))

    @property
    def is_about_money(self) -> bool:
        return self.status == 402 or bool(self.codes & _NO_MONEY)

    @property
    def is_about_length(self) -> bool:
        """The prompt does not fit into the model's context."""
        words = self.message.lower()
        return (
            "context_length_exceeded" in self.codes or "context length" in words or "context window" in words
        )

    def is_about_model(self, name: str) -> bool:
        """The endpoint does not have this model: some say 404, others 400 with the name in quotes."""
        if self.codes & _NO_MODEL or self.status == 404:
            return True
        is_named = any(f"{quote}{name}{quote}" in self.message for quote in "'\"`")
        return self.status == 400 and is_named and not self.is_about_length

    def unwanted(self, body: Mapping[str, Any]) -> Feature | None:
        """The feature of `body` that the endpoint says it does not take; None: it is about something else.

        Read from words, for want of anything better: there is no standard for these errors.
        """
        if self.status not in (400, 404, 422, 500, 501) or self.is_about_length:
            return None
        words = f"{self.param} {self.message}".lower()
        if "response_format" in body and re.search(
            r"response_format|json_schema|json schema|structured output|grammar|guided", words
        ):
            return "schema"
        if "logprobs" in body and "logprob" in words:
            return "logprobs"
        if "seed" in body and re.search(r"\bseed\b", words):
            return "seed"
        if "max_tokens" in body and "max_completion_tokens" in words:
            return "max_tokens"
        if "temperature" in body and re.search(r"\btemperature\b|\btop_p\b", words):
            return "temperature"
        return None

    def answer(self, *, retry_after_seconds: float | None = None) -> Answer:
        """What the failure means for this request. What ends a run (keys, models, money) is not seen here."""
        said = f"HTTP {self.status}: {self.message}"
        if self.status in (429, 503, 529):
            return Busy(said, retry_after_seconds)
        if self.status < 400 or self.status >= 500 or self.status in (408, 409, 425):
            return Broken(said, self.raw, is_slow=self.status in (408, 504, 524))
        return Refused(said, self.raw)


def _json_object(raw: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        value = _without_half_pairs(raw)
    return value if isinstance(value, dict) else None


def _without_half_pairs(raw: bytes) -> Any:
    """The JSON value of a body whose only fault is half a surrogate pair, as when a reply is cut inside an
    emoji; each becomes a question mark. None when there is another fault."""
    if rb"\ud" not in raw.lower():
        return None
    try:
        text = json.dumps(json.loads(raw), ensure_ascii=False)
        return orjson.loads(text.encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _text_of(content: Any) -> str | None:
    """The text, also of a list of parts as some endpoints send it; parts that are not text are left out."""
    if isinstance(content, list):
        parts = [part["text"] for part in content if isinstance(part, Mapping) and _is_text(part)]
        return "".join(parts) if parts else None
    return content if isinstance(content, str) else None


def _is_text(part: Mapping[str, Any]) -> bool:
    return part.get("type") == "text" and isinstance(part.get("text"), str)


def _usage_of(usage: Any, messages: Sequence[Message], text: str) -> Usage:
    if isinstance(usage, Mapping):
        read, written = usage.get("prompt_tokens"), usage.get("completion_tokens")
        if _is_count(read) and _is_count(written):
            return Usage(read, written)
    asked = sum(estimated_tokens(message.text) for message in messages)
    return Usage(asked, estimated_tokens(text), is_estimated=True)


def _is_count(value: Any) -> TypeGuard[int]:
    """Nothing real is beyond 32 bits, and a database takes 64 at most."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31


def estimated_tokens(text: str) -> int:
    """Four UTF-8 bytes a token, rounded up: about right for English, too many for other scripts."""
    return (len(text.encode("utf-8", "replace")) + 3) // 4


def _logprobs_of(logprobs: Any) -> tuple[TokenLogprob, ...] | None:
    """None when there are none, or when they are not of the documented form."""
    if not isinstance(logprobs, Mapping) or not isinstance(logprobs.get("content"), list):
        return None
    try:
        return tuple(
            TokenLogprob(
                str(one["token"]),
                float(one["logprob"]),
                tuple((str(top["token"]), float(top["logprob"])) for top in one.get("top_logprobs") or ()),
            )
            for one in logprobs["content"]
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def shown(raw: bytes) -> str:
    """The beginning of a body as text, for a person who looks for the cause."""
    return raw[:_MOST_RAW_CHARS].decode("utf-8", "replace")


def _begin(raw: bytes) -> str:
    words = " ".join(raw[:400].decode("utf-8", "replace").split())
    return repr(words[:80]) if words else "it is empty"


def _clipped(words: str) -> str:
    words = " ".join(words.split())
    return words if len(words) <= _MOST_MESSAGE_CHARS else words[:_MOST_MESSAGE_CHARS] + "…"


def _dotted(place: Any) -> str:
    return ".".join(map(str, place)) if isinstance(place, list) else str(place)
