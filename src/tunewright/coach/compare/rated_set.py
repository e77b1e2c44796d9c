"""Whether a rating's folder rated the set it is given for: two folders exchanged turn every gain around."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewright.coach.compare.join import RECORDS_FILE, Joined, Side
from tunewright.coach.judge import is_same
from tunewright.errors import DataError
from tunewright.records.read import read_records
from tunewright.records.record import Record
from tunewright.records.reject import Reject


def is_rating_of(folder: Path, manifest: Mapping[str, Any], joined: Joined, *, side: Side) -> bool:
    """Whether the texts that were rated are known to be those of `side`; False where it cannot be told.

    They are when the rating's manifest has the digest of the set, or of the run whose folder stands for it,
    or when the records that the rating wrote have the texts of the set. DataError when they have others.
    """
    digests = {side.digest}
    if side.manifest is not None and side.manifest["stage"] == "rate":
        digests.add(side.manifest["inputs"]["data"])  # a rating's folder: its records carry scores by now
    if manifest["inputs"].get("data") in digests:
        return True
    file = folder / RECORDS_FILE
    if not file.is_file():
        return False
    ours = {record.id: record for record in side.records}
    rated = {record.id: record for record in read_records(file, on_reject=_ignore) if record.id in ours}
    wrong = [id for id, record in rated.items() if not is_same(record, ours[id])]
    if wrong:
        raise DataError(_said(folder, rated, wrong, joined, side))
    return bool(rated)


def _said(folder: Path, rated: Mapping[str, Record], wrong: list[str], joined: Joined, side: Side) -> str:
    """What is wrong, and whether the folder is the other set's."""
    name, other_name, other = (
        ("BEFORE", "AFTER", joined.after) if side is joined.before else ("AFTER", "BEFORE", joined.before)
    )
    theirs = {record.id: record for record in other.records}
    text = (
        f"{folder}: is no rating of {name} ({side.source}): of {len(wrong):,} of {len(rated):,} records it "
        f"rated another text, such as that of {wrong[0]}"
    )
    if all(id in theirs and is_same(record, theirs[id]) for id, record in rated.items()):
        return f"{text}. It is one of {other_name}; are the two folders exchanged, or is one given twice?"
    return f"{text}. Rate {name} as it is now, and name that folder"


def _ignore(reject: Reject) -> None:
    """A row that cannot be read has no rating either."""
