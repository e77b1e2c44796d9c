"""Writes docs/reference/cli.md, recipe.md and recipe.schema.json from the code itself (`make docs`).

A test fails when they are not what the code says.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tunewright.generate.item_rules_page import item_rules_page
from tunewright.pipeline.recipe import Recipe
from tunewright.rate.detectors_page import detectors_page
from tunewright.run.config import json_schema

REFERENCE = Path(__file__).resolve().parent / "reference"
COMMANDS = [
    "run",
    "generate",
    "subsets",
    "inspect",
    "advise",
    "check",
    "check-items",
    "answerability",
    "dedup",
    "rate",
    "select",
    "coach",
    "coach select",
    "coach train",
    "coach evaluate",
    "revise",
    "compare-sets",
    "replies",
    "reparse",
    "export",
    "import",
    "mask",
    "tune",
    "compare",
    "evaluate",
    "evaluate arms",
    "evaluate answers",
    "evaluate judge",
    "evaluate tasks",
    "evaluate winrate",
    "evaluate agreement",
    "study",
    "study power",
    "study new",
    "study status",
    "study import-ratings",
    "study lock",
    "study adjudicate",
    "study unblind",
    "study export",
    "study results",
    "review",
    "review import",
    "review assign",
    "review export",
    "review lock",
    "review backup",
    "review users",
    "review users add",
    "review users list",
    "review users role",
    "review users password",
    "review users disable",
    "report",
    "tokens",
]


def pages() -> dict[str, str]:
    """File name → text of every generated page."""
    schema = json_schema(Recipe)
    return {
        "cli.md": cli_page(),
        "detectors.md": detectors_page(),
        "item-rules.md": item_rules_page(),
        "recipe.md": "\n".join(recipe_lines(schema)) + "\n",
        "recipe.schema.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n",
    }


def cli_page() -> str:
    parts = ["# Commands", "", "Made by `make docs` from `--help`.", ""]
    for command in ["", *COMMANDS]:
        parts += [f"## tunewright {command}".rstrip(), "", "```", help_of(command), "```", ""]
    return "\n".join(parts)


def help_of(command: str) -> str:
    words = [sys.executable, "-m", "tunewright", *command.split(), "--help"]
    environment = os.environ | {"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"}
    shown = subprocess.run(words, capture_output=True, text=True, check=True, env=environment).stdout
    return shown.replace("python -m tunewright", "tunewright").strip()


def recipe_lines(schema: dict[str, Any]) -> Iterator[str]:
    yield from [
        "# Recipe",
        "",
        "Made by `make docs` from the config classes; editors can use `recipe.schema.json`.",
        "",
    ]
    yield from table("Top level", schema, schema["$defs"])
    for key in (
        "generate",
        "dedup",
        "check",
        "revise",
        "rate",
        "select",
        "tune",
        "evaluate",
        "tasks",
        "judge",
    ):
        reference = json.dumps(schema["properties"][key]).split('"#/$defs/')[1].split('"')[0]
        yield from table(f"`{key}:`", schema["$defs"][reference], schema["$defs"])
        if key == "rate":
            yield from table("`rate.ask:`", schema["$defs"]["AskConfig"], schema["$defs"])


def table(title: str, schema: dict[str, Any], definitions: dict[str, Any]) -> Iterator[str]:
    yield from [f"## {title}", "", "| key | value | default | |", "| --- | --- | --- | --- |"]
    for key, field in schema["properties"].items():
        default = json.dumps(field["default"]) if "default" in field else ""
        default = default if len(default) < 60 else "…"
        yield f"| `{key}` | {kind(field, definitions)} | {default} | {field.get('description', '')} |"
    yield ""


def kind(field: dict[str, Any], definitions: dict[str, Any]) -> str:
    """The accepted values of a field in a few words."""
    if "$ref" in field:
        target = field["$ref"].rsplit("/", 1)[1]
        return kind(definitions[target], definitions) if "enum" in definitions[target] else "a table"
    if "const" in field:
        return str(field["const"])
    if "enum" in field:
        return ", ".join(map(str, field["enum"]))
    if "anyOf" in field:
        return " or ".join(kind(option, definitions) for option in field["anyOf"])
    if field.get("type") == "array":
        return f"list of {kind(field['items'], definitions)}"
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {field[name]}" for name, sign in signs.items() if name in field]
    names = {"string": "text", "object": "a table", "null": "none"}
    return " ".join([names.get(field.get("type", ""), field.get("type", "anything")), *bounds])


if __name__ == "__main__":
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
