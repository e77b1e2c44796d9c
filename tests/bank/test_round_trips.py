"""Whatever a question's texts are, its file gives it back as the format holds it."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from bank.questions import HARD, NOTICE, ONE_OF_EACH, banks, questions
from tunewright.bank.check import fault_of
from tunewright.bank.export import compare, write_bank
from tunewright.bank.formats import BANK_FORMATS
from tunewright.bank.from_record import question_of
from tunewright.bank.html import html_text, inline_html
from tunewright.bank.question import Gap, Kind, Question, first_difference
from tunewright.bank.to_record import record_of
from tunewright.errors import ItemError
from tunewright.records import read_records, write_records

slow_to_draw = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@pytest.mark.parametrize("name", BANK_FORMATS)
@slow_to_draw
@given(bank=banks)
def test_any_bank_reads_back_as_the_format_holds_it(name: str, bank: list[Question]) -> None:
    """`compare` looks at every field and raises at a difference."""
    bank_format = BANK_FORMATS[name]
    held = [question for question in bank if not bank_format.refused(question)]
    if held:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"bank{bank_format.suffix}"
            bank_format.write(held, path)
            compare(held, bank_format.read(path), bank_format)


@pytest.mark.parametrize("text", HARD)
@pytest.mark.parametrize("name", BANK_FORMATS)
def test_each_hard_text_survives_in_every_place_of_a_choice(name: str, text: str, tmp_path: Path) -> None:
    bank_format = BANK_FORMATS[name]
    first, second = NOTICE.options
    shown = text if text.strip() else "x"
    question = replace(
        NOTICE,
        instruction=text,
        passage=text,
        prompt=shown,
        explanation=text,
        options=(replace(first, text=shown), replace(second, feedback=text)),
    )
    if bank_format.refused(question):
        assert name == "aiken"
        return
    path = tmp_path / f"bank{bank_format.suffix}"
    write_bank([question], bank_format, path)
    (found,) = bank_format.read(path)
    assert isinstance(found, Question)
    assert found.key == ("A",)
    if name != "aiken":
        assert found.explanation == text
        assert found.passage == text
        assert found.options[1].feedback == text


@pytest.mark.parametrize("text", HARD)
@pytest.mark.parametrize("name", BANK_FORMATS)
def test_each_hard_text_survives_around_and_in_the_gaps_of_a_cloze(
    name: str, text: str, tmp_path: Path
) -> None:
    bank_format = BANK_FORMATS[name]
    answer = " ".join(text.split()) or "x"
    question = Question(id="c", kind="cloze", pieces=(text, text), gaps=(Gap(answers=(answer,)),))
    plain = replace(question, gaps=(Gap(answers=("x",)),))
    assert (bank_format.refused(plain) == "") == (name != "aiken")
    for one in (question, plain):
        if not bank_format.refused(one):
            bank_format.write([one], tmp_path / "bank")
            assert list(bank_format.read(tmp_path / "bank")) == [one]


@pytest.mark.parametrize(("kind", "answer"), [("essay", " He goes. "), ("short_answer", "goes " * 20 + "on")])
def test_underscores_in_an_imported_question_stay_text(kind: Kind, answer: str) -> None:
    question = Question(id="u", kind=kind, instruction="Say.", prompt="He ____ home.", answers=(answer,))
    assert first_difference(question, question_of(record_of(question))) == ""


@given(questions)
@slow_to_draw
def test_a_question_as_a_record_is_the_question_again(question: Question) -> None:
    """Up to what a record adds: an instruction when there was none."""
    record = record_of(question)
    if question.kind == "essay" and not question.answers:
        return
    known = {"skill", "level", "task", "topic"}
    expected = replace(question, instruction=record.instruction, shuffle=question.shuffle)
    assert set(question.meta) <= known
    assert first_difference(expected, question_of(record)) == ""


def test_the_record_of_a_question_survives_a_native_file(tmp_path: Path) -> None:
    path = tmp_path / "seeds.jsonl"
    records = [record_of(question) for question in ONE_OF_EACH]
    write_records(records, path, format="native")
    for question, record in zip(ONE_OF_EACH, read_records(path), strict=True):
        expected = replace(question, instruction=record.instruction)
        assert first_difference(expected, question_of(record)) == ""


@given(questions)
@slow_to_draw
def test_sound_questions_stay_sound_as_a_format_holds_them(question: Question) -> None:
    for bank_format in BANK_FORMATS.values():
        if not bank_format.refused(question):
            assert fault_of(bank_format.held(question)) == ""


@pytest.mark.parametrize("text", HARD)
def test_inline_html_shows_the_text_it_was_made_from(text: str) -> None:
    assert html_text(inline_html(text)) == text


def test_other_peoples_html_reads_as_a_browser_shows_it() -> None:
    markup = "<p>One&nbsp;two  \n three<br>four</p><ul><li>five<li>six</ul><script>x</script><!-- no -->"
    assert html_text(markup) == "One\u00a0two three\nfour\n\nfive\nsix"


def test_a_file_that_reads_back_differently_is_named_and_not_kept(tmp_path: Path) -> None:
    honest = BANK_FORMATS["csv"]
    path = tmp_path / "bank.csv"
    path.write_text("what was there before", encoding="utf-8")
    wrong = replace(honest, read=lambda file: iter([replace(NOTICE, explanation="another")]))
    with pytest.raises(
        ItemError, match=r"question 1 \(q-1\).*'explanation' is 'another' but should be 'The pool"
    ):
        write_bank([NOTICE], wrong, path)
    assert path.read_text(encoding="utf-8") == "what was there before"
    assert [file.name for file in tmp_path.iterdir()] == ["bank.csv"]


def test_a_missing_and_a_surplus_question_are_differences() -> None:
    csv = BANK_FORMATS["csv"]
    with pytest.raises(ItemError, match="it is missing"):
        compare([NOTICE], [], csv)
    with pytest.raises(ItemError, match="more questions"):
        compare([NOTICE], [NOTICE, NOTICE], csv)
