"""Alpaca rows: instruction, input, output; optional explanation, system and history. Also Self-Instruct rows.

Dolly's names are read too: `response` where there is no `output`, `context` (when it is text) where there
is no `input`. History is a list of [instruction, output] pairs; where earlier turns do not alternate, a
list of {"role", "content"}. A Self-Instruct row holds `instances`, each of which is a record; those that
are still there are written back into one row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunewright.records.layout import Content, Layout, check_texts, common_texts
from tunewright.records.record import Record, Turn
from tunewright.records.row import RowError, kind_of, required_text


def _fits(names: Sequence[str]) -> bool:
    return "instruction" in names and ("output" in names or "response" in names)


def _parse(row: dict[str, Any]) -> list[Content]:
    output_name = _output_name(row)
    input_name = "input"
    if "input" not in row and isinstance(row.get("context", 0), str | None):
        input_name = "context"
    texts, nulls = common_texts(row, input_name, "explanation", "system")
    history, shape = _parse_history(row.get("history"))
    if "history" in row and row["history"] is None:
        nulls.append("history")
    if nulls:
        shape["nulls"] = nulls
    content = Content(
        instruction=required_text(row, "instruction"),
        output=required_text(row, output_name),
        input=texts.get(input_name, ""),
        explanation=texts.get("explanation", ""),
        system=texts.get("system", ""),
        history=history,
        used=("instruction", input_name, output_name, "explanation", "system", "history"),
        shape=shape,
    )
    check_texts(content, output_name, "instruction")
    return [content]


def _columns(records: list[Record], shape: Mapping[str, Any]) -> dict[str, Any]:
    record = records[0]
    keys = shape.get("keys", ())
    has_context = "context" in keys and "input" not in keys and "context" not in record.meta
    return {
        "instruction": record.instruction,
        "context" if has_context else "input": record.input,
        _output_name(keys or ("output",)): record.output,
        "explanation": record.explanation,
        "system": record.system,
        "history": _history_column(record.history, shape),
    }


def _output_name(names: Any) -> str:
    return "response" if "output" not in names and "response" in names else "output"


def _parse_history(value: Any) -> tuple[tuple[Turn, ...], dict[str, Any]]:
    if value is None:
        return (), {}
    if not isinstance(value, list):
        raise RowError("history", f"is {kind_of(value)}, not a list of [instruction, output] pairs")
    turns: list[Turn] = []
    for index, item in enumerate(value):
        if isinstance(item, list) and len(item) == 2 and all(isinstance(text, str) for text in item):
            turns += [Turn("user", item[0]), Turn("assistant", item[1])]
        elif (
            isinstance(item, dict)
            and item.keys() == {"role", "content"}
            and item["role"] in ("user", "assistant")
            and isinstance(item["content"], str)
        ):
            turns.append(Turn(item["role"], item["content"]))
        else:
            raise RowError(
                f"history[{index}]",
                'is neither [instruction, output] nor {"role": user or assistant, "content"}',
            )
    kinds = {type(item) for item in value}
    if len(kinds) > 1:
        raise RowError("history", "mixes pairs and messages")
    return tuple(turns), {"history": [list(item) for item in value]} if kinds == {dict} else {}


def _history_column(history: tuple[Turn, ...], shape: Mapping[str, Any]) -> tuple[Any, ...]:
    speakers = [turn.speaker for turn in history]
    orders = shape.get("history", ())  # of the keys in each message
    if not orders and speakers == ["user", "assistant"] * (len(history) // 2):
        texts = [turn.text for turn in history]
        return tuple([question, answer] for question, answer in zip(texts[::2], texts[1::2], strict=True))
    messages = [{"role": turn.speaker, "content": turn.text} for turn in history]
    if len(orders) == len(messages):
        messages = [
            {key: message[key] for key in order} for order, message in zip(orders, messages, strict=True)
        ]
    return tuple(messages)


def _fits_self_instruct(names: Sequence[str]) -> bool:
    return "instruction" in names and "instances" in names


def _parse_self_instruct(row: dict[str, Any]) -> list[Content]:
    instances = row.get("instances")
    if not isinstance(instances, list) or not instances:
        raise RowError("instances", "is not a list of at least one {input, output}")
    row_texts, row_nulls = common_texts(row, "explanation", "system")
    history, row_shape = _parse_history(row.get("history"))
    if "history" in row and row["history"] is None:
        row_nulls.append("history")
    contents = []
    for index, instance in enumerate(instances):
        place = f"instances[{index}]"
        if not isinstance(instance, dict):
            raise RowError(place, f"is {kind_of(instance)}, not an object")
        try:
            texts, nulls = common_texts(instance, "input")
            content = Content(
                instruction=required_text(row, "instruction"),
                output=required_text(instance, "output"),
                input=texts.get("input", ""),
                explanation=row_texts.get("explanation", ""),
                system=row_texts.get("system", ""),
                history=history,
                used=("instruction", "instances", "explanation", "system", "history"),
                shape=dict(row_shape),
            )
            check_texts(content, "output", "instruction")
        except RowError as error:
            inside = error.field != "instruction"
            raise RowError(f"{place}.{error.field}" if inside else error.field, error.reason) from None
        if list(instance) != ["input", "output"]:
            content.shape["instance"] = {**instance, "input": None, "output": None}
            if "input" not in instance:
                del content.shape["instance"]["input"]
        if nulls:
            content.shape["instance_nulls"] = nulls
        if row_nulls:
            content.shape["nulls"] = row_nulls
        contents.append(content)
    return contents


def _columns_self_instruct(records: list[Record], shape: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "instruction": records[0].instruction,
        "instances": [_instance(record) for record in records],
        "explanation": records[0].explanation,
        "system": records[0].system,
        "history": _history_column(records[0].history, shape),
    }


def _instance(record: Record) -> dict[str, Any]:
    same = record.origin is not None and record.origin.format == "self_instruct"
    shape: Mapping[str, Any] = record.origin.shape if same and record.origin is not None else {}
    instance = dict(shape.get("instance", {"input": None, "output": None}))
    if "input" in instance or record.input:
        null = not record.input and "input" in shape.get("instance_nulls", ())
        instance["input"] = None if null else record.input
    instance["output"] = record.output
    return instance


ALPACA = Layout(
    name="alpaca",
    accepts="instruction, output (or response) [, input, explanation, system, history]",
    fits=_fits,
    parse=_parse,
    columns=_columns,
    always=("instruction", "input", "output"),
    structured=("history",),
)

SELF_INSTRUCT = Layout(
    name="self_instruct",
    accepts="instruction, instances [{input, output}]",
    fits=_fits_self_instruct,
    parse=_parse_self_instruct,
    columns=_columns_self_instruct,
    always=("instruction", "instances"),
    structured=("instances", "history"),
)
