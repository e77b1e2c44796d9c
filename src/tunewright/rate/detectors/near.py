"""Near-duplicates: the one defect that no record has alone. The check stage finds them after its pass."""

from __future__ import annotations

from tunewright.rate.detectors.detector import CheckSettings, Detector, Severity, Span, example
from tunewright.records.record import Record


def _nothing(record: Record, settings: CheckSettings) -> tuple[Span, ...]:
    return ()


NEAR_DUPLICATE = Detector(
    name="near-duplicate",
    severity=Severity.NOTE,
    meaning="Instruction and input are almost those of an earlier record (ROUGE-L above the threshold, 0.7).",
    example=example("Name three rivers of France, please.", "Loire, Seine, Rhône"),
    counter_example=example("Which is the longest river of France?", "The Loire"),
    spots=_nothing,
)
