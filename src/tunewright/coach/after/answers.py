"""The final answer of an output, where it can be told by its form: what a revision may not change unseen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import islice

from tunewright.coach.after.pieces import words
from tunewright.records.record import Record

_HASHES = re.compile(r"####\s*(\S[^\n]{0,60})")
_BOXED = re.compile(r"\\boxed\{([^{}\n]{1,60})\}")
_SAID = re.compile(
    r"\b(?:(?:final |correct )?answer|(?:correct|right) option|réponse(?: correcte)?|antwort|respuesta)"
    r"(?: is| are| would be| est| ist| es)?(?: option| choice|:| :)? {0,2}\**"
    r"(?P<answer>\(?[A-Ha-h]\)?(?=[).,:;*\s]|\Z)|[-−]?[$€£]? ?\d[\d,]*(?:\.\d+)?|true\b|false\b|yes\b|no\b)",
    re.IGNORECASE,
)
_SAYS = re.compile(r"nswer|NSWER|ption|éponse|ntwort|espuesta")
_OPTION = re.compile(r"^[ \t]*\(?([A-H])[).:]\s", re.MULTILINE)
_OPTION_IN_LINE = re.compile(r"(?:^|[\s(,;])\(?([A-H])\)\s?\S")
_LETTER = re.compile(r"\s*\**\(?([A-H])(?:[).:]|\**\s*\Z|\**[).:])")
_TRUTH = re.compile(r"\s*[\"“*]*(yes|no|true|false|oui|non|vrai|faux|ja|nein|sí)\b", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.,])[-−]?[$€£]? ?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
_CALCULATION = re.compile(
    r"\b(?:calculat\w*|comput\w+|how (?:many|much|far|long|old)|convert|sum|product|difference (?:of|in)"
    r"|area|volume|perimeter|solve|evaluate|add|subtract|multiply|divide|average|mean|median|percent\w*"
    r"|square root|total|probability"
    r"|simplify|remainder|calculez|calculer|convertir|convertissez|combien|berechne\w*|wie viele?)\b"
    r"|\d ?[+*/×÷^] ?\d|\d - \d",
    re.IGNORECASE,
)
_SUM = re.compile(r"(?<![\d/-])\d+(?: [-+*/×÷^] |[+*×÷^])\d|\d =")
_SHORT_INPUT_CHARS = 300
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=\S)|\n+")
_BOLD = re.compile(r"\*\*([^*\n]{1,120})\*\*")
_MOST_LABEL_WORDS = 3


@dataclass(frozen=True, slots=True)
class FinalAnswer:
    """`kind`: marked, option, truth, number or label. Answers of two kinds cannot be compared."""

    kind: str
    text: str


def changed_answer(original: Record, revised: Record) -> tuple[str, str] | None:
    """The final answers before and after, when both can be told and they differ; None else."""
    before = final_answer(original)
    if before is None:
        return None
    if before.kind == "label":
        after = final_answer(revised)
        is_same = after is None or after.kind != "label" or _is_within(before.text, after.text)
        return None if is_same or after is None else (before.text, after.text)
    after = final_answer(revised)
    if after is None or after.kind != before.kind or _is_same(before.text, after.text):
        return None
    if before.kind == "number" and _closes_with(revised.output, before.text):
        return None
    return before.text, after.text


def final_answer(record: Record) -> FinalAnswer | None:
    """What the output says in the end, or at once; None where no form tells."""
    output = record.output
    for pattern in (_HASHES, _BOXED):
        if found := pattern.findall(output):
            return FinalAnswer("marked", found[-1].strip())
    options = _options(record)
    if _SAYS.search(output) and (found := list(islice(_SAID.finditer(output), 50))):
        answer = found[-1]["answer"].strip("() ")
        if answer.upper() in options:
            return FinalAnswer("option", answer.upper())
        if answer.lower() in ("yes", "no", "true", "false"):
            return FinalAnswer("truth", answer.lower())
        if answer[-1].isdigit():
            return FinalAnswer("number", answer)
    if options and (letter := _LETTER.match(output)) and letter[1] in options:
        return FinalAnswer("option", letter[1])
    if truth := _TRUTH.match(output):
        return FinalAnswer("truth", truth[1].lower())
    if _CALCULATION.search(record.instruction) or _SUM.search(record.input[:_SHORT_INPUT_CHARS]):
        last = _last_number(output)
        return FinalAnswer("number", last) if last else None
    if output.strip() and len(output) <= 60 and len(words(output)) <= _MOST_LABEL_WORDS:
        return FinalAnswer("label", output.strip())
    return None


def _options(record: Record) -> frozenset[str]:
    """The letters of the options in the prompt: at least A and B."""
    prompt = f"{record.instruction}\n{record.input}"
    found = frozenset(_OPTION.findall(prompt)) | frozenset(_OPTION_IN_LINE.findall(prompt))
    return found if {"A", "B"} <= found else frozenset()


def _last_number(text: str) -> str:
    found = _NUMBER.findall(text[-2000:])
    return found[-1].strip() if found else ""


def _closes_with(text: str, number: str) -> bool:
    """Whether the number is said in the last sentence or in bold: a remark may follow it."""
    last = [part for part in _SENTENCE_END.split(text[-2000:]) if part.strip()][-1:]
    places = [*last, *_BOLD.findall(text)]
    return any(_is_same(number, one) for place in places for one in _NUMBER.findall(place))


def _is_same(before: str, after: str) -> bool:
    """Equal as text, or as numbers: "1,200" and "$1200.00"; one may be the other rounded."""
    if words(before) == words(after) and ("-" in before) == ("-" in after):
        return True
    ours, theirs = _decimal(before), _decimal(after)
    if ours is None or theirs is None:
        return False
    if ours == theirs:
        return True
    fewer = max(_exponent(ours), _exponent(theirs))
    unit = Decimal(1).scaleb(fewer)
    return abs(ours - theirs) < unit and (_exponent(ours) < 0 or _exponent(theirs) < 0)


def _decimal(text: str) -> Decimal | None:
    try:
        value = Decimal(text.replace("−", "-").replace(",", "").strip(" $€£*.%"))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _is_within(label: str, text: str) -> bool:
    return f" {' '.join(words(label))} " in f" {' '.join(words(text))} "
