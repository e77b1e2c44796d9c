"""Every character of a conversation replaced by a private-use code point of its own, and put back again.

Everything is counted in code points: texts are arrays of UTF-32 codes, and the characters of a conversation,
all messages end to end, have one running number, the *source*.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tunewright.errors import TemplateError
from tunewright.tune.conversation import Message, Role

Codes = NDArray[np.uint32]
Sources = NDArray[np.int32]

TEMPLATE_TEXT = -1  # the source of a character that the template wrote

_FIRST = 0xF0000
_PRIVATE = np.array([*range(0xF0000, 0xFFFFE), *range(0x100000, 0x10FFFE)], dtype=np.uint32)
_PRIVATE_TEXT = _PRIVATE.tobytes().decode("utf-32-le")
_SOURCE_OF = np.full(0x20000, TEMPLATE_TEXT, dtype=np.int32)
_SOURCE_OF[_PRIVATE - _FIRST] = np.arange(len(_PRIVATE))

# What each marking leaves as it is, from nothing at all; the first that works is taken, message by message.
LEVELS = (
    None,
    re.compile(r"\A\n+"),  # for templates that trim line breaks on the left
    re.compile(r"\A\n+|\n+\Z"),  # … on both sides
    re.compile(r"\A\s+"),  # … that trim any white space on the left
    re.compile(r"\s+\Z"),  # … on the right
    re.compile(r"\A\s+|\s+\Z"),  # … on both sides
    re.compile(r"\A\s+|\s+\Z|\s*</?think>\s*"),  # … that split at thinking marks
    re.compile(r"""\A\s+|\s+\Z|\s*</?think>\s*|["\\\x00-\x1f\x7f]"""),  # … that write JSON
    re.compile(r"""\s+|</?think>|["\\\x00-\x1f\x7f]"""),  # … that look at any white space
)


def codes_of(text: str) -> Codes:
    """The code points of a text; lone surrogates pass."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def text_of(codes: Codes) -> str:
    return codes.tobytes().decode("utf-32-le", "surrogatepass")


class Origins:
    """All characters that the speakers of a conversation wrote, end to end.

    `field_of` numbers the texts of all messages (content, thinking, each string of a tool call); per source
    there is the message `owner` and its `role`. `fields` holds (message, place in its texts, first source).
    """

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages
        self.texts = [message.texts() for message in messages]
        self.fields: list[tuple[int, int, int]] = []
        lengths: list[int] = []
        role_lengths: list[int] = []
        roles: list[int] = []
        start = 0
        for number, (message, texts) in enumerate(zip(messages, self.texts, strict=True)):
            for role, text in message.pieces:
                roles.append(role)
                role_lengths.append(len(text))
            for place, text in enumerate(texts):
                self.fields.append((number, place, start))
                lengths.append(len(text))
                start += len(text)
            roles.append(Role.OUTPUT)
            role_lengths.append(sum(lengths[-len(texts) + 1 :]))
        self.total = start
        self.lengths = lengths
        self.field_of = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
        self.roles = np.repeat(np.array(roles, dtype=np.int8), role_lengths)
        self.codes = codes_of("".join([text for texts in self.texts for text in texts]))

    @cached_property
    def owner(self) -> NDArray[np.int32]:
        numbers = np.array([number for number, _, _ in self.fields], dtype=np.int32)
        return numbers[self.field_of]


class Points:
    """Private code points that neither the conversation nor its plain rendering uses, one for each source."""

    def __init__(self, origins: Origins, plain: Codes) -> None:
        total = origins.total
        free = _PRIVATE
        self._source_of = _SOURCE_OF
        self.text: str = _PRIVATE_TEXT
        if max(plain.max(initial=0), origins.codes.max(initial=0)) >= _FIRST:
            free = np.setdiff1d(_PRIVATE, np.concatenate([plain, origins.codes]))
            self._source_of = np.full(len(_SOURCE_OF), TEMPLATE_TEXT, dtype=np.int32)
            self._source_of[free - _FIRST] = np.arange(len(free))
            self.text = text_of(free)
        self.codes = free
        if total > len(free):
            raise TemplateError(
                f"the conversation has {total:,} characters, more than the {len(free):,} that can be marked"
            )
        self._total = total

    def sources(self, rendered: Codes) -> Sources:
        found = np.full(len(rendered), TEMPLATE_TEXT, dtype=np.int32)
        private = np.flatnonzero(rendered >= _FIRST)
        numbers = self._source_of[rendered[private] - _FIRST]
        numbers[numbers >= self._total] = TEMPLATE_TEXT
        found[private] = numbers
        return found


def mark(origins: Origins, points: Points, levels: Sequence[int | None]) -> tuple[list[list[str]], Sources]:
    """The texts with private code points, message by message at its level, and the sources so marked."""
    marked = np.arange(origins.total, dtype=np.int32)
    private = points.text[: origins.total]
    if any(level != 0 for level in levels):
        is_marked = np.ones(origins.total, dtype=bool)
        for (number, place, start), length in zip(origins.fields, origins.lengths, strict=True):
            level = levels[number]
            if level is None:
                is_marked[start : start + length] = False
            elif (kept := LEVELS[level]) is not None:
                for match in kept.finditer(origins.texts[number][place]):
                    is_marked[start + match.start() : start + match.end()] = False
        marked = np.flatnonzero(is_marked).astype(np.int32)
        private = text_of(np.where(is_marked, points.codes[: origins.total], origins.codes))
    texts: list[list[str]] = [[] for _ in origins.texts]
    for (number, _, start), length in zip(origins.fields, origins.lengths, strict=True):
        texts[number].append(private[start : start + length])
    return texts, marked


def mapped(origins: Origins, rendered: Codes, found: Sources) -> Codes:
    """The rendering with every private code point put back to the character it stands for."""
    codes = rendered.copy()
    own = np.flatnonzero(found >= 0)
    codes[own] = origins.codes[found[own]]
    return codes
