"""What a detector is: a name for one defect of instruction data, and a function that finds it in a record.

A detector looks at one record alone and asks no model. It is written to be quiet: where a text may be right,
nothing is said, so a share of findings is a lower bound of what is wrong and an upper bound of little else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from tunewright.records.record import Record


class Severity(StrEnum):
    """`error`: do not train on this; `warning`: look at it; `note`: know about it."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """What detectors need to be told. Without a language or a cut-off the detectors of these are silent."""

    language: str = "any"  # ISO 639-1, e.g. "en"
    cutoff: date | None = None  # the first day that counts as past it


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect at one place: `start` and `end` are character offsets into the field, end exclusive.

    `field` is a field of the record or `history[i]`. A finding about a field as a whole spans all of it.
    """

    detector: str
    severity: Severity
    field: str
    start: int
    end: int
    message: str


@dataclass(frozen=True, slots=True)
class Span:
    """A finding before its detector has put its name on it."""

    field: str
    start: int
    end: int
    message: str


@dataclass(frozen=True)
class Detector:
    """One defect: `meaning` in a sentence, a record that has it, and a near miss that has not.

    `spots` finds it. `fix` gives the record without it and is set only where no meaning can change.
    """

    name: str
    severity: Severity
    meaning: str
    example: Record
    counter_example: Record
    spots: Callable[[Record, CheckSettings], Iterable[Span]]
    fix: Callable[[Record], Record] | None = None
    settings: CheckSettings = CheckSettings()  # under which `example` is found

    def find(self, record: Record, settings: CheckSettings) -> Iterator[Finding]:
        """The findings of this defect in the record, in the order of its fields."""
        for span in self.spots(record, settings):
            yield Finding(self.name, self.severity, span.field, span.start, span.end, span.message)


def example(instruction: str, output: str, *, input: str = "") -> Record:
    """A record for a detector's definition."""
    return Record(id="example", instruction=instruction, output=output, input=input)


def texts(record: Record) -> Iterator[tuple[str, str]]:
    """Every text that is not empty, with the name of its field."""
    for name, text in (
        ("system", record.system),
        ("instruction", record.instruction),
        ("input", record.input),
        ("output", record.output),
        ("explanation", record.explanation),
    ):
        if text:
            yield name, text
    for index, turn in enumerate(record.history):
        if turn.text:
            yield f"history[{index}]", turn.text


def answers(record: Record) -> Iterator[tuple[str, str]]:
    """What the assistant says: earlier turns of its own, then the output."""
    for index, turn in enumerate(record.history):
        if turn.speaker == "assistant" and turn.text:
            yield f"history[{index}]", turn.text
    yield "output", record.output


def prompt(record: Record) -> str:
    """Instruction and input as one text."""
    return f"{record.instruction}\n{record.input}" if record.input else record.instruction


def asked(record: Record) -> str:
    """All that the assistant was told, earlier user turns and the system message included."""
    if not record.history and not record.system:
        return prompt(record)
    told = [turn.text for turn in record.history if turn.speaker == "user"]
    return "\n".join([record.system, *told, prompt(record)])


def with_texts(record: Record, change: Callable[[str], str]) -> Record:
    """The record with `change` applied to every text; an output that would become empty stays."""
    history = tuple(replace(turn, text=change(turn.text)) for turn in record.history)
    output = change(record.output)
    return replace(
        record,
        system=change(record.system),
        instruction=change(record.instruction),
        input=change(record.input),
        output=output if output.strip() else record.output,
        explanation=change(record.explanation),
        history=history,
    )
