"""The rate stage: every record of a data set rated by a model, criterion by criterion, and a summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tunewright.errors import DataError
from tunewright.llm.ask import Asker, Estimate, Totals, estimate
from tunewright.llm.backend import Backend
from tunewright.llm.journal import JOURNAL_FILE
from tunewright.llm.open import open_backend
from tunewright.llm.request import Request
from tunewright.llm.structured import Parser
from tunewright.rate.agreement import agreement, compare
from tunewright.rate.columns import human_scores
from tunewright.rate.config import RateConfig
from tunewright.rate.criteria import CriteriaSet, load_criteria
from tunewright.rate.page import write_page
from tunewright.rate.passes import ignore
from tunewright.rate.rater import (
    Rating,
    build,
    check_expected,
    has_something_to_rate,
    parser,
    prompt_hashes,
)
from tunewright.rate.results import RATINGS_FILE, CriterionResult, RecordRating, read_scores
from tunewright.rate.tally import Tally
from tunewright.records.digest import DataDigest
from tunewright.records.read import read_records
from tunewright.records.record import Record
from tunewright.records.reject import Reject, RejectWriter, cut
from tunewright.records.write import write_records
from tunewright.run.files import JsonlLog, file_sha256, write_json_atomic
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.folder import RunFolder, read_manifest
from tunewright.run.progress import Progress
from tunewright.run.versions import environment

SUMMARY_FILE = "summary.json"
PAGE_FILE = "summary.html"


def rate(
    config: RateConfig,
    data: str | Path,
    out: str | Path,
    *,
    format: str | None = None,
    progress: Progress | None = None,
    again: bool = False,
    backend: Backend | None = None,
    replies_of: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Rate the records of `data` into the folder `out`; gives back its manifest.

    Writes `records.jsonl` (all records in order, each with its scores in `meta` under the key that the
    manifest names), `ratings.jsonl` (scores, reasons and failures per record), `rejects.jsonl` (broken rows
    and failed ratings with their raw text), `summary.json` and `summary.html`. A record whose rating failed
    stays, without a score. Stopped and called again, it asks only what it has no reply to.

    Where the config lets requests go without a reply, all files are written but the manifest: the same call
    asks those again. What comes back is then the manifest as far as it goes: `finished` is None, and
    `counts` has `unanswered`.

    A `backend` given answers instead of the one that the config names. `replies_of` is the manifest of an
    earlier rating whose replies are read again: DataError when they cannot be those of this one.
    """
    progress = progress or Progress()
    work = _prepare(config, data, format)
    if replies_of is not None:
        _check_same_questions(work, replies_of)
    before = _before(config, work.criteria)
    _check_matches(work)
    backend = backend or open_backend(config.ask)
    with RunFolder.open(out, fingerprint=_fingerprint(work, backend, before), again=again) as folder:
        if not folder.is_done:
            with Asker.open(config.ask, folder.path, progress=progress, backend=backend) as asker:
                unfinished = _rate(work, asker, folder, before)
            if unfinished is not None and replies_of is not None:
                raise DataError(
                    f"{config.ask.replies}: has no reply to {unfinished['counts']['unanswered']:,} requests "
                    "of that rating; put the whole journal back, or rate again with 'tunewright rate'"
                )
            if unfinished is not None:
                return unfinished
    return read_manifest(out)


def estimate_rating(
    config: RateConfig, data: str | Path, out: str | Path, *, format: str | None = None
) -> Estimate:
    """What `rate` would ask and the most it could cost. Asks and writes nothing; replies that an earlier
    run has left in the journal are not counted again."""
    work = _prepare(config, data, format)
    journal = config.ask.replies or Path(out) / JOURNAL_FILE
    if not journal.is_file():
        return estimate(config.ask, work.requests())
    with Asker.open(config.ask, out) as asker:
        return asker.estimate(work.requests(), work.parser())


@dataclass(frozen=True)
class _Work:
    """A checked job: what is rated, by what, and what one pass over the data has found."""

    config: RateConfig
    criteria: CriteriaSet
    data: str | Path
    format: str | None
    num_records: int
    num_requests: int
    digest: str  # of all records and broken rows
    meta_key: str

    def records(self, on_reject: Any = None) -> Iterator[Record]:
        return read_records(self.data, format=self.format, on_reject=on_reject or ignore)

    def parser(self) -> Parser[Rating]:
        config = self.config
        return parser(self.criteria, expected=config.expected, pattern=config.pattern)

    def requests(self) -> Iterator[Request]:
        for record in self.records():
            yield from (request for _, request in self.requests_of(record))

    def requests_of(self, record: Record) -> list[tuple[str, Request]]:
        config = self.config
        return [
            (
                one.key,
                build(record, one, self.criteria, expected=config.expected, max_tokens=config.max_tokens),
            )
            for one in self.criteria.criteria
            if has_something_to_rate(record, one)
        ]


