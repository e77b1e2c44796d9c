"""What no schema sees: ids used twice, keys that point nowhere, gaps without an answer, equal options.

A learning platform imports such an item without a word and then marks every learner wrong. The rules run
before anything is written and after anything is read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from tunewright.bank.question import Option, Question
from tunewright.generate.validity import normalised

# What XML 1.0 forbids, and the carriage return, which every XML reader turns into a line feed.
FORBIDDEN = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
OPTION_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")  # an XML name that every format takes
META_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def check_questions(questions: Iterable[Question]) -> Iterator[tuple[Question, str]]:
    """Each faulty question with its first fault; a repeated id is a fault of the later question."""
    seen: set[str] = set()
    for question in questions:
        fault = "its id is used by an earlier question" if question.id in seen else fault_of(question)
        seen.add(question.id)
        if fault:
            yield question, fault


def fault_of(question: Question) -> str:
    """The first thing wrong with one question by itself, '' when it is sound."""
    return next(_faults(question), "")


def alike_options(question: Question) -> str:
    """Two options that only case, spaces, quote shapes or a final stop keep apart, or ''.

    Asked of what is exported, by the rule of `check-items`. Banks of others are read as they are.
    """
    for options in (question.options, *(gap.options for gap in question.gaps)):
        first: dict[str, Option] = {}
        for option in options:
            other = first.setdefault(normalised(option.text), option)
            if other is not option:
                return (
                    f"options {other.id} and {option.id} are equal but for case, spaces or a final stop: "
                    f"{other.text!r}, {option.text!r}"
                )
    return ""


def _faults(question: Question) -> Iterator[str]:
    if not question.id.strip() or question.id != question.id.strip() or "\n" in question.id:
        yield f"the id {question.id!r} is empty, has space at its ends or a line break in it"
    for where, text in texts_of(question):
        if match := FORBIDDEN.search(text):
            yield f"{where} has the character U+{ord(match[0]):04X}, which XML cannot hold"
    for name, value in question.meta.items():
        if not META_NAME.fullmatch(name) or not value.strip():
            yield f"the metadata {name!r} has an unusable name or no value"
    yield from _BY_KIND[question.kind](question)
    if question.kind not in ("choice", "multiple_response") and question.options:
        yield f"a question of kind '{question.kind}' has options"
    if question.kind != "cloze" and (question.gaps or question.pieces):
        yield f"a question of kind '{question.kind}' has gaps"
    if question.kind not in ("short_answer", "essay") and question.answers:
        yield f"a question of kind '{question.kind}' has written answers"


def _choice(question: Question) -> Iterator[str]:
    yield from _option_faults(question.options, "the question")
    if not any(text.strip() for text in question.parts.values()):
        yield "it shows nothing but its options"
    num_correct = sum(option.correct for option in question.options)
    if num_correct == 0:
        yield "no option is correct"
    if question.kind == "choice" and num_correct > 1:
        yield f"{num_correct} options are correct, but only one can be chosen"


def _cloze(question: Question) -> Iterator[str]:
    if not question.gaps:
        yield "a cloze has no gap"
    if len(question.pieces) != len(question.gaps) + 1:
        yield f"{len(question.gaps)} gaps need {len(question.gaps) + 1} pieces, not {len(question.pieces)}"
    for number, gap in enumerate(question.gaps, 1):
        where = f"gap {number}"
        if bool(gap.answers) == bool(gap.options):
            yield f"{where} has neither answers nor options" if not gap.answers else f"{where} has both"
        yield from _answer_faults(gap.answers, where)
        if gap.options:
            yield from _option_faults(gap.options, where)
            if sum(option.correct for option in gap.options) != 1:
                yield f"{where} needs exactly one correct option"
            if any(option.feedback or "\n" in option.text for option in gap.options):
                yield f"{where} has an option with feedback or a line break"


def _short_answer(question: Question) -> Iterator[str]:
    if not question.answers:
        yield "no accepted answer"
    yield from _answer_faults(question.answers, "the question")
    if not question.parts:
        yield "it asks nothing"


def _essay(question: Question) -> Iterator[str]:
    if not question.parts:
        yield "it asks nothing"
    if any(not answer.strip() for answer in question.answers):
        yield "a model answer is empty"


_BY_KIND = {
    "choice": _choice,
    "multiple_response": _choice,
    "cloze": _cloze,
    "short_answer": _short_answer,
    "essay": _essay,
}


def _option_faults(options: Sequence[Option], where: str) -> Iterator[str]:
    if len(options) < 2:
        yield f"{where} has fewer than two options"
    for identifier, count in Counter(option.id for option in options).items():
        if count > 1:
            yield f"{where} has {count} options with the id {identifier!r}"
        if not OPTION_ID.fullmatch(identifier):
            yield f"the option id {identifier!r} is not a name of letters, digits, '_', '.', '-'"
    seen: set[str] = set()
    for option in options:
        text = " ".join(option.text.split())
        if not text:
            yield f"option {option.id} is empty"
        if text in seen:
            yield f"two options are equal: {text!r}"
        seen.add(text)


def _answer_faults(answers: Sequence[str], where: str) -> Iterator[str]:
    for answer in answers:
        if not answer.strip() or answer != answer.strip() or "\n" in answer:
            yield f"{where} has the answer {answer!r}: empty, with space at its ends or a line break"
    if len(set(answers)) < len(answers):
        yield f"{where} has the same answer twice"


def texts_of(question: Question) -> Iterator[tuple[str, str]]:
    """Every text of a question with a name for where it stands."""
    yield "the id", question.id
    yield from question.parts.items()
    yield "the explanation", question.explanation
    for option in (*question.options, *(option for gap in question.gaps for option in gap.options)):
        yield f"option {option.id}", option.text
        yield f"the feedback of option {option.id}", option.feedback
    for piece in question.pieces:
        yield "the cloze text", piece
    for answer in (*question.answers, *(answer for gap in question.gaps for answer in gap.answers)):
        yield "an answer", answer
    for name, value in question.meta.items():
        yield f"the metadata {name!r}", value
