"""Pydantic's validation errors as sentences: which setting, what was found, what is accepted."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

import pydantic

from tunewright.run.strict_yaml import Table

Model = type[pydantic.BaseModel]
KeyPath = tuple[str | int, ...]  # of a setting within the recipe: ("tune", "stages", 0, "epochs")


def problems(
    cls: Model, mapping: Mapping[str, Any], error: pydantic.ValidationError, *, where: str, table: str
) -> Iterator[str]:
    """One sentence per setting; failed alternatives (`float | Literal["auto"]`) are joined by 'or'."""
    by_path: dict[KeyPath, list[Any]] = {}
    for detail in error.errors(include_url=False):
        by_path.setdefault(_path(mapping, detail), []).append(detail)
    for path, details in by_path.items():
        if _is_failed_alternative(path, details, by_path):
            continue
        line = _line(mapping, path)
        place = f"{where}:{line}" if line else where
        yield f"{place}: {_sentence(cls, _dotted(path, table), path, details)}"


def _is_failed_alternative(path: KeyPath, details: Sequence[Any], others: Mapping[KeyPath, Any]) -> bool:
    """Whether another alternative got further: given [1, "b"] for `float | tuple[float, float]`, the thing to
    say is that "b" is no number, not that the list is none.
    """
    own_words = any(detail["type"] == "value_error" for detail in details)
    return not own_words and any(len(other) > len(path) and other[: len(path)] == path for other in others)


def _sentence(cls: Model, name: str, path: KeyPath, details: Sequence[Any]) -> str:
    # a key that one alternative does not know but another does has the second one's problem
    details = [detail for detail in details if detail["type"] != "extra_forbidden"] or details
    first = details[0]
    if first["type"] == "union_tag_not_found":
        return f"'{_tag_name(name, first)}' is missing; it must be given"
    if first["type"] == "union_tag_invalid":
        tag, expected = first["ctx"]["tag"], first["ctx"]["expected_tags"]
        return f"'{_tag_name(name, first)}' is '{tag}'; it must be one of {expected}"
    if first["type"] == "extra_forbidden":
        return _unknown_key(_known_keys(cls, path[:-1]), name, str(path[-1]))
    if first["type"] == "missing":
        return f"'{name}' is missing; it must be given{_meaning(cls, path)}"
    found = _shown(first["input"])
    if first["type"] == "value_error":
        subject = f"'{name}' is {found}: " if found else f"'{name}': " if name else ""
        return f"{subject}{first['ctx']['error']}"
    accepted = list(dict.fromkeys(_accepted(detail) for detail in details))
    subject = f"'{name}'" if name else "the whole"
    kind = "a list" if isinstance(first["input"], list) else "a table of settings"
    sentence = f"{subject} is {found or kind}; it must be {' or '.join(accepted)}"
    if "true or false" in accepted and str(first["input"]).lower() in ("yes", "no", "on", "off", "y", "n"):
        sentence += " (in YAML 1.2 the word is a text)"
    return sentence + _nearest_choice(first, details)


_ACCEPTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a text",
    "path_type": "a path",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a table of settings",
    "model_type": "a table of settings",
    "literal_error": "{expected}",
    "enum": "{expected}",
    "greater_than": "greater than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
    "multiple_of": "a multiple of {multiple_of:g}",
    "string_too_short": "at least {min_length} characters long",
    "string_too_long": "at most {max_length} characters long",
    "string_pattern_mismatch": "a text of the form {pattern}",
    "too_short": "at least {min_length} long",
    "too_long": "at most {max_length} long",
}


def _accepted(detail: Any) -> str:
    phrase = _ACCEPTED.get(detail["type"])
    if phrase is None:  # rare kinds: pydantic's own words, "Input should be a valid date"
        return str(detail["msg"]).removeprefix("Input should be ")
    return phrase.format(**detail.get("ctx", {}))


def _shown(value: Any) -> str:
    """A found value, short; empty for tables and lists, which would not read well in a sentence."""
    if isinstance(value, dict | list):
        return ""
    if value is None:
        return "empty"
    text = f"'{value}'" if isinstance(value, str) else str(value).lower()
    return text if len(text) <= 60 else f"{text[:57]}…'"


def _nearest_choice(first: Any, details: Sequence[Any]) -> str:
    """'; did you mean …?' when a misspelt word is near one of the words accepted."""
    choices = [
        choice.strip("'")
        for detail in details
        if detail["type"] in ("literal_error", "enum")
        for part in detail["ctx"]["expected"].split(" or ")
        for choice in part.split(", ")
    ]
    nearest = difflib.get_close_matches(str(first["input"]), choices, n=1)
    return f"; did you mean '{nearest[0]}'?" if nearest else ""


def _tag_name(name: str, detail: Any) -> str:
    """The key that says which of several kinds of table this is."""
    key = detail["ctx"]["discriminator"].strip("'")
    return f"{name}.{key}" if name else str(key)


def _unknown_key(known: Sequence[str], name: str, key: str) -> str:
    if key in known:
        return f"the key '{name}' does not go with the other keys here"
    nearest = difflib.get_close_matches(key, known, n=1)
    if nearest:
        return f"unknown key '{name}'; did you mean '{name.removesuffix(key)}{nearest[0]}'?"
    return f"unknown key '{name}'; the keys known here are {', '.join(known)}"


def _meaning(cls: Model, path: KeyPath) -> str:
    for model in _models_at(cls, path[:-1]):
        for name, field in model.model_fields.items():
            if key_of(model, name) == path[-1] and field.description:
                return f": {field.description}"
    return ""


def _known_keys(cls: Model, path: KeyPath) -> list[str]:
    return sorted({key_of(model, name) for model in _models_at(cls, path) for name in model.model_fields})


def key_of(model: Model, name: str) -> str:
    """A field's name in a recipe: its alias when it has one (`from` cannot be a Python name)."""
    return model.model_fields[name].alias or name


def _models_at(cls: Model, path: KeyPath) -> list[Model]:
    """The config classes that the table at `path` may be; several when alternatives are allowed."""
    models = [cls]
    for step in path:
        inner = [
            found
            for model in models
            for name, field in model.model_fields.items()
            if key_of(model, name) == step
            for found in _models_in(field.annotation)
        ]
        models = inner or models  # a list's index or a free key of a dict: the same classes, one level in
    return models


def _models_in(annotation: Any) -> list[Model]:
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def _path(mapping: Mapping[str, Any], detail: Any) -> KeyPath:
    """Where in the recipe a problem is: pydantic's location without the names of alternatives it tried."""
    value: Any = mapping
    path: list[str | int] = []
    for step in detail["loc"]:
        if (isinstance(value, Mapping) and step in value) or (
            isinstance(value, Sequence) and isinstance(step, int) and step < len(value)
        ):
            path.append(step)
            value = value[step]
    if detail["type"] == "missing":
        path.append(detail["loc"][-1])
    return tuple(path)


def _line(mapping: Mapping[str, Any], path: KeyPath) -> int | None:
    """The line of the setting, or of the nearest table around it that has one."""
    line: int | None = None
    value: Any = mapping
    for step in path:
        if isinstance(value, Table):
            line = value.key_lines.get(str(step), line)
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            break
    return line


def _dotted(path: KeyPath, table: str) -> str:
    """("tune", "stages", 0, "epochs") → "tune.stages[0].epochs"."""
    name = table
    for step in path:
        name += f"[{step}]" if isinstance(step, int) else f".{step}" if name else step
    return name
