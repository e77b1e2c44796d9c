"""Replies in JSON: the schema that is sent, and the reading that trusts no server to have honoured it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson
import pydantic

from tunewright.llm.reply import Reply
from tunewright.llm.request import Request

T = TypeVar("T")
M = TypeVar("M", bound=pydantic.BaseModel)

# Turns a reply into what a step wants; raises Unparsable with words the model can act on.
Parser = Callable[[Reply], T]


@dataclass(frozen=True, slots=True)
class ParserByRequest(Generic[T]):
    """For replies that can be read only by who knows what was asked, such as edits of a text."""

    parser_of: Callable[[Request], Parser[T]]


AnyParser = Parser[T] | ParserByRequest[T]

_MOST_TRIES = 20
_MOST_SCANNED_CHARS = 65_536
_THOUGHTS = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_MOST_PROBLEMS = 4  # named to the model at once


class Unparsable(Exception):
    """The reply cannot be used. The message is shown to the model when it is asked again."""


def schema_of(model: type[pydantic.BaseModel]) -> dict[str, Any]:
    """The JSON schema of a pydantic model in the strict form that endpoints ask for.

    Every property is required, no other is allowed, and titles and defaults are left out: the dialect that
    OpenAI-compatible servers and llguidance both accept.
    """
    strict: dict[str, Any] = _strict(model.model_json_schema())
    return strict


def parser_of(model: type[M]) -> Parser[M]:
    """A parser that takes the JSON object out of a reply and checks it against the pydantic model."""

    def parse(reply: Reply) -> M:
        try:
            return model.model_validate(json_object(reply), strict=False)
        except pydantic.ValidationError as error:
            raise Unparsable(_sentences(error)) from None

    return parse


def json_object(reply: Reply) -> dict[str, Any]:
    """The JSON object in the reply's text; a code fence or words around it are tolerated.

    A `<think>` part at the start is not looked at: drafts stand there. Raises Unparsable when there is no
    object, naming a cut as the cause where the reply ended at its token limit, or several different ones.
    """
    text = without_thoughts(reply.text).strip()
    found = _loads(text)
    if found is not None:
        return found
    objects = list(_objects(text[:_MOST_SCANNED_CHARS]))
    if not objects:
        if reply.finish == "length":
            raise Unparsable(
                "the answer was cut at the length limit; answer more briefly, as one JSON object"
            )
        raise Unparsable("there is no JSON object in it; answer with one JSON object and nothing else")
    if any(one != objects[0] for one in objects):
        raise Unparsable("there are several different JSON objects in it; answer with one and nothing else")
    return objects[0]


def without_thoughts(text: str) -> str:
    """The text without a `<think>` part at its start."""
    return _THOUGHTS.sub("", text)


def _loads(text: str) -> dict[str, Any] | None:
    try:
        value = orjson.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The balanced `{…}` that parse, outermost ones. Tries are bounded: a reply can be huge and hostile."""
    begin = text.find("{")
    for _ in range(_MOST_TRIES):
        if begin < 0:
            return
        end = _end_of_object(text, begin)
        found = _loads(text[begin:end]) if end > 0 else None
        if found is not None:
            yield found
            begin = text.find("{", end)
        else:
            begin = text.find("{", begin + 1)


def _end_of_object(text: str, begin: int) -> int:
    """The place after the `}` that closes the `{` at `begin`, braces in strings aside; -1 without one."""
    depth, in_string, escaped = 0, False, False
    for place in range(begin, len(text)):
        character = text[place]
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if depth == 0:
                return place + 1
    return -1


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {
        key: (
            {name: _strict(inner) for name, inner in value.items()}
            if key in ("properties", "$defs")
            else _strict(value)
        )
        for key, value in schema.items()
        if key not in ("title", "default")
    }
    if strict.get("type") == "object" and "properties" in strict:
        strict["additionalProperties"] = False
        strict["required"] = list(strict["properties"])
    return strict


def _sentences(error: pydantic.ValidationError) -> str:
    problems = []
    for one in error.errors(include_url=False)[:_MOST_PROBLEMS]:
        place = ".".join(map(str, one["loc"])) or "the object"
        problems.append(f"{place}: {one['msg'][0].lower()}{one['msg'][1:]}")
    return "; ".join(problems)
