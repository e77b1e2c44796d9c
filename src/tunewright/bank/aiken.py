"""Aiken: one line of question, one line for each option, `ANSWER: B`. It holds single choice and no more.

Instruction, passage and prompt become one line; explanation, feedback, ids and metadata have no place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tunewright.bank.decode import decoded
from tunewright.bank.gift import lettered
from tunewright.bank.question import Option, Question
from tunewright.records import Reject
from tunewright.records.reject import cut

_OPTION = re.compile(r"([A-Z])[.)][ \t]+(.*)")
_ANSWER = re.compile(r"ANSWER:\s*(\S*)\s*$", re.IGNORECASE)


def held_by_aiken(question: Question) -> Question:
    """The question as Aiken can hold it; the id, which is a place in the file there, is kept for reports."""
    prompt = _line(" ".join(question.parts.values()))
    options = tuple(
        replace(option, text=_line(option.text), feedback="") for option in lettered(question.options)
    )
    return Question(id=question.id, kind="choice", prompt=prompt, options=options)


def refused_by_aiken(question: Question) -> str:
    """Why Aiken cannot hold the question at all, or ''."""
    if question.kind != "choice":
        return f"Aiken holds single choice only, not {question.kind.replace('_', ' ')}"
    if len(question.options) > 26:
        return f"Aiken has letters for 26 options, not {len(question.options)}"
    held = held_by_aiken(question)
    if _OPTION.match(held.prompt) or _ANSWER.match(held.prompt):
        return "its text begins as an option or answer line does"
    texts = [option.text for option in held.options]
    if len(set(texts)) < len(texts):
        return "two of its options are equal on one line"
    return ""


def write_aiken(questions: Sequence[Question], path: Path) -> None:
    """The questions in one file, a blank line between them."""
    blocks = []
    for question in questions:
        held = held_by_aiken(question)
        lines = [held.prompt, *(f"{o.id}. {o.text}" for o in held.options), f"ANSWER: {held.key[0]}"]
        blocks.append("\n".join(lines) + "\n")
    path.write_bytes("\n".join(blocks).encode())


def read_aiken(path: Path) -> Iterator[Question | Reject]:
    """The questions of an Aiken file, with the ids aiken-1, aiken-2, …; a broken block is a reject."""
    text = decoded(path).replace("\r\n", "\n").replace("\r", "\n")
    number, prompt, options, first = 0, [], [], 1  # type: int, list[str], list[Option], int
    for line_number, line in enumerate([*text.split("\n"), ""], 1):
        line = line.strip(" \t")
        if not prompt and not options:
            first = line_number
        if match := _ANSWER.match(line):
            number += 1
            yield _question(prompt, options, match[1].upper().rstrip("."), number, f"{path}", first)
            prompt, options = [], []
        elif (match := _OPTION.match(line)) and prompt:
            options.append(Option(match[1], match[2].strip(" \t"), correct=False))
        elif line and options:
            number += 1
            yield _reject(f"{path}", first, prompt, "its options are not followed by an ANSWER line")
            prompt, options, first = [line], [], line_number
        elif line:
            prompt.append(line)
    if prompt or options:
        yield _reject(f"{path}", first, prompt, "ends without an ANSWER line")


def _question(
    prompt: list[str], options: list[Option], key: str, number: int, file: str, line: int
) -> Question | Reject:
    letters = [option.id for option in options]
    if not prompt or len(options) < 2:
        return _reject(file, line, prompt, "needs a question and at least two options before its ANSWER line")
    if letters != [chr(ord("A") + place) for place in range(len(letters))]:
        return _reject(file, line, prompt, f"its options are lettered {', '.join(letters)}")
    if key not in letters:
        return _reject(file, line, prompt, f"the answer {key!r} points at none of {', '.join(letters)}")
    marked = tuple(replace(option, correct=option.id == key) for option in options)
    return Question(id=f"aiken-{number}", kind="choice", prompt="\n".join(prompt), options=marked, line=line)


def _reject(file: str, line: int, prompt: list[str], reason: str) -> Reject:
    return Reject(file, line, "", reason, cut("\n".join(prompt)))


def _line(text: str) -> str:
    """The text on one line: every run of white space is one space."""
    return re.sub(r"[ \t\n]+", " ", text).strip(" ")
