"""dropped_constraint: what the instruction plainly asked of the answer, and the revision no longer keeps.

A constraint counts when it can be read and checked by rule: a number of items, words or sentences, one word,
JSON (all by `rate`'s detectors), and the forms, languages and words below. It is dropped when the original's
output kept it and the revised one breaks it, unless the instruction now asks for another number; or when it
is gone from the instruction and the output does not keep it either. English instructions alone are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tunewright.coach.after.pieces import words
from tunewright.coach.after.problem import Problem
from tunewright.coach.after.scripts import scripts, scripts_of
from tunewright.rate.detectors import CheckSettings, Detector
from tunewright.rate.detectors.form import NOT_JSON, NOT_ONE_WORD, SENTENCE_COUNT, WORD_COUNT
from tunewright.rate.detectors.lists import LIST_LENGTH
from tunewright.records.record import Record

_COUNTS = (LIST_LENGTH, NOT_JSON, NOT_ONE_WORD, SENTENCE_COUNT, WORD_COUNT)
_SETTINGS = CheckSettings()
# One look that settles most instructions: something is asked about the form of the answer.
_MAY_ASK = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|single|json|words?"
    r"|letters?|table|bullet|numbered|ordered|csv|html|xml|(?:upper|lower)-?case|caps|capitals|phrase|term"
    r"|expression|sentence|translat\w+|write|answer|respond|reply|say)\b",
    re.IGNORECASE,
)
_CODES = {
    "english": "en", "french": "fr", "german": "de", "spanish": "es", "italian": "it", "portuguese": "pt",
    "dutch": "nl", "swedish": "sv", "polish": "pl", "turkish": "tr", "latin": "la", "indonesian": "id",
    "vietnamese": "vi", "danish": "da", "norwegian": "no", "finnish": "fi", "romanian": "ro", "czech": "cs",
    "hungarian": "hu", "russian": "ru", "ukrainian": "uk", "bulgarian": "bg", "greek": "el", "arabic": "ar",
    "persian": "fa", "farsi": "fa", "urdu": "ur", "hebrew": "he", "hindi": "hi", "bengali": "bn",
    "tamil": "ta", "telugu": "te", "thai": "th", "korean": "ko", "japanese": "ja", "chinese": "zh",
    "mandarin": "zh", "simplified chinese": "zh", "traditional chinese": "zh",
}  # fmt: skip
_LANGUAGE = re.compile(
    rf"\b(?:translat\w+\b[^.?!\n]{{0,120}}?\b(?:in)?to"
    rf"|(?:write|answer|respond|reply|say)\b[^.?!\n]{{0,60}}? in)"
    rf" (?P<language>{'|'.join(sorted(_CODES, key=len, reverse=True))})\b",
    re.IGNORECASE,
)
# Little words that make up a third of English prose; two of them, "a" and "in", are others' too.
_ENGLISH = frozenset(
    [
        "the",
        "of",
        "and",
        "is",
        "are",
        "was",
        "were",
        "to",
        "that",
        "it",
        "this",
        "with",
        "for",
        "be",
        "by",
        "you",
        "they",
        "have",
        "has",
        "not",
        "on",
    ]
)
_PART = re.compile(r"[.!?:;\n\"“”«»()]+")
_QUOTE = r"[\"“'‘](?P<words>[^\"”'’\n]{1,60})[\"”'’]"
_USE = re.compile(
    rf"\b(?:us(?:e|ing)|includ(?:e|es|ing)|contain(?:s|ing)?) (?:the |this |a )?(?:words?|phrase|term"
    rf"|expression) {_QUOTE}",
    re.IGNORECASE,
)
_AVOID = re.compile(
    rf"\b(?:without (?:using|the use of)|(?:do not|don't|don’t|never) use|avoid(?:ing)?(?: using)?)"
    rf" (?:the |this |any )?(?:(?P<letter>letter)|words?|phrase|term) {_QUOTE}",
    re.IGNORECASE,
)
_START = re.compile(
    rf"\b(?:start(?:s|ing)?|begin(?:s|ning)?) (?:it )?with (?:the )?(?:letter|words?|phrase|sentence)"
    rf" {_QUOTE}",
    re.IGNORECASE,
)
_BULLETS = re.compile(
    r"\b(?:in|as|using|with|into)(?: a)?(?: list of)? bullet(?:ed)?(?:[ -](?:points?|list))", re.I
)
_NUMBERED = re.compile(r"\b(?:in|as|using|with|into) an? (?:numbered|ordered) list\b", re.IGNORECASE)
_TABLE = re.compile(
    r"\b(?:in|as|into) an? (?:markdown )?table\b(?! of contents)|\btable format\b", re.IGNORECASE
)
_CAPITALS = re.compile(
    r"\b(?:in|to|into|using) (?:all )?(?:caps|capitals|capital letters|upper ?-?case)\b", re.I
)
_SMALL = re.compile(r"\b(?:in|to|into|using) (?:all )?(?:lower ?-?case|small letters)\b", re.IGNORECASE)
_MARKUP = re.compile(r"\b(?:in|as|to|into|using) (?:an? |valid )?(?P<kind>html|xml|csv)\b", re.IGNORECASE)
_MARKS = {"html": re.compile(r"</?[a-z]"), "xml": re.compile(r"</?\w"), "csv": re.compile(r",")}
_BULLET = re.compile(r"^[ \t]*[-*•–●·] ?\S", re.MULTILINE)
_NUMBER = re.compile(r"^[ \t]*\(?\d{1,3}[.):]", re.MULTILINE)
_ROW = re.compile(r"\|.*\||\t|<td|&|\S {3,}\S")
_ABOUT_PROGRAMS = re.compile(
    r"\b(?:function|program|script|code|python|java\w*|sql|query|regex)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Constraint:
    """`kept(output)` says whether an output keeps it; `words` are the instruction's own."""

    words: str
    kept: Callable[[str], bool]


def dropped_constraint(original: Record, revised: Record) -> Problem | None:
    """The first constraint of the instruction that the original's output keeps and the revised one breaks."""
    told = original.instruction
    if original.output == revised.output or not _MAY_ASK.search(told):
        return None
    return _count_dropped(original, revised) or _form_dropped(original, revised)


def _count_dropped(original: Record, revised: Record) -> Problem | None:
    crossed = replace(revised, instruction=original.instruction, input=original.input)
    for detector in _COUNTS:
        broken = next(iter(detector.spots(crossed, _SETTINGS)), None)
        if broken is None or any(True for _ in detector.spots(original, _SETTINGS)):
            continue
        if original.instruction != revised.instruction and _asks_otherwise(revised, detector):
            continue
        return Problem("dropped_constraint", "output", broken.message)
    return None


# What an instruction that still asks for such a thing holds, with whatever number.
_STILL = {
    "list-length": re.compile(
        r"\b(?:\d+|two|three|four|five|six|seven|eight|nine|ten|several|some|few)\b", re.I
    ),
    "not-json": re.compile(r"\bjson\b", re.IGNORECASE),
    "not-one-word": re.compile(r"\bwords?\b", re.IGNORECASE),
    "sentence-count": re.compile(r"\b(?:sentences?|paragraphs?|words)\b", re.IGNORECASE),
    "word-count": re.compile(r"\b(?:\d+|\w+)[ -]words?\b", re.IGNORECASE),
}


def _asks_otherwise(revised: Record, detector: Detector) -> bool:
    """Whether the instruction asks for another number of the same, and the output has that many."""
    return bool(_STILL[detector.name].search(revised.instruction)) and not any(
        True for _ in detector.spots(revised, _SETTINGS)
    )


def _form_dropped(original: Record, revised: Record) -> Problem | None:
    for asked in _asked(original.instruction):
        if asked.kept(original.output) and not asked.kept(revised.output):
            return Problem("dropped_constraint", "output", f"asked for, and no longer so: {asked.words}")
    return None


def _asked(told: str) -> Iterator[_Constraint]:
    if found := _LANGUAGE.search(told):
        given = frozenset(words(told))
        code = _CODES[found["language"].lower()]
        yield _Constraint(found.group(), lambda output: _may_be_in(code, output, given))
    for found in _USE.finditer(told):
        stem = _stem(found["words"])
        yield _Constraint(found.group(), lambda output, stem=stem: stem in output.casefold())  # type: ignore[misc]
    if found := _AVOID.search(told):
        yield _Constraint(found.group(), _avoids(found["words"].casefold(), found["letter"] is not None))
    if (found := _START.search(told)) and not re.search(r"\b(?:each|every|words|names|lines)\b", told):
        start = found["words"].casefold().rstrip(".,!…")
        yield _Constraint(found.group(), _starts(start))
    if _ABOUT_PROGRAMS.search(told):
        return
    for pattern, mark in ((_BULLETS, _BULLET), (_NUMBERED, _NUMBER), (_TABLE, _ROW)):
        if found := pattern.search(told):
            yield _Constraint(found.group(), _has_two(mark))
    if found := _MARKUP.search(told):
        yield _Constraint(found.group(), _has_two(_MARKS[found["kind"].lower()]))
    if found := _CAPITALS.search(told):
        yield _Constraint(found.group(), str.isupper)
    if found := _SMALL.search(told):
        yield _Constraint(found.group(), str.islower)


def _stem(asked: str) -> str:
    """ "carry" is used in "carried" too."""
    asked = asked.strip(" .,!?").casefold()
    return asked[:-2] if len(asked) > 4 else asked


def _avoids(asked: str, is_letter: bool) -> Callable[[str], bool]:
    if is_letter or len(asked) == 1:
        return lambda output: asked not in output.casefold()
    pattern = re.compile(rf"\b{re.escape(asked)}\b")
    return lambda output: not pattern.search(output.casefold())


def _starts(start: str) -> Callable[[str], bool]:
    """Whether any line starts so: the first may only introduce what was asked for."""
    return lambda output: any(
        line.lstrip("\"“'‘* \t#-•0123456789.)").startswith(start) for line in output.casefold().split("\n")
    )


def _has_two(mark: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda output: len(mark.findall(output)) >= 2


def _may_be_in(code: str, output: str, given: frozenset[str]) -> bool:
    """Whether the output can hold this language: letters of its script, or a part that is not English.

    `given` are the words of the task: a part that only says them again is no translation.
    """
    written = scripts_of(code)
    if written != frozenset(["Latin"]):
        return any(scripts(output)[script] for script in written)
    if code == "en":
        return True
    return any(
        len(part) > 0 and _ENGLISH.isdisjoint(part) and not given.issuperset(part)
        for part in map(words, _PART.split(output))
    )
