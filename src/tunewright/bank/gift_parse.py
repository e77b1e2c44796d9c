"""GIFT, Moodle's text format, as its documentation and Moodle's own importer read it.

Questions end at a blank line; `::title::`, `[format]`, the text, then `{answers}`, with text after them in
"missing word" questions. A backslash makes the next of ``~ = # { } : \\`` itself and of `n` a line break.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

GiftType = Literal["MC", "Short", "TF", "Numerical", "Essay", "Description", "Matching", "Category"]
_FORMATS = ("html", "markdown", "moodle", "plain")
_WEIGHT = re.compile(r"\s*%\s*(-?\d+(?:\.\d+)?)\s*%")
_COMMENT = re.compile(r"^\s*//")
_ID = re.compile(r"\[id:((?:[^\]\\]|\\.)*)\]")
_TAG = re.compile(r"\[tag:((?:[^\]\\]|\\.)*)\]")
_SPACE = " \t\r\n"


@dataclass(frozen=True, slots=True)
class GiftText:
    """A text and its format: moodle (line breaks mean nothing), plain, html or markdown."""

    text: str
    format: str = "moodle"


@dataclass(frozen=True, slots=True)
class GiftChoice:
    """One answer after `=` (right) or `~`; `weight` is its per cent, None when none is written."""

    is_right: bool
    text: GiftText
    weight: float | None = None
    feedback: GiftText | None = None


@dataclass(frozen=True, slots=True)
class GiftItem:
    """One block of a file. `embedded`: the answers stand inside the text, where the stem then has `_____`."""

    type: GiftType
    line: int
    stem: GiftText = GiftText("")
    title: str | None = None
    embedded: bool = False
    around: tuple[str, str] = ("", "")  # the text before and after the braces, its spaces there kept
    choices: tuple[GiftChoice, ...] = ()
    number: str = ""
    pairs: tuple[tuple[GiftText, str], ...] = ()
    is_true: bool = False
    feedbacks: tuple[GiftText | None, ...] = ()  # of a true/false item: the first, the second
    global_feedback: GiftText | None = None
    id: str | None = None
    tags: tuple[str, ...] = ()


class GiftError(ValueError):
    """What is wrong with a block; `line` counts from 1."""

    def __init__(self, line: int, reason: str, text: str) -> None:
        super().__init__(reason)
        self.line, self.reason, self.text = line, reason, text


def parse_gift(text: str) -> Iterator[GiftItem | GiftError]:
    """The items of a file in order; a block that breaks is an error and the next one goes on."""
    for block in _blocks(text):
        try:
            yield _item(block)
        except GiftError as error:
            yield error


@dataclass(slots=True)
class _Block:
    line: int
    text: str
    id: str | None
    tags: tuple[str, ...]


def _blocks(text: str) -> Iterator[_Block]:
    """The questions' texts without comments. Blank lines inside an open brace belong to it, unless another
    brace opens there: then the first was never closed, and the block ends where it broke."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff").split("\n")
    start, at = 0, 0
    while start < len(lines):
        block: list[str] = []
        comments, first, is_open, blank = "", 0, False, -1
        at = start
        while at < len(lines):
            line = lines[at]
            if _COMMENT.match(line):
                comments += line
                at += 1
                continue
            if not line.strip(_SPACE):
                if block and not is_open:
                    break
                blank = at if block and blank < 0 else blank
            elif not block:
                first = at + 1
            if is_open and blank >= 0 and _opens(line):
                at = blank
                block = block[: blank - first + 1]
                break
            if block or line.strip(_SPACE):
                block.append(line)
                is_open = _open_after(line, is_open)
            at += 1
        start = at + 1
        if block:
            found = _ID.search(comments)
            tags = tuple(_unescaped_tag(tag) for tag in _TAG.findall(comments))
            yield _Block(first, "\n".join(block), _unescaped_tag(found[1]) if found else None, tags)


def _unescaped_tag(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text).strip(_SPACE)


def _open_after(line: str, is_open: bool) -> bool:
    for mark in _marks(line, "{}"):
        is_open = line[mark] == "{"
    return is_open


def _opens(line: str) -> bool:
    return any(line[mark] == "{" for mark in _marks(line, "{"))


def _marks(text: str, wanted: str) -> Iterator[int]:
    """Where one of the wanted characters stands without a backslash before it."""
    at = 0
    while at < len(text):
        if text[at] == "\\":
            at += 2
            continue
        if text[at] in wanted:
            yield at
        at += 1


def _item(block: _Block) -> GiftItem:
    text = block.text
    if text.startswith("$CATEGORY:"):
        return GiftItem("Category", block.line, title=text.partition(":")[2].strip(_SPACE))
    title = None
    text = text.strip(_SPACE)
    if text.startswith("::"):
        end = next((m for m in _marks(text[2:], ":") if text[2 + m : 4 + m] == "::"), None)
        if end is None:
            raise GiftError(block.line, "the title's '::' is never closed", block.text)
        title, text = unescape(text[2 : 2 + end]).strip(_SPACE), text[4 + end :]
    format, text = _format_of(text, "moodle")
    opening = list(_marks(text, "{"))
    closing = list(_marks(text, "}"))
    common: dict[str, Any] = {"line": block.line, "title": title, "id": block.id, "tags": block.tags}
    if not opening and not closing:
        return GiftItem("Description", stem=_text(text, format), **common)
    if len(opening) != 1 or len(closing) != 1 or closing[0] < opening[0]:
        raise GiftError(
            block.line,
            f"has {len(opening)} '{{' and {len(closing)} '}}' where one pair is expected; "
            "put a backslash before those that are text",
            block.text,
        )
    head, answers, tail = text[: opening[0]], text[opening[0] + 1 : closing[0]], text[closing[0] + 1 :]
    stem = _text(head, format).text
    after = _text(tail, format).text
    before, behind = _edge(head, format), _edge(tail, format)
    fields = common | {
        "around": (before.lstrip(_SPACE), behind.rstrip(_SPACE)),
        "stem": GiftText(
            " ".join(part for part in (stem, "_____", after) if part) if after else stem, format
        ),
        "embedded": bool(after),
    }
    return _answered(answers, format, fields, block)


