"""Edits of words, and how many of them two people (or a coach and a person) make alike.

The measure is that of grammatical error correction (M2, Dahlmeier and Ng 2012): an edit is a place in the
original and what stands there instead; precision is the share of the coach's edits that the expert makes too,
recall the share of the expert's that the coach makes, and F0.5 weighs precision twice as much as recall.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tunewright.coach.alignment import fewest_changes
from tunewright.coach.revision import FIELDS, Field
from tunewright.records.record import Record

# Words with the marks inside them; runs of space; each sign by itself. Scripts written without spaces are
# taken character by character: as "words" their sentences would change as a whole.
_WORDS_AND_SIGNS = re.compile(
    r"[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]|[^\W_]+(?:['’-][^\W_]+)*|\s+|.", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Edit:
    """The parts `start` to `stop` of the original field (words, signs and spaces count) are now `text`."""

    field: Field
    start: int
    stop: int
    text: str


def words_and_signs(text: str) -> list[str]:
    """The parts of a text, which joined are that text."""
    return _WORDS_AND_SIGNS.findall(text)


def edits_between(before: Record, after: Record) -> frozenset[Edit]:
    """The edits of all fields that make `after` of `before`; none for equal texts."""
    return frozenset(
        edit for name in FIELDS for edit in _field_edits(name, getattr(before, name), getattr(after, name))
    )


@dataclass(frozen=True, slots=True)
class Agreement:
    """Counted edits of many records. Shares are None where there is nothing to share."""

    num_made: int
    num_wanted: int
    num_both: int

    @property
    def precision(self) -> float | None:
        return self.num_both / self.num_made if self.num_made else None

    @property
    def recall(self) -> float | None:
        return self.num_both / self.num_wanted if self.num_wanted else None

    @property
    def f_half(self) -> float | None:
        """F0.5 = 1.25·P·R / (0.25·P + R), from the counts; 0 when nothing agrees."""
        total = self.num_made + 0.25 * self.num_wanted
        return 1.25 * self.num_both / total if total else None


def agreement(pairs: list[tuple[frozenset[Edit], frozenset[Edit]]]) -> Agreement:
    """Of pairs of edits made and edits wanted, all records together (micro average)."""
    return Agreement(
        num_made=sum(len(made) for made, _ in pairs),
        num_wanted=sum(len(wanted) for _, wanted in pairs),
        num_both=sum(len(made & wanted) for made, wanted in pairs),
    )


def _field_edits(name: Field, before: str, after: str) -> list[Edit]:
    if before == after:
        return []
    old, new = words_and_signs(before), words_and_signs(after)
    return [
        Edit(name, start, stop, "".join(new[new_start:new_stop]))
        for start, stop, new_start, new_stop in fewest_changes(old, new)
    ]
