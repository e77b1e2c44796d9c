"""Rows that hypothesis makes, and the reading and writing of files that the tests share."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

# Every character JSON can carry in UTF-8: quotes, line breaks, NUL, emoji, right-to-left; no surrogates.
hostile_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        '"',
        '""',
        "a,b",
        "a\r\nb",
        "\n",
        " x ",
        "\ttab",
        "\x00",
        "🙂 שלום",
        "\u2028",
        "\ufeff",
        "'",
        "\\",
        '{"a": 1}',
        "[1]",
        "~2",
    ]
)
filled_text = hostile_text.filter(str.strip)
optional_text = hostile_text | st.none()
json_value = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | hostile_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hostile_text, inner, max_size=3),
    max_leaves=6,
)
reserved = {
    "id",
    "instruction",
    "input",
    "output",
    "explanation",
    "system",
    "history",
    "messages",
    "conversations",
    "instances",
    "prompt",
    "completion",
    "response",
    "context",
    "tunewright",
}
extra_columns = st.dictionaries(
    hostile_text.filter(lambda name: name not in reserved), json_value, max_size=2
)
ids = (
    st.text(max_size=3)
    | st.integers()
    | st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
)


def shuffled(columns: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.permutations(list(columns.items())).map(dict)


def _row(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    columns = st.fixed_dictionaries(required, optional={"id": ids, **optional})
    return st.builds(lambda one, extra: {**one, **extra}, columns, extra_columns).flatmap(shuffled)


pairs = st.lists(st.lists(hostile_text, min_size=2, max_size=2), max_size=2)
plain_turns = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": hostile_text}),
    max_size=3,
)
alpaca_rows = _row(
    {"instruction": filled_text, "output": filled_text},
    {
        "input": optional_text,
        "explanation": optional_text,
        "system": optional_text,
        "history": st.none() | pairs | plain_turns,
    },
)
dolly_rows = _row(
    {"instruction": filled_text, "response": filled_text},
    {"context": json_value.filter(lambda v: not isinstance(v, int | float | dict))},
)
instances = st.lists(
    st.fixed_dictionaries({"output": filled_text}, optional={"input": optional_text, "score": json_value}),
    min_size=1,
    max_size=3,
)
self_instruct_rows = _row(
    {"instruction": filled_text, "instances": instances},
    {"explanation": optional_text, "system": optional_text},
)


@st.composite
def conversation(
    draw: st.DrawFn, role_key: str, text_key: str, words: dict[str, list[str]]
) -> list[dict[str, Any]]:
    roles = draw(st.sampled_from([[], ["system"]])) + draw(
        st.lists(st.sampled_from(["user", "assistant"]), max_size=3)
    )
    texts = [draw(hostile_text) for _ in roles] + [draw(filled_text), draw(filled_text)]
    messages = []
    for role, text in zip([*roles, "user", "assistant"], texts, strict=True):
        extra = draw(st.dictionaries(st.sampled_from(["weight", "name"]), json_value, max_size=1))
        message = {role_key: draw(st.sampled_from(words[role])), text_key: text, **extra}
        messages.append(draw(shuffled(message)))
    return messages


openai_messages = conversation(
    "role", "content", {"system": ["system"], "user": ["user", "human"], "assistant": ["assistant", "model"]}
)
sharegpt_messages = conversation(
    "from", "value", {"system": ["system"], "user": ["human", "user"], "assistant": ["gpt", "assistant"]}
)
beside = {"explanation": optional_text, "input": json_value, "system": optional_text}
messages_rows = _row({"messages": openai_messages | sharegpt_messages}, beside)
sharegpt_rows = _row({"conversations": sharegpt_messages | openai_messages}, beside)
prompt_rows = _row({"prompt": filled_text, "completion": filled_text}, beside) | _row(
    {"prompt": filled_text, "response": filled_text}, beside
)
conversational_rows = _row({"messages": openai_messages}, beside).map(
    lambda row: {
        name: part
        for key, value in row.items()
        for name, part in (
            [("prompt", value[:-1]), ("completion", value[-1:])] if key == "messages" else [(key, value)]
        )
    }
)

ROWS = {
    "alpaca": alpaca_rows,
    "dolly": dolly_rows,
    "self_instruct": self_instruct_rows,
    "messages": messages_rows,
    "sharegpt": sharegpt_rows,
    "prompt_completion": prompt_rows,
    "conversational": conversational_rows,
}


def exact(rows: Any) -> str:
    """JSON text, in which order of keys and types (1, 1.0, true) count."""
    return json.dumps(rows)


def write_rows(path: Path, rows: list[Any]) -> Path:
    """The rows as the container that the name promises, by the standard library only."""
    if ".jsonl" in path.name:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    else:
        text = json.dumps(rows, ensure_ascii=False, indent=1)
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def read_rows(path: Path) -> list[Any]:
    """The inverse of `write_rows`."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    return (
        [json.loads(line) for line in text.split("\n") if line] if ".jsonl" in path.name else json.loads(text)
    )
