"""Dates past a cut-off: what a model trained then could not know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

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

_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_MONTH = "|".join(name[:3] + (f"(?:{name[3:]})?" if name[3:] else "") for name in _MONTHS)
_DATE = re.compile(
    rf"\b(?P<iso>20\d\d)-(?P<iso_month>[01]\d)(?:-[0-3]\d)?\b"
    rf"|\b(?P<month>(?a:{_MONTH}))\.?,? (?:\d{{1,2}}(?:st|nd|rd|th)?,? )?(?P<of>20\d\d)\b"
    r"|\b(?P<before>[a-z]{2,7}) (?P<year>20\d\d)\b(?![-–./,]?\d)",
    re.IGNORECASE,
)
_TIME_WORDS = frozenset(
    [
        "in",
        "since",
        "during",
        "year",
        "late",
        "early",
        "mid",
        "of",
        "from",
        "around",
        "spring",
        "summer",
        "autumn",
        "fall",
        "winter",
        "until",
    ]
)
_FORECAST = re.compile(
    r"\b(?:by|will|would|expected|project(?:ed|ion)|forecast"
    r"|target|goal|plan(?:ned|s)?|future|due|expires?)\b",
    re.IGNORECASE,
)
_FARTHEST_YEARS = 10  # past the cut-off; later years are forecasts, fiction or numbers


def _after_cutoff(record: Record, settings: CheckSettings) -> Iterator[Span]:
    if settings.cutoff is None:
        return
    for field, text in answers(record):
        if "20" not in text:
            continue
        for found in _DATE.finditer(text):
            when = _earliest(found)
            if when is None or not settings.cutoff <= when < _years_after(settings.cutoff):
                continue
            if f"{when.year}" in asked(record):
                continue
            if not _FORECAST.search(text, max(0, found.start() - 60), found.end() + 30):
                yield Span(
                    field, found.start(), found.end(), f"lies past the cut-off {settings.cutoff:%Y-%m}"
                )
                break


def _earliest(found: re.Match[str]) -> date | None:
    """The first day the words can mean that may be past a cut-off: a bare year counts from its January."""
    if found["iso"]:
        month = int(found["iso_month"])
        return date(int(found["iso"]), month, 1) if 1 <= month <= 12 else None
    if found["of"]:
        month = next(
            n for n, name in enumerate(_MONTHS, start=1) if name.startswith(found["month"][:3].lower())
        )
        return date(int(found["of"]), month, 1)
    return date(int(found["year"]), 1, 1) if found["before"].lower() in _TIME_WORDS else None


def _years_after(cutoff: date) -> date:
    return date(cutoff.year + _FARTHEST_YEARS, 1, 1)


AFTER_CUTOFF = Detector(
    name="after-cutoff",
    severity=Severity.WARNING,
    meaning="The answer speaks of a date past the cut-off that "
    "is set (with none set: off); forecasts are left out.",
    example=example("Who won the race?", "The home team won it in March 2024."),
    counter_example=example(
        "What is planned?", "The bridge will open in 2025; it was begun in November 2022, with 2048 bolts."
    ),
    spots=_after_cutoff,
    settings=CheckSettings(cutoff=date(2023, 1, 1)),
)
