"""What other files say of the same records: drafts and findings, joined to the items by their ids.

An id that two records have joins nothing: which of them a draft is for cannot be told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tunewright.coach.read_revisions import read_revisions
from tunewright.errors import DataError
from tunewright.records.ids import Repeat
from tunewright.records.read import OnReject, read_records
from tunewright.review.exchange.kinds import Kind, what_is
from tunewright.review.exchange.runs import (
    Draft,
    draft_of_record,
    drafts_of_run,
    findings_of_check,
    findings_of_rating,
)
from tunewright.review.model import Finding
from tunewright.review.store.queues import NewItem


@dataclass(frozen=True, slots=True)
class Drafts:
    """Drafts by record id. `repeats` are those records of their file whose id an earlier one has."""

    name: str
    by_id: Mapping[str, Draft]
    repeats: Mapping[str, Repeat] = field(default_factory=dict)


def drafts_of(source: str | Path, on_reject: OnReject | None) -> Drafts:
    """The drafts of a revise run, of revisions, or of records with the same ids."""
    kind = what_is(source)
    repeats: dict[str, Repeat] = {}

    def on_repeat(repeat: Repeat) -> None:
        repeats.setdefault(repeat.id, repeat)

    if kind is Kind.REVISE_RUN:
        by_id = drafts_of_run(Path(source))
    elif kind is Kind.REVISIONS:
        revisions = read_revisions(source, on_reject=on_reject, on_repeat=on_repeat)
        by_id = {revision.id: draft_of_record(revision.revised) for revision in revisions}
    elif kind is Kind.RECORDS:
        records = read_records(source, on_reject=on_reject, on_repeat=on_repeat)
        by_id = {record.id: draft_of_record(record) for record in records}
    else:
        raise DataError(f"{source}: is {kind.value}; drafts come from a revise run, revisions or records")
    return Drafts(str(source), by_id, repeats)


def with_drafts(items: Iterator[NewItem], drafts: Drafts, repeats: Mapping[str, Repeat]) -> Iterator[NewItem]:
    """The items, each with its draft. `repeats`, by the id each was kept under, fills as `items` is read.

    DataError: no draft fits, or a draft fits two records, or two drafts one.
    """
    num_joined = 0
    for item in items:
        _check_one_to_one(item.key, drafts, repeats)
        draft = drafts.by_id.get(item.key)
        if draft is None:
            yield item
            continue
        num_joined += 1
        texts = draft.texts
        if texts is not None:  # a coach does not revise the system message, and a run's rows leave it out
            texts = {**texts, "system": texts.get("system") or item.original.get("system", "")}
        yield replace(
            item,
            draft=texts,
            draft_reason=draft.reason,
            findings=(*item.findings, *draft.findings),
            lineage={**item.lineage, **(draft.lineage or {})},
        )
    if not num_joined:
        raise DataError(f"{drafts.name}: holds no draft of any of these items; the ids are of other records")


def _check_one_to_one(key: str, drafts: Drafts, repeats: Mapping[str, Repeat]) -> None:
    here = repeats.get(key)
    there = drafts.repeats.get(here.id if here is not None else key)
    if there is not None:
        raise DataError(
            f"{there.file}:{there.line}: the id {there.id!r} is that of an earlier draft too, and a record "
            "here has it: which draft is the record's cannot be told; give each an id of its own"
        )
    # A run over the same data met the same two records, and named the second as we do: those do fit.
    if here is not None and here.id in drafts.by_id and key not in drafts.by_id:
        raise DataError(
            f"{here.file}:{here.line}: the id {here.id!r} is that of an earlier record too, and "
            f"{drafts.name} has one draft for it: whose it is cannot be told; give each an id of its own"
        )


def findings_in(path: Path) -> dict[str, tuple[Finding, ...]]:
    """What a check run or a rate run found, by record id."""
    if not path.exists():
        raise DataError(f"{path}: no such folder; findings come from a check run or a rate run")
    kind = what_is(path)
    if kind is Kind.CHECK_RUN:
        return findings_of_check(path)
    if kind is Kind.RATE_RUN:
        return findings_of_rating(path)
    raise DataError(f"{path}: is {kind.value}; findings come from a check run or a rate run")


def with_findings(
    items: Iterator[NewItem], known: Mapping[str, tuple[Finding, ...]], name: str
) -> Iterator[NewItem]:
    """The items with what was found in them. No finding at all is good news; other records' are a mistake."""
    keys = set()
    for item in items:
        if item.key in known:
            keys.add(item.key)
        yield with_found(item, known.get(item.key, ()))
    if known and not keys:
        raise DataError(f"{name}: has findings, but of none of these items; the ids are of other records")


def with_found(item: NewItem, findings: tuple[Finding, ...]) -> NewItem:
    """The item with more findings. A place outside its text (it was of another version) is the whole."""
    good = tuple(
        finding
        if 0 <= finding.start <= finding.end <= len(item.original.get(finding.field, ""))
        else replace(finding, start=0, end=0)
        for finding in findings
    )
    return replace(item, findings=(*item.findings, *good)) if good else item
