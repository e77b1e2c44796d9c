"""How much was changed: per field, in words, and by the distance of the whole texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import Levenshtein, Postfix, Prefix

from tunewright.coach.after.pieces import numbers
from tunewright.coach.forms.flat import flat_text
from tunewright.coach.revision import FIELDS, Revision
from tunewright.rate.summary import Share, share_of

# Of characters of the one text times those of the other, without what begins and ends alike: a second or so.
# Two rewritten texts of 1 MB would take minutes.
_MOST_CELLS = 10**10


@dataclass(frozen=True, slots=True)
class FieldEdits:
    """One field over all pairs; means are over all pairs, an absent text having no words."""

    field: str
    changed: Share
    num_added: int  # from nothing to a text
    num_removed: int  # from a text to nothing
    words_before: float
    words_after: float
    chars_before: float
    chars_after: float


@dataclass(frozen=True, slots=True)
class Edits:
    """All pairs together. Distances are in characters: `distances` has one per pair, the quantiles are of the
    changed pairs. Of `num_bounded` pairs the texts were too long, and it is not more than what is given.
    """

    num_pairs: int
    changed: Share
    instruction_side: Share  # instruction or input changed
    fields: tuple[FieldEdits, ...]
    longer_chars: Share  # outputs that have more characters than before
    longer_words: Share
    numbers_in_input: tuple[str, ...]  # ids of pairs whose input has other numbers than before
    distance_quantiles: dict[str, float]
    num_bounded: int
    distances: tuple[int, ...]


def edit_statistics(pairs: Sequence[Revision]) -> Edits:
    """The statistics of at least one pair."""
    assert pairs, "join raises when there is no pair"
    changed = [pair for pair in pairs if pair.changed]
    distances = [distance(pair) for pair in pairs]
    side = sum(bool({"instruction", "input"} & set(pair.changed)) for pair in pairs)
    outputs = [(pair.original.output, pair.revised.output) for pair in pairs]
    return Edits(
        num_pairs=len(pairs),
        changed=share_of(len(changed), len(pairs)),
        instruction_side=share_of(side, len(pairs)),
        fields=tuple(_field(name, pairs) for name in FIELDS if _occurs(name, pairs)),
        longer_chars=share_of(sum(len(new) > len(old) for old, new in outputs), len(pairs)),
        longer_words=share_of(sum(num_words(new) > num_words(old) for old, new in outputs), len(pairs)),
        numbers_in_input=tuple(pair.id for pair in pairs if _has_other_numbers(pair)),
        distance_quantiles=_quantiles(
            [one.chars for one, pair in zip(distances, pairs, strict=True) if pair.changed]
        ),
        num_bounded=sum(one.is_bound for one in distances),
        distances=tuple(one.chars for one in distances),
    )


@dataclass(frozen=True, slots=True)
class Distance:
    """Characters inserted, deleted or replaced; with `is_bound` at most so many."""

    chars: int
    is_bound: bool = False


def distance(pair: Revision) -> Distance:
    """Character Levenshtein distance of the flattened labelled texts, CoachLM's, plus that of explanations,
    which their form does not hold.

    It is 0 for an unchanged pair, and for a changed one whose text only went from one field to another in a
    way that the labelled line does not show. Long texts that differ all over have a bound instead.
    """
    if not pair.changed:
        return Distance(0)
    whole = _distance(flat_text(pair.original), flat_text(pair.revised))
    explanation = _distance(pair.original.explanation, pair.revised.explanation)
    return Distance(whole.chars + explanation.chars, whole.is_bound or explanation.is_bound)


def _distance(old: str, new: str) -> Distance:
    """The distance; of very long texts the length of what lies between their equal beginning and end."""
    if len(old) * len(new) <= _MOST_CELLS:
        return Distance(Levenshtein.distance(old, new))
    begin = Prefix.similarity(old, new)
    end = Postfix.similarity(old[begin:], new[begin:])
    rest = (len(old) - begin - end, len(new) - begin - end)
    if rest[0] * rest[1] <= _MOST_CELLS:
        return Distance(Levenshtein.distance(old, new))
    return Distance(max(rest), is_bound=True)


def num_words(text: str) -> int:
    """Words as they stand between spaces, as CoachLM counts them."""
    return len(text.split())


def _occurs(name: str, pairs: Sequence[Revision]) -> bool:
    return any(getattr(pair.original, name) or getattr(pair.revised, name) for pair in pairs)


def _field(name: str, pairs: Sequence[Revision]) -> FieldEdits:
    texts = [(getattr(pair.original, name), getattr(pair.revised, name)) for pair in pairs]
    total = len(pairs)
    return FieldEdits(
        field=name,
        changed=share_of(sum(old != new for old, new in texts), total),
        num_added=sum(not old.strip() and bool(new.strip()) for old, new in texts),
        num_removed=sum(bool(old.strip()) and not new.strip() for old, new in texts),
        words_before=sum(num_words(old) for old, _ in texts) / total,
        words_after=sum(num_words(new) for _, new in texts) / total,
        chars_before=sum(len(old) for old, _ in texts) / total,
        chars_after=sum(len(new) for _, new in texts) / total,
    )


def _has_other_numbers(pair: Revision) -> bool:
    """Whether task data changed: both inputs are there, and they do not hold the same numbers in the
    same order."""
    old, new = pair.original.input, pair.revised.input
    if not old.strip() or not new.strip() or old == new:
        return False
    return numbers(old) != numbers(new)


def _quantiles(distances: Sequence[int]) -> dict[str, float]:
    if not distances:
        return {}
    names = {"p10": 10, "p25": 25, "median": 50, "p75": 75, "p90": 90, "max": 100}
    found = np.percentile(distances, list(names.values()))
    return {name: float(value) for name, value in zip(names, found, strict=True)}
