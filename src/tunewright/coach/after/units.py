"""Conversions of units that a text states: "5 km is 3.1 miles", "94 °F = 34.4 °C", "2 hours (120 minutes)".

The second number must be the first converted, rounded or cut off at its own last digit. Where "about" is
said, where round hundreds may be rounded, or where the first number is rounded, a miss is not called wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from tunewright.coach.after.claims import Claim, Status


@dataclass(frozen=True, slots=True)
class _Unit:
    """`size` in the dimension's base unit; a temperature in kelvin is `size`·t + `zero`."""

    dimension: str
    size: Fraction
    zero: Fraction = Fraction(0)


# Exact by definition (BIPM, SI Brochure; international yard and pound of 1959). Units that differ between
# countries (gallon, pint, ton, ounce of fluid) are left out.
_UNITS = {
    r"k(?:ilo)?m(?:et(?:er|re)s?)?": _Unit("length", Fraction(1000)),
    r"mi(?:les?)?": _Unit("length", Fraction("1609.344")),
    r"met(?:er|re)s?|m": _Unit("length", Fraction(1)),
    r"c(?:enti)?m(?:et(?:er|re)s?)?": _Unit("length", Fraction(1, 100)),
    r"mm|millimet(?:er|re)s?": _Unit("length", Fraction(1, 1000)),
    r"f(?:ee|oo)t|ft": _Unit("length", Fraction("0.3048")),
    r"inch(?:es)?": _Unit("length", Fraction("0.0254")),
    r"yards?|yds?": _Unit("length", Fraction("0.9144")),
    r"kg|kilo(?:gram(?:me)?)?s?": _Unit("mass", Fraction(1000)),
    r"g|gram(?:me)?s?": _Unit("mass", Fraction(1)),
    r"mg|milligrams?": _Unit("mass", Fraction(1, 1000)),
    r"lbs?|pounds?": _Unit("mass", Fraction("453.59237")),
    r"h(?:ou)?rs?|h": _Unit("time", Fraction(3600)),
    r"min(?:ute)?s?": _Unit("time", Fraction(60)),
    r"sec(?:ond)?s?|s": _Unit("time", Fraction(1)),
    r"days?": _Unit("time", Fraction(86400)),
    r"weeks?": _Unit("time", Fraction(604800)),
    r"l(?:it(?:er|re)s?)?": _Unit("volume", Fraction(1)),
    r"ml|millilit(?:er|re)s?": _Unit("volume", Fraction(1, 1000)),
    r"(?:° ?|deg(?:rees?)? )?(?:C|[Cc]elsius)|℃": _Unit("temperature", Fraction(1), Fraction("273.15")),
    r"(?:° ?|deg(?:rees?)? )?(?:F|[Ff]ahrenheit)|℉": _Unit(
        "temperature", Fraction(5, 9), Fraction("459.67") * Fraction(5, 9)
    ),
    r"K|[Kk]elvins?": _Unit("temperature", Fraction(1)),
}
_EITHER = "|".join(f"(?:{pattern})" for pattern in sorted(_UNITS, key=lambda pattern: -len(pattern)))
_NUMBER = r"[-−]?(?:\d{1,3}(?:,\d{3})+|\d{1,12})(?:\.\d{1,12})?"
_STATED = re.compile(
    rf"(?<![\w.,/$€£°^-])(?P<first>{_NUMBER})[ -]?(?P<unit>{_EITHER})(?![\w²³/^°])"
    rf"(?P<between> ?[=≈] ?| (?:is|are|equals?|is equal to|is equivalent to|converts to|comes to)"
    rf"(?P<about> (?:about|approximately|roughly|around|nearly|almost))? "
    rf"| \((?P<opens>(?:about |approximately |roughly |around |approx\. |or )?))"
    rf"(?P<second>{_NUMBER})[ -]?(?P<other>{_EITHER})(?![\w²³/^°])"
)
# Behind a claim: it goes on, or is about something else.
_GOES_ON = re.compile(
    r"\s*(?:[-+*×/÷^±]|,? ?\d|(?:per|each|a (?:day|week|second|minute|hour)|longer|shorter|more|less|higher"
    r"|lower|warmer|colder|away|from|ago|later|earlier|after|before|above|below|faster|slower|and|plus|minus"
    r"|of|too|off)\b)",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"(?:[-+*×/÷^(,.]|\b(?:and|plus|minus|per|every|times|to|if|not|n't|than|of|or|hours?|feet|foot|pounds?|degrees))\s*\Z",
    re.IGNORECASE,
)
_DIFFERENCE = re.compile(
    r"\b(?:ris\w*|rose|drop\w*|increas\w*|decreas\w*|warm\w*|cool\w*|differ\w*|chang\w*|gap|by|up|down)\b",
    re.IGNORECASE,
)
_FALSEHOOD = re.compile(r"\b(?:false|wrong|incorrect|myth|mistake|not true|error)\b", re.IGNORECASE)
# One look that settles most texts: a number, a unit's first letter behind it, and a number that it may equal.
_STATES = re.compile(
    r"\d[ -]?[A-Za-z°℃℉][^\n]{0,30}?(?:=|≈|\(|is|are|equals?|to|about|ly|around|almost|or|\.) ?[-−]?\d"
)
_ABOUT = Fraction(5, 100)


