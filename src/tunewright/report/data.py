"""The data behind a run, read again from its files where they still exist: lengths, and texts by id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tunewright.errors import TunewrightError
from tunewright.records.describe import Summary, describe
from tunewright.records.digest import prompt_digest, records_digest
from tunewright.records.read import read_records
from tunewright.records.record import Record
from tunewright.report.gather import Run
from tunewright.report.grids import OWN


@dataclass(frozen=True)
class Source:
    """One set of the run. `summary` is None where it could not be read; `note` then says why."""

    name: str
    file: str
    summary: Summary | None = None
    records: Mapping[str, Record] = field(default_factory=dict)
    note: str = ""


def read_sources(run: Run) -> list[Source]:
    """The training data first, then rows held out of it, then the held-out files as the recipe names them,
    then the data of arms that have their own, each under `own_set`.
    """
    if run.is_single:
        return []
    if run.recipe.get("generate"):
        data = str(run.folder / "generate" / "records.jsonl")
        shown = "generate/records.jsonl"
    else:
        data = shown = str(run.recipe.get("data"))
    files = {str(name): str(file) for name, file in (run.recipe.get("heldout") or {}).items()}
    train = _read("train", data, shown, run)
    parted = _part(train, run) if run.recipe.get("holdout") else [train]
    own = own_data(run)
    sources = [*parted, *(_read(name, file, file, run) for name, file in files.items())]
    sources += [_read(own_set(arm), file, file, run) for arm, file in own.items()]
    held = parted[1].records if len(parted) > 1 else {}
    return [_unchanged(source, held, run) for source in sources]


def own_data(run: Run) -> dict[str, str]:
    """Where the records of finished arms with data of their own are."""
    arms = run.recipe.get("arms") or {}
    return {name: str(arms[name]["data"]) for name in run.arm_names() if "data" in (arms.get(name) or {})}


def own_set(arm: str) -> str:
    """What an arm's own training rows are called among the sets."""
    return OWN + arm


def record_of(sources: Sequence[Source], set_name: str, record_id: str) -> Record | None:
    """A record of a set by its id, where the set could be read."""
    for source in sources:
        if source.name == set_name and record_id in source.records:
            return source.records[record_id]
    return None


def _read(name: str, file: str, shown: str, run: Run) -> Source:
    if not Path(file).exists():
        return Source(name, shown, note=f"{shown} is not there any more, so its texts are not shown.")
    try:
        records = list(read_records(file, on_reject=lambda _: None))
        summary = describe(records)
    except TunewrightError as error:
        return Source(name, shown, note=f"{shown} could not be read again: {error}.")
    by_id = {record.id: record for record in records}
    if not _measured_ids(run, name) <= by_id.keys():
        return Source(
            name,
            shown,
            note=f"{shown} has changed since the run (rows it measured are gone), so it is not described.",
        )
    return Source(name, shown, summary, by_id)


def _unchanged(source: Source, held: Mapping[str, Record], run: Run) -> Source:
    """The source, without its contents where they are not what the models were tuned and measured on; of an
    arm's own records without those that are `held` out of the shared data."""
    if not source.records or not run.arms:
        return source
    own = {own_set(arm): arm for arm in own_data(run)}
    if source.name in own:
        return _trained_on(source, held, own[source.name], run)
    sharing = [arm for arm in run.arms if arm.name not in own.values()]
    if source.name == "train" and not sharing:
        return source
    inputs = (sharing or run.arms)[0].manifest["inputs"]
    tuned_on = inputs.get("data" if source.name == "train" else source.name)
    if tuned_on is None or tuned_on == records_digest(source.records.values()):
        return source
    note = f"{source.file} is not what the models were tuned on any more, so it is not described."
    return Source(source.name, source.file, note=note)


def _trained_on(source: Source, held: Mapping[str, Record], arm: str, run: Run) -> Source:
    """The records of an arm's own without those that are held out by id or prompt, where these are what it
    was tuned on; else (with groups held out) all of them."""
    prompts = {prompt_digest(record) for record in held.values()}
    kept = {
        key: record
        for key, record in source.records.items()
        if key not in held and prompt_digest(record) not in prompts
    }
    tuned_on = next(one.manifest["inputs"].get("data") for one in run.arms if one.name == arm)
    if not kept or records_digest(kept.values()) != tuned_on:
        return source
    return replace(source, summary=describe(kept.values()), records=kept)


def _part(data: Source, run: Run) -> list[Source]:
    """The training rows and those held out of the same data, known by what tuning measured and dropped."""
    held = _measured_ids(run, "heldout")
    held |= {row["id"] for arm in run.arms for row in arm.rejects if row.get("set") == "heldout"}
    parts = [
        ("train", {key: record for key, record in data.records.items() if key not in held}, data.file),
        (
            "heldout",
            {key: record for key, record in data.records.items() if key in held},
            "held out of the training data",
        ),
    ]
    if not all(records for _, records, _ in parts):  # nothing is measured yet, or the file is not readable
        return [data]
    return [Source(name, file, describe(records.values()), records) for name, records, file in parts]


def _measured_ids(run: Run, set_name: str) -> set[str]:
    own = {own_set(arm): arm for arm in own_data(run)}
    if set_name in own:
        wanted, arms = "train", {own[set_name]}
    else:
        wanted, arms = set_name, set(run.arm_names()) - (set(own.values()) if set_name == "train" else set())
    return {
        record_id
        for table in run.tables
        if table.set == wanted and table.arm in arms
        for record_id in table.ids
    }
