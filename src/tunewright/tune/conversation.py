"""A conversation whose every character knows which field it came from, made from a record or from dicts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import pairwise
from typing import Any

from tunewright.errors import DataError
from tunewright.records.record import Record

JOIN = "\n\n"  # between instruction and input, and between output and explanation


class Role(IntEnum):
    """What a token is. Content roles come from a record; the rest is written by the template.

    `SEPARATOR` closes a turn that is not trained on (the user's end-of-turn token), or follows the
    trained one; `HEADER` is all other template text. `EOS` is the end of an assistant turn: every
    template token from the last character of the answer to the stop token, so that a tuned model learns
    to stop where the template would. `PAD` exists for exports; training here never pads. `TOOL` is what a
    tool answered; no objective weighs it unless asked to.
    """

    BOS = 0
    HEADER = 1
    SYSTEM = 2
    INSTRUCTION = 3
    INPUT = 4
    OUTPUT = 5
    EXPLANATION = 6
    EOS = 7
    SEPARATOR = 8
    PAD = 9
    TOOL = 10


# The words that chat templates know for who speaks, and what the content of each is.
SPEAKER_ROLES = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.INSTRUCTION,
    "assistant": Role.OUTPUT,
    "tool": Role.TOOL,
    "function": Role.TOOL,
    "ipython": Role.TOOL,
    "observation": Role.TOOL,
}
_THINKING_KEYS = ("reasoning_content", "thinking", "reasoning")
_CONTENT = {"role", "content", "tool_calls", *_THINKING_KEYS}


@dataclass(frozen=True, slots=True)
class Message:
    """One message: who speaks, and its text in pieces, each with the role of its characters.

    `thinking` is reasoning kept beside the content, `tool_calls` are calls as Hugging Face writes them, and
    `extra` is whatever else a template may read (`name`, `tool_call_id`). `in_parts` says that each piece
    is a part of its own for templates that take a list of parts.
    """

    speaker: str
    pieces: tuple[tuple[Role, str], ...]
    thinking: str = ""
    tool_calls: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)
    in_parts: bool = False

    @property
    def text(self) -> str:
        return "".join(text for _, text in self.pieces)

    def texts(self) -> list[str]:
        """Everything in it that a speaker wrote: content, thinking, the strings of its tool calls."""
        return [self.text, self.thinking, *_strings([_said(call) for call in self.tool_calls])]

    def unmarked(self) -> list[tuple[str, ...]]:
        """What its tool calls say besides strings: names of arguments, numbers; each as it may be written."""
        return list(_scalars([_said(call).get("arguments") for call in self.tool_calls]))

    def as_dict(self, texts: Sequence[str], *, parts: bool) -> dict[str, Any]:
        """The message as templates read it, with its `texts()` replaced by others of the same lengths.

        `parts` writes the content as a list of text parts.
        """
        content, thinking, *strings = texts
        message: dict[str, Any] = {"role": self.speaker, **self.extra}
        if parts:
            message["content"] = [{"type": "text", "text": text} for text in self._cut(content)]
        elif self.pieces or not self.tool_calls:
            message["content"] = content
        if self.thinking:
            message["reasoning_content"] = thinking
        if self.tool_calls:
            rest = iter(strings)
            message["tool_calls"] = [
                _put_back(call, _replaced(_said(call), rest)) for call in self.tool_calls
            ]
        return message

    def _cut(self, content: str) -> list[str]:
        if not self.in_parts:
            return [content]
        cuts = [0]
        for _, text in self.pieces:
            cuts.append(cuts[-1] + len(text))
        return [content[start:end] for start, end in pairwise(cuts)]


def conversation(record: Record, *, explanation: bool = True) -> list[Message]:
    """The messages of a record: system, earlier turns, instruction (and input), output (and explanation).

    Earlier user turns count as instruction and earlier answers as output. The blank line that joins two
    fields belongs to the second. `explanation=False` leaves explanations out of the answer.
    """
    messages: list[Message] = []
    if record.system:
        messages.append(Message("system", ((Role.SYSTEM, record.system),)))
    for turn in record.history:
        role = Role.INSTRUCTION if turn.speaker == "user" else Role.OUTPUT
        messages.append(Message(turn.speaker, ((role, turn.text),)))
    question: tuple[tuple[Role, str], ...] = ((Role.INSTRUCTION, record.instruction),)
    if record.input:
        question += ((Role.INPUT, JOIN + record.input if record.instruction else record.input),)
    messages.append(Message("user", question))
    answer: tuple[tuple[Role, str], ...] = ((Role.OUTPUT, record.output),)
    if explanation and record.explanation:
        answer += ((Role.EXPLANATION, JOIN + record.explanation),)
    messages.append(Message("assistant", answer))
    return messages


def read_messages(messages: Sequence[Message | Mapping[str, Any]]) -> list[Message]:
    """Messages from Hugging Face dicts; messages stay as they are.

    Known keys are `role`, `content` (a string, or a list of text parts), `reasoning_content` (also
    `thinking`, `reasoning`) and `tool_calls`; every other key goes to the template unchanged. Raises
    `DataError` with the number of the message and the field that is wrong.
    """
    if isinstance(messages, (str, bytes, Mapping)) or not messages:
        raise DataError(
            "a conversation is a list with at least one message, such as {'role': …, 'content': …}"
        )
    return [
        message if isinstance(message, Message) else _read_message(message, f"message {number}")
        for number, message in enumerate(messages, start=1)
    ]


def _read_message(message: Any, place: str) -> Message:
    if not isinstance(message, Mapping):
        raise DataError(f"{place} is a {type(message).__name__}; give a dict with 'role' and 'content'")
    speaker = message.get("role")
    if not isinstance(speaker, str) or speaker not in SPEAKER_ROLES:
        known = ", ".join(SPEAKER_ROLES)
        raise DataError(f"{place}: 'role' is {speaker!r}; the roles are {known}")
    calls = message.get("tool_calls") or ()
    content = message.get("content")
    if content is None and not calls:
        raise DataError(f"{place} ({speaker}): 'content' is missing; give a string, also an empty one")
    texts = _read_content(content, f"{place} ({speaker})")
    thinking = next((message[key] for key in _THINKING_KEYS if message.get(key) is not None), "")
    if not isinstance(thinking, str):
        raise DataError(f"{place} ({speaker}): its thinking is a {type(thinking).__name__}, not a string")
    if (calls or thinking) and speaker != "assistant":
        raise DataError(f"{place} ({speaker}): only an assistant's message has thinking or tool_calls")
    return Message(
        speaker,
        tuple((SPEAKER_ROLES[speaker], text) for text in texts),
        thinking,
        tuple(_read_call(call, f"{place} ({speaker}), tool call {n}") for n, call in enumerate(calls, 1)),
        {key: value for key, value in message.items() if key not in _CONTENT and value is not None},
        in_parts=isinstance(content, list),
    )


def _read_content(content: Any, place: str) -> list[str]:
    if content is None or isinstance(content, str):
        return [] if content is None else [content]
    if not isinstance(content, list):
        raise DataError(f"{place}: 'content' is a {type(content).__name__}; give a string or a list of parts")
    for number, part in enumerate(content, start=1):
        if (
            not isinstance(part, Mapping)
            or part.get("type") != "text"
            or not isinstance(part.get("text"), str)
        ):
            raise DataError(f"{place}, part {number}: only {{'type': 'text', 'text': …}} can be trained on")
    return [part["text"] for part in content]


def _read_call(call: Any, place: str) -> Mapping[str, Any]:
    function = call.get("function", call) if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise DataError(f"{place}: give {{'function': {{'name': …, 'arguments': {{…}}}}}}")
    return dict(call)


def _said(call: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a tool call that the assistant makes up: name and arguments (an id is only a handle)."""
    function = call.get("function", call)
    return {key: function[key] for key in ("name", "arguments") if key in function}


def _put_back(call: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    if "function" in call:
        return {**call, "function": {**call["function"], **said}}
    return {**call, **said}


def _strings(value: Any) -> Iterator[str]:
    """The strings among the values of a JSON-like value, in order; keys are not among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _strings(item)


def _scalars(value: Any) -> Iterator[tuple[str, ...]]:
    """Keys, numbers, truths and nulls of a JSON-like value, as JSON and as Python would print them."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield (str(key), json.dumps(str(key))[1:-1])
            yield from _scalars(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _scalars(item)
    elif not isinstance(value, str) and value is not None:
        yield (json.dumps(value), str(value))


def _replaced(value: Any, strings: Iterator[str]) -> Any:
    """The same value with its strings, in the order of `_strings`, taken from `strings`."""
    if isinstance(value, str):
        return next(strings)
    if isinstance(value, Mapping):
        return {key: _replaced(item, strings) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_replaced(item, strings) for item in value]
    return value
