"""Answers that say the same again: a paragraph, a sentence, or a phrase in a loop.

Verse and code repeat by right: where the prompt asks for a song or a poem, and inside code, nothing is said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from operator import eq

from tunewright.rate.detectors.detector import (
    CheckSettings,
    Detector,
    Severity,
    Span,
    answers,
    asked,
    example,
)
from tunewright.records.record import Record

_VERSE = re.compile(
    r"\b(?:songs?|poems?|poetry|lyrics?|chorus|verses?|rap|haikus?|villanelle|limericks?|rhymes?|hymn|chant"
    r"|repeat\w*|scripts?|dialogues?|mantra|jokes?)\b",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"```|^(?: {4}|\t)\S|[{};]\s*$|</\w+>|^\s*(?:def|class|import|SELECT|print)\b", re.MULTILINE
)
_PARAGRAPH = re.compile(r"[^\n]+(?:\n[^\n]+)*")
_SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？]*")
_WORD = re.compile(r"\w+")
_FEWEST_PARAGRAPH_CHARS = 60
_FEWEST_SENTENCE_CHARS = 30
_LEAST_SHARE = 0.2  # of the text: a long manual may well give a note again
_LONGEST_PERIOD_WORDS = 8
_TIMES = 4  # a phrase of two words or more
_TIMES_ONE_WORD = 6


def _paragraphs(record: Record, settings: CheckSettings) -> Iterator[Span]:
    for field, text in answers(record):
        if "\n\n" not in text:
            continue
        found = _repeated_paragraph(text)
        if found and not _may_repeat(record, text):
            yield Span(field, found.start(), found.end(), "this paragraph stands there twice")


def _repeated_paragraph(text: str) -> re.Match[str] | None:
    seen: set[str] = set()
    for found in _PARAGRAPH.finditer(text):
        words = _normalised(found.group())
        if len(words) >= max(_FEWEST_PARAGRAPH_CHARS, _LEAST_SHARE * len(text) / 2) and words in seen:
            return found
        seen.add(words)
    return None


def _sentences(record: Record, settings: CheckSettings) -> Iterator[Span]:
    """A sentence at once again, or three times and a fifth of the text; once more at the end may be meant."""
    for field, text in answers(record):
        if len(text) < 2 * _FEWEST_SENTENCE_CHARS:
            continue
        found = _repeated_sentence(text)
        if found and not _may_repeat(record, text):
            yield Span(field, found.start(), found.end(), "this sentence was there before")


def _repeated_sentence(text: str) -> re.Match[str] | None:
    times: Counter[str] = Counter()
    before = ""
    for found in _SENTENCE.finditer(text):
        words = found.group().strip().casefold()
        if len(words) < _FEWEST_SENTENCE_CHARS or " " not in words:
            before = words
            continue
        times[words] += 1
        if words == before or (times[words] >= 3 and times[words] * len(words) >= _LEAST_SHARE * len(text)):
            return found
        before = words
    return None


def _phrases(record: Record, settings: CheckSettings) -> Iterator[Span]:
    for field, text in answers(record):
        loop = _loop(text)
        if loop and not _may_repeat(record, text) and text[loop[0] : loop[1]] not in asked(record):
            yield Span(field, *loop, "the same words over and over")


def _loop(text: str) -> tuple[int, int] | None:
    """Where a phrase of 1 to 8 words follows itself at least `_TIMES` times."""
    found = list(_WORD.finditer(text))
    words = [one.group().lower() for one in found]  # one by one: “İ” in lower case is two characters
    pairs = list(pairwise(words))
    if len(pairs) - len(set(pairs)) < _TIMES_ONE_WORD - 2:  # every loop has at least so many pairs again
        return None
    for period in range(1, min(_LONGEST_PERIOD_WORDS, len(words) // _TIMES) + 1):
        same = bytes(map(eq, words, words[period:]))
        # "a and b and a and b" ends without the last "and"
        length = ((_TIMES_ONE_WORD if period == 1 else _TIMES) - 1) * period - (period >= 3)
        run = b"\x01" * length
        start = same.find(run)
        while start >= 0 and not _is_of_words(words[start : start + period]):
            start = same.find(run, _run_end(same, start))  # within the run the same words turn about
        if start >= 0:
            return found[start].start(), found[_run_end(same, start) + period - 1].end()
    return None


def _run_end(same: bytes, start: int) -> int:
    end = same.find(b"\x00", start)
    return len(same) if end < 0 else end


def _is_of_words(words: list[str]) -> bool:
    """Numbers, single letters and blanks repeat in tables and sequences."""
    return all(len(word) > 1 and word.isalpha() for word in words) and (
        len(words) == 1 or len(set(words)) > 1
    )


def _may_repeat(record: Record, text: str) -> bool:
    return _VERSE.search(asked(record)) is not None or _CODE.search(text) is not None


def _normalised(text: str) -> str:
    return " ".join(text.casefold().split())


REPEATED_PARAGRAPH = Detector(
    name="repeated-paragraph",
    severity=Severity.ERROR,
    meaning="A paragraph of the answer (60 characters or more) stands there twice.",
    example=example(
        "Why do bees dance?",
        "\n\n".join(["Bees dance to tell others in the hive where good flowers can be found."] * 2),
    ),
    counter_example=example(
        "Write a song about bees.",
        "\n\n".join(["Dance, little bee, and tell us all where the good flowers are to be found!"] * 2),
    ),
    spots=_paragraphs,
)
REPEATED_SENTENCE = Detector(
    name="repeated-sentence",
    severity=Severity.WARNING,
    meaning="A sentence of the answer (30 characters or more) follows itself, or is there three times.",
    example=example(
        "Why do bees dance?", "They tell others about good flowers. They tell others about good flowers."
    ),
    counter_example=example(
        "Why do bees dance?", "They tell others about good flowers. They tell them about bad ones too."
    ),
    spots=_sentences,
)
REPEATED_PHRASE = Detector(
    name="repeated-phrase",
    severity=Severity.ERROR,
    meaning="A phrase of two to eight words comes four times in a row, or one word six times.",
    example=example(
        "Describe the sea.",
        "The sea is deep and wide and deep and wide and deep and wide and deep and wide and deep.",
    ),
    counter_example=example("Describe the sea.", "The sea is very, very, very deep."),
    spots=_phrases,
)
