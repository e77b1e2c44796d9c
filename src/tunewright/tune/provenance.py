"""Which character of a rendered conversation came from which message, proved.

Every character of every message is replaced by a private-use code point of its own and the chat template is
rendered again. Mapping the code points back must give the plain rendering exactly; then the origin of each
character is known, whatever the template does. Where a template looks at some characters (it trims, or
splits at thinking marks), these are left as they are: `LEVELS`. What was left goes back to its neighbours.

Everything is counted in code points: texts are arrays of UTF-32 codes, and the characters of a conversation,
all messages end to end, have one running number, the *source*.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewright.errors import TemplateError
from tunewright.tune.conversation import Message, Role
from tunewright.tune.marking import (
    LEVELS,
    TEMPLATE_TEXT,
    Codes,
    Origins,
    Points,
    Sources,
    codes_of,
    mapped,
    mark,
    text_of,
)
from tunewright.tune.refusals import called, why_changed
from tunewright.tune.rendering import ChatTemplate

THINK_MARKS = ("<think>", "</think>")
THINK_BLOCK = re.compile(r"\s*<think>.*?</think>\s*", re.DOTALL)
CONTENT, THINKING = 0, 1  # places in a message's `texts()`; the strings of its tool calls follow


@dataclass(frozen=True)
class Proof:
    """The plain rendering, its codes, and per character its source (-1: template text)."""

    text: str
    codes: Codes
    sources: Sources
    origins: Origins

    @cached_property
    def owners(self) -> NDArray[np.int32]:
        """Per character the number of the message that it came from; -1 for template text."""
        return _look_up(self.origins.owner, self.sources, TEMPLATE_TEXT)

    def shows(self, number: int, part: int) -> bool:
        """Whether any of a message's content (or its thinking) is in the rendering."""
        fields = [place for place, field in enumerate(self.origins.fields) if field[:2] == (number, part)]
        return bool(np.any(np.isin(self.origins.field_of[self.sources[self.sources >= 0]], fields)))

    @cached_property
    def roles(self) -> NDArray[np.int8]:
        """Per character the role of its piece; `HEADER` for template text."""
        return _look_up(self.origins.roles, self.sources, Role.HEADER)


def _look_up(table: NDArray[Any], sources: Sources, otherwise: int) -> NDArray[Any]:
    extended = np.empty(len(table) + 1, dtype=table.dtype)
    extended[:-1] = table
    extended[-1] = otherwise
    return extended[sources]  # source -1 is the last entry


def prove(
    template: ChatTemplate, messages: Sequence[Message], *, tools: Sequence[Any] | None = None
) -> Proof:
    """The proof for one conversation. Raises `TemplateError` naming the message and the reason."""
    try:
        return _prove(template, messages, tools)
    except _Unlike:  # a template that writes the time may have seen the clock tick in between
        try:
            return _prove(template, messages, tools)
        except _Unlike as unlike:
            raise TemplateError(str(unlike)) from None


class _Unlike(Exception):
    """No marking maps back to the plain rendering."""


def _prove(template: ChatTemplate, messages: Sequence[Message], tools: Sequence[Any] | None) -> Proof:
    origins = Origins(messages)
    plain = template.render(messages, tools=tools)
    codes = codes_of(plain)
    points = Points(origins, codes)

    def traced(levels: Sequence[int | None]) -> tuple[Sources, Sources] | None:
        """What is found at these levels (None: not marked at all) and what was marked, if it maps back."""
        texts, marked = mark(origins, points, levels)
        try:
            rendered = codes_of(template.render(messages, texts, tools=tools))
        except TemplateError:  # it takes the plain conversation, so it tests what the marking hides
            return None
        found = points.sources(rendered)
        return (found, marked) if np.array_equal(mapped(origins, rendered, found), codes) else None

    levels = [0] * len(messages)
    result = traced(levels)
    if result is None:
        for number in range(len(messages)):
            level = _first_level(traced, origins, number)
            if level is None:
                raise _Unlike(why_changed(messages, number, plain))
            levels[number] = level
        result = traced(levels)
    if result is None:
        raise _Unlike(why_changed(messages, None, plain))
    found, marked = result
    reason = _first_wrong(origins, found, marked) or _give_back(origins, plain, found)
    if reason is None and any(levels):
        reason = _give_back_edges(origins, plain, found, marked)
    if reason is not None:
        raise TemplateError(reason)
    return Proof(plain, codes, found, origins)