def unit_claims(text: str) -> Iterator[Claim]:
    """The conversions between two units of one dimension, in their order."""
    if not _STATES.search(text) or _FALSEHOOD.search(text):
        return
    for found in _STATED.finditer(text):
        first, second = _unit(found["unit"]), _unit(found["other"])
        if first.dimension != second.dimension or first == second:
            continue
        if _GOES_ON.match(text, found.end() + (found["opens"] is not None)):
            continue
        if _BEFORE.search(text, max(0, found.start() - 12), found.start()):
            continue
        yield _judged(text, found, first, second)


def _unit(words: str) -> _Unit:
    for pattern, unit in _COMPILED:
        if pattern.fullmatch(words):
            return unit
    raise AssertionError(f"no unit '{words}'")


_COMPILED = [(re.compile(pattern), unit) for pattern, unit in _UNITS.items()]


def _judged(text: str, found: re.Match[str], first: _Unit, second: _Unit) -> Claim:
    convert = _conversion(first, second)
    value, said = _value(found["first"]), _value(found["second"])
    exact = convert(value)
    words = found.group() + (")" if found["opens"] is not None else "")
    if _agrees(exact, said, found["second"]):
        return Claim(words, "right")
    low, high = sorted(map(convert, (value - _half(found["first"]), value + _half(found["first"]))))
    half = _half(found["second"])
    is_about = found["about"] or found["opens"] or "≈" in found["between"]
    # Hours are not rounded to tens as miles are.
    slack = half if first.dimension == "time" else _round_half(found["second"])
    if is_about:
        slack = max(slack, _ABOUT * abs(exact))
    status: Status = "wrong"
    if abs(exact - said) <= slack or ("." in found["first"] and low - half <= said <= high + half):
        status = "not_checkable"
    if first.dimension == "temperature" and _DIFFERENCE.search(
        text, max(0, found.start() - 60), found.start()
    ):
        status = "not_checkable"  # 5 °C warmer is 9 °F warmer
    return Claim(words, status, f"{found['first']} {found['unit']} is {float(exact):.6g} {found['other']}")


def _conversion(first: _Unit, second: _Unit) -> Callable[[Fraction], Fraction]:
    return lambda value: (value * first.size + first.zero - second.zero) / second.size


def _value(number: str) -> Fraction:
    return Fraction(number.replace("−", "-").replace(",", ""))


def _half(number: str) -> Fraction:
    """Half a unit of the last digit."""
    return Fraction(1, 2 * 10 ** len(number.partition(".")[2]))


def _round_half(number: str) -> Fraction:
    """Half a unit of the last digit that is not nought: "60" may be said for 55 to 65."""
    digits = number.replace(",", "")
    noughts = len(digits) - len(digits.rstrip("0")) if "." not in digits else 0
    return Fraction(10**noughts, 2) if noughts else _half(number)


def _agrees(exact: Fraction, said: Fraction, written: str) -> bool:
    """Rounded to the digits written, or cut off behind them."""
    half = _half(written)
    if abs(exact - said) <= half:
        return True
    return 0 <= abs(exact) - abs(said) < 2 * half and "." in written
