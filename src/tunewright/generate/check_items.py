"""The check-items stage: every rule over every item of a data set, and statistics over the set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from tunewright.errors import RecipeError
from tunewright.generate.grammar import MISSING, PACKAGE, harper_version
from tunewright.generate.item_rates import expert_rates
from tunewright.generate.item_rules import ALL_RULES, GRAMMAR, RULES, Rule, RuleHit, check_names, judge
from tunewright.generate.item_view import ItemView, view_of
from tunewright.generate.set_statistics import SetStatistics, set_statistics
from tunewright.rate.false_alarms import Alarms
from tunewright.records.digest import DataDigest
from tunewright.records.read import read_records
from tunewright.records.record import Record
from tunewright.records.reject import RejectWriter
from tunewright.run.config import Config
from tunewright.run.files import JsonlLog, write_json_atomic
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.folder import RunFolder, read_manifest
from tunewright.run.progress import Progress
from tunewright.run.versions import environment

FINDINGS_FILE = "findings.jsonl"
SUMMARY_FILE = "summary.json"


class CheckItemsConfig(Config):
    """Which rules are asked, and how the data is read."""

    skip: tuple[str, ...] = Field((), description="rules that are not asked")
    format: str | None = Field(None, description="the data's format, when its content does not tell")

    @field_validator("skip")
    @classmethod
    def _names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        try:
            check_names(names)
        except RecipeError as error:
            raise ValueError(str(error)) from None
        return names


def check_items(
    config: CheckItemsConfig,
    data: str | Path,
    out: str | Path,
    *,
    progress: Progress | None = None,
    again: bool = False,
) -> dict[str, Any]:
    """Judge the items of `data` into the folder `out`; gives back its manifest.

    Writes `findings.jsonl` (a row for every record with findings), `summary.json` (counts per rule beside
    the rate on experts' items, and the set's key positions and lengths) and `rejects.jsonl`. A finished
    folder of the same data and settings is left as it is; an unfinished one is redone. Without harper-py the
    rule `grammar` is not asked, and the summary says so.
    """
    progress = progress or Progress()
    inputs = {"data": data_digest(data, format=config.format)}
    settings = config.settings()
    if GRAMMAR.name not in config.skip:  # another version, or none, finds other things
        settings["grammar"] = f"{PACKAGE} {harper_version() or 'not installed'}"
    with RunFolder.open(out, fingerprint=Fingerprint("check-items", settings, inputs), again=again) as folder:
        if not folder.is_done:
            counts = _run(config, data, folder.path, progress)
            folder.finish(versions=environment(), counts=counts)
    return read_manifest(out)


def data_digest(data: str | Path, *, format: str | None) -> str:
    """SHA-256 of all that the data holds, wherever it lies: see `DataDigest`."""
    digest = DataDigest()
    for record in read_records(data, format=format, on_reject=digest.reject):
        digest.add(record)
    return digest.hexdigest()


def rules_of(config: CheckItemsConfig) -> tuple[Rule, ...]:
    """The rules that are asked: all but those skipped, and `grammar` only where harper-py is installed."""
    rules = RULES if harper_version() is None else ALL_RULES
    return tuple(rule for rule in rules if rule.name not in config.skip)


def _fired_of(rate: Alarms | None) -> dict[str, int] | None:
    return None if rate is None else {"fired": rate.fired, "of": rate.of}


def left_out(config: CheckItemsConfig) -> list[str]:
    """What could not be asked though nobody skipped it, a sentence each."""
    is_missing = GRAMMAR.name not in config.skip and harper_version() is None
    return [MISSING] if is_missing else []


@dataclass
class _Tally:
    num_records: int = 0
    num_choice: int = 0
    num_written: int = 0
    num_hard: int = 0  # records with a hard fault
    num_warned: int = 0  # records with warnings alone
    looked: Counter[str] = field(default_factory=Counter)
    fired: Counter[str] = field(default_factory=Counter)

    def add(self, view: ItemView, hits: list[RuleHit], *, rules: tuple[Rule, ...]) -> None:
        self.num_records += 1
        self.num_choice += view.is_choice
        self.num_written += view.is_item and not view.is_choice
        is_hard = any(hit.is_hard for hit in hits)
        self.num_hard += is_hard
        self.num_warned += bool(hits) and not is_hard
        self.looked.update(rule.name for rule in rules if rule.applies(view))
        self.fired.update({hit.rule for hit in hits})


def _run(config: CheckItemsConfig, data: str | Path, out: Path, progress: Progress) -> dict[str, int]:
    tally = _Tally()
    progress.start("check-items", unit="records")
    with RejectWriter(out / "rejects.jsonl") as rejects, JsonlLog(out / FINDINGS_FILE) as log:
        log.keep(0)
        records = read_records(data, format=config.format, on_reject=rejects)
        statistics = set_statistics(_judged(records, config, tally, log, progress))
        log.sync()
    summary = _summary(config, data, tally, statistics, num_rejects=rejects.count)
    write_json_atomic(out / SUMMARY_FILE, summary)
    progress.finish(f"{tally.num_hard:,} with hard faults")
    return {
        "records": tally.num_records,
        "items": tally.num_choice + tally.num_written,
        "with_hard_faults": tally.num_hard,
        "with_warnings_only": tally.num_warned,
        "rejects": rejects.count,
    }


def _judged(
    records: Iterator[Record], config: CheckItemsConfig, tally: _Tally, log: JsonlLog, progress: Progress
) -> Iterator[ItemView]:
    """The view of every record, after its findings have been counted and logged."""
    rules = rules_of(config)
    for record in records:
        view, hits = view_of(record), judge(record, rules=rules)
        tally.add(view, hits, rules=rules)
        if hits:
            origin = record.origin
            log.append(
                {
                    "id": record.id,
                    "file": origin.file if origin is not None else "",
                    "line": origin.line if origin is not None else 0,
                    "is_hard": any(hit.is_hard for hit in hits),
                    "findings": [asdict(hit) for hit in hits],
                }
            )
        progress.advance()
        yield view


def _summary(
    config: CheckItemsConfig,
    data: str | Path,
    tally: _Tally,
    statistics: SetStatistics | None,
    *,
    num_rejects: int,
) -> dict[str, Any]:
    expert = expert_rates()
    return {
        "data": str(data),
        "settings": config.settings(),
        "num_records": tally.num_records,
        "num_choice": tally.num_choice,
        "num_written": tally.num_written,
        "num_hard": tally.num_hard,
        "num_warned": tally.num_warned,
        "num_rejects": num_rejects,
        "rules": [
            {
                "name": rule.name,
                "severity": rule.severity,
                "fired": tally.fired[rule.name],
                "of": tally.looked[rule.name],
                "on_expert_items": _fired_of(expert.get(rule.name)),
            }
            for rule in rules_of(config)
        ],
        "left_out": left_out(config),
        "set": asdict(statistics) if statistics is not None else None,
    }
