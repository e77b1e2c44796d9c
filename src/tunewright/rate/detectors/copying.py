"""Prompt and output that are the same text, or a prompt that already says the answer."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunewright.rate.detectors.detector import CheckSettings, Detector, Severity, Span, example
from tunewright.records.record import Record

# Tasks whose right answer may be the text as it was.
_MAY_STAY = re.compile(
    r"\b(?:correct\w*|edit\w*|grammar\w*|grammatical\w*|errors?"
    r"|mistakes?|check|spell\w*|repeat|copy|proofread|punctuat\w*|sort"
    r"|order|arrange|rearrange|if (?:needed|necessary)|fix|revise"
    r"|simplify|print|output|echo|say|remove|replace|convert|read"
    r"|capitali[sz]\w*|match|divide|extract|identify|select|find"
    r"|name|which|what|reverse|transform|adjust|modify|change)\b",
    re.IGNORECASE,
)
_ANSWER_MARK = re.compile(
    r"\b(?:answer|output|solution|response|result|key)\s*[:=]\s*(?P<answer>\S[^\n]{0,400})\s*\Z", re.I
)
_ANSWER_SENTENCE = re.compile(
    r"(?:\A|[.?!\n])\s*the (?:correct |right |final )?answer (?:is|was):?\s+(?P<answer>\S[^\n]{0,400})\s*\Z",
    re.I,
)
_FEWEST_WORDS = 4
_FEWEST_LEAKED_CHARS = 3


def _equal(record: Record, settings: CheckSettings) -> Iterator[Span]:
    output = record.output.strip()
    for field, text in (("instruction", record.instruction), ("input", record.input)):
        if not text or text.strip() != output or output.count(" ") < _FEWEST_WORDS - 1:
            continue
        if field == "instruction" or not _MAY_STAY.search(record.instruction):
            yield Span("output", 0, len(record.output), f"the output repeats the {field}")
            return


def _leak(record: Record, settings: CheckSettings) -> Iterator[Span]:
    output = _plain(record.output[:450])
    if len(output) < _FEWEST_LEAKED_CHARS or len(record.output) > 400:
        return
    for field, text in (("instruction", record.instruction), ("input", record.input)):
        tail = text[-450:]
        mark = _ANSWER_MARK.search(tail) if ":" in tail or "=" in tail else None
        if mark is None and "nswer " in tail:
            mark = _ANSWER_SENTENCE.search(tail)
        if mark and _plain(mark["answer"]) == output:
            start = len(text) - len(tail) + mark.start("answer")
            yield Span(field, start, start + len(mark["answer"].rstrip()), "the prompt ends with the answer")


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" .\"'")


OUTPUT_EQUALS_PROMPT = Detector(
    name="output-equals-prompt",
    severity=Severity.ERROR,
    meaning="The output is the instruction or the input again, in a task that asks for something else.",
    example=example(
        "Shorten the text.", "Bees dance to tell the others.", input="Bees dance to tell the others."
    ),
    counter_example=example(
        "Correct the sentence if necessary.", "She goes to school.", input="She goes to school."
    ),
    spots=_equal,
)
ANSWER_IN_PROMPT = Detector(
    name="answer-in-prompt",
    severity=Severity.ERROR,
    meaning="The instruction or the input ends with “Answer:” or “The answer is” and the very output.",
    example=example("Which is the longest river of France? Answer: the Loire", "The Loire"),
    counter_example=example(
        "Which is the longest river of France? Answer: the Loire or the Rhône", "The Loire"
    ),
    spots=_leak,
)
