"""Reading a recipe file without YAML's traps, and saying where in it something stands.

PyYAML follows YAML 1.1 and is silent about double keys. Recipes follow the core schema of YAML 1.2
(https://yaml.org/spec/1.2.2/, section 10.3.2), which is what people expect who know JSON:

- `1e-3` is a number (PyYAML: a text); `010` is ten (PyYAML: eight); `12:30` and `2024-01-01` are texts.
- only `true` and `false` are booleans; `yes`, `no`, `on`, `off` are texts, so a boolean setting refuses them.
- a key is the text that is written; the same key twice in one table is an error.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

import yaml

from tunewright.errors import RecipeError

_TAG = "tag:yaml.org,2002:"
_IMPLICIT = (
    (_TAG + "null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    (_TAG + "bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    (_TAG + "int", re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$"), list("-+0123456789")),
    (
        _TAG + "float",
        re.compile(
            r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
            r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
        ),
        list("-+0123456789."),
    ),
    (_TAG + "merge", re.compile(r"^(?:<<)$"), ["<"]),
)
_PATTERN = {tag.removeprefix(_TAG): pattern for tag, pattern, _ in _IMPLICIT}
_RARE_BREAK = re.compile("[\r\x85\u2028\u2029]")


class Table(dict[str, Any]):
    """A YAML mapping that knows the line of each of its keys, counted from 1."""

    def __init__(self) -> None:
        super().__init__()
        self.key_lines: dict[str, int] = {}


def load_yaml(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file; tables in it are `Table`s, so `parse_config` can name lines.

    Raises RecipeError, naming line and column where there is one, when the file is missing or unreadable,
    is not UTF-8 or not YAML, is empty or no mapping, or gives a key twice.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise RecipeError(f"{path}: there is no such file; check the path") from None
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}") from None
    return parse_yaml(text, where=str(path))


def parse_yaml(text: str, *, where: str) -> dict[str, Any]:
    """As `load_yaml`, for a text; `where` stands in messages for the file's name."""
    try:
        value = yaml.load(text, Loader=_Loader)  # _Loader builds plain values only
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where
        problem = error.problem or error.context
        raise RecipeError(
            f"{place}: {problem if isinstance(error, _Refused) else f'not YAML: {problem}'}"
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise RecipeError(
            f"{where}:{line}: not YAML: the character U+{ord(text[error.position]):04X} is not allowed"
        ) from None
    if value is None:
        raise RecipeError(f"{where}: empty; it must hold a table of settings, such as 'tune:'")
    if not isinstance(value, Table):
        raise RecipeError(
            f"{where}: {_kind(value)} at the top; it must be a table of settings, such as 'tune:'"
        )
    return value


def dump_yaml(value: Any) -> str:
    """JSON-like data as YAML that `load_yaml` reads back unchanged, keys in the order given."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text


def _kind(value: Any) -> str:
    return "a list" if isinstance(value, list) else f"a single value ({value!r})"


class _Refused(yaml.constructor.ConstructorError):
    """Well-formed YAML that a recipe may not hold; its message needs no 'not YAML'."""


class _Loader(yaml.SafeLoader):
    # PyYAML's own registries, replaced whole
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - so declared in PyYAML
    yaml_constructors: ClassVar[dict[Any, Any]] = {}

    def table(self, node: yaml.Node) -> Table:
        if not isinstance(node, yaml.MappingNode):
            raise _Refused(None, None, "a table is meant here, as key: value", node.start_mark)
        self._refuse_double_keys(node)
        self.flatten_mapping(node)  # puts what `<<: *name` brings before the table's own keys, which win
        table = Table()
        for key_node, value_node in node.value:
            key = _key_text(key_node)
            table[key] = self.construct_object(value_node, deep=True)
            table.key_lines[key] = key_node.start_mark.line + 1
        return table

    def list_(self, node: yaml.Node) -> list[Any]:
        assert isinstance(node, yaml.SequenceNode)
        return self.construct_sequence(node, deep=True)

    def text(self, node: yaml.Node) -> str:
        return str(_scalar(node))

    def null(self, node: yaml.Node) -> None:
        _scalar(node, "null")

    def boolean(self, node: yaml.Node) -> bool:
        return _scalar(node, "bool").lower() == "true"

    def whole_number(self, node: yaml.Node) -> int:
        text = _scalar(node, "int")
        return int(text, 0) if text.startswith(("0o", "0x")) else int(text)

    def number(self, node: yaml.Node) -> float:
        return float(re.sub(r"\.(?=[iInN])", "", _scalar(node, "float")))  # Python writes .inf as inf

    def refuse_tag(self, node: yaml.Node) -> Any:
        raise _Refused(
            None, None, f"the tag {node.tag!r} is not allowed; write the plain value", node.start_mark
        )

    def _refuse_double_keys(self, node: yaml.MappingNode) -> None:
        first_lines: dict[str, int] = {}
        for key_node, _ in node.value:
            key, mark = _key_text(key_node), key_node.start_mark
            if key in first_lines:
                problem = f"the key '{key}' is given twice, first in line {first_lines[key]}; keep one"
                raise _Refused(None, None, problem, mark)
            first_lines[key] = mark.line + 1


def _key_text(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise _Refused(None, None, "a key must be a single text, not a list or a table", node.start_mark)
    return str(node.value)


def _scalar(node: yaml.Node, kind: str = "str") -> str:
    """The text of a single value; refused when it does not fit an explicit tag, as in `!!int abc`."""
    if not isinstance(node, yaml.ScalarNode):
        raise _Refused(None, None, f"a single value is meant here, tagged !!{kind}", node.start_mark)
    text = str(node.value)
    if kind in _PATTERN and not _PATTERN[kind].match(text):
        raise _Refused(None, None, f"'{text}' does not fit its tag !!{kind}", node.start_mark)
    return text


class _Dumper(yaml.SafeDumper):
    """Writes YAML 1.2 texts; it also quotes whatever YAML 1.1 would misread, such as 'no'."""

    def ignore_aliases(self, data: Any) -> bool:
        return True  # `&id001` where two settings share a value would only puzzle the reader

    def text(self, data: str) -> yaml.Node:
        """Quoted where it holds a rare line break, which PyYAML otherwise folds into a space on reading."""
        return self.represent_scalar(_TAG + "str", data, style='"' if _RARE_BREAK.search(data) else None)


for _tag, _pattern, _first in _IMPLICIT:
    _Loader.add_implicit_resolver(_tag, _pattern, _first)
    _Dumper.add_implicit_resolver(_tag, _pattern, _first)
for _tag, _construct in (
    (_TAG + "map", _Loader.table),
    (_TAG + "seq", _Loader.list_),
    (_TAG + "str", _Loader.text),
    (_TAG + "null", _Loader.null),
    (_TAG + "bool", _Loader.boolean),
    (_TAG + "int", _Loader.whole_number),
    (_TAG + "float", _Loader.number),
):
    _Loader.add_constructor(_tag, _construct)
_Loader.yaml_constructors[None] = _Loader.refuse_tag  # any other tag, such as !!python/object
_Dumper.add_representer(str, _Dumper.text)
