"""Numbered lines to read, and only the lines that change to write: the default form.

What the coach reads, and two replies to it:

    [instruction]                       keep
    1 Choose the right word.
    [input]                             5= A
    2 She ___ to school every day.      end
    3 A) goes
    4 B) go
    [output]
    5 B

An edit is a place, a sign and the text of one line: `5= A` writes line 5 anew, `5-` takes it out, `5+ A` puts
a line after it, `explanation+ A` adds one at the end of a field, which is how an empty field is filled. A
record that is good as it is costs one word, and nothing that is not named can change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunewright.coach.alignment import Change, fewest_changes, most_kept
from tunewright.coach.forms.marked import context_lines
from tunewright.coach.revision import FIELDS, Field, with_texts
from tunewright.llm.structured import Unparsable
from tunewright.records.record import Record

KEEP = "keep"
END = "end"
_EDIT = re.compile(
    r"(?:(?P<line>[1-9][0-9]{0,6})(?P<sign>[=+-])|(?P<field>[a-z]+)\+)(?: (?P<text>.*))?", re.DOTALL
)


class LinesForm:
    """The coach writes `keep`, or edits by line and `end`. Lossless, whatever the fields contain."""

    name = "lines"

    def source(self, record: Record) -> str:
        lines = context_lines(record)
        number = 0
        for name in FIELDS:
            texts = _lines(getattr(record, name))
            lines.append(f"[{name}]" if texts else f"[{name}] (empty)")
            for text in texts:
                number += 1
                lines.append(f"{number} {text}")
        return "\n".join(lines)

    def target(self, original: Record, revised: Record) -> str:
        edits: list[str] = []
        first = 1
        for name in FIELDS:
            before, after = _lines(getattr(original, name)), _lines(getattr(revised, name))
            edits += _edits(name, before, after, first)
            first += len(before)
        return "\n".join([*edits, END]) if edits else KEEP

    def read(self, original: Record, text: str) -> Record:
        lines = text.strip().split("\n")
        if lines == [KEEP]:
            return original
        if lines[-1] != END:
            raise Unparsable(f"write '{KEEP}', or edits by line and '{END}' as the last line")
        if len(lines) == 1:
            raise Unparsable(f"there is no edit before '{END}'; a record that needs none is '{KEEP}'")
        page = _Page(original)
        for line in lines[:-1]:
            page.edit(line)
        return with_texts(original, page.texts())


class _Page:
    """The numbered lines of a record while edits are applied; numbers stay those of the original."""

    def __init__(self, record: Record) -> None:
        self._fields: dict[Field, list[int]] = {}
        self._now: dict[int, str | None] = {}
        self._after: dict[int, list[str]] = {}
        self._added: dict[Field, list[str]] = {name: [] for name in FIELDS}
        self._edited: set[int] = set()
        number = 0
        for name in FIELDS:
            texts = _lines(getattr(record, name))
            self._fields[name] = list(range(number + 1, number + 1 + len(texts)))
            self._now |= dict(zip(self._fields[name], texts, strict=True))
            number += len(texts)

    def edit(self, line: str) -> None:
        match = _EDIT.fullmatch(line)
        if match is None:
            raise Unparsable(f"'{line[:80]}' is not an edit such as '3= new text', '3-' or '3+ new text'")
        text = match["text"] or ""
        if match["field"] is not None:
            if match["field"] not in FIELDS:
                raise Unparsable(
                    f"there is no field '{match['field'][:40]}'; the fields are {', '.join(FIELDS)}"
                )
            self._added[match["field"]].append(text)
            return
        number = int(match["line"])
        if number not in self._now:
            raise Unparsable(f"there is no line {number}; the last is {len(self._now)}")
        if match["sign"] == "+":
            self._after.setdefault(number, []).append(text)
            return
        if number in self._edited:
            raise Unparsable(f"line {number} is changed twice")
        if match["sign"] == "-" and match["text"] is not None:
            raise Unparsable(f"'{number}-' takes line {number} out and has no text")
        self._edited.add(number)
        self._now[number] = None if match["sign"] == "-" else text

    def texts(self) -> dict[Field, str]:
        return {name: "\n".join(self._text_lines(name)) for name in FIELDS}

    def _text_lines(self, name: Field) -> Iterator[str]:
        for number in self._fields[name]:
            text = self._now[number]
            if text is not None:
                yield text
            yield from self._after.get(number, ())
        yield from self._added[name]


def _edits(name: Field, before: list[str], after: list[str], first: int) -> list[str]:
    """The edits that make `after` of `before`, whose first line has the number `first`: the shorter to write.

    The fewest changes are most often the shortest text, but a line moved is shorter put in than all replaced.
    """
    both = (most_kept(before, after), fewest_changes(before, after))
    written = ([*_written(name, before, after, first, changes)] for changes in both)
    return min(written, key=lambda edits: sum(map(len, edits)) + len(edits))


def _written(
    name: Field, before: list[str], after: list[str], first: int, changes: list[Change]
) -> Iterator[str]:
    for start, stop, new_start, new_stop in changes:
        new = after[new_start:new_stop]
        if start == 0 and stop == 0 and before:  # before the first line, which then comes after the new ones
            yield _edit(f"{first}=", new[0])
            yield from (_edit(f"{first}+", text) for text in [*new[1:], before[0]])
            continue
        kept = min(stop - start, len(new))
        for place in range(start, start + kept):
            yield _edit(f"{first + place}=", new[place - start])
        for place in range(start + kept, stop):
            yield f"{first + place}-"
        # more lines than before go after the last one kept; a field that was empty has none
        last = first + start + kept - 1
        yield from (_edit(f"{last}+" if before else f"{name}+", text) for text in new[kept:])


def _edit(place: str, text: str) -> str:
    return f"{place} {text}" if text else place


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []
