"""Lists that are longer or shorter than the instruction asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tunewright.rate.detectors.detector import CheckSettings, Detector, Severity, Span, example
from tunewright.rate.detectors.numbers import NUMBER, number_of
from tunewright.records.record import Record

_ASKED = re.compile(
    r"\b(?:list|name|give|provide|suggest|generate|write|create|identify"
    r"|find|come up with|think of|brainstorm|propose|offer|state"
    r"|mention|recommend|outline|compile|produce|tell|share"
    r"|what are|which are)\b(?P<between>[^.?!\n:;,]{0,40}?)\b"
    rf"(?P<number>{NUMBER})\b(?! ?(?:[-–/.:]|to|or|and|of)[ \d])(?P<noun>(?: [A-Za-z-]+){{1,3}})",
    re.IGNORECASE,
)
_BOUND = re.compile(
    r"\b(?:(?P<low>at least|minimum(?: of)?|no (?:less|fewer) than|more than|over)|(?P<high>up to"
    r"|at most|maximum(?: of)?|no more than|(?:less|fewer) than"
    r"|under|about|around|roughly|approximately))\s*\Z",
    re.I,
)
# "a story in five parts", "food for two people": the number is not of what is listed
_OTHER_USE = re.compile(
    r"\b(?:in|for|with(?:in)?|from|between|per|every|after|before|by|using|about"
    r"|than|into|contain\w*|has|have|least|each)\s*(?:the |these |those |a |an )?\Z",
    re.I,
)
_UNITS = re.compile(
    r"\b(?:words?|sentences?|paragraphs?|minutes?|hours?|days?|weeks?"
    r"|months?|years?|people|persons?|characters?|letters?|lines?"
    r"|pages?|syllables?|stanzas?|times|percent|dollars|pounds?|miles?|digits?|decimal"
    r"|significant|verses?|parts?|step|point|more|or|-|players?|ingredients?|numbers?"
    r"|steps|categor\w+|most|main|year|day|star|week|century|th|kinds? of|types? of)\b",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"^([ \t]*)(?:\*\*|#{1,4} )?(\d{1,3})[.):](?=\s|\*)", re.MULTILINE)
_BULLET = re.compile(r"^([ \t]*)['\"]?(?:[*•–●·-][ \t]+(?=\S)|[•●·-](?=[A-Za-z\"“'*(]))", re.MULTILINE)
_LONGEST_LINE = 200  # characters; of a list in one line
_IN_ITEM = r"[^\W_][\w'’-]*"
_ITEM = re.compile(rf"{_IN_ITEM}(?: {_IN_ITEM}){{0,2}}")  # up to three words
_LAST = re.compile(r",? (?:and|or) ")
_VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|can|may|will|which|that|who|it|they|you|i|not|no|but|etc)\b", re.I
)
_LONGEST_INSTRUCTION = 200  # characters; longer ones ask for several things


@dataclass(frozen=True, slots=True)
class _Asked:
    fewest: int
    most: int
    words: str


def _list_length(record: Record, settings: CheckSettings) -> Iterator[Span]:
    wanted = _wanted(record)
    if wanted is None:
        return
    count = num_items(record.output)
    counts = set() if count is None else {count}
    if not counts and (in_line := nums_in_line(record.output)) and 2 * wanted.fewest not in in_line:
        counts = in_line  # twice as many are pairs: "Bonn, Germany, Rome, Italy"
    if counts and not any(wanted.fewest <= count <= wanted.most for count in counts):
        yield Span("output", 0, len(record.output), f"a list of {max(counts)}; asked for: {wanted.words}")


def _wanted(record: Record) -> _Asked | None:
    """How many items are asked for; None when that is not clear, or nothing is asked to be listed."""
    instruction = record.instruction
    if len(instruction) > _LONGEST_INSTRUCTION or not (found := _ASKED.search(instruction)):
        return None
    number = number_of(found["number"])
    between = instruction[: found.start("number")]
    noun = found["noun"].split()
    if not 2 <= number <= 50 or _UNITS.search(found["noun"]) or not any(word.endswith("s") for word in noun):
        return None
    if len(re.findall(rf"\b(?:{NUMBER})\b", instruction, re.IGNORECASE)) > 1 or "each" in instruction.lower():
        return None
    bound = _BOUND.search(between)
    if bound is None and _OTHER_USE.search(between):
        return None
    words = instruction[bound.start() if bound else found.start("number") : found.end()]
    if bound and bound["low"]:
        return _Asked(number, 10**6, words)
    if bound and bound["high"]:
        exact = bound["high"].lower() in ("about", "around", "roughly", "approximately")
        return _Asked(0, 10**6 if exact else number, words)
    return _Asked(number, number, words)


def num_items(text: str) -> int | None:
    """How many items the one list in the text has; None when there is none, or more than one.

    Items are counted at the outermost indentation; numbered lines go before bullets.
    """
    numbered = list(_NUMBERED.finditer(text))
    if numbered:
        outer = min(len(found[1]) for found in numbered)
        numbers = [int(found[2]) for found in numbered if len(found[1]) <= outer + 1]
        return len(numbers) if numbers == list(range(1, len(numbers) + 1)) and len(numbers) > 1 else None
    bullets = list(_BULLET.finditer(text))
    if len(bullets) < 2:
        return None
    outer = min(len(found[1]) for found in bullets)
    items = [found for found in bullets if len(found[1]) <= outer + 1]  # one space is a slip, no level
    between = text[items[0].start() : items[-1].start()]
    if any(
        line.strip() and not line[:1].isspace() and not _BULLET.match(line) for line in between.split("\n")
    ):
        return None  # headings between bullets: several lists
    return len(items)


def nums_in_line(text: str) -> set[int]:
    """How many things a text names that is nothing but names and commas; empty when it says more.

    Two numbers where "and" may stand between two things or within one: "salt, oil and vinegar".
    """
    text = text.strip().removesuffix(".")
    if len(text) > _LONGEST_LINE or "\n" in text or "," not in text or _VERB.search(text):
        return set()
    whole = [part.strip() for part in text.split(",")]
    parted = [
        part.strip()
        for part in _LAST.sub(",", text.replace(", and ", ", ").replace(", or ", ", ")).split(",")
    ]
    if len(parted) < 3:
        return set()
    if not all(map(_ITEM.fullmatch, parted)) or len({part.lower() for part in parted}) < len(parted):
        return set()
    return {len(whole), len(parted)}


LIST_LENGTH = Detector(
    name="list-length",
    severity=Severity.WARNING,
    meaning="The instruction asks for a number of things and the one list in the output has another length.",
    example=example("List three rivers of France.", "1. Loire\n2. Seine"),
    counter_example=example("List at least two rivers of France.", "1. Loire\n2. Seine\n3. Rhône"),
    spots=_list_length,
)
