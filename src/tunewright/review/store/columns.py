"""Two column types that give back any Python text exactly, on both databases.

PostgreSQL refuses the character NUL in text, and neither database takes lone surrogates (which JSON files can
hold). Both are escaped here; ordinary text is kept as it is, so that it can be read with any tool.
"""

from __future__ import annotations

import json
import re
from typing import Any

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

_REFUSED = re.compile("[\\\\\x00\ud800-\udfff]")
_ESCAPED = re.compile(r"\\(\\|u[0-9a-f]{4})")
_UNENCODABLE = re.compile("[\ud800-\udfff]")
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode  # made once: half the time
_MARK = "~"  # no JSON begins with it: what follows is escaped once more


class AnyText(TypeDecorator[str]):
    r"""A text of any characters. A backslash is kept as `\\`, NUL and surrogates as `\u0000` and so on;
    the mapping is one to one, so that equality and unique constraints mean what they say."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else escape(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else unescape(value)


class AnyJson(TypeDecorator[Any]):
    """A value made of JSON's kinds, with texts of any characters and integers of any size.

    JSON escapes NUL itself. Surrogates it would join into pairs when read, so a text with any is escaped as
    `AnyText` does, and marked.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        if value is None:
            return None
        text = _encode(value)
        return _MARK + escape(text) if _UNENCODABLE.search(text) else text

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        return json.loads(unescape(value[1:]) if value.startswith(_MARK) else value)


def escape(text: str) -> str:
    return _REFUSED.sub(_escaped, text)


def unescape(text: str) -> str:
    return _ESCAPED.sub(_unescaped, text) if "\\" in text else text


def _escaped(match: re.Match[str]) -> str:
    return r"\\" if match[0] == "\\" else f"\\u{ord(match[0]):04x}"


def _unescaped(match: re.Match[str]) -> str:
    return "\\" if match[1] == "\\" else chr(int(match[1][1:], 16))
