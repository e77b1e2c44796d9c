"""GIFT: written as Moodle reads it, with every text as HTML so that line breaks and spaces stay.

GIFT has no place for a model answer or the order of options, one gap at most, and no blank lines. Metadata
become tags in a comment, where they are short enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunewright.bank.decode import decoded
from tunewright.bank.gift_parse import GiftChoice, GiftError, GiftItem, GiftText, escape, parse_gift
from tunewright.bank.html import GAP_TAG, body_html, body_parts, body_pieces, div, html_text, inline_html
from tunewright.bank.html import escape as html_escape
from tunewright.bank.question import Gap, Kind, Option, Question
from tunewright.bank.tags import meta_of, tagged, tags_of
from tunewright.records import Reject
from tunewright.records.reject import cut

_CELL = f"<{GAP_TAG}/>"
_PLAIN_ID = re.compile(r"[^\[\]\\<>\"\t]+")


def held_by_gift(question: Question) -> Question:
    """The question as GIFT can hold it."""
    answers = question.answers if question.kind == "short_answer" else ()
    return replace(
        question,
        answers=answers,
        shuffle=False,
        meta=tagged(question.meta),
        options=lettered(question.options),
        gaps=tuple(replace(gap, options=lettered(gap.options)) for gap in question.gaps),
    )


def refused_by_gift(question: Question) -> str:
    """Why GIFT cannot hold the question at all, or ''."""
    if len(question.gaps) > 1:
        return f"GIFT holds one gap, this cloze has {len(question.gaps)}; export it to Moodle XML"
    answers = (*question.answers, *(answer for gap in question.gaps for answer in gap.answers))
    if question.kind != "essay" and any("->" in answer for answer in answers):
        return "an accepted answer has '->', which GIFT reads as a pair to match; export it to Moodle XML"
    return ""


def lettered(options: Sequence[Option]) -> tuple[Option, ...]:
    """The options under the ids A, B, C: for formats in which an option has only a place."""
    return tuple(replace(option, id=place_id(place)) for place, option in enumerate(options))


def place_id(place: int) -> str:
    """A to Z, then option_27 and so on."""
    return chr(ord("A") + place) if place < 26 else f"option_{place + 1}"


def write_gift(questions: Sequence[Question], path: Path) -> None:
    """The questions as one GIFT file in UTF-8."""
    path.write_bytes("\n".join(_block(question) for question in questions).encode())


def _block(question: Question) -> str:
    comments = [f"[id:{question.id}]"] if _PLAIN_ID.fullmatch(question.id) else []
    comments += [f"[tag:{tag}]" for tag in tags_of(question.meta)]
    body = body_html(question)
    before, after = escape(body), ""
    if question.kind == "cloze":
        whole = div(
            "cloze", "".join(question.pieces), _CELL.join(html_escape(piece) for piece in question.pieces)
        )
        first, _, last = whole.partition(_CELL)
        before, after = escape(body + first), escape(last)
    lines = _answers(question)
    if question.explanation:
        lines.append(f"####{_guarded(escape(inline_html(question.explanation)))}")
    inside = "".join(f"\n\t{line}" for line in lines)
    head = f"// {' '.join(comments)}\n" if comments else ""
    return f"{head}::{escape(question.id)}::[html]{before}{{{inside}\n}}{after}\n"


def _answers(question: Question) -> list[str]:
    if question.kind == "essay":
        return []
    if question.kind == "short_answer":
        return [_accepted_line(answer) for answer in question.answers]
    if question.kind == "cloze" and question.gaps[0].answers:
        return [_accepted_line(answer) for answer in question.gaps[0].answers]
    options = question.options or question.gaps[0].options
    right = sum(option.correct for option in options)
    lines = []
    for option in options:
        mark = "=" if option.correct else "~"
        if question.kind == "multiple_response":
            mark = f"~%{100 / right:.5f}%" if option.correct else "~%-100%"
        feedback = f"#{_guarded(escape(inline_html(option.feedback)))}" if option.feedback else ""
        lines.append(f"{mark}{_guarded(escape(inline_html(option.text)))}{feedback}")
    return lines


def _accepted_line(answer: str) -> str:
    """An accepted answer, which is no HTML; one that looks like a format or weight gets one in front."""
    if re.match(r"\[|%", answer):
        return f"=%100%[plain]{escape(literal(answer))}"
    return f"={escape(literal(answer))}"


def _guarded(text: str) -> str:
    """A text that would be read as a weight or a format gets markup in front."""
    return f"<span></span>{text}" if re.match(r"%|\[", text) else text


def literal(answer: str) -> str:
    """An accepted answer in which `*` is a star: Moodle reads a bare one as "anything"."""
    return answer.replace("*", "\\*")


def read_gift(path: Path) -> Iterator[Question | Reject]:
    """The questions of a GIFT file; what it has no kind for here is a reject with its line."""
    text = decoded(path)
    category = ""
    seen: set[str] = set()
    for number, item in enumerate(parse_gift(text), 1):
        if isinstance(item, GiftError):
            yield Reject(str(path), item.line, "", item.reason, cut(item.text))
            continue
        if item.type == "Category":
            category = item.title or ""
            continue
        try:
            question = _question(item, number)
        except ValueError as error:
            yield Reject(str(path), item.line, "", str(error), cut(item.stem.text))
            continue
        meta = dict(question.meta)
        name = question.id if item.id else unique(question.id, seen)
        meta |= {"category": category} if category else {}
        yield replace(question, id=name, meta=meta, line=item.line)


def unique(name: str, seen: set[str]) -> str:
    """The name, with -2, -3 … where it is a title that an earlier question has too."""
    found, number = name, 2
    while found in seen:
        found, number = f"{name}-{number}", number + 1
    seen.add(found)
    return found


def _question(item: GiftItem, number: int) -> Question:
    """ValueError with the reason when the item is of a type that no kind of question holds."""
    if item.type in ("Matching", "Description"):
        raise ValueError(f"is a GIFT item of type {item.type.lower()}, which no kind of question holds")
    common: dict[str, Any] = {
        "id": item.id or item.title or f"gift-{number}",
        "explanation": shown(item.global_feedback),
        "meta": meta_of(item.tags),
    }
    if item.type == "TF":
        options = tuple(
            Option(letter, name, correct=item.is_true == (name == "True"))
            for letter, name in (("A", "True"), ("B", "False"))
        )
        feedback = " ".join(shown(text) for text in item.feedbacks if text)
        common["explanation"] = str(common["explanation"] or feedback)
        return Question(kind="choice", options=options, **_body(item), **common)
    if item.type == "Essay":
        return Question(kind="essay", **_body(item), **common)
    if item.type == "Numerical":
        answers: tuple[str, ...] = (_number(item),)
    elif item.type == "Short":
        answers = _accepted(item, common)
    else:
        return _choice(item, common)
    if item.embedded:
        return _missing_word(item, Gap(answers=answers), common)
    return Question(kind="short_answer", answers=answers, **_body(item), **common)


def _choice(item: GiftItem, common: dict[str, Any]) -> Question:
    right = [choice for choice in item.choices if choice.is_right and choice.weight in (None, 100)]
    kind: Kind = "choice"
    if not right:
        right = [choice for choice in item.choices if (choice.weight or 0) > 0]
        kind = "multiple_response"
    elif len(right) > 1:
        raise ValueError(
            f"{len(right)} options are each fully right though one is to be chosen; "
            "give them shares with ~%…% if all are to be chosen"
        )
    options = tuple(
        Option(place_id(place), shown(choice.text), choice in right, shown(choice.feedback))
        for place, choice in enumerate(item.choices)
    )
    if kind == "choice":
        _note_partial(item.choices, common)
    if item.embedded and kind == "choice" and not any(option.feedback for option in options):
        return _missing_word(item, Gap(options=options), common)
    return Question(kind=kind, options=options, **_body(item), **common)


def _missing_word(item: GiftItem, gap: Gap, common: dict[str, Any]) -> Question:
    before, after = item.around
    parts, pieces = (
        body_pieces(f"{before}{_CELL}{after}") if item.stem.format == "html" else ({}, item.around)
    )
    return Question(kind="cloze", pieces=pieces, gaps=(gap,), **parts, **common)


def _accepted(item: GiftItem, common: dict[str, Any]) -> tuple[str, ...]:
    full = [choice for choice in item.choices if choice.weight in (None, 100)]
    if not full:
        raise ValueError("no answer gets full marks")
    _note_partial(item.choices, common)
    return tuple(dict.fromkeys(unstarred(choice.text.text) for choice in full))


def unstarred(answer: str) -> str:
    """The answer `literal` was given. ValueError when a bare `*` stands for anything."""
    if re.search(r"(?<!\\)\*", answer):
        raise ValueError(f"the answer {answer!r} has a wildcard '*', which no kind of question holds")
    return answer.replace("\\*", "*")


def _number(item: GiftItem) -> str:
    full = [choice for choice in item.choices if choice.is_right and choice.weight in (None, 100)]
    texts = [item.number] if item.number else [choice.text.text for choice in full]
    number, _, margin = texts[0].partition(":") if len(texts) == 1 else ("", "", "")
    try:
        exact = float(margin or 0) == 0
        float(number)
    except ValueError:
        exact = False
    if not exact:
        raise ValueError("is a numerical question with a range of answers, which no kind of question holds")
    return number.strip()


def _note_partial(choices: Sequence[GiftChoice], common: dict[str, Any]) -> None:
    note_partial([(shown(choice.text), choice.weight or 0.0) for choice in choices], common)


def note_partial(shares: Sequence[tuple[str, float]], common: dict[str, Any]) -> None:
    """Put the answers that get a part of the marks, with their per cent, into `partial_credit` of the
    metadata in `common`: no kind of question holds them."""
    partial = [f"{text} ({share:g} %)" for text, share in shares if 0 < share < 100]
    if partial:
        known = common["meta"].get("partial_credit")
        common["meta"] = {
            **common["meta"],
            "partial_credit": "; ".join([known, *partial] if known else partial),
        }


def _body(item: GiftItem) -> dict[str, Any]:
    if item.stem.format == "html":
        return body_parts(item.stem.text)
    return {"prompt": item.stem.text}


def shown(text: GiftText | None) -> str:
    """The text as it is shown: HTML read as a browser does, other formats as they are."""
    if text is None:
        return ""
    return html_text(text.text) if text.format == "html" else text.text
