"""Prompt and completion rows (`response` is read where there is no `completion`), as texts or as lists of
messages.

A record with a system text or history is written with lists of messages, as trainers expect; else as two
texts. An input is joined to the prompt as in `conversations`, with a column `input` beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunewright.records.conversations import (
    conversation,
    finish,
    parse_conversation,
    system_beside,
    whole_prompt,
)
from tunewright.records.layout import Content, Layout, check_texts
from tunewright.records.record import Record
from tunewright.records.row import RowError, required_text


def _fits(names: Sequence[str]) -> bool:
    return "prompt" in names and ("completion" in names or "response" in names)


def _parse(row: dict[str, Any]) -> list[Content]:
    completion_name = _completion_name(row)
    prompt, completion = row.get("prompt"), row.get(completion_name)
    if isinstance(prompt, list) or isinstance(completion, list):
        content = _parse_messages(prompt, completion, completion_name)
    else:
        content = Content(required_text(row, "prompt"), required_text(row, completion_name))
        check_texts(content, completion_name, "prompt")
    finish(content, row, "prompt", completion_name)
    return [content]


def _parse_messages(prompt: Any, completion: Any, completion_name: str) -> Content:
    if not isinstance(prompt, list) or not isinstance(completion, list):
        raise RowError(completion_name, "and 'prompt' must both be texts or both be lists of messages")
    if len(completion) != 1:
        raise RowError(completion_name, f"holds {len(completion)} messages; a record has one output")
    content = parse_conversation(prompt + completion, "prompt")
    content.shape["conversational"] = True
    return content


def _columns(records: list[Record], shape: Mapping[str, Any]) -> dict[str, Any]:
    record = records[0]
    completion_name = _completion_name(shape.get("keys", ("completion",)))
    beside = system_beside(record, shape)
    made: dict[str, Any]
    if shape.get("conversational") or record.history or (record.system and not beside):
        messages = conversation(record, shape, with_system=not beside)
        made = {"prompt": messages[:-1], completion_name: messages[-1:]}
    else:
        made = {"prompt": whole_prompt(record), completion_name: record.output}
    made |= {"input": record.input, "explanation": record.explanation}
    return made | {"system": record.system} if beside else made


def _completion_name(names: Any) -> str:
    return "response" if "completion" not in names and "response" in names else "completion"


PROMPT_COMPLETION = Layout(
    name="prompt_completion",
    accepts="prompt, completion (or response) [, input, explanation, system]",
    fits=_fits,
    parse=_parse,
    columns=_columns,
    always=("prompt", "completion"),
)
