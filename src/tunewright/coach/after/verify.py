"""Claims that can be checked by rule: sums, conversions of units, dates. Used before and after a revision.

`right` and `wrong` are said of what can be decided; `not_checkable` of a claim that is recognised and could
be meant in more than one way. A claim that the prompt itself makes is left alone: it is given, not answered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from tunewright.coach.after.claims import Claim, Status
from tunewright.coach.after.dates import date_claims
from tunewright.coach.after.units import unit_claims
from tunewright.coach.revision import Field
from tunewright.rate.detectors import CheckSettings
from tunewright.rate.detectors.arithmetic import WRONG_ARITHMETIC, right_sums
from tunewright.records.record import Record

Kind = Literal["arithmetic", "units", "date"]
_DIGIT = re.compile(r"\d")
_MOST = 50  # claims of a kind in one field; a table of thousands says no more
_FIELDS: tuple[Field, ...] = ("output", "explanation")


@dataclass(frozen=True, slots=True)
class Verified:
    """One claim of the output or the explanation; `detail` quotes it and says what is so."""

    kind: Kind
    status: Status
    detail: str


def verify(record: Record) -> tuple[Verified, ...]:
    """All claims found, sums before units before dates; empty when there is nothing to check."""
    texts = [text for field in _FIELDS if _DIGIT.search(text := getattr(record, field))]
    if not texts:
        return ()
    return (
        *_sums(record),
        *_claims("units", record, texts, unit_claims),
        *_claims("date", record, texts, date_claims),
    )


def _sums(record: Record) -> Iterator[Verified]:
    wrong = [one for one in WRONG_ARITHMETIC.spots(record, CheckSettings()) if one.field in _FIELDS]
    for one in wrong[:_MOST]:
        text = getattr(record, one.field)
        yield Verified("arithmetic", "wrong", f"{text[one.start : one.end]}: {one.message}")
    for field in _FIELDS:
        text = getattr(record, field)
        for start, end in islice(right_sums(text), _MOST):
            yield Verified("arithmetic", "right", text[start:end])


def _claims(
    kind: Kind, record: Record, texts: list[str], find: Callable[[str], Iterator[Claim]]
) -> Iterator[Verified]:
    prompt = f"{record.instruction}\n{record.input}"
    for text in texts:
        for claim in islice(find(text), _MOST):
            if claim.words not in prompt:
                yield Verified(
                    kind, claim.status, f"{claim.words}: {claim.fact}" if claim.fact else claim.words
                )
