"""The exam of a coach: what it makes of records whose best version is known.

Revisions that people made are put to it, and records that are good as they are. Every question and every
score is of one record, so that two coaches, or a coach and doing nothing, are compared record by record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rapidfuzz.distance import Levenshtein

from tunewright.coach.edits import Agreement, Edit, agreement, edits_between
from tunewright.coach.planted import FAULTS, Fault, is_repaired, is_worse
from tunewright.coach.revision import FIELDS, Revision, changed_fields
from tunewright.rate.summary import Interval, Share, mean_interval, share_of
from tunewright.records.record import Record

Kind = Literal["revision", "good"]


@dataclass(frozen=True, slots=True)
class Question:
    """A record for the coach, and the version that it is measured against. `fault` is the planted one."""

    kind: Kind
    original: Record
    expert: Record
    fault: Fault | None = None


def questions_of(revisions: Iterable[Revision], *, good: bool) -> Iterator[Question]:
    """Each revision as a question; with `good` the expert's version too, which should stay as it is."""
    for revision in revisions:
        if revision.changed:
            yield Question("revision", revision.original, revision.revised, _fault_of(revision))
        if good or not revision.changed:
            yield Question("good", revision.revised, revision.revised)


def _fault_of(revision: Revision) -> Fault | None:
    """The planted fault that the revision names; people's data may have a column of that name too."""
    named = revision.meta.get("fault")
    is_item = isinstance(revision.revised.meta.get("options"), list) and "key" in revision.revised.meta
    return next((fault for fault in FAULTS if is_item and fault == named), None)


@dataclass(frozen=True, slots=True)
class Mark:
    """What became of one question. Distances are characters (Levenshtein, summed over the fields) to the
    expert's version: of the original, and of the coach's. `reason` says why a reply was not used."""

    question: Question
    reason: str
    is_changed: bool
    is_exact: bool
    distance_before: int
    distance_after: int
    is_repaired: bool | None
    is_harmed: bool | None
    made: frozenset[Edit]
    wanted: frozenset[Edit]


def mark(question: Question, proposal: Record | None, *, reason: str = "") -> Mark:
    """The mark for the coach's proposal; without one the record stays as it was."""
    original, expert = question.original, question.expert
    after = original if proposal is None else proposal
    fault = question.fault
    return Mark(
        question=question,
        reason=reason if proposal is None else "",
        is_changed=bool(changed_fields(original, after)),
        is_exact=not changed_fields(after, expert),
        distance_before=_distance(original, expert),
        distance_after=_distance(after, expert),
        is_repaired=None if fault is None else is_repaired(expert, fault, after),
        is_harmed=None if fault is None else is_worse(expert, original, after),
        made=edits_between(original, after),
        wanted=edits_between(original, expert),
    )


@dataclass(frozen=True, slots=True)
class Report:
    """One coach's marks, summed up. `moved` is the mean of characters that the coach came nearer to the
    expert's version (negative: further away), per revision. `kept` are good records that came out as they
    were, also by a reply that could not be used; `kept_by_reply` those that a usable reply left alone."""

    num_questions: int
    invalid: dict[str, int]
    exact: Share
    nearer: Share
    further: Share
    moved: float | None
    moved_interval: Interval | None
    distance_before: float | None
    distance_after: float | None
    edits: Agreement
    kept: Share
    kept_by_reply: Share
    repaired: Share | None
    harmed: Share | None
    repaired_by_fault: dict[str, Share]


def report(marks: Sequence[Mark]) -> Report:
    """All shares with 95 % Wilson intervals, the mean with a bootstrap interval over records."""
    revisions = [one for one in marks if one.question.kind == "revision"]
    good = [one for one in marks if one.question.kind == "good"]
    planted = [one for one in revisions if one.question.fault is not None]
    moves = [one.distance_before - one.distance_after for one in revisions]
    faults = sorted({str(one.question.fault) for one in planted})
    return Report(
        num_questions=len(marks),
        invalid=_counts(one.reason for one in marks if one.reason),
        exact=_share(one.is_exact for one in revisions),
        nearer=_share(move > 0 for move in moves),
        further=_share(move < 0 for move in moves),
        moved=_mean(moves),
        moved_interval=mean_interval(moves),
        distance_before=_mean([one.distance_before for one in revisions]),
        distance_after=_mean([one.distance_after for one in revisions]),
        edits=agreement([(one.made, one.wanted) for one in revisions]),
        kept=_share(not one.is_changed for one in good),
        kept_by_reply=_share(not one.is_changed and not one.reason for one in good),
        repaired=_share(bool(one.is_repaired) for one in planted) if planted else None,
        harmed=_share(bool(one.is_harmed) for one in planted) if planted else None,
        repaired_by_fault={
            fault: _share(bool(one.is_repaired) for one in planted if one.question.fault == fault)
            for fault in faults
        },
    )


def mark_row(one: Mark) -> dict[str, Any]:
    """A mark as a row for a file; the texts stay where they are."""
    return {
        "id": one.question.original.id,
        "kind": one.question.kind,
        "fault": one.question.fault,
        "reason": one.reason,
        "changed": one.is_changed,
        "exact": one.is_exact,
        "distance_before": one.distance_before,
        "distance_after": one.distance_after,
        "repaired": one.is_repaired,
        "harmed": one.is_harmed,
        "edits_made": len(one.made),
        "edits_wanted": len(one.wanted),
        "edits_both": len(one.made & one.wanted),
    }


def _distance(one: Record, other: Record) -> int:
    return sum(Levenshtein.distance(getattr(one, name), getattr(other, name)) for name in FIELDS)


def _share(values: Iterable[bool]) -> Share:
    known = list(values)
    return share_of(sum(known), len(known))


def _mean(values: Sequence[int]) -> float | None:
    return sum(values) / len(values) if values else None


def _counts(reasons: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for reason in sorted(reasons):
        counts[reason] = counts.get(reason, 0) + 1
    return counts
