"""Outputs that stop in the middle of a sentence, as a token limit leaves them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunewright.rate.detectors.detector import CheckSettings, Detector, Severity, Span, answers, example
from tunewright.records.record import Record

# English words after which a sentence hardly ever ends. Prepositions that may ("to look forward to") are out.
_OPEN_ENDS = frozenset(
    [
        "the",
        "a",
        "an",
        "and",
        "or",
        "nor",
        "but",
        "because",
        "although",
        "while",
        "whereas",
        "if",
        "unless",
        "than",
        "which",
        "whose",
        "their",
        "its",
        "our",
        "your",
        "my",
        "every",
        "each",
        "such",
        "including",
        "during",
        "between",
        "among",
        "via",
        "upon",
        "into",
        "onto",
        "toward",
        "towards",
    ]
)
_LAST_WORD = re.compile(r"(?:^|\s)([A-Za-z]+)\Z")
_FEWEST_WORDS = 12
_ENGLISH = re.compile(r"\b(?:the|of|is|are|to|in)\b")


def _cut(record: Record, settings: CheckSettings) -> Iterator[Span]:
    for field, text in answers(record):
        tail = text[-400:].rstrip()
        if not tail or not (tail[-1].isalpha() or tail[-1] == ",") or "```" in text:
            continue
        line = tail[tail.rfind("\n") + 1 :]
        if text.count(" ") < _FEWEST_WORDS - 1 or line.count(" ") < 4 or not _ENGLISH.search(line):
            continue
        last = _LAST_WORD.search(line)
        if (last and last.group(1) in _OPEN_ENDS) or (line[-1] == "," and "," not in _line_ends(tail)):
            end = len(text.rstrip())
            start = end - len(last.group(1)) if last else end - 1
            yield Span(field, start, end, "the text stops in the middle of a sentence")


def _line_ends(text: str) -> set[str]:
    """The last characters of all lines but the last: lines of verse or of a list may well end in commas."""
    return {line.rstrip()[-1] for line in text.split("\n")[:-1] if line.strip()}


CUT_OUTPUT = Detector(
    name="cut-output",
    severity=Severity.ERROR,
    meaning="An English answer stops in the middle of a sentence, after a word such as “the” or a comma.",
    example=example(
        "Why is the sky blue?",
        "Air scatters blue light far more than red light. So on a clear day the sky and the",
    ),
    counter_example=example("Fill in the missing words.", "because of the"),
    spots=_cut,
)
