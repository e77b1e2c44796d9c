"""The answerability stage: a model judges every option of every choice item, with and without its passage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from tunewright.errors import DataError
from tunewright.generate.answerability import (
    Answerability,
    Asked,
    Verdict,
    conclude,
    parser,
    prompt_hashes,
    questions,
    summarise,
    why_not,
)
from tunewright.generate.check_items import SUMMARY_FILE, data_digest
from tunewright.generate.item_view import ItemView, view_of
from tunewright.llm.ask import Asker, Estimate, Totals, estimate
from tunewright.llm.backend import Backend
from tunewright.llm.config import AskConfig
from tunewright.llm.journal import JOURNAL_FILE
from tunewright.llm.open import open_backend
from tunewright.llm.outcome import Outcome
from tunewright.llm.request import Request
from tunewright.records.read import read_records
from tunewright.records.reject import Reject, RejectWriter, cut
from tunewright.run.config import Config
from tunewright.run.files import JsonlLog, write_json_atomic
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.folder import RunFolder, read_manifest
from tunewright.run.progress import Progress
from tunewright.run.versions import environment

VERDICTS_FILE = "verdicts.jsonl"


class AnswerabilityConfig(Config):
    """Which model judges, and how the data is read."""

    ask: AskConfig = Field(description="the model that judges and how it is asked")
    max_tokens: int = Field(256, ge=16, description="the most tokens of one reply")
    format: str | None = Field(None, description="the data's format, when its content does not tell")


def judge_answerability(
    config: AnswerabilityConfig,
    data: str | Path,
    out: str | Path,
    *,
    progress: Progress | None = None,
    again: bool = False,
    backend: Backend | None = None,
) -> dict[str, Any]:
    """Ask about every choice item of `data`, into the folder `out`; gives back its manifest.

    Writes `verdicts.jsonl` (a row per item: what it is, each option's verdicts and reasons), `summary.json`
    and `rejects.jsonl` (broken rows, and judgements that never came with their raw text). Records that are
    no choice items, or whose stem cannot be told apart, are counted by reason. Stopped and called again, it
    asks only what it has no reply to. DataError when no record can be asked about.
    """
    progress = progress or Progress()
    work = _Work.of(config, data)
    backend = backend or open_backend(config.ask)
    with RunFolder.open(out, fingerprint=_fingerprint(work, backend), again=again) as folder:
        if not folder.is_done:
            with Asker.open(config.ask, folder.path, progress=progress, backend=backend) as asker:
                _judge(work, asker, folder)
    return read_manifest(out)


def estimate_answerability(config: AnswerabilityConfig, data: str | Path, out: str | Path) -> Estimate:
    """What `judge_answerability` would ask and the most it could cost. Asks and writes nothing."""
    work = _Work.of(config, data)
    if not (config.ask.replies or Path(out) / JOURNAL_FILE).is_file():
        return estimate(config.ask, work.requests())
    with Asker.open(config.ask, out) as asker:
        return asker.estimate(work.requests(), parser())


@dataclass(frozen=True)
class _Work:
    """A checked job and what one pass over the data has found."""

    config: AnswerabilityConfig
    data: str | Path
    num_items: int
    num_requests: int
    not_asked: dict[str, int]  # reason → records

    @classmethod
    def of(cls, config: AnswerabilityConfig, data: str | Path) -> _Work:
        num_items = num_requests = 0
        reasons: Counter[str] = Counter()
        for record in read_records(data, format=config.format, on_reject=_ignore):
            view = view_of(record)
            reason = why_not(view)
            if reason:
                reasons[reason] += 1
                continue
            num_items += 1
            num_requests += len(questions(view, max_tokens=config.max_tokens))
        if num_items == 0:
            found = "; ".join(f"{count:,}: {reason}" for reason, count in reasons.most_common())
            raise DataError(
                f"{data}: no record is a choice item that can be asked about ({found or 'no records'}); "
                "options and key are read from meta.options and meta.key"
            )
        return cls(config, data, num_items, num_requests, dict(reasons))

    def views(self, on_reject: Any = None) -> Iterator[ItemView]:
        records = read_records(self.data, format=self.config.format, on_reject=on_reject or _ignore)
        return (view for view in map(view_of, records) if not why_not(view))

    def requests(self) -> Iterator[Request]:
        for view in self.views():
            yield from questions(view, max_tokens=self.config.max_tokens).values()


def _fingerprint(work: _Work, backend: Backend) -> Fingerprint:
    settings = work.config.settings() | {"prompts": prompt_hashes()}
    settings["ask"] |= {"model": backend.model, "revision": work.config.ask.revision or backend.revision}
    return Fingerprint("answerability", settings, {"data": data_digest(work.data, format=work.config.format)})


def _judge(work: _Work, asker: Asker, folder: RunFolder) -> None:
    totals = asker.ask(work.requests, parser(), total=work.num_requests, stage="answerability")
    found: list[Answerability] = []
    num_failed = num_rows = 0
    with (
        RejectWriter(folder.path / "rejects.jsonl") as rejects,
        JsonlLog(folder.path / VERDICTS_FILE) as log,
    ):
        log.keep(0)  # written anew from the journal, the same however often it was begun
        for view in work.views(rejects):
            asked = questions(view, max_tokens=work.config.max_tokens)
            outcomes = dict(zip(asked, asker.outcomes(asked.values(), parser()), strict=True))
            result = conclude(view, {one: outcome.value for one, outcome in outcomes.items()})
            found.append(result)
            log.append(_row(view, result, outcomes))
            for outcome in outcomes.values():
                if outcome.value is None:
                    num_failed += 1
                    rejects(_failed(view, outcome))
        log.sync()
        num_rows = rejects.count - num_failed
    assert len(found) == work.num_items, "every item that was asked about has a row"
    summary = {
        "data": str(work.data),
        "model": asker.model,
        "revision": asker.revision,
        "not_asked": work.not_asked,
        "num_failed": num_failed,
        "num_rejected_rows": num_rows,
        **asdict(summarise(found)),
    }
    write_json_atomic(folder.path / SUMMARY_FILE, summary)
    _finish(folder, work, totals, num_failed=num_failed, num_rows=num_rows, model=asker.model)


def _row(view: ItemView, result: Answerability, outcomes: dict[Asked, Outcome[Verdict]]) -> dict[str, Any]:
    assert view.key_place is not None, "asked about items with one key"
    return {
        "id": view.record.id,
        "key": view.letters[view.key_place],
        **asdict(result),
        "is_sound": result.is_sound,
        "options": [
            {
                "letter": view.letters[asked.place],
                "shows_passage": asked.shows_passage,
                "verdict": None if outcome.value is None else outcome.value.is_true,
                "reason": outcome.value.reason if outcome.value is not None else outcome.problem,
            }
            for asked, outcome in outcomes.items()
        ],
    }


def _failed(view: ItemView, outcome: Outcome[Verdict]) -> Reject:
    origin = view.record.origin
    file, line = (origin.file, origin.line) if origin is not None else ("", 0)
    reason = f"{outcome.request.subject}: {outcome.reason}: {outcome.problem}"
    return Reject(file, line, "options", reason, cut(outcome.reply.text if outcome.reply is not None else ""))


def _finish(
    folder: RunFolder, work: _Work, totals: Totals, *, num_failed: int, num_rows: int, model: str
) -> None:
    folder.finish(
        versions=environment(),
        counts={
            "items": work.num_items,
            "not_asked": sum(work.not_asked.values()),
            "judgements": work.num_requests,
            "failed_judgements": num_failed,
            "rejected_rows": num_rows,
        },
        extra={
            "model": model,
            "prompt_tokens": totals.prompt_tokens,
            "output_tokens": totals.output_tokens,
            "cost": totals.cost,
        },
    )


def _ignore(reject: Reject) -> None:
    """For every pass but the one that writes: a broken row is reported once."""