def _prepare(config: RateConfig, data: str | Path, format: str | None) -> _Work:
    criteria = load_criteria(config.criteria)
    if config.expected:
        check_expected(criteria)
    if config.human_score is not None and config.human_score not in criteria.score_keys:
        raise DataError(
            f"human_score '{config.human_score}' is no score of '{criteria.name}'; "
            f"its scores are {', '.join(criteria.score_keys)}"
        )
    digest = DataDigest()
    num_records = num_requests = 0
    names: set[str] = set()
    for record in read_records(data, format=format, on_reject=digest.reject):
        num_records += 1
        num_requests += sum(has_something_to_rate(record, one) for one in criteria.criteria)
        names.update(name for name in record.meta if name.startswith("rating_"))
        digest.add(record)
    key = _free_key(f"rating_{criteria.name}", names)
    return _Work(config, criteria, data, format, num_records, num_requests, digest.hexdigest(), key)


def _free_key(name: str, taken: set[str]) -> str:
    """The name, or `name~2`, … when a record has a column of that name: an earlier rating is not replaced."""
    key, number = name, 1
    while key in taken:
        number += 1
        key = f"{name}~{number}"
    return key


def _before(config: RateConfig, criteria: CriteriaSet) -> dict[str, Any] | None:
    """The manifest of the earlier rating. DataError when it is no rating or used other criteria."""
    if config.before is None:
        return None
    manifest = read_manifest(config.before)
    if manifest["stage"] != "rate":
        raise DataError(
            f"{config.before}: holds a '{manifest['stage']}' run, not a rating; name another folder"
        )
    if not (config.before / RATINGS_FILE).is_file():
        raise DataError(f"{config.before}: holds no {RATINGS_FILE} any more; put it back or rate again")
    if manifest["config"]["criteria"] != _contents(criteria):
        raise DataError(
            f"{config.before}: was rated by other criteria ('{manifest['config']['criteria']['name']}'); "
            "only ratings by the same criteria can be compared"
        )
    return manifest


def _check_matches(work: _Work) -> None:
    if work.config.before is None:
        return
    earlier = {id for id, _ in read_scores(work.config.before)}
    if not any(record.id in earlier for record in work.records()):
        raise DataError(
            f"{work.config.before}: none of the records has an id of that rating. Records without an id are "
            "known by their texts, so changed ones match nothing: give both sets an 'id' column"
        )


def _check_same_questions(work: _Work, earlier: Mapping[str, Any]) -> None:
    """Replies are found by what was asked: with anything else asked there would be none."""
    then, before = earlier["config"], earlier["inputs"]["data"]
    changed = [
        said
        for said, has_changed in (
            (f"the data ({work.data})", before != work.digest),
            (f"the criteria ({work.config.criteria})", then["criteria"] != _contents(work.criteria)),
            ("the prompts of Tunewright", then["prompts"] != prompt_hashes()),
        )
        if has_changed
    ]
    if changed:
        version = earlier["versions"].get("tunewright", "of then")
        raise DataError(
            f"since that rating {' and '.join(changed)} changed, so its replies are not to what would be "
            f"asked now; put back what was there (it was rated by version {version}), or rate again with "
            "'tunewright rate'"
        )


def _contents(criteria: CriteriaSet) -> dict[str, Any]:
    """All of the set that can change a score or a table; criteria by key, so that a difference is named."""
    found = {name: value for name, value in criteria.settings().items() if name != "about"}
    return found | {"criteria": {one.key: one.settings() for one in criteria.criteria}}


def _fingerprint(work: _Work, backend: Backend, before: dict[str, Any] | None) -> Fingerprint:
    config = work.config
    settings = config.settings() | {"criteria": _contents(work.criteria), "prompts": prompt_hashes()}
    settings["ask"] |= {"model": backend.model, "revision": config.ask.revision or backend.revision}
    inputs = {"data": work.digest}
    if config.human is not None and Path(config.human).is_file():
        inputs["human"] = file_sha256(config.human)
        settings["human"] = "a file"  # what it holds, not where it lies
    if before is not None and config.before is not None:
        inputs["before"] = file_sha256(config.before / RATINGS_FILE)
        settings["before"] = "a rating"  # what it holds, not where it lies
    return Fingerprint("rate", settings, inputs)


