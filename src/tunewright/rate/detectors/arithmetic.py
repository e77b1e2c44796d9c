"""Sums that can be checked and are wrong: "12 × 7 = 85", "20 % of 50 is 12".

Left of each `=` the longest expression of numbers and signs is read by a small parser over exact fractions
(nothing is ever evaluated as code). Numbers written with decimals stand for an interval of half their last
digit, so rounded steps are not called wrong; what is not plainly a sum of plain numbers is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from tunewright.rate.detectors.detector import (
    CheckSettings,
    Detector,
    Severity,
    Span,
    answers,
    asked,
    example,
    prompt,
)
from tunewright.records.record import Record

_EQUALS = re.compile(r"(?<=[\d)]) {0,3}([=≈]) {0,3}(?=[-−]? ?[$£€]?\d)")
_SIGNS = frozenset("0123456789.,+-−–*/×÷x()^$£€ ")
_RESULT = re.compile(r"[-−]? ?[$£€]?(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)")
_TOKEN = re.compile(r"\s*(?:[$£€]?(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d*\.\d+|\d+)|(\*\*|[-+*/()×÷x^−–]))")
_PERCENT = re.compile(
    r"(?<![\d.,/-])(\d{1,4}(?:\.\d{1,4})?) ?(?:%"
    r"|percent) of [$£€]?(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?) (?:is|=|equals) [$£€]?"
    r"(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?![\d,]*\d|\.\d| ?(?:%|percent|[-+*/×÷^]))"
)
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,12}(?:\.\d{1,12})?)"
# One unit on every number: "5 kg + 6 kg = 12 kg". An s more or less is the same unit.
_WITH_UNITS = re.compile(
    rf"(?<![\d.,/−-])(?P<left>{_NUMBER} ?(?P<unit>[A-Za-z]{{1,15}}?)s?"
    rf"(?: [-+−–] {_NUMBER} ?(?P=unit)s?){{1,6}}) [=≈] (?P<result>{_NUMBER}) ?(?P=unit)s?\b",
)
_NOT_ADDED = re.compile(r"(?i:am|pm|db|dba|th|st|nd|rd|d[46]|bits?)")  # decibels and clocks add up otherwise
_WORD_SIGNS = {"plus": "+", "minus": "-", "times": "*", "multiplied by": "*", "divided by": "/"}
_IN_WORDS = re.compile(
    rf"(?<![\d.,/$£€−-])(?P<left>{_NUMBER}(?: (?:{'|'.join(_WORD_SIGNS)}) {_NUMBER}){{1,6}}),?"
    rf" (?:=|equals|is equal to|is) (?P<result>{_NUMBER})",
)
_GOES_ON_BEFORE = re.compile(
    r"(?:\b(?:plus|minus|times|by|of|to|than|and|or|point|percent|over|between|divided|from|is|equals|negative|power)"
    r"|[-+−–*/×÷^=%(.,])\s*\Z",
    re.IGNORECASE,
)
_GOES_ON_AFTER = re.compile(
    r"\s*(?:plus|minus|more|less|point|percent|%|per|hundred|remainder|over|to|or|out|[-+−–*/×÷^(]|[.,]?\d)"
)
# A quotient without its remainder, or rounded, is meant.
_WHOLE = re.compile(
    r"\b(?:integers?|int|quotients?|remainders?|round\w*|nearest|approx\w*|about|roughly|almost|nearly"
    r"|truncat\w*|whole|estimat\w*|at most|maximum|full|complete|code|program|python|java|carry|median"
    r"|digits?)\b|//|```",
    re.IGNORECASE,
)
_OTHER_RULES = re.compile(
    r"\b(?:binary|hex\w*|octal|modul\w*|mod|base|boolean|xor|matri\w+"
    r"|vectors?|clocks?|pattern|puzzle|riddle|trick|joke|incorrect|wrong"
    r"|mistakes?|errors?|false|floor|integer division|rational numbers|make .{1,20} true)\b",
    re.IGNORECASE,
)
_DATE = re.compile(r"\d{1,4}[-–/](?:\d{1,2}[-–/])?\d{2,4}")  # also a span of years
_LONGEST_CHARS = 80
_LARGEST_EXPONENT = 12
_SMALLER_UNIT = re.compile(r" ?[A-Za-z]{1,12},? (?:and )?\d")  # "10 / 4 = 2 hours 30 minutes"
_SHORT_DECIMALS = frozenset({2, 4, 5, 10, 20, 25, 50, 100})  # denominators of one or two decimals
_OPERATORS = "+-−–*/×÷^x"


@dataclass(frozen=True, slots=True)
class _Range:
    """The values a number as written can have; `low == high` for whole numbers."""

    low: Fraction
    high: Fraction


@dataclass(frozen=True, slots=True)
class _Wrong:
    """A sum that does not come out; `is_whole`: unless a quotient without its remainder is meant."""

    start: int
    end: int
    message: str
    is_whole: bool = False


class _NotASum(Exception):
    """The characters are no arithmetic, or none that can be checked."""


def _wrong(record: Record, settings: CheckSettings) -> Iterator[Span]:
    fields = list(answers(record))
    if record.explanation:
        fields.append(("explanation", record.explanation))
    for field, text in fields:
        wrong = list(_wrong_in(text))
        if wrong and not _OTHER_RULES.search(asked(record)) and not _OTHER_RULES.search(text):
            told = prompt(record)
            if any(one.is_whole for one in wrong) and (_WHOLE.search(asked(record)) or _WHOLE.search(text)):
                wrong = [one for one in wrong if not one.is_whole]
            for one in sorted(wrong, key=lambda one: one.start):
                if text[one.start : one.end] not in told:
                    yield Span(field, one.start, one.end, one.message)


def _wrong_in(text: str) -> Iterator[_Wrong]:
    if "=" in text or "≈" in text:
        for equals in _EQUALS.finditer(text):
            yield from _wrong_at(text, equals)
        for found in _WITH_UNITS.finditer(text):
            if not _NOT_ADDED.fullmatch(found["unit"]):
                unit = re.compile(rf" ?{found['unit']}s?(?![A-Za-z])")
                yield from _wrong_words(text, found, unit.sub("", found["left"]))
    if " is " in text or " equals " in text or " = " in text:
        for found in _IN_WORDS.finditer(text):
            left = found["left"]
            for word, sign in _WORD_SIGNS.items():
                left = left.replace(word, sign)
            yield from _wrong_words(text, found, left)
    if " of " in text and ("%" in text or "percent" in text):
        for found in _PERCENT.finditer(text):
            percent, whole, said = (_number(found[index]) for index in (1, 2, 3))
            value = _Range(percent.low * whole.low / 100, percent.high * whole.high / 100)
            if not _agree(value, said, found[3], rounded=False):
                yield _Wrong(found.start(), found.end(), f"that is {_shown(value)}")


def _wrong_at(text: str, equals: re.Match[str]) -> Iterator[_Wrong]:
    found = _sum_at(text, equals)
    if found is None:
        return
    start, value, said, result = found
    rounded = equals[1] == "≈" or "..." in text[result.end() : result.end() + 4]
    percent = _Range(value.low * 100, value.high * 100)
    is_percent = text[result.end() : result.end() + 2].strip().startswith("%")
    is_whole = not rounded and not is_percent and _is_whole_for_part(value, said)
    if is_whole and _SMALLER_UNIT.match(text, result.end()):
        return
    if is_whole or not (
        _agree(value, said, result[1], rounded=rounded)
        or (is_percent and _agree(percent, said, result[1], rounded=True))
    ):
        yield _Wrong(start, result.end(), f"the left side is {_shown(value)}", is_whole)


def _sum_at(text: str, equals: re.Match[str]) -> tuple[int, _Range, _Range, re.Match[str]] | None:
    """Where the sum before this sign begins, its value, the value said, and the number that says it."""
    start = _begin(text, equals.start())
    result = _RESULT.match(text, equals.end())
    if start is None or result is None or not _stands_alone(text, result.end()):
        return None
    left = text[start : equals.start()]
    if _DATE.fullmatch(left) and re.search("(?:19|20)\\d\\d", left):
        return None
    try:
        value = _value(left)
    except _NotASum:
        return None
    said = _number(result[1])
    if result.group()[0] in "-−":
        said = _Range(-said.high, -said.low)
    return start, value, said, result


def right_sums(text: str) -> Iterator[tuple[int, int]]:
    """Where the text holds a sum with signs that can be checked and comes out: start and end offsets."""
    for equals in _EQUALS.finditer(text) if "=" in text or "≈" in text else ():
        found = _sum_at(text, equals)
        if found and not any(True for _ in _wrong_at(text, equals)):
            yield found[0], found[3].end()


def _is_whole_for_part(value: _Range, said: _Range) -> bool:
    """Whether a quotient of one or two decimals is given as the next whole number: 10 / 4 = 2."""
    exact = value.low == value.high and said.low == said.high
    near = abs(value.low - said.low) < 1
    return exact and near and value.low.denominator in _SHORT_DECIMALS and said.low.denominator == 1


def _wrong_words(text: str, found: re.Match[str], left: str) -> Iterator[_Wrong]:
    """A sum with words in it, `left` the same without them."""
    if _GOES_ON_BEFORE.search(text, max(0, found.start() - 12), found.start()):
        return
    if _GOES_ON_AFTER.match(text, found.end()) or not _stands_alone(text, found.end()):
        return
    if re.search("[*/]", left) and re.search(" [-+] ", left):
        return  # said aloud, a product need not go first
    try:
        value = _value(left)
    except _NotASum:
        return
    said, is_rounded = _number(found["result"]), "≈" in found.group()
    is_whole = not is_rounded and _is_whole_for_part(value, said)
    if is_whole or not _agree(value, said, found["result"], rounded=is_rounded):
        yield _Wrong(found.start(), found.end(), f"the left side is {_shown(value)}", is_whole)


def _begin(text: str, end: int) -> int | None:
    """Where the expression that ends at `end` begins; None when it is part of something longer."""
    start = end
    while start > 0 and text[start - 1] in _SIGNS:
        start -= 1
        if end - start > _LONGEST_CHARS:
            return None
    start += text[start:end].rfind(". ") + 2 if ". " in text[start:end] else 0  # a sentence ends there
    before = text[start - 1] if start else ""
    expression = text[start:end]
    lead = _num_leading(expression)
    if before and lead == 0 and (before.isalnum() or before in "%_°'’√∛π²³]}|\\:;<>!~&@#"):
        return None
    start += lead
    expression = text[start:end]
    if before in ("%", "°", "√", "π", "²", "³") or not expression or expression[0] in "+*/×÷^),x":
        return None  # "5 % + 3", "5 apples x 3": the rest of the sum is in what was not read
    if expression[0] in "-−–":
        listed = start == 0 or text[start - 1] in "\n"  # a bullet
        if not listed or expression[1:2] != " ":
            return None
        start += 2
    return start


def _num_leading(expression: str) -> int:
    """How many characters before the sum belong to the words before it: spaces, the end of a sentence."""
    stripped = expression.lstrip(" ")
    if stripped[:2] in (". ", ", "):
        stripped = stripped[1:].lstrip(" ")
    return len(expression) - len(stripped)


def _stands_alone(text: str, end: int) -> bool:
    """Whether the number that ends here is the whole right side."""
    after = text[end : end + 12]
    if not after:
        return True
    rest = after.lstrip(" ")
    if after[0].isalnum() or after[0] in "^_°²³:/(" or (after[0] in ".," and after[1:2].isdigit()):
        return False
    if rest[:1] in "=≈" and rest:
        return True
    return not (rest[:1] and (rest[0] in "+*/×÷^−–√π" or rest[0].isdigit())) and not re.match(
        r"-\s?\d|- |x\b|r\b|R\b|rem|with|million|billion|thousand|hundred|mod|and \d|\d|times|and a", rest
    )


def _agree(value: _Range, said: _Range, written: str, *, rounded: bool) -> bool:
    """Whether the ranges meet, a unit of the last written digit left free where digits were cut off."""
    exact = value.low == value.high and value.low.denominator == 1
    decimals = len(written.partition(".")[2])
    slack = Fraction(0)
    if rounded:
        slack = max(Fraction(1, 10**decimals), abs(value.high) / 20)
    elif not exact:
        slack = Fraction(1, 10**decimals) if decimals else Fraction(1, 2)
    return value.low - slack <= said.high and said.low <= value.high + slack


def _number(text: str) -> _Range:
    digits = text.replace(",", "")
    value = Fraction(digits)
    decimals = len(digits.partition(".")[2])
    half = (
        Fraction(1, 2 * 10**decimals)
        if decimals and not set(digits.partition(".")[2]) <= {"0"}
        else Fraction(0)
    )
    return _Range(value - half, value + half)


def _shown(value: _Range) -> str:
    middle = (value.low + value.high) / 2
    return str(middle) if middle.denominator == 1 else f"{float(middle):.6g}"


def _value(text: str) -> _Range:
    """The value of an expression with at least one operation; `_NotASum` for all else."""
    tokens: list[str] = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _NotASum
        tokens.append(found[1] or found[2])
        at = found.end()
    if not any(token[0] in _OPERATORS for token in tokens):
        raise _NotASum
    reader = _Reader(tokens)
    value = reader.sum()
    if reader.at != len(tokens):
        raise _NotASum
    return value


class _Reader:
    """Reads sums of products of powers by recursive descent; depth is bounded by the expression's length."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0

    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.next()
        self.at += 1
        return token

    def sum(self) -> _Range:
        value = self.product()
        while self.next() and self.next() in "+-−–":
            sign, other = self.take(), self.product()
            if sign != "+":
                other = _Range(-other.high, -other.low)
            value = _Range(value.low + other.low, value.high + other.high)
        return value

    def product(self) -> _Range:
        value = self.power()
        while self.next() and self.next() in "*×x/÷":
            sign = self.take()
            if sign == "x" and self.next() in ("-", "–", "−", "+"):
                raise _NotASum  # the unknown of "9x - 21"
            other = self.power()
            if sign in "/÷":
                if other.low <= 0 <= other.high:
                    raise _NotASum
                other = _Range(1 / other.high, 1 / other.low)
            ends = [a * b for a in (value.low, value.high) for b in (other.low, other.high)]
            value = _Range(min(ends), max(ends))
        return value

    def power(self) -> _Range:
        value = self.atom()
        if self.next() in ("^", "**"):
            self.take()
            exponent = self.atom()
            if (
                exponent.low != exponent.high
                or exponent.low.denominator != 1
                or not 0 <= exponent.low <= _LARGEST_EXPONENT
            ):
                raise _NotASum
            ends = [value.low ** int(exponent.low), value.high ** int(exponent.low)]
            value = _Range(min(ends), max(ends))
        return value

    def atom(self) -> _Range:
        token = self.take()
        if token == "(":
            value = self.sum()
            if self.take() != ")":
                raise _NotASum
            return value
        if token in ("-", "−"):
            inner = self.atom()
            return _Range(-inner.high, -inner.low)
        if not token or not (token[0].isdigit() or token[0] == "."):
            raise _NotASum
        return _number(token)


WRONG_ARITHMETIC = Detector(
    name="wrong-arithmetic",
    severity=Severity.ERROR,
    meaning="The answer or its explanation holds a sum of plain numbers that does not come out.",
    example=example("How many eggs are in seven boxes of twelve?", "12 × 7 = 85 eggs."),
    counter_example=example(
        "How long is each piece?", "10 / 3 = 3.33 m, and 2 × 3.14 = 6.3; y + 2 + 3 = 9, 3 + 4 = 7 + 0."
    ),
    spots=_wrong,
)
