"""Nested subsets: 17,000 ⊂ 50,000 ⊂ 70,000 from one order, each with the cells in the same proportions.

Every record gets a place in one order, and a subset of size k is its first k. So size is the only thing in
which two subsets differ, and a training curve over them shows what more data does.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from tunewright.errors import DataError
from tunewright.generate.grow.cells import Cell, cell_of_meta
from tunewright.generate.grow.finished import check_finished
from tunewright.generate.grow.unseen import Unseen, unseen
from tunewright.records.read import read_records
from tunewright.records.record import Record
from tunewright.records.write import write_records
from tunewright.run.files import write_json_atomic
from tunewright.run.folder import MANIFEST_FILE, STAGE_FILE
from tunewright.run.seeds import derive_seed

REPORT_FILE = "subsets.json"
RECORDS_FILE = "records.jsonl"


@dataclass(frozen=True, slots=True)
class Subset:
    """One subset: its file, size, and the farthest that any cell's count is from its ideal, in records."""

    file: str
    size: int
    sha256: str
    num_cells: int
    farthest_from_ideal: float


@dataclass(frozen=True, slots=True)
class Subsets:
    """All subsets of a data set, smallest first, and what the comparison with evaluation data found."""

    seed: int
    num_records: int
    num_left_out: int  # seen in the evaluation data
    subsets: tuple[Subset, ...]
    unseen: Unseen | None
    cleared: tuple[str, ...]  # files of an earlier call with other sizes, taken away


def subsets(
    data: str | Path,
    sizes: Sequence[int],
    out: str | Path | None = None,
    *,
    against: str | Path | None = None,
    threshold: float = 0.7,
    seed: int = 0,
) -> Subsets:
    """Write `subset-<size>.jsonl` for each size and `subsets.json` into `out`, by default the data's folder.

    `data` is a file of records or a folder with `records.jsonl`. Subsets hold records in its order. With
    `against`, records that would make the evaluation data there "seen" are left out first: see `unseen`.
    A folder holds the subsets of one call: files that an earlier one wrote are taken away.

    Raises DataError when a size is less than 1, given twice or larger than what is left, and when `out` holds
    subsets that were changed since or that no `subsets.json` tells of; RunFolderError when the data is a
    finished run's and not what the run wrote. Nothing is written then.
    """
    wanted = _checked(sizes)
    file, folder = _places(data, out)
    _check_run(Path(data))
    stale = _stale(folder, wanted, used=[file, *([against] if against is not None else [])])
    records = list(read_records(file))
    found = None
    if against is not None:
        found = unseen(records, list(read_records(against)), threshold=threshold)
        records = [record for record in records if record.id not in found.seen_ids]
    if wanted[-1] > len(records):
        left = f"{len(records):,} records" + (" that are unseen" if found is not None else "")
        asked = ", ".join(f"{size:,}" for size in wanted if size > len(records))
        raise DataError(f"{file} has {left}; too large for that: {asked}")
    order = nested_order(records, seed=seed)
    place_of = {number: place for place, number in enumerate(order)}
    folder.mkdir(parents=True, exist_ok=True)
    for path in stale:
        path.unlink()
    # First, so that after a kill the next call knows these files for its own; "" is a digest not known yet.
    planned = [{"file": _name(size), "sha256": ""} for size in wanted]
    write_json_atomic(folder / REPORT_FILE, {"is_done": False, "subsets": planned})
    written = []
    for size in wanted:
        path = folder / _name(size)
        chosen = [record for number, record in enumerate(records) if place_of[number] < size]
        write_records(chosen, path, format="native")
        written.append(_subset(path, chosen, records))
    num_left_out = len(found.seen_ids) if found is not None else 0
    cleared = tuple(path.name for path in stale)
    result = Subsets(seed, len(records), num_left_out, tuple(written), found, cleared)
    write_json_atomic(folder / REPORT_FILE, _report(result, against))
    return result


def _check_run(data: Path) -> None:
    """RunFolderError when the data is of a finished run and was cut or changed since."""
    folder = data if data.is_dir() else data.parent
    if (folder / STAGE_FILE).is_file() and (folder / MANIFEST_FILE).is_file():
        check_finished(folder)


def _checked(sizes: Sequence[int]) -> list[int]:
    """The sizes, smallest first."""
    if not sizes:
        raise DataError("no sizes were given; name one or more, e.g. 17000,50000")
    for size in sizes:
        if size < 1:
            raise DataError(f"the size {size:,} is none; a subset has at least 1 record")
        if sizes.count(size) > 1:
            raise DataError(f"the size {size:,} is given {sizes.count(size)} times; give each size once")
    return sorted(sizes)


