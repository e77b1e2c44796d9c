"""Revisions as they can be used: read, with known damage mended or refused, each by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tunewright.coach.damage import Finding, find_damage, known_originals
from tunewright.coach.read_revisions import read_revisions
from tunewright.coach.revision import Revision
from tunewright.coach.write_revisions import pair_row
from tunewright.errors import DataError
from tunewright.rate.passes import ignore
from tunewright.records.digest import DataDigest
from tunewright.records.read import read_records
from tunewright.records.record import Record
from tunewright.records.reject import Reject
from tunewright.records.row import RowError, encode_json
from tunewright.run.files import write_text_atomic
from tunewright.run.progress import Progress


@dataclass(frozen=True, slots=True)
class Read:
    """All revisions in order, mended where they could be; the broken rows; the damaged ones by number."""

    revisions: list[Revision]
    broken: list[Reject]
    findings: dict[int, Finding]
    digest: str

    def is_refused(self, number: int) -> bool:
        found = self.findings.get(number)
        return found is not None and found.outcome == "refused"


def read_mended(
    source: str | Path,
    *,
    format: str | None = None,
    after: str | Path | None = None,
    originals: str | Path | None = None,
    progress: Progress | None = None,
) -> Read:
    """All revisions of a file (or of the data sets `source` and `after`), with known damage repaired.

    `originals` are records to look up what damage has taken.
    """
    progress = progress or Progress()
    known = known_originals(read_records(originals, on_reject=ignore)) if originals is not None else {}
    revisions: list[Revision] = []
    broken: list[Reject] = []
    findings: dict[int, Finding] = {}
    digest = DataDigest()
    progress.start(f"read {Path(source).name}", unit="revisions")
    for revision in read_revisions(source, format=format, after=after, on_reject=broken.append):
        # the digest is of what is chosen from, so it holds repairs and with them all that `originals` changes
        found = find_damage(revision, known)
        if found is not None:
            findings[len(revisions)] = found
            revision = found.repaired or revision
        digest.add(revision.original)
        digest.add(revision.revised)
        digest.add(Record(revision.id, "", "", meta=revision.meta))
        revisions.append(revision)
        progress.advance()
    for reject in broken:
        digest.reject(reject)
    progress.finish()
    return Read(revisions, broken, findings, digest.hexdigest())


def write_rejects(path: Path, read: Read, more: Iterable[Reject] = ()) -> None:
    """First the rows that could not be read, then refused damage with the whole revision, then `more`."""
    rows: list[dict[str, Any]] = [{"stage": "read", **asdict(reject)} for reject in read.broken]
    for found in read.findings.values():
        if found.outcome == "refused":
            origin = found.revision.original.origin
            place = (
                {"file": origin.file, "line": origin.line} if origin is not None else {"file": "", "line": 0}
            )
            rows.append({"stage": "damage", **place, **found.row(), "revision": pair_row(found.revision)})
    rows += [{"stage": "use", **asdict(reject)} for reject in more]
    _write_rows(path, rows)


def write_repaired(path: Path, read: Read) -> None:
    """Each mended revision, as it was and as it is."""
    _write_rows(
        path,
        (
            found.row() | {"before": pair_row(found.revision), "after": pair_row(found.repaired)}
            for found in read.findings.values()
            if found.repaired is not None
        ),
    )


def _write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    try:
        write_text_atomic(path, b"".join(encode_json(row) + b"\n" for row in rows).decode())
    except RowError as error:
        raise DataError(f"{path}: '{error.field}' {error.reason}") from None
