"""The detectors before and after: what went, what came, and whether that can be chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tunewright.coach.revision import Revision
from tunewright.duplicates import Tokens, near_duplicates
from tunewright.rate.check import CheckConfig, cutoff_date, find_all
from tunewright.rate.detectors import ALONE, NEAR_DUPLICATE, CheckSettings, Severity
from tunewright.rate.paired_tests import holm, mcnemar
from tunewright.records.record import Record
from tunewright.run.progress import Progress

Found = frozenset[str]  # the names of the detectors that fired on a record
WEIGHTS = {Severity.ERROR: 4.0, Severity.WARNING: 2.0, Severity.NOTE: 0.5}  # for ordering examples only


@dataclass(frozen=True, slots=True)
class Change:
    """Pairs with a finding on each side; `gone` and `new` are those with it on one side only.

    `p` is McNemar's exact test of going against coming. `p_holm` is it adjusted for the number of detectors
    that fired (Holm); None for groups of detectors.
    """

    name: str
    severity: str
    meaning: str
    before: int
    after: int
    gone: int
    new: int
    p: float
    p_holm: float | None = None


@dataclass(frozen=True)
class Detected:
    """Every detector over all pairs. `groups` are any error, any error or warning, any finding."""

    num_pairs: int
    groups: tuple[Change, ...]
    detectors: tuple[Change, ...]  # that fired at all
    silent: tuple[str, ...]
    off: dict[str, str]
    before: tuple[Found, ...]
    after: tuple[Found, ...]


def detect(pairs: Sequence[Revision], config: CheckConfig, progress: Progress | None = None) -> Detected:
    """All chosen detectors over both sides of the pairs; near-duplicates are looked for within each side."""
    progress = progress or Progress()
    progress.start("detectors", 2 * len(pairs), "records")
    before = _findings([pair.original for pair in pairs], config, progress)
    after = _findings([pair.revised for pair in pairs], config, progress)
    progress.finish()
    chosen = config.chosen()
    rows = [
        _change(one.name, one.severity.value, one.meaning, {one.name}, before, after)
        for one in chosen
        if any(one.name in found for side in (before, after) for found in side)
    ]
    adjusted = holm([row.p for row in rows])
    rows = [_with_holm(row, p) for row, p in zip(rows, adjusted, strict=True)]
    order = [one.value for one in Severity]
    rows.sort(key=lambda row: (order.index(row.severity), -max(row.gone, row.new), row.name))
    return Detected(
        num_pairs=len(pairs),
        groups=tuple(_groups(config, before, after)),
        detectors=tuple(rows),
        silent=tuple(one.name for one in chosen if one.name not in {row.name for row in rows}),
        off=_off(config),
        before=tuple(before),
        after=tuple(after),
    )


def weight_of(names: Found, severity_of: dict[str, str]) -> float:
    """How bad findings are together: an order for examples, no measure."""
    return sum(WEIGHTS[Severity(severity_of[name])] for name in names)


def _findings(records: Sequence[Record], config: CheckConfig, progress: Progress) -> list[Found]:
    settings = CheckSettings(config.language, cutoff_date(config.cutoff) if config.cutoff else None)
    chosen = config.chosen()
    alone = [detector for detector in chosen if detector in ALONE]
    found: list[set[str]] = []
    for record in records:
        found.append({one.detector for one in find_all(record, alone, settings)})
        progress.advance()
    if NEAR_DUPLICATE in chosen:
        decisions = near_duplicates(
            map(_prompt, records), threshold=config.near_duplicate_threshold, tokens=Tokens.UNICODE
        )
        for names, decision in zip(found, decisions, strict=True):
            if decision is not None:
                names.add(NEAR_DUPLICATE.name)
    return [frozenset(names) for names in found]


def _prompt(record: Record) -> str:
    """What two records must share to be alike, as `tunewright check` has it."""
    return "\n".join([*(turn.text for turn in record.history), record.instruction, record.input])


def _groups(config: CheckConfig, before: Sequence[Found], after: Sequence[Found]) -> list[Change]:
    names = {one: {d.name for d in config.chosen() if d.severity is one} for one in Severity}
    errors = names[Severity.ERROR]
    worth_a_look = errors | names[Severity.WARNING]
    return [
        _change("any error", "error", "", errors, before, after),
        _change("any error or warning", "warning", "", worth_a_look, before, after),
        _change("any finding", "note", "", worth_a_look | names[Severity.NOTE], before, after),
    ]


def _change(
    name: str, severity: str, meaning: str, names: set[str], before: Sequence[Found], after: Sequence[Found]
) -> Change:
    sides = [(bool(names & old), bool(names & new)) for old, new in zip(before, after, strict=True)]
    gone = sum(old and not new for old, new in sides)
    come = sum(new and not old for old, new in sides)
    num_before, num_after = sum(old for old, _ in sides), sum(new for _, new in sides)
    return Change(name, severity, meaning, num_before, num_after, gone, come, mcnemar(gone, come))


def _with_holm(row: Change, p: float) -> Change:
    return replace(row, p_holm=p)


def _off(config: CheckConfig) -> dict[str, str]:
    off = {}
    if config.language == "any":
        off["wrong-language"] = "no language is set (--language)"
    if config.cutoff is None:
        off["after-cutoff"] = "no cut-off is set (--cutoff)"
    return {name: why for name, why in off.items() if name in {one.name for one in config.chosen()}}
