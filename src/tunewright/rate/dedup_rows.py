"""What the dedup stage reads and tells: its sources, the rows of `rejects.jsonl` and the summary."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tunewright.errors import DataError
from tunewright.records.digest import DataDigest
from tunewright.records.native import native_row
from tunewright.records.read import read_records
from tunewright.records.record import Record
from tunewright.records.reject import Reject
from tunewright.records.row import RowError, encode_json
from tunewright.run.files import disk_errors
from tunewright.run.progress import Progress

_BINS = 20  # of the scores, from 0 to 1; those below the threshold are left out
_NUM_EXAMPLES = 3
_Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """The records of one file or data set; `name` is what the user called it."""

    name: str
    records: list[Record]
    rejects: list[Reject]

    def digest(self) -> str:
        """Of what was read, wherever it lies."""
        digest = DataDigest()
        for record in self.records:
            digest.add(record)
        for reject in self.rejects:
            digest.reject(reject)
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Dropped:
    """A record, the one it is most like and the file of that, their ROUGE-L F1, and both texts compared."""

    record: Record
    other: Record
    file: str
    score: float
    texts: tuple[str, str]

    def row(self, by: str) -> _Row:
        """A row of `rejects.jsonl`: as those of other stages, and the whole record."""
        origin = self.record.origin
        return {
            "stage": "dedup",
            "file": origin.file if origin else "",
            "line": origin.line if origin else 0,
            "field": "" if by == "all" else by,
            "reason": "near-duplicate",
            "id": self.record.id,
            "like_id": self.other.id,
            "like_file": self.file,
            "score": self.score,
            "record": native_row(self.record, as_text=False),
        }


def read_source(name: str | Path, progress: Progress, *, format: str | None = None) -> Source:
    """All records of a source, and the rows that are none."""
    rejects: list[Reject] = []
    records = []
    progress.start(f"read {Path(name).name}", unit="records")
    for record in read_records(name, format=format, on_reject=rejects.append):
        records.append(record)
        progress.advance()
    progress.finish()
    return Source(str(name), records, rejects)


def write_rejects(path: Path, broken: Sequence[Reject], dropped: Sequence[Dropped], *, by: str) -> None:
    """First the rows that could not be read, then the dropped records in their order."""
    with disk_errors(path), path.open("wb") as stream:
        for row in _reject_rows(broken, dropped, by):
            try:
                stream.write(encode_json(row) + b"\n")
            except RowError as error:
                raise DataError(f"{path}: record {row['id']}: '{error.field}' {error.reason}") from None
        stream.flush()
        os.fsync(stream.fileno())


def _reject_rows(broken: Sequence[Reject], dropped: Sequence[Dropped], by: str) -> Iterator[_Row]:
    for reject in broken:
        yield {"stage": "read", **asdict(reject)}
    for found in dropped:
        yield found.row(by)


def summarise(
    dropped: Sequence[Dropped], num_records: int, *, files: Sequence[str], threshold: float
) -> dict[str, Any]:
    """Shares, scores and examples. `scores` counts the dropped by score, in steps of 1/20.

    `most_alike` are the pairs with the highest scores whose texts are not the same, character for character
    (of the same ones there may be many, and they show nothing), for each kept text at most one.
    """
    different = [found for found in dropped if found.texts[0] != found.texts[1]]
    unlike = {found.texts[1]: found for found in sorted(different, key=lambda found: found.score)}
    like = Counter(found.file for found in dropped)
    return {
        "dropped_share": len(dropped) / num_records,
        "dropped_same_text": len(dropped) - len(different),
        "dropped_other_input": sum(found.record.input != found.other.input for found in dropped),
        "dropped_by_file": {file: like[file] for file in files},
        "scores": _histogram(threshold, [found.score for found in dropped]),
        "most_alike": [
            {
                "score": found.score,
                "id": found.record.id,
                "text": found.texts[0],
                "like_id": found.other.id,
                "like_file": found.file,
                "like_text": found.texts[1],
            }
            for found in sorted(unlike.values(), key=lambda found: -found.score)[:_NUM_EXAMPLES]
        ],
    }


def by_cell(
    columns: Sequence[str], cells: Sequence[bytes], is_dropped: Sequence[bool]
) -> list[dict[str, Any]]:
    """Records and dropped ones of each cell, in the order in which cells first occur."""
    total = Counter(cells)
    dropped = Counter(cell for cell, gone in zip(cells, is_dropped, strict=True) if gone)
    return [
        {
            "cell": dict(zip(columns, json.loads(cell), strict=True)),
            "records": count,
            "dropped": dropped[cell],
        }
        for cell, count in total.items()
    ]


def _histogram(threshold: float, scores: Sequence[float]) -> list[dict[str, float | int]]:
    """How many scores are in (from, to]; the first bin may begin below the threshold."""
    counts = Counter(max(0, math.ceil(score * _BINS - 1e-9) - 1) for score in scores)
    first = math.floor(threshold * _BINS + 1e-9)
    return [{"from": i / _BINS, "to": (i + 1) / _BINS, "dropped": counts[i]} for i in range(first, _BINS)]
