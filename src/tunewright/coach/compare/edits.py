"""How much was changed: per field, in words, and by the distance of the whole texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunewright.coach.distance import field_distance, flat_distance
from tunewright.coach.revision import FIELDS, Revision
from tunewright.rate.summary import Share, share_of

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


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
    """All pairs together. Distances are in characters, over the changed pairs."""

    num_pairs: int
    changed: Share
    instruction_side: Share  # instruction or input changed
    fields: tuple[FieldEdits, ...]
    longer_chars: Share  # outputs that have more characters than before
    longer_words: Share
    numbers_in_input: tuple[str, ...]  # ids of pairs whose input has other numbers than before
    distance_quantiles: dict[str, float]
    distances: tuple[int, ...]


def edit_statistics(pairs: Sequence[Revision]) -> Edits:
    """The statistics of at least one pair."""
    assert pairs, "join raises when there is no pair"
    changed = [pair for pair in pairs if pair.changed]
    distances = tuple(distance(pair) for pair in changed)
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
        distance_quantiles=_quantiles(distances),
        distances=distances,
    )


def distance(pair: Revision) -> int:
    """Character Levenshtein distance of the flattened labelled texts, CoachLM's, plus that of explanations,
    which their form does not hold."""
    return flat_distance(pair) + field_distance(pair, "explanation")


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
    return _NUMBER.findall(old) != _NUMBER.findall(new)


def _quantiles(distances: Sequence[int]) -> dict[str, float]:
    if not distances:
        return {}
    names = {"p10": 10, "p25": 25, "median": 50, "p75": 75, "p90": 90, "max": 100}
    found = np.percentile(distances, list(names.values()))
    return {name: float(value) for name, value in zip(names, found, strict=True)}
