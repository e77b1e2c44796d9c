"""Forms asked for and not given: JSON, one word, a number of sentences or words.

Sentences are hard to count ("Dr. No", "3.5"), so they are counted twice: only the sure ends, and all that may
be an end. A finding needs the number asked for to lie outside both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson

from tunewright.rate.detectors.detector import CheckSettings, Detector, Severity, Span, example
from tunewright.rate.detectors.numbers import NUMBER, number_of
from tunewright.records.record import Record

_JSON_ASKED = re.compile(
    r"\b(?:(?:in|as|to|into|using)(?: a| an| the)?(?: valid| proper| raw)? json(?: format"
    r"| object| array| string| document)?(?! (?:schema|file|parser|library|web))"
    r"|(?:return|output|produce|give|respond with|provide|generate|create"
    r"|write)(?: only)?(?: a| an| the)?(?: valid)? json(?: object| array| format| document)?)\b",
    re.IGNORECASE,
)
_ABOUT_PROGRAMS = re.compile(
    r"\b(?:functions?|programs?|scripts?|code|python|javascript|java|method|class"
    r"|api|schema|sql|query|parse|explain|what is|difference|how (?:do|to|can))\b",
    re.IGNORECASE,
)
_FENCED = re.compile(r"```[a-zA-Z]*[ \t]*\n(.*?)```", re.DOTALL)
_ONE_WORD = re.compile(
    r"\b(?:in|with|using)(?: just| only| exactly)? (?:one"
    r"|a single|1) word\b(?! (?:or|from|for each|each|per|that)\b)"
    r"|\b(?:one|single)-word (?:answer|response|reply|summary"
    r"|description|label)\b|\banswer with (?:one|a single) word\b",
    re.IGNORECASE,
)
_SEVERAL = re.compile(
    r"\b(?:each|every|per|both|respectively|following (?:words|items|\w+s)\b|explain|why|justify|reason)",
    re.IGNORECASE,
)
_SENTENCES = re.compile(
    rf"(?:\b(?:in|within|using|with)(?P<bound> exactly| only| just| no more than"
    rf"| at most| at least| about| around| less than| fewer than| under)?"
    rf" (?P<low>(?a:a single)|{NUMBER})(?: ?(?:-|–|to|or) ?(?P<high>{NUMBER}))?(?: [a-z]+)? sentences?\b"
    rf"|\b(?P<low2>{NUMBER})(?: ?(?:-|–|to|or) ?(?P<high2>{NUMBER}))?[- ]sentence (?:summary"
    rf"|description|story|explanation|answer|paragraph|review"
    rf"|response|overview)\b)(?! (?:or|that|with|to)\b)",
    re.IGNORECASE,
)
_SURE_END = re.compile(r"[a-z0-9)\]]{3}[.!?][\"”’)]? +(?=[A-Z“\"][a-z ])|[a-z0-9)][.!?][\"”’)]?\s*\n+(?=\S)")
_ABBREVIATION = re.compile(
    r"\b(?:etc|inc|corp|ltd|dept|prof|gen|capt|approx|fig"
    r"|vol|jan|feb|apr|aug|sept|oct|nov|dec|ave|blvd|govt)[.]",
    re.I,
)
_ANY_END = re.compile(r"[.!?;:。！？\n]+")
_WORDS = re.compile(
    rf"\b(?:in|within|using|with|of|to|be|is|:)?\s*(?P<bound>no more than|at most"
    rf"|(?:a )?max(?:imum)?(?: of)?|less than|fewer than|under|up to|not exceed(?:ing)?"
    rf"|at least|(?:a )?min(?:imum)?(?: of)?|no (?:less|fewer) than|more than)"
    rf" (?P<number>{NUMBER})[ -]words?\b(?! (?:each|per|or)\b)",
    re.IGNORECASE,
)
_SLACK = 0.1  # of the words asked for
_KINDS = (
    r"(?:summary|description|story|essay|paragraph|sentence|article|review|answer|response|poem|speech|letter"
    r"|biography|introduction|abstract|explanation|overview|post|statement|slogan|caption|tagline|headline)"
    r"\b(?! (?:patterns?|structures?|starters?|prompts?|ideas?))"
)
_ENDS = r"(?= about\b| on\b| long\b| in length\b| describing\b|[.,;!?]|\s*\Z)"
_LENGTH = re.compile(
    rf"(?<![\d.,–-])(?:\b(?P<exactly>exactly) (?P<n1>{NUMBER}) words?{_ENDS}"
    rf"|\b(?P<n2>{NUMBER})(?: ?(?:-|–|to|or) ?(?P<high>{NUMBER}))?[- ]words? (?:\w+ )?{_KINDS}"
    rf"|\b(?:in|using|with|of) (?P<n3>{NUMBER}) words{_ENDS})",
    re.IGNORECASE,
)
_NO_LENGTH = re.compile(  # a bound in other words, or a length for each of several texts
    r"\b(?:(?:sentences|lines|stories|poems|paragraphs|examples|slogans|titles|headlines|captions|phrases)\b"
    r"|or (?:less|fewer|more|so|under|over)|min(?:imum)?|max(?:imum)?|limit\w*"
    r"|approx\w*|roughly|at (?:least|most)"
    rf"|(?:about|around|over|under|than|up to|between) (?:an? )?(?:{NUMBER})\b)",
    re.IGNORECASE,
)
_SLACK_LENGTH = 0.2  # of a length: "a 20-word summary"
_LONGEST_LENGTH = 400  # words; longer texts are counted in pages
_PICKS = re.compile(
    r"\b(?:list|name|find|pick|select|choose|identify|give me|synonyms?|rhym\w+|random)\b", re.IGNORECASE
)
_ONLY_MARKS = re.compile(r"[\W_]+|\d+[.)]")
_PARTS = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def _not_json(record: Record, settings: CheckSettings) -> Iterator[Span]:
    if "json" not in record.instruction.lower():
        return
    asked = _JSON_ASKED.search(record.instruction)
    if asked and not _ABOUT_PROGRAMS.search(record.instruction) and not _holds_json(record.output):
        yield Span("output", 0, len(record.output), "JSON was asked for, and none that can be read is there")


def _holds_json(text: str) -> bool:
    candidates = [text, *_FENCED.findall(text)]
    for opening, closing in ("{}", "[]"):
        start, end = text.find(opening), text.rfind(closing)
        if 0 <= start < end:
            candidates.append(text[start : end + 1])
    return any(map(_is_json, candidates))


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text.encode("utf-8", "replace"))
    except orjson.JSONDecodeError:
        return False
    return True


def _not_one_word(record: Record, settings: CheckSettings) -> Iterator[Span]:
    if "word" not in record.instruction or len(record.output.split()) <= 2:
        return
    asked = _ONE_WORD.search(record.instruction)
    if asked and not _SEVERAL.search(record.instruction):
        yield Span("output", 0, len(record.output), "one word was asked for")


def _sentence_count(record: Record, settings: CheckSettings) -> Iterator[Span]:
    instruction = record.instruction
    if "entence" not in instruction or not (asked := _SENTENCES.search(instruction)):
        return
    if _SEVERAL.search(instruction) or "```" in record.output or _SENTENCES.search(instruction, asked.end()):
        return
    low = _count(asked["low"] or asked["low2"])
    high = asked["high"] or asked["high2"]
    fewest, most = low, _count(high) if high else low
    bound = (asked["bound"] or "").strip().lower()
    if bound == "at least":
        most = 10**6
    elif bound in ("no more than", "at most", "less than", "fewer than", "under"):
        fewest = 1
    elif bound in ("about", "around"):
        return
    sure, possible = sentence_counts(record.output)
    if sure > most or possible < fewest:
        meant = (
            f"{fewest}" if fewest == most else f"{fewest} to {most}" if most < 10**6 else f"{fewest} or more"
        )
        yield Span(
            "output",
            0,
            len(record.output),
            f"sentences asked for: {meant}; there: {sure if sure > most else possible}",
        )


def _count(words: str) -> int:
    return 1 if words.lower() == "a single" else number_of(words)


def sentence_counts(text: str) -> tuple[int, int]:
    """The fewest and the most sentences the text can be said to have; (0, 0) when it is empty."""
    text = text.strip()
    if not text:
        return 0, 0
    sure = 1 + sum(
        1
        for end in _SURE_END.finditer(text)
        if not _ABBREVIATION.search(text, max(0, end.start() - 8), end.end())
    )
    possible = len([part for part in _ANY_END.split(text) if part.strip()])
    return sure, max(possible, sure)


def _word_count(record: Record, settings: CheckSettings) -> Iterator[Span]:
    instruction = record.instruction
    if "word" not in instruction:
        return
    if _SEVERAL.search(instruction) or (not record.output.isascii() and " " not in record.output):
        return
    if asked := _WORDS.search(instruction):
        num_words = len(record.output.split())
        is_off = _breaks_bound(asked["bound"].lower(), number_of(asked["number"]), num_words)
    elif asked := _LENGTH.search(instruction):
        num_words, is_off = _length(record, asked)
    if asked and is_off:
        yield Span(
            "output", 0, len(record.output), f"asked for: {asked.group().strip()}; there: {num_words} words"
        )


def _breaks_bound(bound: str, number: int, num_words: int) -> bool:
    if bound.endswith("least") or bound.startswith(("no less", "no fewer", "more than", "min", "a min")):
        return num_words < (1 - _SLACK) * number
    return num_words > (1 + _SLACK) * number + 1


def _length(record: Record, asked: re.Match[str]) -> tuple[int, bool]:
    """The number of words, and whether it is surely another than asked for.

    Words are counted twice, "well-known" as one and as two.
    """
    fewest = sum(1 for word in record.output.split() if not _ONLY_MARKS.fullmatch(word))
    most = max(fewest, len(_PARTS.findall(record.output)))
    low = number_of(asked["n1"] or asked["n2"] or asked["n3"])
    high = number_of(asked["high"]) if asked["high"] else low
    if high < low:  # "twenty-five words"
        return fewest, False
    told = record.instruction
    if (
        high > _LONGEST_LENGTH
        or _PICKS.search(told)
        or _NO_LENGTH.search(told)
        or _LENGTH.search(told, asked.end())
    ):
        return fewest, False
    slack = 0.0 if asked["exactly"] else max(_SLACK_LENGTH * low, 1)
    return fewest, most < low - slack or fewest > high + slack


NOT_JSON = Detector(
    name="not-json",
    severity=Severity.ERROR,
    meaning="The instruction asks for JSON and the output holds none that can be read.",
    example=example("Give the capital of France in JSON format.", "{capital: Paris}"),
    counter_example=example("Give the capital of France in JSON format.", 'Here it is: {"capital": "Paris"}'),
    spots=_not_json,
)
NOT_ONE_WORD = Detector(
    name="not-one-word",
    severity=Severity.WARNING,
    meaning="The instruction asks for one word and the output has more than two.",
    example=example("Describe the sea in one word.", "The sea is vast."),
    counter_example=example("Describe each season in one word.", "Cool, bright, hot, gold."),
    spots=_not_one_word,
)
SENTENCE_COUNT = Detector(
    name="sentence-count",
    severity=Severity.WARNING,
    meaning="The instruction asks for a number of sentences and the output surely has another.",
    example=example("Describe the sea in one sentence.", "The sea is deep. It covers most of the Earth."),
    counter_example=example(
        "Describe the doctor in one sentence.", "Dr. No lives at 3.5 Main St. on an island."
    ),
    spots=_sentence_count,
)
WORD_COUNT = Detector(
    name="word-count",
    severity=Severity.WARNING,
    meaning="The output has other than exactly the words asked for, 10 % past a bound, "
    "or 20 % more or fewer than a length asked for.",
    example=example(
        "Describe the sea in no more than 5 words.", "The sea is deep and covers most of the Earth."
    ),
    counter_example=example(
        "Describe the sea in no more than ten words.", "The sea is deep and covers most of the Earth."
    ),
    spots=_word_count,
)
