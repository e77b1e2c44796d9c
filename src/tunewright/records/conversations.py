"""Conversations: messages ({"role", "content"}) and ShareGPT ({"from", "value"}), one per row.

The last message must be the assistant's and is the output; the user's before it is the instruction; a first
system message is the system text; what lies between is history, whoever speaks. What a record cannot hold
(tools, lists of parts, a system message further down) is a reject that says so.

Where a record has an input, the user's message is the instruction, an empty line and the input, and a column
`input` beside the conversation says where to part them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from tunewright.records.layout import Content, Layout, check_texts, common_texts
from tunewright.records.record import Record, Turn
from tunewright.records.row import RowError, kind_of

INPUT_SEPARATOR = "\n\n"

Role = Literal["system", "user", "assistant"]

# The first word for each role is the one we write.
ROLE_WORDS: dict[str, Role] = {
    "system": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
}
_MESSAGES_WORDS: dict[Role, str] = {"system": "system", "user": "user", "assistant": "assistant"}
_MESSAGES_KEYS = ("role", "content")
_SHAREGPT_WORDS: dict[Role, str] = {"system": "system", "user": "human", "assistant": "gpt"}
_SHAREGPT_KEYS = ("from", "value")


def parse_conversation(messages: Any, column: str, *, sharegpt: bool = False) -> Content:
    """The content of a list of messages; its shape has templates unless they are as we write them."""
    if not isinstance(messages, list):
        raise RowError(column, f"is {kind_of(messages)}, not a list of messages")
    if not messages:
        raise RowError(column, "is empty")
    spoken = [_read_message(message, f"{column}[{index}]") for index, message in enumerate(messages)]
    roles = [role for role, _ in spoken]
    system = spoken[0][1] if roles[0] == "system" else ""
    turns = spoken[1:] if roles[0] == "system" else spoken
    late = next((index for index, role in enumerate(roles) if index and role == "system"), None)
    if late is not None:
        raise RowError(f"{column}[{late}]", "is a system message after the first message")
    if roles[-1] != "assistant":
        raise RowError(column, f"ends with a message of the {roles[-1]}, so there is no output")
    if len(turns) < 2:
        raise RowError(column, "has no message of the user")
    if turns[-2][0] != "user":
        raise RowError(column, "ends with two messages of the assistant, so the output has no instruction")
    content = Content(
        instruction=turns[-2][1],
        output=turns[-1][1],
        system=system,
        history=tuple(Turn("user" if role == "user" else "assistant", text) for role, text in turns[:-2]),
    )
    check_texts(content, f"{column}[{len(messages) - 1}]", f"{column}[{len(messages) - 2}]")
    words = _SHAREGPT_WORDS if sharegpt else _MESSAGES_WORDS
    if not all(
        _is_plain(message, *(_SHAREGPT_KEYS if sharegpt else _MESSAGES_KEYS), words) for message in messages
    ):
        content.shape["messages"] = [{**message, _text_key(message): None} for message in messages]
    if roles[0] == "system" and not system:
        content.shape["empty_system"] = True
    return content


def conversation(
    record: Record, shape: Mapping[str, Any], *, with_system: bool, sharegpt: bool = False
) -> list[dict[str, Any]]:
    """The messages of a record, each in its template while the roles still are those of the templates."""
    has_system = with_system and bool(record.system or shape.get("empty_system"))
    spoken: list[tuple[Role, str]] = [("system", record.system)] if has_system else []
    spoken += [(turn.speaker, turn.text) for turn in record.history]
    spoken += [("user", whole_prompt(record)), ("assistant", record.output)]
    templates = shape.get("messages", ())
    if [_role_of(template) for template in templates] == [role for role, _ in spoken]:
        return [
            {**template, _text_key(template): text}
            for template, (_, text) in zip(templates, spoken, strict=True)
        ]
    if sharegpt:
        return [{"from": _SHAREGPT_WORDS[role], "value": text} for role, text in spoken]
    return [{"role": _MESSAGES_WORDS[role], "content": text} for role, text in spoken]


def whole_prompt(record: Record) -> str:
    """What the user says at last: the instruction, then the input after an empty line."""
    return record.instruction + INPUT_SEPARATOR + record.input if record.input else record.instruction


def part_input(content: Content, row: dict[str, Any]) -> tuple[str, ...]:
    """Take the text of column `input` off the end of the instruction; return the columns so used up.

    A column `input` that is not the end of the prompt is none of ours and stays meta.
    """
    if "input" not in row:
        return ()
    text = row["input"]
    if text is None:
        content.shape.setdefault("nulls", []).append("input")
    if text is None or text == "":
        return ("input",)
    if not isinstance(text, str):
        return ()
    ending = INPUT_SEPARATOR + text
    if not content.instruction.endswith(ending):
        return ()
    content.input = text
    content.instruction = content.instruction.removesuffix(ending)
    return ("input",)


def _read_message(message: Any, place: str) -> tuple[Role, str]:
    if not isinstance(message, dict):
        raise RowError(place, f"is {kind_of(message)}, not an object with role and content")
    role_key, text_key = (
        ("from", "value") if "from" in message and "role" not in message else ("role", "content")
    )
    if role_key not in message:
        raise RowError(place, f"has neither 'role' nor 'from' (it has {', '.join(message) or 'nothing'})")
    word = message[role_key]
    role = ROLE_WORDS.get(word) if isinstance(word, str) else None
    if role is None:
        shown = repr(word) if isinstance(word, str) else kind_of(word)
        raise RowError(f"{place}.{role_key}", f"is {shown}; a record holds only system, user and assistant")
    text = message.get(text_key)
    if isinstance(text, str):
        return role, text
    if text_key not in message:
        raise RowError(f"{place}.{text_key}", "is missing")
    reason = (
        "a list of parts; a record holds one text" if isinstance(text, list) else f"{kind_of(text)}, not text"
    )
    raise RowError(f"{place}.{text_key}", f"is {reason}")


def _is_plain(message: dict[str, Any], role_key: str, text_key: str, words: dict[Role, str]) -> bool:
    return list(message) == [role_key, text_key] and words[ROLE_WORDS[message[role_key]]] == message[role_key]


def _text_key(message: Mapping[str, Any]) -> str:
    return "value" if "from" in message and "role" not in message else "content"


def _role_of(message: Mapping[str, Any]) -> Role:
    return ROLE_WORDS[message["from" if _text_key(message) == "value" else "role"]]


def _layout(name: str, column: str, *, sharegpt: bool, accepts: str) -> Layout:
    def parse(row: dict[str, Any]) -> list[Content]:
        if column not in row:
            raise RowError(column, "is missing")
        content = parse_conversation(row[column], column, sharegpt=sharegpt)
        finish(content, row, column)
        return [content]

    def columns(records: list[Record], shape: Mapping[str, Any]) -> dict[str, Any]:
        record = records[0]
        beside = system_beside(record, shape)
        messages = conversation(record, shape, with_system=not beside, sharegpt=sharegpt)
        made: dict[str, Any] = {column: messages, "input": record.input, "explanation": record.explanation}
        if beside:
            made["system"] = record.system
        return made

    return Layout(
        name=name,
        accepts=accepts,
        fits=lambda names: column in names,
        parse=parse,
        columns=columns,
        always=(column,),
        structured=(column,),
    )


def finish(content: Content, row: dict[str, Any], *columns: str) -> None:
    """Fill in what lies beside a conversation: input, explanation, and the system text if none is inside."""
    inside = content.system != "" or content.shape.get("empty_system", False)
    texts, nulls = common_texts(row, "explanation", *(() if inside else ("system",)))
    content.explanation = texts.get("explanation", "")
    content.system = content.system or texts.get("system", "")
    if nulls:
        content.shape["nulls"] = nulls
    content.used = (*columns, *part_input(content, row), *texts)


def system_beside(record: Record, shape: Mapping[str, Any]) -> bool:
    """Whether the system text has a column of its own beside the conversation."""
    return "system" in shape.get("keys", ()) and "system" not in record.meta


MESSAGES = _layout(
    "messages",
    "messages",
    sharegpt=False,
    accepts="messages [{role, content}] [, input, explanation, system]",
)

SHAREGPT = _layout(
    "sharegpt",
    "conversations",
    sharegpt=True,
    accepts="conversations [{from: human|gpt|system, value}] [, input, explanation, system]",
)
