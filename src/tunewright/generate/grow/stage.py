"""Growing as a stage: a run folder with the accepted records, the rejects with their reasons, and a card."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tunewright.errors import ModelError, RecipeError
from tunewright.generate.config import GenerateConfig, GrowConfig
from tunewright.generate.grow.ask import prompt_hashes
from tunewright.generate.grow.card import CARD_FILE, card
from tunewright.generate.grow.cells import (
    BESIDE_SEEDS,
    GENERAL,
    Cell,
    shares_of_rows,
    shares_of_seeds,
    targets,
)
from tunewright.generate.grow.datasheet import DATASHEET_FILE, datasheet
from tunewright.generate.grow.finished import check_marks, marks_of
from tunewright.generate.grow.growth import Show
from tunewright.generate.grow.loop import Grower
from tunewright.generate.grow.plan import Plan
from tunewright.generate.grow.replayed import ReplayedLog
from tunewright.generate.grow.source import OWN_SEEDS, SeedSource, seed_source
from tunewright.generate.item_rules import check_names
from tunewright.llm.ask import Asker, Estimate, estimate
from tunewright.llm.backend import Backend
from tunewright.llm.config import AskConfig
from tunewright.llm.open import open_backend
from tunewright.llm.request import Request
from tunewright.rate.check import CheckConfig
from tunewright.rate.detectors.language import known_languages
from tunewright.run.config import parse_config
from tunewright.run.files import disk_errors, write_text_atomic
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.folder import RunFolder
from tunewright.run.progress import Event, Progress
from tunewright.run.versions import environment

RECORDS_FILE = "records.jsonl"
REJECTS_FILE = "rejects.jsonl"
METRICS_FILE = "metrics.jsonl"


def grow(
    config: GenerateConfig,
    out: str | Path,
    *,
    progress: Progress | None = None,
    again: bool = False,
    backend: Backend | None = None,
    show: Show | None = None,
) -> Path:
    """Grow the records that the config asks for into the folder `out`, and give it back.

    Writes `records.jsonl` (accepted), `rejects.jsonl` (every other candidate with its reason and text),
    `metrics.jsonl` (a row per round), `README.md` (the data-set card) and `DATASHEET.md`. All but the
    manifest are the same bytes for the same settings and replies, however often the run was stopped.
    BudgetReached and ModelError leave everything accepted so far. A plan that cannot be filled ends the run
    with fewer records; the manifest's `stopped` says so. ModelError when nothing at all was accepted: then
    the folder is not done, and its rejects say why. RunFolderError for a finished folder whose records or
    rejects are not as the run left them. A `backend` given answers instead of the one the config names;
    `show` is told how far it is, at most ten times a second.
    """
    out = Path(out)
    progress = progress or Progress()
    ask, settings = _settings(config)
    work = _prepare(config, settings)
    backend = backend or open_backend(ask)
    with RunFolder.open(out, fingerprint=_fingerprint(config, ask, work, backend), again=again) as folder:
        if folder.is_done:
            check_marks(folder.path)
            return out
        beside = _Beside(progress)
        with Asker.open(ask, folder.path, progress=Progress(beside), backend=backend) as asker:
            grower = work.grower(config.seed)
            beside.look = _look(grower, asker, show)
            _grow(grower, work.source, asker, folder, progress, beside.look)
    return out


def estimate_growth(config: GenerateConfig) -> Estimate:
    """What growing would ask if every item were accepted: the least. Asks and writes nothing."""
    ask, settings = _settings(config)
    work = _prepare(config, settings)
    return estimate(ask, work.requests(config.seed))


@dataclass(frozen=True)
class _Work:
    """A checked job."""

    config: GrowConfig
    source: SeedSource
    plan: dict[Cell, int]

    def grower(self, seed: int) -> Grower:
        return Grower(self.config, self.source.records, Plan(self.plan, seed=seed), seed)

    def requests(self, seed: int) -> Iterator[Request]:
        grower = self.grower(seed)
        every = grower.plan.next_round(0, num_calls=grower.plan.n, per_call=self.config.per_call)
        for order in every:
            yield grower.asked(order).request


def _settings(config: GenerateConfig) -> tuple[AskConfig, GrowConfig]:
    assert config.ask is not None, "a config for source 'model' names one"
    return config.ask, config.grow or GrowConfig()


def _prepare(config: GenerateConfig, settings: GrowConfig) -> _Work:
    check_names(settings.skip_item_rules)
    parse_config(CheckConfig, {"skip": settings.skip_detectors}, where="skip_detectors")
    _know_language(settings.language)
    if settings.seeds == OWN_SEEDS and settings.domain == "general":
        raise RecipeError("general data needs seeds of its own: --seeds FILE")
    source = seed_source(settings.seeds)
    seeds = source.records
    if settings.domain == "general":
        return _Work(settings, source, {GENERAL: config.n})
    if settings.plan is not None:
        shares = shares_of_rows(settings.plan, seeds, author_tasks=settings.author_tasks)
    else:
        shares = shares_of_seeds(
            seeds,
            skills=config.skills,
            levels=config.levels,
            topics=settings.topics,
            author_tasks=settings.author_tasks,
            beside=BESIDE_SEEDS if source.is_own else (),
        )
    return _Work(settings, source, targets(shares, config.n, seed=config.seed))


def _know_language(language: str) -> None:
    """RecipeError for a code that the gate could not tell: it would refuse every record, or none."""
    if language != "any" and language not in (known := known_languages()):
        raise RecipeError(
            f"the language '{language}' cannot be told; give any, or one of: {', '.join(known)}"
        )


def _fingerprint(config: GenerateConfig, ask: AskConfig, work: _Work, backend: Backend) -> Fingerprint:
    settings = config.settings() | {"grow": work.config.settings(), "prompts": prompt_hashes()}
    settings["ask"] |= {"model": backend.model, "revision": ask.revision or backend.revision}
    if work.config.seeds != OWN_SEEDS:
        settings["grow"]["seeds"] = "a file"  # what it holds, not where it lies
    return Fingerprint("generate", settings, {"seeds": work.source.sha256})


def _look(grower: Grower, asker: Asker, show: Show | None) -> Callable[[], None]:
    """Tells `show` how far it is, when that is due; does nothing without one."""

    def look() -> None:
        if show is not None and grower.pace.is_time_to_look():
            show(grower.growth(asker.used))

    return look


def _grow(
    grower: Grower,
    source: SeedSource,
    asker: Asker,
    folder: RunFolder,
    progress: Progress,
    look: Callable[[], None],
) -> None:
    progress.start("generate", grower.plan.n, "items")
    if folder.is_resumed and (there := _num_lines(folder.path / RECORDS_FILE)):
        progress.note(f"{there:,} items are there already; it goes on from them")
    look()
    with (
        ReplayedLog(folder.path / RECORDS_FILE) as records,
        ReplayedLog(folder.path / REJECTS_FILE) as rejects,
        ReplayedLog(folder.path / METRICS_FILE) as metrics,
    ):
        while calls := grower.next_round():
            grower.step(
                calls,
                asker,
                records=records,
                rejects=rejects,
                metrics=metrics,
                progress=progress,
                look=look,
            )
        for log in (records, rejects, metrics):
            log.finish()
    progress.finish(grower.stopped)
    if not grower.tally.num_accepted:
        raise ModelError(_nothing(grower, folder.path))
    write_text_atomic(folder.path / CARD_FILE, card(grower, asker.who, source))
    write_text_atomic(folder.path / DATASHEET_FILE, datasheet(grower, asker.who, source))
    _finish(folder, grower, asker)


def _num_lines(path: Path) -> int:
    if not path.exists():
        return 0
    with disk_errors(path), path.open("rb") as file:
        return sum(line.endswith(b"\n") for line in file)


def _nothing(grower: Grower, folder: Path) -> str:
    tally = grower.tally
    tried = (
        f"{grower.num_rounds:,} rounds of {grower.num_calls:,} calls gave {tally.num_candidates:,} candidates"
    )
    return (
        f"nothing was accepted: {tried}, most often refused as: {tally.first_reason()}. "
        f"{folder / REJECTS_FILE} has each with its text and reason. Read some, then run again with another "
        "model, other seeds or a looser gate into another folder"
    )


def _finish(folder: RunFolder, grower: Grower, asker: Asker) -> None:
    tally, totals = grower.tally, grower.totals
    assert tally.num_accepted + tally.num_rejected == tally.num_candidates
    folder.finish(
        versions=environment(),
        counts={
            "records": tally.num_accepted,
            "candidates": tally.num_candidates,
            "rejects": tally.num_rejected,
            "rounds": grower.num_rounds,
            "calls": grower.num_calls,
        },
        extra={
            "asked_for": grower.plan.n,
            "stopped": grower.stopped,
            "reasons": tally.reasons(),
            "cells": len(grower.plan.targets),
            "cells_filled": grower.plan.num_filled,
            "model": asker.model,
            "revision": asker.revision,
            "licence": grower.config.licence,
            "prompt_tokens": totals.prompt_tokens,
            "output_tokens": totals.output_tokens,
            "cost": totals.cost,
            "files": marks_of(folder.path, (RECORDS_FILE, REJECTS_FILE)),
        },
    )


class _Beside:
    """Shows what the asking tells (tokens, cost, why it waits) in the line of the stage itself."""

    shown = ("tokens", "cost", "waits for")

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.look: Callable[[], None] = lambda: None

    def __call__(self, event: Event, /) -> None:
        if event.kind == "note":
            self._progress.note(event.message)
        elif event.kind == "advance":
            fields = {name: event.fields[name] for name in self.shown if name in event.fields}
            self._progress.advance(0, **fields)
            self.look()
