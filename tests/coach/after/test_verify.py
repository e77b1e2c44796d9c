"""Sums, conversions and dates are checked; what could be meant otherwise is not called wrong."""

import calendar
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.coach.after import Verified, verify
from tunewright.records.record import Record


def found(output: str, *, instruction: str = "Tell me.", explanation: str = "") -> list[tuple[str, str]]:
    record = Record(id="a", instruction=instruction, output=output, explanation=explanation)
    return [(one.kind, one.status) for one in verify(record)]


def test_a_claim_is_quoted_with_what_is_so() -> None:
    record = Record(id="a", instruction="How far?", output="5 km is 4 miles.")
    assert verify(record) == (Verified("units", "wrong", "5 km is 4 miles: 5 km is 3.10686 miles"),)


@pytest.mark.parametrize(
    ("output", "status"),
    [
        ("12 × 7 = 84", ["right"]),
        ("12 × 7 = 85", ["wrong"]),
        ("2 + 3 = 5. So 5 * 2 = 11.", ["wrong", "right"]),
        ("x + 3 = 5", []),
        ("", []),
    ],
)
def test_sums(output: str, status: list[str]) -> None:
    assert found(output) == [("arithmetic", one) for one in status]


def test_sums_of_the_explanation_count_and_those_of_the_prompt_do_not() -> None:
    assert found("Seven", explanation="3 + 4 = 7") == [("arithmetic", "right")]
    assert found("No, 5 km is 4 miles is not so", instruction="Is it true that 5 km is 4 miles?") == []


@pytest.mark.parametrize(
    ("output", "status"),
    [
        ("5 km is 3.1 miles.", "right"),
        ("5 km is 3.2 miles.", "wrong"),
        ("5 km (3 mi) on foot", "right"),
        ("94°F is equal to 34.4°C", "right"),
        ("94 degrees Fahrenheit is 36.4 degrees Celsius.", "wrong"),
        ("-40 °C = -40 °F", "right"),
        ("10 kg = 22.05 lb", "right"),
        ("10 kg = 25 lb", "wrong"),
        ("2 hours is 120 minutes.", "right"),
        ("3 days = 70 hours", "wrong"),
        ("2,000 kilometers (1,200 miles)", "not_checkable"),
        ("100 km is about 60 miles.", "not_checkable"),
        ("It rose by 5 °C (9 °F)", "not_checkable"),
        ("1 m = 3.281 feet", "right"),
    ],
)
def test_conversions(output: str, status: str) -> None:
    assert found(output) == [("units", status)]


@pytest.mark.parametrize(
    "output",
    [
        "A gallon is 4 litres.",
        "The path of 5 km is 2 miles longer.",
        "100 km/h is 62 miles per hour.",
        "5 m² is 54 feet.",
        "Room 5 is 12 m wide and 3 min away.",
        "I ran 5 km in 30 minutes.",
        "1 hour 30 minutes is 90 minutes",
    ],
)
def test_what_is_no_plain_conversion_is_passed_over(output: str) -> None:
    assert [one for one in found(output) if one[0] == "units" and one[1] == "wrong"] == []


@pytest.mark.parametrize(
    ("output", "status"),
    [
        ("July 20, 1969 was a Sunday.", "right"),
        ("We met on Monday, 20 July 1969.", "wrong"),
        ("2024-02-29 (Thursday)", "right"),
        ("Monday, 4 July 1066", "not_checkable"),
        ("There are 366 days between January 1, 2024 and January 1, 2025.", "right"),
        ("There are 365 days between January 1, 2024 and January 1, 2025.", "not_checkable"),
        ("From 1 March 2023 to 1 April 2023 there are 28 days.", "wrong"),
        ("2024 is a leap year.", "right"),
        ("1900 was a leap year.", "wrong"),
        ("2023 is not a leap year.", "right"),
        ("2023 is a common year.", "right"),
        ("They wed on February 30, 2020.", "wrong"),
        ("It rained on 31 April 1999.", "wrong"),
        ("Born February 29, 2023, she lives here.", "wrong"),
    ],
)
def test_dates(output: str, status: str) -> None:
    assert found(output) == [("date", status)]


@pytest.mark.parametrize(
    "output",
    [
        "There is no February 30, 2020.",
        "She was born on February 29, 2024.",
        "If 2023 is a leap year, then so is this.",
        "On May 45 boats came.",
        "The March 30 men died in.",
    ],
)
def test_dates_that_are_no_claim_are_passed_over(output: str) -> None:
    assert found(output) == []


@given(st.dates(min_value=date(1753, 1, 1)), st.integers(0, 6))
def test_weekdays_agree_with_the_calendar(when: date, shift: int) -> None:
    said = (when + timedelta(days=shift)).weekday() if when.year < 9999 else when.weekday()
    text = f"{calendar.day_name[said]}, {calendar.month_name[when.month]} {when.day}, {when.year:04d}"
    assert found(text) == [("date", "right" if said == when.weekday() else "wrong")]


@given(st.integers(1, 5000), st.integers(1, 3))
def test_a_rounded_conversion_is_right_and_one_far_off_is_wrong(kilometres: int, digits: int) -> None:
    miles = kilometres / 1.609344
    assert found(f"{kilometres} km is {miles:.{digits}f} miles") == [("units", "right")]
    assert found(f"{kilometres} km is {miles * 1.5 + 1:.{digits}f} miles") == [("units", "wrong")]
