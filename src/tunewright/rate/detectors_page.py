"""The reference page of all detectors as Markdown, made from their definitions and their measured alarms."""

from __future__ import annotations

from collections.abc import Iterator

from tunewright.rate.check_page import percent
from tunewright.rate.detectors import DETECTORS, Detector
from tunewright.rate.false_alarms import Alarms, expected_alarms, measurement
from tunewright.records.record import Record

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "|": "\\|"}


def detectors_page() -> str:
    """docs/reference/detectors.md; a test fails when that file is not this text."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    measured = measurement()
    sets = "; ".join(f"{one['name']} ({one['records']:,}, {one['licence']})" for one in measured["sets"])
    yield from [
        "# Detectors",
        "",
        "Made by `make docs` from the definitions. `tunewright check --list` shows the same in the terminal.",
        "",
        f"**On expert data** is the share of {measured['num_records']:,} "
        f"expert-written records on which the detector fires, "
        "right or wrong, with its 95 % Wilson interval: an upper "
        "bound of its false alarms. **False** is how many of "
        "those firings were false when we read them; a dash means that they were not read.",
        f"Measured {measured['date']} by `benchmarks/false_alarms.py` ({measured['settings']}) on: {sets}.",
        "",
        "Severity: `error`, do not train on it; `warning`, look "
        "at it; `note`, know about it. Repaired: `--fix` does.",
        "",
        "| detector | severity | on expert data | false | repaired | what it means |",
        "| --- | --- | ---: | ---: | --- | --- |",
    ]
    expected = expected_alarms()
    for detector in DETECTORS:
        alarms = expected[detector.name]
        yield (
            f"| [`{detector.name}`](#{detector.name}) | "
            f"{detector.severity.value} | {_shown(alarms)} | {_judged(alarms)} "
            f"| {'yes' if detector.fix else ''} | {_cell(detector.meaning)} |"
        )
    for detector in DETECTORS:
        yield from _section(detector)


def _section(detector: Detector) -> Iterator[str]:
    yield from ["", f"## {detector.name}", "", detector.meaning, ""]
    yield from ["| | instruction | input | output |", "| --- | --- | --- | --- |"]
    yield f"| found | {_row(detector.example)} |"
    yield f"| not found | {_row(detector.counter_example)} |"


def _shown(alarms: Alarms) -> str:
    return f"{percent(alarms.share)} ({percent(alarms.interval.low)} to {percent(alarms.interval.high)})"


def _judged(alarms: Alarms) -> str:
    if not alarms.fired:
        return ""
    return f"{alarms.num_false} of {alarms.num_read}" if alarms.num_read else "–"


def _row(record: Record) -> str:
    return " | ".join(_code(text) for text in (record.instruction, record.input, record.output))


def _code(text: str) -> str:
    """The text as code of a table's cell; what cannot be seen or would end the cell becomes an escape."""
    if not text:
        return ""
    shown = text
    for character, escape in _ESCAPES.items():
        shown = shown.replace(character, escape)
    shown = "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in shown)
    fence = "````" if "```" in shown else "``" if "`" in shown else "`"
    return (
        f"{fence} {shown} {fence}" if len(fence) > 1 or shown != shown.strip() else f"{fence}{shown}{fence}"
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