def _rate(
    work: _Work, asker: Asker, folder: RunFolder, before: dict[str, Any] | None
) -> dict[str, Any] | None:
    """Ask, write all files and finish; the manifest as far as it goes when requests have no reply."""
    parse = work.parser()
    totals = asker.ask(work.requests, parse, total=work.num_requests, stage="rate")
    tally = Tally(work.criteria, worst=work.config.worst)
    with (
        RejectWriter(folder.path / "rejects.jsonl") as rejects,
        JsonlLog(folder.path / RATINGS_FILE) as ratings,
    ):
        ratings.keep(0)  # written anew from the journal, the same however often it was begun
        count = _Count(rejects)
        rated = _rated(work, asker, ratings, count, tally)
        write_records(rated, folder.path / "records.jsonl", format="native")
        ratings.sync()
    assert len(tally.ids) == work.num_records, "N in, N out"
    summary = _summary(work, asker, tally, before, num_rejected_rows=count.rows)
    write_json_atomic(folder.path / SUMMARY_FILE, summary)
    write_page(summary, folder.path / PAGE_FILE)
    contents = _manifest(work, tally, totals, summary)
    num_unanswered = max(tally.num_unanswered, totals.num_unanswered)
    if not num_unanswered:
        folder.finish(**contents)
        return None
    contents["counts"]["unanswered"] = num_unanswered
    return folder.unfinished(contents)


class _Count:
    """Passes rejects on and counts the broken rows among them."""

    def __init__(self, write: RejectWriter) -> None:
        self.write = write
        self.rows = 0

    def __call__(self, reject: Reject) -> None:
        self.rows += 1
        self.write(reject)


def _rated(work: _Work, asker: Asker, ratings: JsonlLog, rejects: _Count, tally: Tally) -> Iterator[Record]:
    """Every record with its scores in meta; on the way its row is written and counted."""
    parse = work.parser()
    for record in work.records(rejects):
        asked = dict(work.requests_of(record))
        outcomes = dict(zip(asked, asker.outcomes(asked.values(), parse), strict=True))
        results = [
            CriterionResult.of(one.key, outcomes[one.key])
            if one.key in outcomes
            else CriterionResult(one.key, "absent")
            for one in work.criteria.criteria
        ]
        rating = RecordRating.of(record.id, results, work.criteria)
        ratings.append(rating.to_row())
        for result in results:
            if result.status not in ("rated", "absent"):
                rejects.write(_failed(record, result))
        tally.add(record, rating)
        yield replace(record, meta={**record.meta, work.meta_key: dict(rating.scores)})


def _failed(record: Record, result: CriterionResult) -> Reject:
    file, line = (record.origin.file, record.origin.line) if record.origin is not None else ("", 0)
    reason = f"record {record.id}: rating {result.status}: {result.problem}"
    return Reject(file, line, result.key, reason, cut(result.raw))


def _summary(
    work: _Work, asker: Asker, tally: Tally, before: dict[str, Any] | None, *, num_rejected_rows: int
) -> dict[str, Any]:
    criteria, config = work.criteria, work.config
    summary: dict[str, Any] = {
        "criteria": criteria.name,
        "about": criteria.about,
        "scale": [criteria.scale.low, criteria.scale.high],
        "model": asker.model,
        "revision": asker.revision,
        "data": str(work.data),
        "meta_key": work.meta_key,
        "main_side": criteria.main_side,
        "expected": config.expected,
        "num_rejected_rows": num_rejected_rows,
        **tally.summary(),
        "agreement": None,
        "comparison": None,
    }
    if config.human is not None:
        key = config.human_score or criteria.main_side
        human = human_scores(config.human, work.records())
        summary["agreement"] = asdict(agreement(key, tally.scores_of(key), human, criteria))
    if before is not None and config.before is not None:
        old = dict(read_scores(config.before))
        summary["comparison"] = {
            "before": str(config.before),
            "same_rater": _is_same_rater(before, work, asker),
            "model_before": before["extra"]["model"],
            "sides": [
                asdict(
                    compare(
                        side, {id: one.get(side) for id, one in old.items()}, tally.scores_of(side), criteria
                    )
                )
                for side in criteria.sides
            ],
        }
    return summary


def _is_same_rater(before: dict[str, Any], work: _Work, asker: Asker) -> bool:
    """Whether model, prompts and the way of asking are those of the earlier rating."""
    settings, extra = before["config"], before["extra"]
    return (extra["model"], extra["revision"], settings["prompts"], settings["expected"]) == (
        asker.model,
        asker.revision,
        prompt_hashes(),
        work.config.expected,
    )


def _manifest(work: _Work, tally: Tally, totals: Totals, summary: dict[str, Any]) -> dict[str, Any]:
    """What the stage adds to its manifest."""
    return {
        "versions": environment(),
        "counts": {
            "records": work.num_records,
            "rejected_rows": summary["num_rejected_rows"],
            "ratings": tally.num_ratings,
            "failed_ratings": tally.num_failed,
        },
        "extra": {
            "model": summary["model"],
            "revision": summary["revision"],
            "meta_key": work.meta_key,
            "main_side": work.criteria.main_side,
            "prompt_tokens": totals.prompt_tokens,
            "output_tokens": totals.output_tokens,
            "cost": totals.cost,
            "data": str(work.data),
            "format": work.format,
            "criteria": work.config.criteria,
            "human": work.config.human,
        },
    }
