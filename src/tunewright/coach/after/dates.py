"""Claims about dates: the weekday of a date, days between two dates, leap years, dates that no year has.

All in the Gregorian calendar from 1753 on, when Britain and its colonies had it too; earlier days depend on
the country and are not checked. English names of months and days.
"""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Iterator
from datetime import date

from tunewright.coach.after.claims import Claim

_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_DAY = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_ORDINAL = r"\d{1,2}(?:st|nd|rd|th)?"
_DATE = rf"(?:{_MONTH} {_ORDINAL},? \d{{4}}|(?:the )?{_ORDINAL} (?:of )?{_MONTH},? \d{{4}}|\d{{4}}-\d\d-\d\d)"
_END = r"(?![\w-]|[.,/]\d)"
_WEEKDAY = re.compile(
    rf"\b(?P<day>{_DAY}),? (?:the )?(?P<date>{_DATE}){_END}"
    rf"|\b(?P<date2>{_DATE})(?:,? (?:is|was|will be|(?:falls|fell|will fall) on)(?: on)?(?: a)? | \()"
    rf"(?P<day2>{_DAY})\b"
)
_BETWEEN = re.compile(
    rf"\b(?P<days>\d{{1,3}}(?:,\d{{3}})+|\d{{1,6}}) days (?:between|from) (?P<a>{_DATE}),?"
    rf" (?:and|to|until) (?P<b>{_DATE}){_END}"
    rf"|\b(?:[Bb]etween|[Ff]rom) (?P<a2>{_DATE}),?"
    rf" (?:and|to|until) (?P<b2>{_DATE}),? (?:is|are|there are|equals|=)"
    rf" (?:exactly )?(?P<days2>\d{{1,3}}(?:,\d{{3}})+|\d{{1,6}}) days\b"
)
_LEAP = re.compile(
    r"\b(?P<year>\d{4}) (?:is|was|will be) (?P<not>not |n't )?a (?P<common>common|leap) year\b"
    r"|\b(?P<year2>\d{4}) (?:isn't|wasn't|isn’t|wasn’t|won't be) a leap year\b"
)
_ANY_DATE = re.compile(
    rf"\b(?:(?P<month>{_MONTH}) (?P<d>\d{{1,2}})(?:st|nd|rd|th)?"
    rf"|(?P<d2>\d{{1,2}})(?:st|nd|rd|th)? (?:of )?(?P<month2>{_MONTH}))"
    rf"(?:,? (?P<year>\d{{4}}))?{_END}"
)
_SAID_IMPOSSIBLE = re.compile(
    r"\b(?:not|no|n't|never|impossible|invalid|exist\w*|imaginary|fictional|error|only|leap|wrong|incorrect|false|joke"
    r"|nonexistent|without|instead)\b|n['’]t\b",
    re.IGNORECASE,
)
_UNSURE = re.compile(
    r"\b(?:if|suppose|assum\w+|unless|whether|false|incorrect|wrong|myth|not true)\b", re.IGNORECASE
)
# One look that settles most texts: a month, or a year that is part of a date or has something said of it.
_NAMES = tuple(month.capitalize() for month in _MONTHS)
_YEAR = re.compile(r"\d{4}(?:-\d\d-\d\d| (?:is|was|will))")
_STATES = re.compile(rf"\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH}|{_MONTH} \d")
_FIRST_YEAR = 1753
_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def date_claims(text: str) -> Iterator[Claim]:
    """All claims about dates: weekdays, spans, leap years, impossible dates."""
    if not _states(text) or _UNSURE.search(text):
        return
    if "day" in text:
        yield from _weekdays(text)
        yield from _spans(text)
    if " year" in text:
        yield from _leap_years(text)
    yield from _impossible(text)


def _states(text: str) -> bool:
    if _YEAR.search(text):
        return True
    return any(name in text for name in _NAMES) and _STATES.search(text) is not None


def _weekdays(text: str) -> Iterator[Claim]:
    for found in _WEEKDAY.finditer(text):
        when = _date(found["date"] or found["date2"])
        if when is None:
            continue
        if when.year < _FIRST_YEAR:
            yield Claim(found.group(), "not_checkable", "the calendar of that time depends on the country")
            continue
        said = (found["day"] or found["day2"]).lower()
        is_so = _DAYS[when.weekday()]
        if said == is_so:
            yield Claim(found.group(), "right")
        else:
            yield Claim(found.group(), "wrong", f"that day is a {is_so.capitalize()}")


def _spans(text: str) -> Iterator[Claim]:
    for found in _BETWEEN.finditer(text):
        first, last = _date(found["a"] or found["a2"]), _date(found["b"] or found["b2"])
        if first is None or last is None or min(first, last).year < _FIRST_YEAR:
            continue
        said = int((found["days"] or found["days2"]).replace(",", ""))
        num_days = abs((last - first).days)
        if said == num_days:
            yield Claim(found.group(), "right")
        elif abs(said - num_days) == 1:
            yield Claim(found.group(), "not_checkable", f"{num_days}, with or without the first and last day")
        else:
            yield Claim(found.group(), "wrong", f"they are {num_days} days apart")


def _leap_years(text: str) -> Iterator[Claim]:
    for found in _LEAP.finditer(text):
        year = int(found["year"] or found["year2"])
        if not 1 <= year <= 9999 or _is_part(text, found.start()):
            continue
        says_leap = bool(found["year"]) and (found["not"] is None) == (found["common"] == "leap")
        if year < _FIRST_YEAR:
            yield Claim(found.group(), "not_checkable", "the calendar of that time depends on the country")
        elif says_leap == isleap(year):
            yield Claim(found.group(), "right")
        else:
            yield Claim(found.group(), "wrong", f"{year} is {'a' if isleap(year) else 'no'} leap year")


def _impossible(text: str) -> Iterator[Claim]:
    """Dates that no calendar has; possible dates are no claim. What is said to be impossible is right."""
    for found in _ANY_DATE.finditer(text):
        month = _MONTHS.index((found["month"] or found["month2"]).lower()) + 1
        day = int(found["d"] or found["d2"])
        year = int(found["year"]) if found["year"] else None
        most = _LENGTHS[month - 1]
        if month == 2 and year is not None and year >= _FIRST_YEAR and not isleap(year):
            most = 28
        if 1 <= day <= most or _is_part(text, found.start()):
            continue
        around = text[max(0, found.start() - 80) : found.end() + 80]
        if day <= 31 and not _SAID_IMPOSSIBLE.search(around):
            yield Claim(found.group(), "wrong", f"there is no such day; that month has {most}")


def _is_part(text: str, start: int) -> bool:
    """Whether the number that starts here goes on to the left: "12-2024", "1.2024"."""
    return start > 0 and text[start - 1] in "-–/.,"


def _date(words: str) -> date | None:
    """The day meant; None when there is no such day."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", words):
        year, month, day = map(int, words.split("-"))
    else:
        month = next(n for n, name in enumerate(_MONTHS, start=1) if name in words.lower())
        day, year = (int(one) for one in re.findall(r"\d+", words))
    try:
        return date(year, month, day)
    except ValueError:
        return None
