"""GIFT files that others wrote, with what they parse to, read the same here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tunewright.bank.gift import read_gift
from tunewright.bank.gift_parse import GiftChoice, GiftError, GiftItem, GiftText, parse_gift
from tunewright.bank.question import Question

FIXTURES = Path(__file__).resolve().parents[2].parent / "shared/data/elpa/gift_fixtures/tests/questions"
needs_fixtures = pytest.mark.skipif(not FIXTURES.is_dir(), reason=f"no GIFT fixtures at {FIXTURES}")
FILES = sorted(FIXTURES.glob("*.gift")) if FIXTURES.is_dir() else []


def as_stated(item: GiftItem) -> dict[str, Any]:
    """An item in the shape of the fixtures' JSON."""
    if item.type == "Category":
        return {"type": "Category", "title": item.title}
    stated: dict[str, Any] = {
        "id": item.id,
        "tags": list(item.tags) or None,
        "type": item.type,
        "title": item.title,
        "stem": text(item.stem),
        "hasEmbeddedAnswers": item.embedded,
    }
    if item.type != "Description":
        stated["globalFeedback"] = text(item.global_feedback)
    if item.type == "TF":
        first, second = item.feedbacks
        stated |= {"isTrue": item.is_true, "trueFeedback": text(first), "falseFeedback": text(second)}
    if item.type == "Matching":
        stated["matchPairs"] = [{"subquestion": text(left), "subanswer": right} for left, right in item.pairs]
    if item.type == "Numerical" and not item.choices:
        stated["choices"] = number(item.number)
    elif item.type in ("MC", "Short", "Numerical"):
        stated["choices"] = [choice(one, item.type) for one in item.choices]
    return stated


def text(found: GiftText | None) -> dict[str, str] | None:
    return None if found is None else {"format": found.format, "text": found.text}


def choice(one: GiftChoice, kind: str) -> dict[str, Any]:
    return {
        "isCorrect": one.is_right,
        "weight": one.weight,
        "text": number(one.text.text) if kind == "Numerical" and one.is_right else text(one.text),
        "feedback": text(one.feedback),
    }


def number(written: str) -> dict[str, Any]:
    low, dots, high = written.partition("..")
    if dots:
        return {"type": "high-low", "numberHigh": float(high), "numberLow": float(low)}
    value, colon, margin = written.partition(":")
    if colon:
        return {"type": "range", "number": float(value), "range": float(margin)}
    return {"type": "simple", "number": float(value)}


@needs_fixtures
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_fixture_parses_as_its_json_states(file: Path) -> None:
    stated = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    parsed = [
        as_stated(item) if isinstance(item, GiftItem) else {"error": item.reason}
        for item in parse_gift(file.read_text(encoding="utf-8"))
    ]
    assert parsed == stated


@needs_fixtures
def test_the_fixtures_are_questions_or_rejects_with_a_reason() -> None:
    """51 files hold 102 items, 2 of them categories. 20 are rejects: 7 descriptions, 4 matching, 8 numerical
    with a range, and 1 choice of which all four right options get full marks."""
    found = [one for file in FILES for one in read_gift(file)]
    questions = [one for one in found if isinstance(one, Question)]
    assert len(found) == 100
    assert len(questions) == 80


def test_a_brace_that_is_never_closed_spoils_its_own_question_only() -> None:
    items = list(parse_gift("Broken? {=a ~b\n\nSound? {=yes ~no}\n"))
    assert isinstance(items[0], GiftError)
    assert (items[0].line, items[0].reason[:8]) == (1, "has 1 '{")
    assert isinstance(items[1], GiftItem)
    assert items[1].stem.text == "Sound?"
    assert items[1].line == 3