def _name(size: int) -> str:
    return f"subset-{size}.jsonl"


def _stale(folder: Path, sizes: Sequence[int], *, used: Sequence[str | Path]) -> list[Path]:
    """The subsets in `folder` that an earlier call wrote.

    DataError for one that was changed since, that `subsets.json` does not tell of, or that this call reads.
    """
    known = _digests(folder / REPORT_FILE)
    reads = {Path(one).resolve() for one in used}
    found = sorted(path for path in folder.glob("subset-*.jsonl") if path.is_file())
    for path in found:
        if path.resolve() in reads:
            raise DataError(f"{path} is read here and would be replaced; give another folder with --out")
        if path.name not in known:
            raise DataError(f"{path} is not from this command; move it or give another folder with --out")
        if known[path.name] and hashlib.sha256(path.read_bytes()).hexdigest() != known[path.name]:
            raise DataError(f"{path} was changed since it was cut; move it or give another folder with --out")
    return [path for path in found if path.name not in {_name(size) for size in sizes}]


def _digests(report: Path) -> dict[str, str]:
    """File name → SHA-256 of the subsets that the report tells of; empty when there is no such report."""
    try:
        rows = json.loads(report.read_text(encoding="utf-8"))["subsets"]
        return {str(row["file"]): str(row["sha256"]) for row in rows}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}


def nested_order(records: Sequence[Record], *, seed: int) -> list[int]:
    """The places of the records in one order of which every beginning is stratified by cell.

    Within a cell a seeded hash of the id decides, so the order of the file does not matter. Across cells it
    is Tijdeman's chairman assignment (Discrete Mathematics 32, 1980): with k records taken, a cell of m among
    n should have k·m/n, and with c cells its count is off by at most 1 - 1/(2c - 2), for every k at once.
    Taking each record at the middle of its interval is not as good: many cells of one record would all be
    due halfway.
    """
    by_cell: dict[Cell, list[int]] = {}
    for number, record in enumerate(records):
        by_cell.setdefault(cell_of_meta(record.meta), []).append(number)
    slack = Fraction(1, max(1, 2 * len(by_cell) - 2))
    jobs: list[tuple[int, Fraction, int, int]] = []  # first place allowed, deadline, tie-breaker, record
    for cell, numbers in by_cell.items():
        group = cell.group
        tie = derive_seed(seed, "cell", group.skill, group.level, group.task, group.form, cell.topic)
        numbers.sort(key=lambda number: derive_seed(seed, "subset", records[number].id))
        step = Fraction(len(records), len(numbers))
        for taken, number in enumerate(numbers):
            allowed = math.ceil((taken + slack) * step) if len(by_cell) > 1 else taken + 1
            jobs.append((allowed, (taken + 1 - slack) * step, tie, number))
    return list(_by_deadline(sorted(jobs)))


def _by_deadline(jobs: Sequence[tuple[int, Fraction, int, int]]) -> Iterator[int]:
    """At each place, of the records that are allowed there, the one with the earliest deadline."""
    waiting: list[tuple[Fraction, int, int]] = []
    upcoming = 0
    for place in range(1, len(jobs) + 1):
        while upcoming < len(jobs) and jobs[upcoming][0] <= place:
            heapq.heappush(waiting, jobs[upcoming][1:])
            upcoming += 1
        assert waiting, "the theorem: there is always one"
        yield heapq.heappop(waiting)[2]


def _subset(path: Path, chosen: Sequence[Record], records: Sequence[Record]) -> Subset:
    all_counts, counts = _counts(records), _counts(chosen)
    share = len(chosen) / len(records)
    farthest = max(abs(counts.get(cell, 0) - share * number) for cell, number in all_counts.items())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Subset(path.name, len(chosen), digest, len(counts), round(farthest, 6))


def _counts(records: Sequence[Record]) -> dict[Cell, int]:
    counts: dict[Cell, int] = {}
    for cell in _cells(records):
        counts[cell] = counts.get(cell, 0) + 1
    return counts


def _cells(records: Sequence[Record]) -> Iterator[Cell]:
    return (cell_of_meta(record.meta) for record in records)


def _places(data: str | Path, out: str | Path | None) -> tuple[Path, Path]:
    data = Path(data)
    file = data / RECORDS_FILE if (data / RECORDS_FILE).is_file() else data
    return file, Path(out) if out is not None else file.parent / "subsets"


def _report(result: Subsets, against: str | Path | None) -> dict[str, Any]:
    found = {"is_done": True} | asdict(result)
    if result.unseen is not None:
        found["unseen"] |= {"against": str(against)}
    return found
