"""The pairs worth reading: the largest improvements and the worst failures, and why each is taken for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tunewright.coach.compare.detect import Detected, Found, weight_of
from tunewright.coach.compare.judging import Judged
from tunewright.coach.compare.ratings import Ratings
from tunewright.coach.compare.words import plural
from tunewright.coach.judge import Result
from tunewright.coach.revision import FIELDS, Revision

Kind = Literal["improvement", "failure", "change"]
MOST_CHARS = 6_000  # of one field, on the page; whole texts are in the data
_NOTHING: Found = frozenset()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about one pair: all that orders it and is said of it."""

    id: str
    is_changed: bool
    distance: int
    gain: float | None
    result: Result | None
    gone: Found
    new: Found
    severity: float  # of what went less of what came: positive is better


@dataclass(frozen=True, slots=True)
class Text:
    """One field of an example before and after. A long text is cut alike on both sides; `is_cut` says so."""

    field: str
    before: str
    after: str
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Example:
    """One pair to read. `why` are short sentences."""

    kind: Kind
    id: str
    why: tuple[str, ...]
    texts: tuple[Text, ...]


def evidence(
    pairs: Sequence[Revision],
    distances: Sequence[int],
    detected: Detected | None,
    ratings: Ratings | None,
    judged: Judged | None,
) -> list[Evidence]:
    """What is known about each pair, in their order. `distances` are those of `edit_statistics`."""
    severity_of = {row.name: row.severity for row in detected.detectors} if detected is not None else {}
    found = []
    for place, (pair, distance) in enumerate(zip(pairs, distances, strict=True)):
        old, new = (detected.before[place], detected.after[place]) if detected else (_NOTHING, _NOTHING)
        gone, come = old - new, new - old
        found.append(
            Evidence(
                id=pair.id,
                is_changed=bool(pair.changed),
                distance=distance,
                gain=ratings.main_gains.get(pair.id) if ratings is not None else None,
                result=judged.results.get(pair.id) if judged is not None else None,
                gone=gone,
                new=come,
                severity=weight_of(gone, severity_of) - weight_of(come, severity_of),
            )
        )
    return found


def examples(pairs: Sequence[Revision], known: Sequence[Evidence], *, most: int) -> list[Example]:
    """At most `most` improvements and as many failures, the clearest first; where nothing tells better from
    worse, the largest changes.

    The order is by what raters say, then the judge, then detectors, then the size of the change. A pair on
    which they disagree counts by the first that speaks.
    """
    by_id = {pair.id: pair for pair in pairs}
    changed = [one for one in known if one.is_changed]
    better = sorted((one for one in changed if _sign(one) > 0), key=_order, reverse=True)
    worse = sorted((one for one in changed if _sign(one) < 0), key=lambda one: _order(one, worse=True))
    found = [_example("improvement", one, by_id[one.id]) for one in better[:most]]
    found += [_example("failure", one, by_id[one.id]) for one in worse[:most]]
    if not found:
        largest = sorted(changed, key=lambda one: -one.distance)[:most]
        found = [_example("change", one, by_id[one.id]) for one in largest]
    return found


def _sign(one: Evidence) -> float:
    """Above 0 for better, below for worse, by the first that speaks."""
    points = {"win": 1.0, "tie": 0.0, "loss": -1.0, None: 0.0}[one.result]
    return one.gain or points or one.severity


def _order(one: Evidence, *, worse: bool = False) -> tuple[float, float, float, float]:
    points = {"win": 1.0, "tie": 0.0, "loss": -1.0, None: 0.0}[one.result]
    return (one.gain or 0.0, points, one.severity, -one.distance if worse else one.distance)


def _example(kind: Kind, one: Evidence, pair: Revision) -> Example:
    why = []
    if one.gain is not None:
        why.append(f"rating {one.gain:+.4g}".replace("-", "−") if one.gain else "rating unchanged")
    if one.result is not None:
        why.append(
            {"win": "the judge prefers it", "tie": "a tie", "loss": "the judge prefers the original"}[
                one.result
            ]
        )
    if one.gone:
        why.append(f"gone: {', '.join(sorted(one.gone))}")
    if one.new:
        why.append(f"new: {', '.join(sorted(one.new))}")
    why.append(
        f"{plural(one.distance, 'character')} changed"
        if one.distance
        else "text went from one field to another"
    )
    return Example(kind, one.id, tuple(why), tuple(_texts(pair)))


def _texts(pair: Revision) -> list[Text]:
    found = []
    for name in FIELDS:
        old, new = getattr(pair.original, name), getattr(pair.revised, name)
        if old or new:
            is_cut = max(len(old), len(new)) > MOST_CHARS
            found.append(Text(name, old[:MOST_CHARS], new[:MOST_CHARS], is_cut))
    return found


def rows(pairs: Sequence[Revision], known: Sequence[Evidence]) -> list[Mapping[str, object]]:
    """A row per pair for `pairs.jsonl`."""
    return [
        {
            "id": pair.id,
            "changed": list(pair.changed),
            "distance": one.distance,
            "chars": [len(pair.original.output), len(pair.revised.output)],
            "gain": one.gain,
            "judged": one.result,
            "gone": sorted(one.gone),
            "new": sorted(one.new),
        }
        for pair, one in zip(pairs, known, strict=True)
    ]
