"""The check stage: every detector over every record, findings per record, a summary, and safe repairs."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from tunewright.errors import RecipeError
from tunewright.rate.check_page import write_check_page
from tunewright.rate.check_summary import OUTPUT_FIELDS, FindingCounts, line_of
from tunewright.rate.detectors import ALONE, DETECTORS, NEAR_DUPLICATE, CheckSettings, Detector, Finding
from tunewright.rate.fixes import fix
from tunewright.rate.passes import advance_to, ignore
from tunewright.records.digest import DataDigest
from tunewright.records.read import read_records
from tunewright.records.record import Record
from tunewright.records.reject import Reject, RejectWriter
from tunewright.records.write import write_records
from tunewright.run.config import Config
from tunewright.run.files import JsonlLog, write_json_atomic
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.folder import RunFolder, read_manifest
from tunewright.run.progress import Progress
from tunewright.run.versions import environment

FINDINGS_FILE = "findings.jsonl"
FIXES_FILE = "fixes.jsonl"
RECORDS_FILE = "records.jsonl"
SUMMARY_FILE = "summary.json"
PAGE_FILE = "summary.html"


class CheckConfig(Config):
    """Which detectors look, and what they need to be told."""

    language: str = Field(
        "any", description="the language of the data as ISO 639-1, e.g. en; any: not looked at"
    )
    cutoff: str | None = Field(None, description="YYYY-MM or YYYY-MM-DD: dates from then on are reported")
    only: tuple[str, ...] | None = Field(None, description="these detectors alone")
    skip: tuple[str, ...] = Field((), description="not these detectors")
    near_duplicate_threshold: float = Field(
        0.7, gt=0, lt=1, description="ROUGE-L F1 above which a prompt is a near-duplicate of an earlier one"
    )
    fix: bool = Field(False, description="also write records.jsonl with safe repairs")
    format: str | None = Field(None, description="the data's format, when its content does not tell")

    @field_validator("only", "skip")
    @classmethod
    def _names(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in names or ():
            if name not in {detector.name for detector in DETECTORS}:
                near = difflib.get_close_matches(name, [detector.name for detector in DETECTORS], n=1)
                hint = f"did you mean '{near[0]}'?" if near else "see tunewright check --list"
                raise ValueError(f"there is no detector '{name}'; {hint}")
        return names

    @field_validator("cutoff")
    @classmethod
    def _date(cls, text: str | None) -> str | None:
        if text is not None:
            cutoff_date(text)
        return text

    @field_validator("language")
    @classmethod
    def _code(cls, text: str) -> str:
        if text != "any" and not re.fullmatch("[a-z]{2,3}", text):
            raise ValueError("give a language code such as en, or any")
        return text

    @model_validator(mode="after")
    def _something_looks(self) -> CheckConfig:
        if not self.chosen():
            raise ValueError("only and skip leave no detector; take one of them out")
        return self

    def chosen(self) -> tuple[Detector, ...]:
        """The detectors that look, in the order of `DETECTORS`."""
        names = {detector.name for detector in DETECTORS} if self.only is None else set(self.only)
        return tuple(detector for detector in DETECTORS if detector.name in names - set(self.skip))


def cutoff_date(text: str) -> date:
    """The first day of a month, or a day: cutoff_date("2023-01") is 1 January 2023. Else ValueError."""
    try:
        return date.fromisoformat(text if len(text) > len("2023-01") else f"{text}-01")
    except ValueError:
        raise ValueError("give a month or a day, such as 2023-01 or 2023-01-31") from None


def find_all(record: Record, detectors: Sequence[Detector], settings: CheckSettings) -> list[Finding]:
    """All findings of these detectors in one record; near-duplicates need the set, see `check`."""
    return [finding for detector in detectors for finding in detector.find(record, settings)]


def check(
    config: CheckConfig,
    data: str | Path,
    out: str | Path,
    *,
    progress: Progress | None = None,
    again: bool = False,
) -> dict[str, Any]:
    """Check the records of `data` into the folder `out`; gives back its manifest.

    Writes `findings.jsonl` (a row for every record with findings), `summary.json`, `summary.html` and
    `rejects.jsonl`; with `fix` also `records.jsonl`, all records in order, and `fixes.jsonl`. Records pass
    one by one; only near-duplicates need the words of all prompts in memory, so skip that one for data
    that does not fit. A finished folder of the same data and settings is left as it is; an unfinished one is
    redone.
    """
    progress = progress or Progress()
    settings = CheckSettings(config.language, cutoff_date(config.cutoff) if config.cutoff else None)
    _know_language(config)
    fingerprint = Fingerprint("check", config.settings(), {"data": _digest(config, data)})
    with RunFolder.open(out, fingerprint=fingerprint, again=again) as folder:
        if not folder.is_done:
            counts = _run(config, settings, data, folder.path, progress)
            folder.finish(versions=environment(), counts=counts)
    return read_manifest(out)


def _run(
    config: CheckConfig, settings: CheckSettings, data: str | Path, out: Path, progress: Progress
) -> dict[str, int]:
    chosen = config.chosen()
    alike = _near_duplicates(config, data, progress) if NEAR_DUPLICATE in chosen else {}
    tally = FindingCounts(chosen)
    reasons: Counter[str] = Counter()
    progress.start("check", unit="records")
    with RejectWriter(out / "rejects.jsonl") as rejects, JsonlLog(out / FINDINGS_FILE) as log:
        log.keep(0)

        def reject(row: Reject) -> None:
            rejects(row)
            if row.reason == "is empty" and row.field in OUTPUT_FIELDS:
                tally.add_without_output(row)
            reasons[f"'{row.field}' {row.reason}" if row.field else row.reason] += 1

        records = _checked(
            read_records(data, format=config.format, on_reject=reject), chosen, settings, alike, tally, log
        )
        if config.fix:
            with JsonlLog(out / FIXES_FILE) as fixes:
                fixes.keep(0)
                write_records(
                    _fixed(records, chosen, tally, fixes, progress), out / RECORDS_FILE, format="native"
                )
                fixes.sync()
        else:
            for _ in records:
                progress.advance()
        log.sync()
    summary = tally.summary(num_rejects=rejects.count, reject_reasons=reasons, off=_off(config))
    summary = {"data": str(data), "settings": config.settings(), **summary}
    write_json_atomic(out / SUMMARY_FILE, summary)
    write_check_page(summary, out / PAGE_FILE)
    progress.finish(f"{tally.num_found:,} with findings")
    counts = {"records": tally.num_records, "with_findings": tally.num_found, "rejects": rejects.count}
    return counts | ({"fixed": tally.num_fixed} if config.fix else {})


def _checked(
    records: Iterator[Record],
    detectors: Sequence[Detector],
    settings: CheckSettings,
    alike: dict[int, str],
    tally: FindingCounts,
    log: JsonlLog,
) -> Iterator[Record]:
    """The records again, each after its findings have been counted and logged."""
    alone = [detector for detector in detectors if detector in ALONE]
    for number, record in enumerate(records):
        findings = find_all(record, alone, settings)
        if number in alike:
            findings.append(_is_like(record, alike[number]))
        tally.add(record, findings)
        if findings:
            log.append(
                {
                    "id": record.id,
                    "file": record.origin.file if record.origin is not None else "",
                    "line": line_of(record),
                    "findings": [asdict(finding) for finding in findings],
                }
            )
        yield record


def _fixed(
    records: Iterator[Record],
    detectors: Sequence[Detector],
    tally: FindingCounts,
    log: JsonlLog,
    progress: Progress,
) -> Iterator[Record]:
    for record in records:
        fixed, done = fix(record, detectors)
        if done:
            tally.num_fixed += 1
            tally.fixed.update({change.detector for change in done})
        for change in done:
            log.append({"id": record.id, **asdict(change)})
        progress.advance()
        yield fixed


def _near_duplicates(config: CheckConfig, data: str | Path, progress: Progress) -> dict[int, str]:
    """Number of the record → what it is like, of those whose prompt is nearly that of an earlier record."""
    from tunewright.duplicates import Tokens, near_duplicates

    ids: list[str] = []

    def prompts() -> Iterator[str]:
        for record in read_records(data, format=config.format, on_reject=ignore):
            ids.append(record.id)
            yield _conversation(record)

    progress.start("near-duplicates", unit="records")
    decisions = near_duplicates(
        prompts(),
        threshold=config.near_duplicate_threshold,
        tokens=Tokens.UNICODE,
        on_progress=advance_to(progress),
    )
    progress.finish()
    return {
        number: f"like record {ids[found.of]} (ROUGE-L {found.score:.2f})"
        for number, found in enumerate(decisions)
        if found is not None
    }


def _conversation(record: Record) -> str:
    """Earlier turns, instruction and input: what two records must share to be alike."""
    return "\n".join([*(turn.text for turn in record.history), record.instruction, record.input])


def _is_like(record: Record, message: str) -> Finding:
    end = len(record.instruction)
    return Finding(NEAR_DUPLICATE.name, NEAR_DUPLICATE.severity, "instruction", 0, end, message)


def _off(config: CheckConfig) -> dict[str, str]:
    """The detectors that were chosen but could not look, and why."""
    off = {}
    if config.language == "any":
        off["wrong-language"] = "no language is set"
    if config.cutoff is None:
        off["after-cutoff"] = "no cut-off is set"
    return off


def _know_language(config: CheckConfig) -> None:
    if config.language != "any" and any(one.name == "wrong-language" for one in config.chosen()):
        from tunewright.rate.detectors.language import known_languages

        known = known_languages()
        if config.language not in known:
            raise RecipeError(
                f"the language '{config.language}' cannot be told; choose one of: {', '.join(known)}"
            )


def _digest(config: CheckConfig, data: str | Path) -> str:
    digest = DataDigest()
    for record in read_records(data, format=config.format, on_reject=digest.reject):
        digest.add(record)
    return digest.hexdigest()
