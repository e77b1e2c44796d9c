"""What became of each record of a set that was revised: its note in `meta`, its row, and the counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from tunewright.coach.accept import Decision
from tunewright.coach.after import Flag, Verified
from tunewright.coach.proposal import Proposal
from tunewright.coach.revision import FIELDS, Field, changed_fields, with_texts
from tunewright.records.record import Record

REVISIONS_FILE = "revisions.jsonl"

Status = Literal["revised", "unchanged", "rejected", "fell_back", "too_long", "left_alone"]
STATUSES: tuple[Status, ...] = get_args(Status)
MEANINGS: Mapping[Status, str] = {
    "revised": "has the coach's texts",
    "unchanged": "the coach found nothing to change",
    "rejected": "a valid revision that the policy did not accept",
    "fell_back": "the reply was no usable revision",
    "too_long": "does not fit into the model",
    "left_alone": "the coach was trained on it",
}


@dataclass(frozen=True, slots=True)
class Result:
    """One record's end. `reason` is empty for `revised` and `unchanged`; `proposal` is what the coach made
    of it, None where it was not asked. Flags and verified answers are of proposals that change something."""

    original: Record
    status: Status
    reason: str = ""
    detail: str = ""
    proposal: Proposal | None = None
    decision: Decision | None = None
    flags: tuple[Flag, ...] = ()
    verified_before: tuple[Verified, ...] = ()
    verified_after: tuple[Verified, ...] = ()

    @property
    def proposed(self) -> Record | None:
        return None if self.proposal is None else self.proposal.revised

    @property
    def record(self) -> Record:
        """The record as it goes on: with the proposed texts when it was revised, else with its own."""
        if self.status != "revised":
            return self.original
        assert self.proposed is not None, "a revised record has a proposal"
        return with_texts(self.original, {name: getattr(self.proposed, name) for name in FIELDS})

    @property
    def proposed_changes(self) -> tuple[Field, ...]:
        """The fields that the proposal changes, accepted or not."""
        return () if self.proposed is None else changed_fields(self.original, self.proposed)

    def note(self, *, coach: str) -> dict[str, Any]:
        """What the record carries in `meta`. Of a revised record the texts as they were, of a rejected one
        those that were proposed; the fields that are not named are the same in both."""
        note: dict[str, Any] = {
            "status": self.status,
            "reason": self.reason,
            "changed": list(self.proposed_changes) if self.status == "revised" else [],
            "flags": [asdict(flag) for flag in self.flags],
            "coach": coach,
        }
        if self.verified_before or self.verified_after:
            note["verified"] = self._verified()
        if self.decision is not None:
            note["scores"] = dict(self.decision.scores)
        if self.status == "revised":
            note["original"] = {name: getattr(self.original, name) for name in self.proposed_changes}
        if self.status == "rejected":
            note["proposal"] = {name: getattr(self.proposed, name) for name in self.proposed_changes}
        return note

    def to_row(self) -> dict[str, Any]:
        """The row of `revisions.jsonl`: everything, with the raw text of a reply that could not be used."""
        proposal, decision = self.proposal, self.decision
        return {
            "id": self.original.id,
            "status": self.status,
            "reason": self.reason,
            "detail": self.detail,
            "changed": list(self.proposed_changes),
            "original": _texts(self.original),
            "proposal": None if self.proposed is None else _texts(self.proposed),
            "raw": "" if proposal is None else proposal.raw,
            "num_calls": 0 if proposal is None else proposal.num_calls,
            "flags": [asdict(flag) for flag in self.flags],
            "verified": self._verified(),
            "decision": None
            if decision is None
            else {
                "accepted": decision.accepted,
                "reason": decision.reason,
                "scores": dict(decision.scores),
            },
        }

    def _verified(self) -> dict[str, Any]:
        return {
            "before": [asdict(one) for one in self.verified_before],
            "after": [asdict(one) for one in self.verified_after],
        }


class Tally:
    """Counts results as they go by; every record is in exactly one status."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.num_unanswered = 0
        self._reasons: dict[str, Counter[str]] = {}
        self._fields: Counter[str] = Counter()
        self._flags: Counter[str] = Counter()
        self._num_flagged = 0
        self._verified: Counter[tuple[str, str, str]] = Counter()

    def add(self, result: Result) -> None:
        self.statuses[result.status] += 1
        if result.reason:
            self._reasons.setdefault(result.status, Counter())[result.reason] += 1
        # by the coach, or by the model of a policy, as in "rating unanswered"
        self.num_unanswered += result.reason.endswith("unanswered")
        for when, verified in (("before", result.verified_before), ("after", result.verified_after)):
            self._verified.update((when, one.kind, one.status) for one in verified)
        if result.status == "revised":
            self._fields.update(result.proposed_changes)
            self._flags.update({flag.kind for flag in result.flags})
            self._num_flagged += bool(result.flags)

    @property
    def num_records(self) -> int:
        return self.statuses.total()

    def summary(self) -> dict[str, Any]:
        """`statuses` add up to `num_records`, and the `reasons` of a status to its count (where it has any).
        Fields and flags count revised records; a record with two flags of a kind counts once."""
        verified: dict[str, dict[str, dict[str, int]]] = {"before": {}, "after": {}}
        for (when, kind, status), count in sorted(self._verified.items()):
            verified[when].setdefault(kind, {})[status] = count
        n = self.num_records
        return {
            "num_records": n,
            "statuses": {status: self.statuses[status] for status in STATUSES},
            "shares": {status: self.statuses[status] / n if n else None for status in STATUSES},
            "reasons": {
                status: dict(sorted(self._reasons[status].items(), key=lambda one: (-one[1], one[0])))
                for status in STATUSES
                if status in self._reasons
            },
            "changed_fields": {name: self._fields[name] for name in FIELDS},
            "flags": dict(sorted(self._flags.items(), key=lambda one: (-one[1], one[0]))),
            "num_flagged": self._num_flagged,
            "verified": verified,
        }


def _texts(record: Record) -> dict[str, str]:
    return {name: getattr(record, name) for name in FIELDS}
