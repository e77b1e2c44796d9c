"""What `check` counts while records pass: how often each detector fires, examples, the records worst off."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tunewright.rate.detectors.detector import Detector, Finding, Severity, texts
from tunewright.rate.false_alarms import expected_alarms
from tunewright.rate.summary import share_of
from tunewright.records.record import Record
from tunewright.records.reject import Reject

EMPTY_OUTPUT = "empty-output"
OUTPUT_FIELDS = frozenset({"output", "response", "completion", "answer"})
EXAMPLES = 3  # of each detector, the first ones met
WORST = 20
_AROUND_CHARS = 90
_MOST_MARKED_CHARS = 240
_MOST_ASKED_CHARS = 160


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A finding with the text around it, cut with … where there is more.

    `asked` is the beginning of the instruction, for a finding in another field: what is wrong there often
    depends on it.
    """

    id: str
    line: int
    detector: str
    severity: str
    message: str
    field: str
    before: str
    marked: str
    after: str
    asked: str


def excerpt(record: Record, finding: Finding) -> Excerpt:
    """The finding's place in its field, marked, with some text on either side."""
    text = dict(texts(record)).get(finding.field, "")
    start, end = finding.start, finding.end
    marked = text[start:end]
    if len(marked) > _MOST_MARKED_CHARS:
        marked = f"{marked[: _MOST_MARKED_CHARS - 60]} … {marked[-57:]}"
    left, right = max(0, start - _AROUND_CHARS), min(len(text), end + _AROUND_CHARS)
    return Excerpt(
        id=record.id,
        line=line_of(record),
        detector=finding.detector,
        severity=finding.severity.value,
        message=finding.message,
        field=finding.field,
        before=("…" if left else "") + text[left:start],
        marked=marked,
        after=text[end:right] + ("…" if right < len(text) else ""),
        asked="" if finding.field == "instruction" else _beginning(record.instruction),
    )


def _beginning(text: str) -> str:
    return text if len(text) <= _MOST_ASKED_CHARS else text[: _MOST_ASKED_CHARS - 1] + "…"


def line_of(record: Record) -> int:
    """The line of the record in its file, from 1; 0 for one made in Python."""
    return record.origin.line if record.origin is not None else 0


@dataclass(frozen=True, order=True)
class _Bad:
    """A record's findings by weight; of two equally bad ones the earlier counts as worse."""

    errors: int
    warnings: int
    notes: int
    place: int  # minus its number, so that the earlier is the larger
    shown: dict[str, Any] = field(compare=False)


class FindingCounts:
    """Counts findings record by record; needs the same memory for a thousand records and a million."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self._detectors = detectors
        self._fired: Counter[str] = Counter()
        self._by_severity: Counter[Severity] = Counter()
        self._examples: dict[str, list[Excerpt]] = {}
        self._worst: list[_Bad] = []
        self.num_records = self.num_found = self.num_clean = self.num_fixed = 0
        self.fixed: Counter[str] = Counter()  # records by the detector whose repair was applied

    def add(self, record: Record, findings: Sequence[Finding]) -> None:
        """Count one record; every record is added, also those without findings."""
        self.num_records += 1
        if not findings:
            self.num_clean += 1
            return
        self.num_found += 1
        severities = Counter(finding.severity for finding in findings)
        self._by_severity.update(severities.keys())
        for name in dict.fromkeys(finding.detector for finding in findings):
            self._fired[name] += 1
            kept = self._examples.setdefault(name, [])
            if len(kept) < EXAMPLES:
                kept.append(excerpt(record, next(found for found in findings if found.detector == name)))
        self._keep_worst(record, findings, severities)

    def add_without_output(self, reject: Reject) -> None:
        """Count a row that is rejected on reading because its output is empty: the defect all the same."""
        if EMPTY_OUTPUT not in {detector.name for detector in self._detectors}:
            return
        self.num_records += 1
        self.num_found += 1
        self._fired[EMPTY_OUTPUT] += 1
        self._by_severity[Severity.ERROR] += 1
        kept = self._examples.setdefault(EMPTY_OUTPUT, [])
        if len(kept) < EXAMPLES:
            message = "the output is empty; the row is in rejects.jsonl"
            asked = _beginning(reject.row)
            kept.append(
                Excerpt("", reject.line, EMPTY_OUTPUT, "error", message, reject.field, "", "", "", asked)
            )

    def _keep_worst(self, record: Record, findings: Sequence[Finding], counts: Counter[Severity]) -> None:
        weight = (counts[Severity.ERROR], counts[Severity.WARNING], counts[Severity.NOTE], -self.num_records)
        if len(self._worst) == WORST and weight < (
            (least := self._worst[0]).errors,
            least.warnings,
            least.notes,
            least.place,
        ):
            return
        shown = {
            "id": record.id,
            "line": line_of(record),
            "findings": [asdict(excerpt(record, finding)) for finding in findings],
        }
        bad = _Bad(*weight, shown)
        if len(self._worst) < WORST:
            heapq.heappush(self._worst, bad)
        else:
            heapq.heappushpop(self._worst, bad)

    def summary(
        self, *, num_rejects: int, reject_reasons: Counter[str], off: dict[str, str]
    ) -> dict[str, Any]:
        """All counts as JSON-like data. `off` says of detectors that could not run, why."""
        expected = expected_alarms()
        rows = []
        for detector in self._detectors:
            alarms = expected.get(detector.name)
            rows.append(
                {
                    "name": detector.name,
                    "severity": detector.severity.value,
                    "meaning": detector.meaning,
                    "off": off.get(detector.name, ""),
                    **_share(self._fired[detector.name], self.num_records),
                    "expected_alarms": None
                    if alarms is None
                    else {
                        "share": alarms.share,
                        "high": alarms.interval.high,
                        "fired": alarms.fired,
                        "of": alarms.of,
                    },
                    "examples": [asdict(example) for example in self._examples.get(detector.name, [])],
                }
            )
        return {
            "records": self.num_records,
            "rejects": {"count": num_rejects, "reasons": dict(reject_reasons.most_common())},
            "clean": _share(self.num_clean, self.num_records),
            "without_errors": _share(self.num_records - self._by_severity[Severity.ERROR], self.num_records),
            "by_severity": {one.value: _share(self._by_severity[one], self.num_records) for one in Severity},
            "fixed": {"records": self.num_fixed, "by_detector": dict(self.fixed)},
            "detectors": rows,
            "worst": [bad.shown for bad in sorted(self._worst, reverse=True)],
        }


def _share(count: int, of: int) -> dict[str, Any]:
    """A count with its share and the 95 % Wilson interval of that."""
    found = share_of(count, of)
    interval = found.interval
    return {
        "count": count,
        "share": found.share,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
    }
