"""Personal data: addresses and numbers that may reach a real person.

Numbers with check digits are checked (IBAN by ISO 13616, cards by Luhn). Addresses and numbers reserved for
examples are left out. Names are not looked for: that needs a model.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from tunewright.rate.detectors.detector import CheckSettings, Detector, Severity, Span, example, texts
from tunewright.records.record import Record

_EMAIL = re.compile(r"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@((?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,12})\b")
_MADE_UP_DOMAIN = re.compile(
    r"(?:.*\.)?(?:example|test|invalid|localhost)(?:\.[a-z.]+)?"
    r"|(?:your|my|our|the|some)?-?(?:e?mail|domain|company(?:name)?|website|site"
    r"|business|organi[sz]ation|xyz\w*|abc\w*|acme|school|server|host)\.[a-z.]+",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"(?<![\w.$€£+-])(?:(?:\+?1[ .-]?)?(?:\(([2-9]\d\d)\) ?|([2-9]\d\d)[ .-])([2-9]\d\d)[ .-](\d{4})"
    r"|\+(?!1\b)[2-9]\d{0,2}(?:[ .-]?\(?\d{1,4}\)?){2,6})(?![\w-])"
)
_TOLL_FREE = {"800", "833", "844", "855", "866", "877", "888", "900"}  # of companies, not of people
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?!\w)")
_CARD = re.compile(r"(?<![\w.-])[3-6]\d{3}([ -]?)\d{4}\1\d{4}\1\d{4}(?![\w.-])")
_IP = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\.?\w)")
_WELL_KNOWN = {"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "1.2.3.4", "255.255.255.255"}
_VERSION = re.compile(r"(?:version|release|v|section|chapter)\.? ?\Z", re.IGNORECASE)


def _emails(record: Record, settings: CheckSettings) -> Iterator[Span]:
    for field, text in texts(record):
        if "@" in text:
            for found in _EMAIL.finditer(text):
                name = found.group().partition("@")[0]
                if (
                    not _MADE_UP_DOMAIN.fullmatch(found.group(1))
                    and len(set(name)) > 2
                    and not name.isdigit()
                ):
                    yield Span(field, found.start(), found.end(), "an e-mail address")


def _phones(record: Record, settings: CheckSettings) -> Iterator[Span]:
    for field, text in texts(record):
        if _num_digits(text) >= 8:
            for found in _PHONE.finditer(text):
                digits = re.sub(r"\D", "", found.group())
                area, exchange = found[1] or found[2], found[3]
                if (
                    "555" in (area, exchange)
                    or area in _TOLL_FREE
                    or not 8 <= len(digits) <= 15
                    or _is_made_up(digits)
                ):
                    continue
                yield Span(field, found.start(), found.end(), "a telephone number")


def _num_digits(text: str) -> int:
    """How many ASCII digits; most texts have few, and then no number is looked for."""
    return sum(map(text.count, "0123456789"))


def _is_made_up(digits: str) -> bool:
    """All alike or counted up, as in 123-456-7890."""
    return len(set(digits[-7:])) <= 2 or "1234567" in digits or "4567890" in digits or "7654321" in digits


def _ibans(record: Record, settings: CheckSettings) -> Iterator[Span]:
    for field, text in texts(record):
        if _num_digits(text) >= 10:
            for found in _IBAN.finditer(text):
                if is_iban(found.group()):
                    yield Span(field, found.start(), found.end(), "an account number (IBAN)")


def is_iban(text: str) -> bool:
    """Whether letters and digits pass the check of ISO 13616 (modulo 97)."""
    compact = text.replace(" ", "")
    if not 15 <= len(compact) <= 34:
        return False
    number = "".join(str(int(character, 36)) for character in compact[4:] + compact[:4])
    return int(number) % 97 == 1


def _cards(record: Record, settings: CheckSettings) -> Iterator[Span]:
    for field, text in texts(record):
        if _num_digits(text) >= 16:
            for found in _CARD.finditer(text):
                digits = re.sub(r"\D", "", found.group())
                if (
                    passes_luhn(digits)
                    and len(set(digits)) > 3
                    and not digits.startswith(("41111111", "42424242", "55555555"))
                ):
                    yield Span(field, found.start(), found.end(), "a payment card's number")


def passes_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of those before it."""
    doubled = [int(d) * 2 for d in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(d - 9 if d > 9 else d for d in doubled)) % 10 == 0


def _ips(record: Record, settings: CheckSettings) -> Iterator[Span]:
    for field, text in texts(record):
        if text.count(".") < 3 or _num_digits(text) < 6:
            continue
        for found in _IP.finditer(text):
            if found.group() in _WELL_KNOWN or _VERSION.search(
                text, max(0, found.start() - 10), found.start()
            ):
                continue
            try:
                address = ipaddress.IPv4Address(found.group())
            except ValueError:
                continue
            # Numbers of versions and sections are mostly small.
            if address.is_global and sum(part > 25 for part in address.packed) >= 2:
                yield Span(field, found.start(), found.end(), "the address of a computer on the internet")


EMAIL_ADDRESS = Detector(
    name="email-address",
    severity=Severity.NOTE,
    meaning="A text holds an e-mail address (not of a domain kept for examples).",
    example=example("Who leads the club?", "Write to m.okafor@rowing-dunmore.ie."),
    counter_example=example("Who leads the club?", "Write to anna@example.com or to you@company.com."),
    spots=_emails,
)
PHONE_NUMBER = Detector(
    name="phone-number",
    severity=Severity.NOTE,
    meaning="A text holds a telephone number, North American or "
    "with a country code (555 and counted-up ones left out).",
    example=example("How do I reach them?", "Call +44 20 7946 3381."),
    counter_example=example("How do I reach them?", "Call (212) 555-0187 or 123-456-7890, order 2125550187."),
    spots=_phones,
)
IBAN = Detector(
    name="iban",
    severity=Severity.NOTE,
    meaning="A text holds an international bank account number whose check digits are right.",
    example=example("Where do I pay?", "To GB82 WEST 1234 5698 7654 32."),
    counter_example=example("Where do I pay?", "To GB00 WEST 1234 5698 7654 32."),
    spots=_ibans,
)
CARD_NUMBER = Detector(
    name="card-number",
    severity=Severity.NOTE,
    meaning="A text holds 16 digits that pass a payment card's check (known test numbers left out).",
    example=example("What was read out?", "The card 4539 1488 0343 6467 was used."),
    counter_example=example("What was read out?", "The number 4539 1488 0343 6468, and 4111 1111 1111 1111."),
    spots=_cards,
)
IP_ADDRESS = Detector(
    name="ip-address",
    severity=Severity.NOTE,
    meaning="A text holds the public internet address of a computer "
    "(private, reserved and well-known ones left out).",
    example=example("Where did it come from?", "From 93.184.216.34."),
    counter_example=example(
        "Where did it come from?", "From 192.168.0.1, by way of 8.8.8.8, version 12.4.0.3."
    ),
    spots=_ips,
)