def _first_level(traced: Callable[[list[int | None]], object], origins: Origins, number: int) -> int | None:
    """The strongest level at which a message, marked alone, can be traced; None when there is none."""
    tried: list[list[tuple[int, int]]] = []
    for level, kept in enumerate(LEVELS):
        spans = [m.span() for text in origins.texts[number] for m in (kept.finditer(text) if kept else ())]
        if spans in tried:
            continue  # it would mark the same
        tried.append(spans)
        levels: list[int | None] = [None] * len(origins.messages)
        levels[number] = level
        if traced(levels) is not None:
            return level
    return None


def _first_wrong(origins: Origins, found: Sources, marked: NDArray[np.int32]) -> str | None:
    """Why the marked characters are not all there once, message by message in order; None when they are."""
    present = found[found >= 0]
    if np.array_equal(present, marked):
        return None
    messages = origins.messages
    field_found, field_marked = origins.field_of[present], origins.field_of[marked]
    for place, (number, part, _) in enumerate(origins.fields):
        have, want = present[field_found == place], marked[field_marked == place]
        if np.array_equal(have, want) or _is_dropped_thought(origins, place, have, want):
            continue
        what = called(messages, number)
        if part == THINKING:
            what = f"the thinking of {what}"
        elif part > THINKING:
            what = f"a tool call of {what}"
        if not len(have):
            return f"the chat template drops {what}"
        missing = np.setdiff1d(want, have)
        if len(missing):
            lost = text_of(origins.codes[missing[:40]])
            return f"the chat template drops a part of {what}, from {lost!r}"
        if len(have) > len(want):
            return f"the chat template writes {what} more than once"
        return f"the chat template writes the characters of {what} out of order"
    return _wrong_order(origins, origins.owner[present])


def _is_dropped_thought(origins: Origins, place: int, have: Sources, want: Sources) -> bool:
    """Whether all that is missing is the thinking of an earlier answer, and it is missing whole."""
    number, part, start = origins.fields[place]
    message = origins.messages[number]
    if message.speaker != "assistant" or number == len(origins.messages) - 1:
        return False
    if part == THINKING:
        return not len(have)
    block = THINK_BLOCK.match(message.text) if part == CONTENT else None
    return block is not None and np.array_equal(have, want[want >= start + block.end()])


def _wrong_order(origins: Origins, owners: NDArray[np.int32]) -> str | None:
    """Why messages are mixed up: each must be in one piece, and all but the system's in order."""
    messages = origins.messages
    firsts = owners[np.append(True, np.diff(owners) != 0)] if len(owners) else owners
    seen: set[int] = set()
    latest = -1
    for number in firsts.tolist():
        if number in seen:
            return f"the chat template writes another message inside {called(messages, number)}"
        seen.add(number)
        if _is_system(messages[number]):
            continue
        if number < latest:
            return f"the chat template reorders: {called(messages, number)} comes after message {latest + 1}"
        latest = number
    return None


def _is_system(message: Message) -> bool:
    return all(role == Role.SYSTEM for role, _ in message.pieces)


