"""H5P: a Question Set of multiple choice, blanks and essays, as one .h5p package without libraries.

The platform must have the libraries that `h5p.json` names; H5P sites do. A short answer is a blank after its
prompt. Blanks have no escapes, so an accepted answer with `*`, `/`, `:` or a backslash has no place.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

from tunewright.bank.gift import lettered, place_id
from tunewright.bank.html import GAP_TAG, body_html, body_parts, body_pieces, div, html_text, inline_html
from tunewright.bank.html import escape as html_escape
from tunewright.bank.packages import open_package, write_package
from tunewright.bank.question import Gap, Option, Question
from tunewright.errors import DataError
from tunewright.records import Reject

_SET = ("H5P.QuestionSet", 1, 20)
_CHOICE = ("H5P.MultiChoice", 1, 16)
_BLANKS = ("H5P.Blanks", 1, 14)
_ESSAY = ("H5P.Essay", 1, 5)
_NAMESPACE = uuid.UUID("6f1b2a52-4a52-5c55-9d8e-3a1f9a1c7b60")  # so that ids are the same for the same bank
_SIGNS = re.compile(r"[*/:\\]")
_BLANK = re.compile(r"\*([^*]*)\*")


def held_by_h5p(question: Question) -> Question:
    """The question as H5P can hold it: options by place, one model answer."""
    return replace(
        question,
        options=lettered(question.options),
        shuffle=question.shuffle and bool(question.options),
        answers=question.answers[:1] if question.kind == "essay" else question.answers,
        meta={name: value for name, value in question.meta.items() if "\n" not in value},
    )


def refused_by_h5p(question: Question) -> str:
    """Why H5P cannot hold the question at all, or ''."""
    if any(gap.options for gap in question.gaps):
        return "H5P has no gap with options to choose from"
    answers = (*question.answers, *(answer for gap in question.gaps for answer in gap.answers))
    if question.kind != "essay" and any(_SIGNS.search(answer) for answer in answers):
        return "an accepted answer has '*', '/', ':' or a backslash, which H5P blanks cannot escape"
    return ""


def write_h5p(questions: Sequence[Question], path: Path) -> None:
    """The questions as one question set."""
    used = dict.fromkeys([_SET, *(_library(question) for question in questions)])
    head = {
        "title": "Questions",
        "language": "und",
        "mainLibrary": _SET[0],
        "embedTypes": ["iframe"],
        "license": "U",
        "preloadedDependencies": [
            {"machineName": name, "majorVersion": major, "minorVersion": minor} for name, major, minor in used
        ],
    }
    content = {
        "introPage": {"showIntroPage": False},
        "progressType": "textual",
        "passPercentage": 50,
        "questions": [_entry(question) for question in questions],
        "randomQuestions": False,
        "endGame": {"showResultPage": True, "showSolutionButton": True, "showRetryButton": True},
        "override": {"checkButton": True},
    }
    files = {"h5p.json": head, "content/content.json": content}
    write_package(path, ((name, json.dumps(d, ensure_ascii=False).encode()) for name, d in files.items()))


def _library(question: Question) -> tuple[str, int, int]:
    return _CHOICE if question.options else _ESSAY if question.kind == "essay" else _BLANKS


def _entry(question: Question) -> dict[str, Any]:
    name, major, minor = library = _library(question)
    params = {_CHOICE: _choice, _ESSAY: _essay, _BLANKS: _blanks}[library](question)
    return {
        "library": f"{name} {major}.{minor}",
        "params": params,
        "subContentId": str(uuid.uuid5(_NAMESPACE, question.id)),
        "metadata": {
            "contentType": name.removeprefix("H5P."),
            "license": "U",
            "title": question.id,
            "authorComments": "\n".join(
                f"{name}: {value}" for name, value in held_by_h5p(question).meta.items()
            ),
        },
    }


def _choice(question: Question) -> dict[str, Any]:
    single = question.kind == "choice"
    return {
        "question": body_html(question),
        "answers": [
            {
                "text": inline_html(option.text),
                "correct": option.correct,
                "tipsAndFeedback": {
                    "tip": "",
                    "chosenFeedback": div("feedback", option.feedback) if option.feedback else "",
                    "notChosenFeedback": "",
                },
            }
            for option in question.options
        ],
        "overallFeedback": _overall(question),
        "behaviour": {
            "type": "single" if single else "multi",
            "singleAnswer": single,
            "randomAnswers": question.shuffle,
            "enableRetry": True,
            "enableSolutionsButton": True,
        },
    }


def _blanks(question: Question) -> dict[str, Any]:
    if question.kind == "cloze":
        markup = html_escape(question.pieces[0]).replace("*", "&#42;")
        for gap, piece in zip(question.gaps, question.pieces[1:], strict=True):
            markup += f"*{_accepted(gap.answers)}*" + html_escape(piece).replace("*", "&#42;")
        text, blanks = body_html(question), div("cloze", "".join(question.pieces), markup)
    else:
        text, blanks = body_html(question), f"<p>*{_accepted(question.answers)}*</p>"
    return {
        "text": text,
        "questions": [blanks],
        "overallFeedback": _overall(question),
        "behaviour": {"caseSensitive": False, "enableRetry": True, "enableSolutionsButton": True},
    }


def _accepted(answers: Sequence[str]) -> str:
    return "/".join(html_escape(answer) for answer in answers)


def _essay(question: Question) -> dict[str, Any]:
    return {
        "taskDescription": body_html(question),
        "solution": {
            "introduction": div("explanation", question.explanation) if question.explanation else "",
            "sample": div("model-answer", question.answers[0]) if question.answers else "",
        },
        "keywords": [{"keyword": "*", "alternatives": [], "options": {"points": 1, "occurrences": 1}}],
        "behaviour": {"enableRetry": True, "ignoreScoring": True},
    }


def _overall(question: Question) -> list[dict[str, Any]]:
    text = div("explanation", question.explanation) if question.explanation else ""
    return [{"from": 0, "to": 100, "feedback": text}]


def read_h5p(path: Path) -> Iterator[Question | Reject]:
    """The questions of a question set; other content types are rejects with their place."""
    with open_package(path) as package:
        try:
            content = json.loads(package.read("content/content.json"))
            entries = content["questions"]
        except (ValueError, KeyError, TypeError):
            raise DataError(f"{path}: content/content.json holds no question set") from None
    for number, entry in enumerate(entries, 1):
        try:
            yield _question(entry)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            yield Reject(
                str(path), 0, "", f"question {number}: is no question read here: {error}", str(entry)[:500]
            )


def _question(entry: dict[str, Any]) -> Question:
    library, params = entry["library"].split()[0], entry["params"]
    lines = entry["metadata"].get("authorComments", "").split("\n")
    pairs = (line.partition(": ") for line in lines)
    common: dict[str, Any] = {
        "id": entry["metadata"]["title"],
        "meta": {name: value for name, colon, value in pairs if colon},
    }
    overall = params.get("overallFeedback") or [{}]
    common["explanation"] = html_text(overall[0].get("feedback") or "")
    if library == _CHOICE[0]:
        return _read_choice(params, common)
    if library == _BLANKS[0]:
        return _read_blanks(params, common)
    if library == _ESSAY[0]:
        solution = params.get("solution") or {}
        common["explanation"] = html_text(solution.get("introduction") or "")
        sample = html_text(solution.get("sample") or "")
        parts = body_parts(params["taskDescription"])
        return Question(kind="essay", answers=(sample,) if sample else (), **parts, **common)
    raise ValueError(f"the content type {library} is not multiple choice, blanks or essay")


def _read_choice(params: dict[str, Any], common: dict[str, Any]) -> Question:
    options = tuple(
        Option(
            id=place_id(place),
            text=html_text(answer["text"]),
            correct=bool(answer["correct"]),
            feedback=html_text((answer.get("tipsAndFeedback") or {}).get("chosenFeedback") or ""),
        )
        for place, answer in enumerate(params["answers"])
    )
    behaviour = params.get("behaviour") or {}
    kind = behaviour.get("type") or "auto"
    single = kind == "single" or (kind == "auto" and sum(option.correct for option in options) == 1)
    return Question(
        kind="choice" if single else "multiple_response",
        options=options,
        shuffle=bool(behaviour.get("randomAnswers")),
        **body_parts(params["question"]),
        **common,
    )


def _read_blanks(params: dict[str, Any], common: dict[str, Any]) -> Question:
    gaps: list[Gap] = []

    def gap(match: re.Match[str]) -> str:
        accepted = match[1].split(":")[0].split("/")
        gaps.append(Gap(answers=tuple(unescape(answer).strip() for answer in accepted)))
        return f"<{GAP_TAG}></{GAP_TAG}>"

    markup = _BLANK.sub(gap, "".join(params["questions"]))
    parts, pieces = body_pieces(markup)
    shown = body_parts(params["text"])
    if len(gaps) == 1 and not any(piece.strip() for piece in pieces) and 'class="cloze"' not in markup:
        return Question(kind="short_answer", answers=gaps[0].answers, **shown, **common)
    return Question(kind="cloze", pieces=pieces, gaps=tuple(gaps), **(shown | parts), **common)
