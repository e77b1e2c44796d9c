"""Placeholders where a text should be: outputs that say nothing, and inputs that say "no input"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from tunewright.rate.detectors.detector import CheckSettings, Detector, Severity, Span, example, prompt
from tunewright.records.record import Record

_LONGEST_PLACEHOLDER = 60  # characters
_WRAPPING = " \t\r\n<>[](){}\"'`*_.!"
_OUTPUT_PLACEHOLDERS = frozenset(
    [
        "n/a",
        "na",
        "nan",
        "null",
        "undefined",
        "tbd",
        "todo",
        "to be done",
        "to be determined",
        "no output",
        "nooutput",
        "no response",
        "no answer",
        "output",
        "response",
        "answer",
        "your answer",
        "your answer here",
        "answer here",
        "insert answer here",
        "insert output here",
        "placeholder",
        "no valid output found",
        "output goes here",
        "not available",
        "see above",
        "-",
        "--",
        "---",
        "—",
        "…",
        "xxx",
        "??",
        "???",
    ]
)
_NO_OUTPUT_MARK = re.compile(r"<\s*no[ _]?(?:out|in)put\s*>", re.IGNORECASE)
_LOREM = "lorem ipsum dolor"
# Said by nobody who means the words themselves: these may be replaced by an empty input.
_NO_INPUT = re.compile(
    r"[<\[(\"']*\s*(?:there is )?no[ _-]?(?:additional |further )?input(?: text| data)?"
    r"(?: is)?(?: required| needed| necessary| provided| given| available| specified)?\s*[>\])\"'.]*",
    re.IGNORECASE,
)
_MAYBE_NO_INPUT = frozenset(
    ["n/a", "na", "none", "not applicable", "null", "nan", "nil", "empty", "-", "--", "—"]
)
# Tasks that work on the words of the input, whatever they say.
_WORKS_ON_INPUT = re.compile(
    r"\b(?:translat\w+|re-?writ\w*|re-?word\w*|re-?phras\w*|paraphras\w*|capitali[sz]e|reverse"
    r"|(?:the|this|given|following|provided) (?:sentence|text|phrase|statement|message|string"
    r"|passage|line|words?|quote|comment))\b",
    re.IGNORECASE,
)
_NAMES_INPUT = re.compile(r"\binput\b", re.IGNORECASE)
_HOLDS_A_TEXT = re.compile(r"[\"“«:\n]\s*\w")  # behind that: what to work on stands here
_ABOUT_A_WORD = re.compile(r"\b(?:words?|terms?|abbreviat\w+|acronyms?|synonyms?|antonyms?)\b", re.IGNORECASE)


def _empty_output(record: Record, settings: CheckSettings) -> Iterator[Span]:
    if not any(map(_is_visible, record.output)):
        yield Span("output", 0, len(record.output), "the output has no visible character")


def _is_visible(character: str) -> bool:
    return character.isprintable() and not character.isspace()


def _placeholder_output(record: Record, settings: CheckSettings) -> Iterator[Span]:
    output = record.output
    if "<" in output and (mark := _NO_OUTPUT_MARK.search(output)):
        yield Span("output", mark.start(), mark.end(), "a mark for a missing output")
        return
    if len(output) <= _LONGEST_PLACEHOLDER:
        words = output.strip(_WRAPPING).casefold()
        if not words and "..." in output:
            words = "…"
        if words in _OUTPUT_PLACEHOLDERS and not _occurs(words, prompt(record)):
            yield Span("output", 0, len(output), "the output is a placeholder")
    elif _LOREM in output[:200].casefold() and "lorem" not in prompt(record).casefold():
        yield Span("output", 0, len(output), "the output is filler text")


def _occurs(words: str, text: str) -> bool:
    """Whether the prompt offers these very words as an answer."""
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text, re.IGNORECASE) is not None


def _no_input(record: Record, settings: CheckSettings) -> Iterator[Span]:
    if not record.input or len(record.input) > _LONGEST_PLACEHOLDER:
        return
    if _says_no_input(record):
        yield Span("input", 0, len(record.input), "the input says that there is none; leave it empty")
    elif record.input.strip(_WRAPPING).casefold() in _MAYBE_NO_INPUT and not _ABOUT_A_WORD.search(
        record.instruction
    ):
        yield Span("input", 0, len(record.input), "the input looks like a placeholder")


def _says_no_input(record: Record) -> bool:
    stripped = record.input.strip()
    return len(stripped) <= _LONGEST_PLACEHOLDER and _NO_INPUT.fullmatch(stripped) is not None


def _empty_the_input(record: Record) -> Record:
    """Without the placeholder, unless it may be what the task works on: "Translate the input."."""
    return replace(record, input="") if _says_no_input(record) and not _may_be_meant(record) else record


def _may_be_meant(record: Record) -> bool:
    words = record.input.strip(_WRAPPING).casefold()
    if words in record.output.casefold() or words in record.instruction.casefold():
        return True
    if _NAMES_INPUT.search(record.instruction):
        return True
    works = _WORKS_ON_INPUT.search(record.instruction)
    return works is not None and not _HOLDS_A_TEXT.search(record.instruction.rstrip(), works.end())


EMPTY_OUTPUT = Detector(
    name="empty-output",
    severity=Severity.ERROR,
    meaning="The output holds nothing that can be seen (rows without any output are already rejects).",
    example=example("Name a river in France.", "\u200b\n"),
    counter_example=example("Which mark ends a question?", "?"),
    spots=_empty_output,
)
PLACEHOLDER_OUTPUT = Detector(
    name="placeholder-output",
    severity=Severity.ERROR,
    meaning="The output is a stand-in such as `<nooutput>`, `TBD` or `N/A` that the prompt does not offer.",
    example=example("Describe how a kite flies.", "<nooutput>"),
    counter_example=example(
        "Is the phone number given? Answer with the number or N/A.", "N/A", input="Dear Ana"
    ),
    spots=_placeholder_output,
)
NO_INPUT_PLACEHOLDER = Detector(
    name="no-input-placeholder",
    severity=Severity.WARNING,
    meaning="The input says in words that there is no input; it should be empty.",
    example=example("Name a river in France.", "The Loire.", input="No input required."),
    counter_example=example("Translate the word into German.", "keine", input="none"),
    spots=_no_input,
    fix=_empty_the_input,
)