def _answered(answers: str, format: str, fields: dict[str, Any], block: _Block) -> GiftItem:
    """The item by what stands in its braces."""
    answers, general = _cut_feedback(answers, format)
    fields["global_feedback"] = general
    body = answers.strip(_SPACE)
    if not body:
        return GiftItem("Essay", **fields)
    if match := re.match(r"(TRUE|T|FALSE|F)\s*(?=#|$)", body, re.IGNORECASE):
        parts = _split(body[match.end() :], "#")[1:]
        feedbacks = tuple(_maybe(part, format) for part in (*parts, "", "")[:2])
        is_true = match[1][0].upper() == "T"
        return GiftItem("TF", is_true=is_true, feedbacks=feedbacks, **fields)
    if body.startswith("#"):
        rest = body[1:].strip(_SPACE)
        if not rest.startswith(("=", "~")):
            return GiftItem("Numerical", number=rest, **fields)
        choices = tuple(
            choice if choice.text.text else replace(choice, text=GiftText("*"))  # any other number
            for choice in _choices(rest, format, block)
        )
        return GiftItem("Numerical", choices=choices, **fields)
    if not list(_marks(body, "=~")):
        body = f"={body}"  # one right answer needs no sign
    if not body.startswith(("=", "~")):
        raise GiftError(block.line, f"the answers begin with {body[:20]!r}, not with '=' or '~'", block.text)
    choices = tuple(_choices(body, format, block))
    if any(not choice.is_right for choice in choices):
        return GiftItem("MC", choices=choices, **fields)
    if pairs := _pairs(body, format):
        return GiftItem("Matching", pairs=pairs, **fields)
    return GiftItem("Short", choices=choices, **fields)


def _cut_feedback(answers: str, format: str) -> tuple[str, GiftText | None]:
    marks = list(_marks(answers, "#"))
    for mark in marks:
        if answers[mark : mark + 4] == "####":
            return answers[:mark], _maybe(answers[mark + 4 :], format)
    return answers, None


def _choices(body: str, format: str, block: _Block) -> Iterator[GiftChoice]:
    starts = list(_marks(body, "=~"))
    for start, end in zip(starts, [*starts[1:], len(body)], strict=True):
        text = body[start + 1 : end]
        weight = None
        if match := _WEIGHT.match(text):
            weight, text = float(match[1]), text[match.end() :]
        answer, *feedback = _split(text, "#", 1)
        yield GiftChoice(
            is_right=body[start] == "=",
            text=_text(answer, format),
            weight=weight,
            feedback=_maybe(feedback[0], format) if feedback else None,
        )


def _pairs(body: str, format: str) -> tuple[tuple[GiftText, str], ...]:
    """The pairs of a matching item; empty when an answer has no `->`, for then it is a short answer."""
    pairs = []
    starts = list(_marks(body, "="))
    for start, end in zip(starts, [*starts[1:], len(body)], strict=True):
        left, arrow, right = body[start + 1 : end].partition("->")
        if not arrow:
            return ()
        pairs.append((_text(left, format), _text(right, "moodle").text))
    return tuple(pairs)


def _split(text: str, mark: str, most: int = -1) -> list[str]:
    parts: list[str] = []
    start = 0
    for at in _marks(text, mark):
        if len(parts) == most:
            break
        parts.append(text[start:at])
        start = at + 1
    return [*parts, text[start:]]


def _maybe(text: str, format: str) -> GiftText | None:
    found = _text(text, format)
    return found if found.text else None


def _text(text: str, format: str) -> GiftText:
    format, text = _format_of(text, format)
    text = text.strip(_SPACE)
    if format == "moodle":  # a line break in the file means no more than a space
        text = re.sub(r"[ \t]*\n[ \t\n]*", " ", text)
    return GiftText(unescape(text), format)


def _edge(text: str, format: str) -> str:
    """Like `_text`, with the space at its ends."""
    return unescape(re.sub(r"[ \t\n]+", " ", text) if format == "moodle" else text)


def _format_of(text: str, default: str) -> tuple[str, str]:
    match = re.match(r"\s*\[(\w+)\]", text)
    if match and match[1].lower() in _FORMATS:
        return match[1].lower(), text[match.end() :]
    return default, text


def unescape(text: str) -> str:
    """The text that an escaped text stands for; a backslash before anything else is itself."""
    return re.sub(r"\\([\\~=#{}:n])", lambda match: "\n" if match[1] == "n" else match[1], text)


def escape(text: str) -> str:
    """The text with every character that GIFT reads as markup escaped; a line break is `\\n`."""
    return re.sub(r"[\\~=#{}:]", lambda match: "\\" + match[0], text).replace("\n", "\\n")
