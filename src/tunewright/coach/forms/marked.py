"""All fields in full, each under a line that names it.

    [instruction]
    Name the capital of France.
    [output]
    Paris.
    [end]

A line of a field that would read as a mark (after any number of backslashes) gets one backslash more, so any
text comes back as it was. Empty fields are left out. `[end]` tells a finished reply from a cut one.
"""

from __future__ import annotations

import re

from tunewright.coach.revision import FIELDS, Field, with_texts
from tunewright.llm.structured import Unparsable
from tunewright.records.record import Record

END = "[end]"
_MARKS: dict[str, Field] = {f"[{name}]": name for name in FIELDS}
_CONTEXT = ("system", "earlier user message", "earlier assistant message")
_ALL_MARKS = (*_MARKS, END, *(f"[{name}]" for name in _CONTEXT))
_WOULD_BE_MARK = re.compile(rf"\\*(?:{'|'.join(map(re.escape, _ALL_MARKS))})\Z")


class MarkedForm:
    """The coach writes every field anew. Earlier turns and the system message are shown, not revised."""

    name = "marked"

    def source(self, record: Record) -> str:
        return "\n".join([*context_lines(record), *_field_lines(record), END])

    def target(self, original: Record, revised: Record) -> str:
        return "\n".join([*_field_lines(revised), END])

    def read(self, original: Record, text: str) -> Record:
        lines = text.strip().split("\n")
        if END not in lines:
            raise Unparsable(f"the last line must be {END}")
        if lines.index(END) != len(lines) - 1:
            raise Unparsable(f"nothing may follow {END}")
        found: dict[Field, list[str]] = {}
        field: Field | None = None
        for line in lines[:-1]:
            if line in _MARKS:
                field = _MARKS[line]
                if field in found:
                    raise Unparsable(f"[{field}] is there twice; write each field once")
                found[field] = []
            elif field is None:
                raise Unparsable("the first line must name a field, such as [instruction]")
            else:
                found[field].append(unescaped(line))
        in_order = [name for name in FIELDS if name in found]
        if list(found) != in_order:
            raise Unparsable(f"the fields must come in the order {', '.join(f'[{name}]' for name in FIELDS)}")
        return with_texts(original, {name: "\n".join(found.get(name, [])) for name in FIELDS})


def escaped(line: str) -> str:
    """The line, with one backslash before it where it would read as a mark."""
    return "\\" + line if _WOULD_BE_MARK.match(line) else line


def unescaped(line: str) -> str:
    return line[1:] if line.startswith("\\") and _WOULD_BE_MARK.match(line) else line


def context_lines(record: Record) -> list[str]:
    """System message and earlier turns, each under its mark: what the coach must know, but not revise."""
    parts = [("system", record.system)] if record.system else []
    parts += [(f"earlier {turn.speaker} message", turn.text) for turn in record.history]
    return [line for name, text in parts for line in (f"[{name}]", *map(escaped, text.split("\n")))]


def _field_lines(record: Record) -> list[str]:
    return [
        line
        for name in FIELDS
        if (text := getattr(record, name))
        for line in (f"[{name}]", *map(escaped, text.split("\n")))
    ]
