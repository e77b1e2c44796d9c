"""Growing as a stage: a run folder with the accepted records, the rejects with their reasons, and a card."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tunewright.errors import ModelError, RecipeError
from tunewright.generate.config import GenerateConfig, GrowConfig
from tunewright.generate.grow.ask import prompt_hashes
from tunewright.generate.grow.card import CARD_FILE, MOST_OPEN_CELLS, card
from tunewright.generate.grow.cells import (
    BESIDE_SEEDS,
    GENERAL,
    Cell,
    shares_of_rows,
    shares_of_seeds,
    targets,
)
from tunewright.generate.grow.datasheet import DATASHEET_FILE, datasheet
from tunewright.generate.grow.finished import check_finished, check_readable, marks_of
from tunewright.generate.grow.growth import Show
from tunewright.generate.grow.loop import Grower, Logs
from tunewright.generate.grow.plan import Plan
from tunewright.generate.grow.replayed import ReplayedLog, RowsDiffer
from tunewright.generate.grow.source import OWN_SEEDS, SeedSource, check_seeds, seed_source
from tunewright.generate.item_rules import check_names
from tunewright.llm.ask import Asker, Estimate, estimate
from tunewright.llm.backend import Backend
from tunewright.llm.config import AskConfig
from tunewright.llm.open import open_backend
from tunewright.llm.request import Request
from tunewright.rate.check import CheckConfig
from tunewright.rate.detectors.language import known_languages
from tunewright.run.config import parse_config
from tunewright.run.files import disk_errors, read_jsonl, write_text_atomic
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.folder import RunFolder, move_aside
from tunewright.run.progress import Event, Progress
from tunewright.run.versions import environment

RECORDS_FILE = "records.jsonl"
REJECTS_FILE = "rejects.jsonl"
METRICS_FILE = "metrics.jsonl"
_MOST_BUILT = 2_000  # calls that a dry run builds; of more it builds these and takes the others to be alike


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
    BudgetReached, ModelError and an interruption leave everything accepted so far. A plan that cannot be
    filled ends the run with fewer records; the manifest's `stopped` says so. ModelError when nothing at all
    was accepted: then the folder is not done, and its rejects say why; and when a run that must not ask
    (`calls` false) comes to the end of its replies. RunFolderError for a finished folder that is not as the
    run left it, and for an unfinished one whose rows are not what its replies give; with `again` that one is
    moved aside. A `backend` given answers instead of the one the config names; `show` is told how far it is,
    at most ten times a second.
    """
    out = Path(out)
    progress = progress or Progress()
    ask, settings = _settings(config)
    work = _prepare(config, settings)
    backend = backend or open_backend(ask)
    check_readable(out)

    def run(*, again: bool) -> None:
        fingerprint = _fingerprint(config, ask, work, backend)
        with RunFolder.open(out, fingerprint=fingerprint, again=again) as folder:
            if folder.is_done:
                check_finished(folder.path)
                return
            beside = _Beside(progress)
            with Asker.open(ask, folder.path, progress=Progress(beside), backend=backend) as asker:
                grower = work.grower(config.seed)
                beside.look = _look(grower, asker, show)
                _grow(grower, work, ask, asker, folder, progress, beside.look)

    try:
        run(again=again)
    except RowsDiffer:
        if not again:
            raise
        progress.note(f"its rows are not what the kept replies give: moved aside to {move_aside(out)}")
        run(again=False)
    return out


def estimate_growth(config: GenerateConfig) -> Estimate:
    """What growing would ask if every item were accepted: the least. Asks and writes nothing."""
    ask, settings = _settings(config)
    work = _prepare(config, settings)
    num_calls = work.grower(config.seed).plan.num_calls(work.config.per_call)
    found = estimate(ask, work.requests(config.seed, most=_MOST_BUILT))
    if found.num_requests == num_calls:
        return found
    times = num_calls / found.num_requests
    return replace(
        found,
        num_requests=num_calls,
        num_to_ask=num_calls,
        prompt_tokens=round(found.prompt_tokens * times),
        most_output_tokens=num_calls * work.config.max_tokens,
        least_cost=None if found.least_cost is None else found.least_cost * times,
        most_cost=None if found.most_cost is None else found.most_cost * times,
    )


