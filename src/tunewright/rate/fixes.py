"""Safe repairs: changes of a record that cannot change what it means, and a memory of what was there.

Which these are, the detectors say (`Detector.fix`). They are applied over and over until nothing changes,
since one may bring out another: mended twice is mended once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tunewright.rate.detectors.detector import Detector, texts
from tunewright.records.record import Record

ORIGINAL = "original"


@dataclass(frozen=True, slots=True)
class Fix:
    """What one detector's repair did to one field."""

    field: str
    before: str
    after: str
    detector: str


def fix(record: Record, detectors: Sequence[Detector]) -> tuple[Record, list[Fix]]:
    """The repaired record and what was done; a record with nothing to repair comes back as it is.

    The first texts of the changed fields are kept in `meta["original"]`. Every repair shortens a text or
    turns a control character into another one, so it ends.
    """
    fixed, done = record, list[Fix]()
    changed = True
    while changed:
        changed = False
        for detector in detectors:
            if detector.fix is None:
                continue
            after = detector.fix(fixed)
            changes = _changes(fixed, after, detector.name)
            if changes:
                fixed, changed = after, True
                done += changes
    return (_with_original(fixed, done), done) if done else (record, [])


def _changes(before: Record, after: Record, detector: str) -> list[Fix]:
    if before == after:
        return []
    new = dict(texts(after))
    return [
        Fix(field, text, new.get(field, ""), detector)
        for field, text in texts(before)
        if new.get(field, "") != text
    ]


def _with_original(record: Record, done: Sequence[Fix]) -> Record:
    first: dict[str, str] = {}
    for change in done:
        first.setdefault(change.field, change.before)
    name, kept = ORIGINAL, record.meta.get(ORIGINAL)
    while kept is not None and not _is_ours(kept):  # a column of the file's own has that name
        name += "_text"
        kept = record.meta.get(name)
    return replace(record, meta={**record.meta, name: {**first, **(kept or {})}})


def _is_ours(kept: object) -> bool:
    return isinstance(kept, Mapping) and all(isinstance(value, str) for value in kept.values())
