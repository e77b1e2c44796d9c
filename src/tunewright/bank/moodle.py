"""Moodle XML: holds everything but option ids, further model answers, and metadata too long for a tag.

A cloze is written with Moodle's embedded answers, `{1:SHORTANSWER:=right}`; every sign that means something
there is a numeric character reference, which no version of Moodle misreads.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

from lxml import etree
from lxml.etree import SubElement

from tunewright.bank.gift import lettered, literal, note_partial, place_id, unique, unstarred
from tunewright.bank.html import GAP_TAG, body_html, body_parts, body_pieces, div, html_text, inline_html
from tunewright.bank.html import escape as html_escape
from tunewright.bank.question import Gap, Kind, Option, Question
from tunewright.bank.tags import meta_of, tagged, tags_of
from tunewright.bank.xml import parse_xml
from tunewright.errors import DataError
from tunewright.records import Reject
from tunewright.records.reject import cut

_CLOZE_SIGNS = re.compile(r"[{}~#/\\\"=%*:]")
_EMBEDDED = re.compile(r"\{(\d*):([A-Z_]+):((?:\\.|[^\\}])*)\}")
_SHORT = {"SHORTANSWER", "SA", "MW", "SHORTANSWER_C", "SAC", "MWC"}
_CHOICE = {"MULTICHOICE", "MC", "MULTICHOICE_V", "MCV", "MULTICHOICE_H", "MCH", "MULTICHOICE_S", "MCS"}


def held_by_moodle(question: Question) -> Question:
    """The question as Moodle XML can hold it: options by place, metadata as tags."""
    return replace(
        question,
        meta=tagged(question.meta),
        options=lettered(question.options),
        gaps=tuple(replace(gap, options=lettered(gap.options)) for gap in question.gaps),
        shuffle=question.shuffle and bool(question.options),
        answers=question.answers[:1] if question.kind == "essay" else question.answers,
    )


def write_moodle(questions: Sequence[Question], path: Path) -> None:
    """The questions as one `quiz` file."""
    root = etree.Element("quiz")
    for question in questions:
        root.append(_element(question))
    etree.ElementTree(root).write(str(path), encoding="UTF-8", xml_declaration=True)


def _element(question: Question) -> etree._Element:
    types = {"choice": "multichoice", "multiple_response": "multichoice", "short_answer": "shortanswer"}
    root = etree.Element("question", type=types.get(question.kind, question.kind))
    _put(SubElement(root, "name"), question.id)
    text = body_html(question)
    if question.kind == "cloze":
        text = _unbraced(text) + _cloze_html(question)
    _html(root, "questiontext", text)
    _html(root, "generalfeedback", div("explanation", question.explanation) if question.explanation else "")
    SubElement(root, "defaultgrade").text = "1"
    SubElement(root, "penalty").text = "0.3333333"
    SubElement(root, "hidden").text = "0"
    SubElement(root, "idnumber").text = question.id
    if question.options:
        SubElement(root, "single").text = "true" if question.kind == "choice" else "false"
        SubElement(root, "shuffleanswers").text = "true" if question.shuffle else "false"
        SubElement(root, "answernumbering").text = "ABCD"
        right = sum(option.correct for option in question.options)
        for option in question.options:
            fraction = f"{100 / right:.5f}".rstrip("0").rstrip(".") if option.correct else "0"
            if not option.correct and question.kind == "multiple_response":
                fraction = "-100"
            _answer(root, inline_html(option.text), fraction, "html", option.feedback)
    elif question.kind == "short_answer":
        SubElement(root, "usecase").text = "0"
        for answer in question.answers:
            _answer(root, literal(answer), "100", "moodle_auto_format", "")
    elif question.kind == "essay":
        SubElement(root, "responseformat").text = "editor"
        SubElement(root, "responserequired").text = "1"
        SubElement(root, "responsefieldlines").text = "15"
        SubElement(root, "attachments").text = "0"
        _html(root, "graderinfo", div("model-answer", question.answers[0]) if question.answers else "")
    tags = SubElement(root, "tags")
    for tag in tags_of(question.meta):
        _put(SubElement(tags, "tag"), tag)
    return root


def _answer(root: etree._Element, text: str, fraction: str, format: str, feedback: str) -> None:
    answer = SubElement(root, "answer", fraction=fraction, format=format)
    _put(answer, text)
    _html(answer, "feedback", div("feedback", feedback) if feedback else "")


def _html(parent: etree._Element, name: str, markup: str) -> None:
    _put(SubElement(parent, name, format="html"), markup)


def _put(parent: etree._Element, text: str) -> None:
    SubElement(parent, "text").text = text


def _cloze_html(question: Question) -> str:
    content = _unbraced(html_escape(question.pieces[0]))
    for gap, piece in zip(question.gaps, question.pieces[1:], strict=True):
        if gap.options:
            choices = "~".join(("=" if o.correct else "") + _signs(html_escape(o.text)) for o in gap.options)
            content += f"{{1:MULTICHOICE:{choices}}}"
        else:
            answers = "~".join("=" + _signs(html_escape(literal(answer))) for answer in gap.answers)
            content += f"{{1:SHORTANSWER:{answers}}}"
        content += _unbraced(html_escape(piece))
    return div("cloze", "".join(question.pieces), content)


def _unbraced(markup: str) -> str:
    return markup.replace("{", "&#123;").replace("}", "&#125;")


def _signs(markup: str) -> str:
    """Each sign of the embedded syntax as a character reference; those of an entity stay as they are."""
    return _CLOZE_SIGNS.sub(lambda match: f"&#{ord(match[0])};", markup)


def read_moodle(path: Path) -> Iterator[Question | Reject]:
    """The questions of a Moodle XML file; a question that cannot be read is a reject with its line."""
    root = parse_xml(_bytes(path), str(path))
    if root.tag != "quiz":
        raise DataError(f"{path}: the root is <{root.tag}>, not <quiz>; this is no Moodle XML")
    category = ""
    seen: set[str] = set()
    for number, node in enumerate(root.iterfind("question"), 1):
        if node.get("type") == "category":
            category = (node.findtext("category/text") or "").strip()
            continue
        try:
            question = _question(node, number)
        except (ValueError, etree.LxmlError) as error:
            reason = str(error)
            yield Reject(str(path), node.sourceline or 0, "", reason, cut(etree.tostring(node)))
            continue
        name = question.id if (node.findtext("idnumber") or "").strip() else unique(question.id, seen)
        meta = {**question.meta, **({"category": category} if category else {})}
        yield replace(question, id=name, meta=meta, line=node.sourceline or 0)


def _question(node: etree._Element, number: int) -> Question:
    kind = node.get("type") or ""
    text = node.find("questiontext")
    name = (node.findtext("name/text") or "").strip()
    common: dict[str, Any] = {
        "id": (node.findtext("idnumber") or "").strip() or name or f"moodle-{number}",
        "explanation": _shown(node.find("generalfeedback")),
        "meta": meta_of(_tag(tag) for tag in node.iterfind("tags/tag")),
    }
    if kind == "cloze":
        return _cloze(text, common)
    common |= _body(text)
    if kind == "multichoice":
        return _multichoice(node, common)
    if kind == "truefalse":
        options = tuple(
            Option(
                place_id(place), name.capitalize(), _fraction(answer) == 100, _shown(answer.find("feedback"))
            )
            for place, answer in enumerate(node.iterfind("answer"))
            for name in [(answer.findtext("text") or "").strip()]
        )
        return Question(kind="choice", options=options, **common)
    if kind == "shortanswer":
        full = [a.findtext("text") or "" for a in node.iterfind("answer") if _fraction(a) == 100]
        if not full:
            raise ValueError("no answer gets full marks")
        answers = tuple(dict.fromkeys(unstarred(answer.strip()) for answer in full))
        note_partial([(a.findtext("text") or "", _fraction(a)) for a in node.iterfind("answer")], common)
        return Question(kind="short_answer", answers=answers, **common)
    if kind == "essay":
        model = _shown(node.find("graderinfo"))
        return Question(kind="essay", answers=(model,) if model else (), **common)
    raise ValueError(f"is a Moodle question of type {kind!r}, which no kind of question holds")


def _multichoice(node: etree._Element, common: dict[str, Any]) -> Question:
    answers = node.findall("answer")
    single = (node.findtext("single") or "true").strip() in ("true", "1")
    if single and sum(_fraction(answer) == 100 for answer in answers) > 1:
        raise ValueError("several options are each fully right though one is to be chosen")
    options = tuple(
        Option(
            id=place_id(place),
            text=_shown(answer),
            correct=_fraction(answer) == 100 if single else _fraction(answer) > 0,
            feedback=_shown(answer.find("feedback")),
        )
        for place, answer in enumerate(answers)
    )
    shares = [_fraction(answer) for answer in answers]
    if single or len({share for share in shares if share > 0}) > 1:  # equal shares are what all-right means
        note_partial([(o.text, share) for o, share in zip(options, shares, strict=True)], common)
    kind: Kind = "choice" if single else "multiple_response"
    shuffle = (node.findtext("shuffleanswers") or "").strip() in ("true", "1")
    return Question(kind=kind, options=options, shuffle=shuffle, **common)


def _cloze(text: etree._Element | None, common: dict[str, Any]) -> Question:
    markup = (text.findtext("text") if text is not None else "") or ""
    gaps: list[Gap] = []

    def gap(match: re.Match[str]) -> str:
        gaps.append(_gap(match[2], match[3], common))
        return f"<{GAP_TAG}></{GAP_TAG}>"

    parts, pieces = body_pieces(_EMBEDDED.sub(gap, markup))
    return Question(kind="cloze", pieces=pieces, gaps=tuple(gaps), **parts, **common)


def _gap(kind: str, body: str, common: dict[str, Any]) -> Gap:
    if kind not in _SHORT | _CHOICE:
        raise ValueError(f"has an embedded answer of type {kind}, which no kind of gap holds")
    options, shares = [], []
    for place, alternative in enumerate(re.split(r"(?<!\\)~", body)):
        match = re.match(r"=|%([^%]*)%", alternative)
        points = 0.0 if match is None else 100.0 if match[0] == "=" else _share(match[1])
        answer = re.split(r"(?<![\\&])#", alternative[match.end() if match else 0 :], maxsplit=1)[0]
        answer = re.sub(r"\\([}#~/\"\\])", r"\1", answer)
        shown = html_text(answer) if kind in _CHOICE else unescape(answer).strip()
        options.append(Option(place_id(place), shown, points == 100))
        shares.append((shown, points))
    note_partial(shares, common)
    if kind in _CHOICE:
        return Gap(options=tuple(options))
    return Gap(answers=tuple(dict.fromkeys(unstarred(o.text) for o in options if o.correct)))


def _body(text: etree._Element | None) -> dict[str, Any]:
    if text is None:
        return {}
    markup = text.findtext("text") or ""
    return body_parts(markup) if text.get("format", "html") == "html" else {"prompt": markup}


def _shown(node: etree._Element | None) -> str:
    if node is None:
        return ""
    text = node.findtext("text") or ""
    return html_text(text) if node.get("format", "html") == "html" else text.strip()


def _fraction(answer: etree._Element) -> float:
    return _share(answer.get("fraction") or "0")


def _share(text: str) -> float:
    """Per cent of the marks. ValueError, as a reject says it, when the text is no number."""
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not math.isfinite(share):
        raise ValueError(f"the share of the marks {text!r} of an answer is not a number of per cent")
    return share


def _tag(tag: etree._Element) -> str:
    return (tag.findtext("text") or "").strip()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
