"""repetition: a revision that goes round in circles where the original did not.

Paragraphs, sentences and phrases are found by `rate`'s detectors, which leave verse and code alone; what no
verse or code does either (one line many times in a row, one sign without end) is found here, as are
sentences and loops of scripts without spaces, which the detectors do not read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from tunewright.coach.after.pieces import UNSPACED
from tunewright.coach.after.problem import Problem
from tunewright.coach.revision import Field
from tunewright.rate.detectors import CheckSettings, Detector
from tunewright.rate.detectors.detector import asked
from tunewright.rate.detectors.repetition import REPEATED_PARAGRAPH, REPEATED_PHRASE, REPEATED_SENTENCE
from tunewright.records.record import Record

_OF_WHOLE = (REPEATED_PARAGRAPH, REPEATED_SENTENCE)
_SETTINGS = CheckSettings()
_WORD = re.compile(r"\w+")
Triple = tuple[str, str, str]  # three words in a row
_LAST_WORDS = 60
_MOST_AGAIN = 0.65  # of the last triples; the highest share of any published revision is 0.48
_CODE_SIGN = re.compile(r"[`{}<>;|=\t]")
_FEWEST_AGAIN = 3  # triples of words that were there before: a sentence of 30 characters has as many
_FEWEST_TIMES = 3  # that one triple is in a phrase which comes four times
_FEWEST_LINES = 6
_FEWEST_LINE_CHARS = 8
_SIGNS_IN_A_ROW = 60
_DRAWN_WITH = "-=_*~#.—–─━|+… \t\n"  # rules and dots of tables and forms
_SIGN_IN_A_ROW = re.compile(rf"([^{re.escape(_DRAWN_WITH)}])\1{{{_SIGNS_IN_A_ROW - 1}}}")
# Whole stretches and the mark behind them, if there is one: where none is, nothing is looked at twice.
_STRETCH = re.compile(r"([^。！？!?.\n]+)([。！？!?.]?)")
_FEWEST_SENTENCE_CHARS = 6
_TAIL_CHARS = 600  # a model that loops does not stop, so the end shows it
_LOOP = re.compile(r"(.{2,60}?)\1{5,}")


def repetition(original: Record, revised: Record, changed: tuple[Field, ...]) -> Problem | None:
    """The first changed field that repeats itself, unless the same field of the original did so too."""
    for field in changed:
        text = getattr(revised, field)
        found = _repeats(revised, field, text)
        if found and not _repeats(original, field, getattr(original, field)):
            return Problem("repetition", field, found)
    return None


def _repeats(record: Record, field: Field, text: str) -> str:
    """What repeats, in words; empty when nothing does."""
    if len(text) >= _SIGNS_IN_A_ROW and (sign := _endless_sign(text)):
        return f"'{sign}' again and again"
    if text.count("\n") >= _FEWEST_LINES - 1 and (line := _repeated_line(text)):
        return f"one line again and again: '{line[:60]}'"
    if not text.isascii() and UNSPACED.search(text) and (found := _repeats_unspaced(text)):
        return found
    said = _WORD.findall(text.lower())
    triples = list(zip(said, said[1:], said[2:], strict=False))
    if _loops_at_the_end(triples, text):
        return f"the end goes round in circles: '{text[-60:]}'"
    for detector in _worth_asking(triples):
        for span in detector.spots(_as_answer(record, field, text), _SETTINGS):
            words = text[span.start : span.end]
            if span.field == "output" and words.strip(' ."”»') not in asked(
                record
            ):  # asked for, it may be said
                return f"{span.message}: '{words[:60]}'"
    return ""


def _as_answer(record: Record, field: Field, text: str) -> Record:
    """Detectors look at answers: any other field is put there, with the record's prompt if it has one."""
    if field == "output":
        return record if not record.history else replace(record, history=())
    if field == "explanation":
        return replace(record, output=text, history=())
    return replace(record, instruction="", input="", output=text, history=())


def _endless_sign(text: str) -> str:
    half = _SIGNS_IN_A_ROW // 2  # every such row holds one of these pieces as a whole
    pieces = (text[start : start + half] for start in range(0, len(text) - half + 1, half))
    if not any(piece == piece[0] * half for piece in pieces):
        return ""
    return min(_SIGN_IN_A_ROW.findall(text), default="")


def _worth_asking(triples: Sequence[Triple]) -> tuple[Detector, ...]:
    """The detectors that may find something: without offsets it is quick to see which words return."""
    if len(triples) - len(set(triples)) < _FEWEST_AGAIN:
        return ()
    is_loop = max(Counter(triples).values()) >= _FEWEST_TIMES
    return (*_OF_WHOLE, REPEATED_PHRASE) if is_loop else _OF_WHOLE


def _loops_at_the_end(triples: Sequence[Triple], text: str) -> bool:
    """Whether most of the last 60 words were said in the same threes before; code and tables may do so."""
    last = triples[-_LAST_WORDS:]
    if len(last) < _LAST_WORDS or len(last) - len(set(last)) < _MOST_AGAIN * len(last):
        return False
    return _CODE_SIGN.search(text, max(0, len(text) - _TAIL_CHARS)) is None


def _repeated_line(text: str) -> str:
    """A line of eight characters or more that comes six times in a row, blank lines aside."""
    lines = [line for each in text.split("\n") if (line := each.strip())]
    if len(lines) - len(set(lines)) < _FEWEST_LINES - 1:
        return ""
    for line, same in groupby(lines):
        if (
            len(line) >= _FEWEST_LINE_CHARS
            and not set(line) <= set("-=_*~#.|+: ")
            and sum(1 for _ in same) >= _FEWEST_LINES
        ):
            return line
    return ""


def _repeats_unspaced(text: str) -> str:
    times = Counter((words + mark).strip() for words, mark in _STRETCH.findall(text) if mark)
    for sentence, num in times.items():
        if num >= 3 and len(sentence) >= _FEWEST_SENTENCE_CHARS and num * len(sentence) >= 0.3 * len(text):
            return f"one sentence {num} times: '{sentence[:60]}'"
    loop = _LOOP.search(text, max(0, len(text) - _TAIL_CHARS))
    if loop and UNSPACED.search(loop[1]):
        return f"the same again and again: '{loop[1]}'"
    return ""