@dataclass(frozen=True)
class _Work:
    """A checked job."""

    config: GrowConfig
    source: SeedSource
    plan: dict[Cell, int]
    notes: tuple[str, ...] = ()

    def grower(self, seed: int) -> Grower:
        return Grower(self.config, self.source.records, Plan(self.plan, seed=seed), seed)

    def requests(self, seed: int, *, most: int) -> Iterator[Request]:
        """The first calls, from the seeds alone."""
        grower = self.grower(seed)
        for order in grower.plan.next_round(0, num_calls=most, per_call=self.config.per_call):
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
    notes = check_seeds(source, skip_rules=settings.skip_item_rules if settings.domain == "elpa" else None)
    if settings.domain == "general":
        return _Work(settings, source, {GENERAL: config.n}, notes)
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
    return _Work(settings, source, targets(shares, config.n, seed=config.seed), notes)


def _know_language(language: str) -> None:
    """RecipeError for a code that the gate could not tell: it would refuse every record, or none."""
    if language != "any" and language not in (known := known_languages()):
        raise RecipeError(
            f"the language '{language}' cannot be told; give any, or the code of one of the {len(known)} "
            "languages that can, such as en, de, fr, es, ja or zh"
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
    work: _Work,
    ask: AskConfig,
    asker: Asker,
    folder: RunFolder,
    progress: Progress,
    look: Callable[[], None],
) -> None:
    progress.start("generate", grower.plan.n, "items")
    for note in work.notes:
        progress.note(note)
    if folder.is_resumed and (there := _num_lines(folder.path / RECORDS_FILE)):
        progress.note(f"{there:,} items are there already; it goes on from them")
    given_up = _given_up(folder.path / REJECTS_FILE, ask)
    look()
    with (
        ReplayedLog(folder.path / RECORDS_FILE) as records,
        ReplayedLog(folder.path / REJECTS_FILE) as rejects,
        ReplayedLog(folder.path / METRICS_FILE) as metrics,
    ):
        logs = Logs(records, rejects, metrics)
        try:
            while calls := grower.next_round():
                grower.step(
                    calls,
                    asker,
                    logs=logs,
                    progress=progress,
                    may_ask=ask.calls,
                    given_up=given_up,
                    look=look,
                )
        except RowsDiffer:
            raise
        except BaseException:
            progress.note(_stopped_with(grower, folder.path))
            raise
        for log in logs.all():
            log.finish()
    progress.finish(grower.stopped)
    if not grower.tally.num_accepted:
        raise ModelError(_nothing(grower, folder.path))
    write_text_atomic(folder.path / CARD_FILE, card(grower, asker.who, work.source))
    write_text_atomic(folder.path / DATASHEET_FILE, datasheet(grower, asker.who, work.source))
    _finish(folder, grower, asker)


def _given_up(rejects: Path, ask: AskConfig) -> set[str]:
    """The keys of calls that an earlier process counted without a reply: they stay as they were counted."""
    if not rejects.exists():
        return set()
    found: set[str] = set()
    for row in read_jsonl(rejects):
        if row["reason"] == "refused" and ask.ask_refused:
            raise RowsDiffer(
                f"{rejects} has calls that the endpoint refused, and later items follow from that: asking "
                "them again would change what is written. Add --again, which moves the folder aside and "
                "takes its replies along, or leave --ask-refused out"
            )
        found.add(row["call"])
    return found


def _stopped_with(grower: Grower, folder: Path) -> str:
    """What there is when a run was stopped, and how to get the rest."""
    said = (
        f"stopped in round {grower.num_rounds + 1:,}: {grower.tally.num_accepted:,} of {grower.plan.n:,} "
        f"items are accepted and in {folder / RECORDS_FILE}"
    )
    if grower.num_waiting:
        replies = "reply is" if grower.num_waiting == 1 else "replies are"
        said += (
            f"; {grower.num_waiting:,} more {replies} kept, to be judged when the same command, with what it "
            "lacked, goes on"
        )
    return said


def _num_lines(path: Path) -> int:
    if not path.exists():
        return 0
    with disk_errors(path), path.open("rb") as file:
        return sum(line.endswith(b"\n") for line in file)


def _nothing(grower: Grower, folder: Path) -> str:
    tally = grower.tally
    tried = (
        f"{grower.num_calls:,} calls in {grower.num_rounds:,} rounds gave {tally.num_candidates:,} candidates"
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
            "open_cells": [
                {"cell": cell.name(), "missing": n} for cell, n in grower.open_cells()[:MOST_OPEN_CELLS]
            ],
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
