"""What runs of other stages have to say of records: the coach's drafts, the detectors' findings, ratings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.coach.results import MEANINGS, REVISIONS_FILE
from tunewright.errors import DataError
from tunewright.rate.check import FINDINGS_FILE, FIXES_FILE, RECORDS_FILE, SUMMARY_FILE
from tunewright.rate.results import RATINGS_FILE
from tunewright.records.native import NAME as NATIVE
from tunewright.records.read import OnReject, read_records
from tunewright.records.record import Record
from tunewright.review.exchange.foreign import item_of_record, texts_of
from tunewright.review.model import TEXT_FIELDS, Finding
from tunewright.review.store.queues import NewItem
from tunewright.run.files import read_jsonl
from tunewright.run.folder import read_manifest

RECORDS = RECORDS_FILE


@dataclass(frozen=True, slots=True)
class Draft:
    """The coach's texts for a record, None where it has none that can be shown, and why."""

    texts: Mapping[str, str] | None
    reason: str
    findings: tuple[Finding, ...] = ()
    lineage: Mapping[str, Any] | None = None


def revised_items(folder: Path, *, on_reject: OnReject | None) -> Iterator[NewItem]:
    """The records of a `tunewright revise` run as they were before the coach, each with its draft.

    `records.jsonl` has the rest of the record: columns, earlier turns, the system message."""
    key = str(read_manifest(folder).get("meta_key", "revision"))
    rows = read_jsonl(_file(folder, REVISIONS_FILE, "revise"))
    records = read_records(_file(folder, RECORDS, "revise"), format=f"{NATIVE}.jsonl", on_reject=on_reject)
    for record in records:
        row = next(rows, None)
        while row is not None and row["id"] != record.id:  # a broken record was left out, its row was not
            row = next(rows, None)
        if row is None:
            raise DataError(
                f"{folder}: {RECORDS} and {REVISIONS_FILE} are not of one run (record {record.id})"
            )
        item = item_of_record(record, lineage=lineage_of_run(folder))
        draft = _draft(row, record.system, note=record.meta.get(key))
        yield NewItem(
            key=item.key,
            original={**item.original, **{name: row["original"][name] for name in row["original"]}},
            draft=draft.texts,
            draft_reason=draft.reason,
            findings=draft.findings,
            history=item.history,
            meta={name: value for name, value in record.meta.items() if name != key},
            lineage={**item.lineage, **(draft.lineage or {})},
        )


def drafts_of_run(folder: Path) -> dict[str, Draft]:
    """The drafts of a `tunewright revise` run by record id."""
    rows = read_jsonl(_file(folder, REVISIONS_FILE, "revise"))
    return {str(row["id"]): _draft(row, None, note=None) for row in rows}


def findings_of_check(folder: Path) -> dict[str, tuple[Finding, ...]]:
    """What the detectors of a `tunewright check` run found, by record id.

    What --fix has mended is left out. Places in a text that a repair has changed cannot be told any more, so
    what is left there is about the whole field.
    """
    fixed: dict[str, set[tuple[str, str]]] = {}
    if (folder / FIXES_FILE).is_file():
        for row in read_jsonl(folder / FIXES_FILE):
            fixed.setdefault(str(row["id"]), set()).add((str(row["detector"]), str(row["field"])))
    found = {}
    for row in read_jsonl(_file(folder, FINDINGS_FILE, "check")):
        record_id = str(row["id"])
        done = fixed.get(record_id, set())
        moved = {field for _, field in done}
        found[record_id] = tuple(
            Finding(
                field=one["field"],
                label=one["detector"],
                message=f"{one['severity']}: {one['message']}",
                start=0 if one["field"] in moved else one["start"],
                end=0 if one["field"] in moved else one["end"],
            )
            for one in row["findings"]
            if (one["detector"], one["field"]) not in done
        )
    return found


def findings_of_rating(folder: Path) -> dict[str, tuple[Finding, ...]]:
    """What a `tunewright rate` run says of each criterion, by record id: the score and the rater's reason."""
    found = {}
    for row in read_jsonl(_file(folder, RATINGS_FILE, "rate")):
        found[str(row["id"])] = tuple(
            Finding(_field_of(key), key, f"{one['score']:g}: {one['reason']}".removesuffix(": "))
            for key, one in row["criteria"].items()
            if one["status"] == "rated"
        )
    return found


def data_of_check(folder: Path) -> Path:
    """The data that a `tunewright check` run looked at: its own repaired records, else what it was given.

    DataError when that is no longer there."""
    own = folder / RECORDS
    if own.is_file():
        return own
    file = _file(folder, SUMMARY_FILE, "check")
    summary = json.loads(file.read_text(encoding="utf-8"))
    data = Path(str(summary.get("data", "")))
    if not summary.get("data") or not data.exists():
        raise DataError(
            f"{folder}: the data that was checked ({summary.get('data', 'not named')}) is not there; "
            "name the data itself, and this folder as --findings"
        )
    return data


def lineage_of_run(folder: Path) -> dict[str, Any]:
    """What the life of a record shows of the run it comes from."""
    manifest = read_manifest(folder)
    named = ("stage", "finished", "model", "coach", "data")
    return {"run": {"folder": str(folder), **{name: manifest[name] for name in named if manifest.get(name)}}}


def _draft(row: Mapping[str, Any], system: str | None, *, note: Any) -> Draft:
    proposal, status = row["proposal"], row["status"]
    reason = MEANINGS.get(status, status)
    if row["reason"]:
        reason = f"{reason}: {row['reason']}"
    if row["detail"]:
        reason = f"{reason} ({row['detail']})"
    flags = tuple(
        Finding(
            flag["field"],
            flag["kind"],
            f"{flag['detail']}: {flag['before']} → {flag['after']}",
            of_draft=True,
        )
        for flag in row["flags"]
    )
    texts = None
    if proposal is not None:
        texts = dict.fromkeys(TEXT_FIELDS, "") | dict(proposal)
        if system is not None:
            texts["system"] = system
    coach = {"status": status, "reason": row["reason"], "decision": row["decision"]}
    if isinstance(note, Mapping):
        coach |= {name: note[name] for name in ("coach", "scores") if name in note}
    return Draft(texts, reason if status != "revised" else "", flags, {"coach": coach})


def draft_of_record(record: Record) -> Draft:
    """A record of another data set as the draft of its namesake."""
    return Draft(texts_of(record), "")


def _field_of(criterion: str) -> str:
    """The field that a criterion's side is written in."""
    side = criterion.partition(".")[0]
    return side if side in TEXT_FIELDS else "output"


def _file(folder: Path, name: str, stage: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise DataError(f"{folder}: holds no {name}; name the folder of a finished `tunewright {stage}` run")
    return path