def _give_back(origins: Origins, plain: str, found: Sources) -> str | None:
    """Give what was left unmarked, between two marked characters of a text, to that text.

    Changes `found`. Where the rendering differs there, only JSON's escapes and the white space around the
    thinking marks of a well-formed answer may: anything else is the reason that comes back.
    """
    places = np.flatnonzero(found >= 0)
    here = found[places]
    fields = origins.field_of[here]
    breaks = np.flatnonzero((places[1:] - places[:-1] > 1) | (here[1:] - here[:-1] > 1))
    for at in breaks.tolist():
        if fields[at] != fields[at + 1]:
            continue
        number, part, _ = origins.fields[int(fields[at])]
        first, last = int(here[at]) + 1, int(here[at + 1])
        start, end = int(places[at]) + 1, int(places[at + 1])
        ours, theirs = text_of(origins.codes[first:last]), plain[start:end]
        thinks = part == CONTENT and _is_thinking(origins.messages[number])
        if not _same(ours, theirs) and not (thinks and ours.strip() == theirs.strip() in THINK_MARKS):
            return (
                f"the chat template changes the inside of {called(origins.messages, number)}: "
                f"{ours[:40]!r} becomes {theirs[:40]!r}"
            )
        found[start:end] = np.minimum(np.arange(first, first + end - start), last - 1)
    return None


def _same(ours: str, theirs: str) -> bool:
    return ours == theirs or theirs == json.dumps(ours, ensure_ascii=False)[1:-1]


def _is_thinking(message: Message) -> bool:
    """Whether it is an answer with one well-formed thinking block at its start."""
    once = all(message.text.count(mark) == 1 for mark in THINK_MARKS)
    return message.speaker == "assistant" and once and THINK_BLOCK.match(message.text) is not None


def _give_back_edges(origins: Origins, plain: str, found: Sources, marked: Sources) -> str | None:
    """The same for what was left before the first and after the last marked character of each text.

    White space at the edges stays with the template: whose it is cannot be told.
    """
    fields = _look_up(origins.field_of, found, -1)
    for place, (number, _, start) in enumerate(origins.fields):
        own = np.flatnonzero(fields == place)
        if not len(own):
            text = text_of(origins.codes[start : start + origins.lengths[place]])
            if text.strip() and not np.any(origins.field_of[marked] == place):
                return f"of {called(origins.messages, number)}, {text[:40]!r}, no character can be traced"
            continue
        first, last = int(found[own[0]]), int(found[own[-1]])
        head = text_of(origins.codes[start:first])
        tail = text_of(origins.codes[last + 1 : start + origins.lengths[place]])
        thinks = _is_thinking(origins.messages[number])
        if head.strip() and not (thinks and _is_dropped_block(origins, place, first)):
            length = _length_of_edge(head.lstrip(), plain[: own[0]], thinks)
            if length is None:
                return f"the chat template changes the beginning of {called(origins.messages, number)}"
            found[own[0] - length : own[0]] = max(first - 1, start)
        if tail.strip():
            length = _length_of_edge(tail.rstrip()[::-1], plain[: own[-1] : -1], thinks, turned=True)
            if length is None:
                return f"the chat template changes the end of {called(origins.messages, number)}"
            found[own[-1] + 1 : own[-1] + 1 + length] = last + 1
    return None


def _is_dropped_block(origins: Origins, place: int, first: int) -> bool:
    number, _, start = origins.fields[place]
    block = THINK_BLOCK.match(origins.messages[number].text)
    return block is not None and number < len(origins.messages) - 1 and first - start >= block.end()


def _length_of_edge(edge: str, around: str, thinks: bool, *, turned: bool = False) -> int | None:
    """How many characters of the rendering beside a text are its unmarked edge; None when it is not there.

    `edge` ends where the marked text begins; `turned` says that both strings run backwards from its end.
    """
    written = edge[::-1] if turned else edge
    escaped = json.dumps(written, ensure_ascii=False)[1:-1]
    beside = around[-(2 * len(escaped) + 8) :]
    for form in (escaped, written):  # a quote or backslash stays unmarked only where JSON escapes it
        if beside.endswith(form[::-1] if turned else form):
            return len(form)
    if not thinks:
        return None
    core = edge.rstrip()
    spaces = len(beside) - len(beside.rstrip())
    return len(core) + spaces if beside.rstrip().endswith(core) else None
