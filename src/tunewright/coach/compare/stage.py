"""The compare-sets stage: two versions of a data set in, one page and all its numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from tunewright.coach.compare.bookkeeping import bookkeeping
from tunewright.coach.compare.config import CompareConfig
from tunewright.coach.compare.detect import detect
from tunewright.coach.compare.edits import edit_statistics
from tunewright.coach.compare.examples import evidence, examples, rows
from tunewright.coach.compare.join import Joined, Side, join, read_side
from tunewright.coach.compare.judging import Judged, chosen, judge, requests
from tunewright.coach.compare.page import write_page
from tunewright.coach.compare.ratings import input_hashes, ratings
from tunewright.coach.compare.student import Student, tune_students
from tunewright.coach.judge import parse, prompt_hashes
from tunewright.llm.ask import Asker, Estimate, estimate
from tunewright.llm.backend import Backend
from tunewright.llm.journal import JOURNAL_FILE
from tunewright.llm.open import open_backend
from tunewright.records.digest import records_digest
from tunewright.records.read import read_records
from tunewright.records.record import Record
from tunewright.run.files import JsonlLog, write_json_atomic
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.folder import RunFolder, read_manifest
from tunewright.run.progress import Progress
from tunewright.run.versions import environment

COMPARISON_FILE = "comparison.json"
PAIRS_FILE = "pairs.jsonl"
PAGE_FILE = "comparison.html"
STUDENT_FOLDER = "student"
_MOST_IDS = 100  # of each kind in comparison.json


def compare_sets(
    config: CompareConfig,
    before: str | Path,
    after: str | Path,
    out: str | Path,
    *,
    progress: Progress | None = None,
    again: bool = False,
    backend: Backend | None = None,
) -> dict[str, Any]:
    """Compare the set `after` with the set `before` it was made from, into the folder `out`; its manifest.

    Either is a data set or a run folder. Writes `comparison.json` (all numbers), `pairs.jsonl` (a row per
    pair) and `comparison.html`. A judge's replies are kept in `replies.sqlite` and students in `student/`, so
    that a stopped comparison goes on where it was.

    Where the judge's config lets requests go without a reply, all files are written but the manifest: the
    same call asks those again. What comes back then has `finished` None and `counts` with `unanswered`.

    A `backend` given answers for the judge.
    """
    progress = progress or Progress()
    work = _prepare(config, before, after)
    judge_backend = None
    if config.judge is not None:
        judge_backend = backend or open_backend(config.judge)
    with RunFolder.open(out, fingerprint=_fingerprint(work, judge_backend), again=again) as folder:
        if not folder.is_done:
            contents = _run(work, folder.path, judge_backend, progress)
            if contents["counts"].get("unanswered"):
                return folder.unfinished(contents)
            folder.finish(**contents)
    return read_manifest(out)


def estimate_comparison(
    config: CompareConfig, before: str | Path, after: str | Path, out: str | Path
) -> Estimate | None:
    """What the judge would be asked and the most it could cost; None without a judge. Asks and writes
    nothing; replies that an earlier run has left in the journal are not counted again."""
    work = _prepare(config, before, after)
    if config.judge is None:
        return None
    asked = chosen(work.joined.pairs, config)
    journal = config.judge.replies or Path(out) / JOURNAL_FILE
    if not journal.is_file():
        return estimate(config.judge, requests(asked, config))
    with Asker.open(config.judge, out) as asker:
        return asker.estimate(requests(asked, config), parse)


@dataclass(frozen=True)
class _Work:
    """A checked job: the pairs and the held-out records."""

    config: CompareConfig
    joined: Joined
    heldout: tuple[Record, ...]


def _prepare(config: CompareConfig, before: str | Path, after: str | Path) -> _Work:
    sides = [read_side(source, format=config.format) for source in (before, after)]
    joined = join(sides[0], sides[1], match=config.match)
    heldout = tuple(read_records(config.heldout)) if config.heldout is not None else ()
    return _Work(config, joined, heldout)


def _fingerprint(work: _Work, backend: Backend | None) -> Fingerprint:
    config, joined = work.config, work.joined
    settings = config.settings()
    if config.judge is not None and backend is not None:
        settings["judge"] |= {"model": backend.model, "revision": config.judge.revision or backend.revision}
        settings["prompts"] = prompt_hashes()
    inputs = {"before": joined.before.digest, "after": joined.after.digest, **input_hashes(config)}
    for name in ("rated_before", "rated_after", "heldout"):  # what they hold, not where they lie
        settings[name] = None if settings[name] is None else "given"
    if work.heldout:
        inputs["heldout"] = records_digest(work.heldout)
    if config.student is not None:
        inputs |= _student_input(config.student.model)
    if joined.after.manifest is not None:
        inputs["after_run"] = str(joined.after.manifest["fingerprint"])
    return Fingerprint("compare-sets", settings, inputs)


def _student_input(spec: str) -> dict[str, str]:
    """The student's weights as `tune` knows them; nothing for a hub id, which names its own."""
    from tunewright.tune.model_input import model_input

    return {f"student_{name}": digest for name, digest in model_input(spec).items()}


def _run(work: _Work, out: Path, backend: Backend | None, progress: Progress) -> dict[str, Any]:
    config, pairs = work.config, work.joined.pairs
    # what can fail for a user's mistake comes first, what costs money or hours last
    is_rated = config.rated_before is not None or config.score_before is not None
    rated = ratings(work.joined, config) if is_rated else None
    edits = edit_statistics(pairs)
    detected = detect(pairs, config.check, progress) if config.check is not None else None
    judged = _judge(work, out, backend, progress)
    student = _student(work, out, progress)
    known = evidence(pairs, edits.distances, detected, rated, judged)
    distances = [one.distance for one in known if one.is_changed]
    found = {
        "about": _about(work),
        "edits": {**_json(edits, without=("distances",)), "distance_histogram": _histogram(distances)},
        "detectors": None if detected is None else _json(detected, without=("before", "after")),
        "ratings": None if rated is None else _json(rated, without=("main_gains",)),
        "judge": None if judged is None else _json(judged, without=("results",)),
        "student": None if student is None else _json(student),
        "bookkeeping": _json(bookkeeping(work.joined.after)),
        "examples": [asdict(one) for one in examples(pairs, known, most=config.examples)],
        "missing": _missing(config, work.joined.after),
    }
    with JsonlLog(out / PAIRS_FILE) as log:
        log.keep(0)
        for row in rows(pairs, known):
            log.append(row)
        log.sync()
    write_json_atomic(out / COMPARISON_FILE, found)
    write_page(found, out / PAGE_FILE)
    counts = {"pairs": len(pairs), "changed": edits.changed.count}
    if judged is not None:
        counts |= {"judged": judged.rates.num_pairs, "without_verdict": judged.num_without}
        if judged.num_unanswered:
            counts["unanswered"] = judged.num_unanswered
    return {"versions": environment(), "counts": counts, "extra": _extra(work, judged)}


def _judge(work: _Work, out: Path, backend: Backend | None, progress: Progress) -> Judged | None:
    if work.config.judge is None:
        return None
    with Asker.open(work.config.judge, out, progress=progress, backend=backend) as asker:
        return judge(work.joined.pairs, work.config, asker)


def _student(work: _Work, out: Path, progress: Progress) -> Student | None:
    """Tuned on the sets as they are, with what they do not share: that too is a difference between them."""
    config, joined = work.config, work.joined
    if config.student is None:
        return None
    folder = out / STUDENT_FOLDER
    folder.mkdir(exist_ok=True)
    return tune_students(
        config.student,
        joined.before.records,
        joined.after.records,
        work.heldout,
        folder,
        num_seeds=config.student_seeds,
        progress=progress,
    )


def _about(work: _Work) -> dict[str, Any]:
    joined = work.joined
    return {
        "match": work.config.match,
        "num_pairs": len(joined.pairs),
        "before": _side(joined.before),
        "after": _side(joined.after),
        "only_before": _ids(joined.only_before),
        "only_after": _ids(joined.only_after),
        "repeated": _ids(joined.repeated),
        "ambiguous": _ids(joined.ambiguous),
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "source": side.source,
        "stage": None if side.manifest is None else side.manifest["stage"],
        "num_records": len(side.records),
        "rejects": dict(side.rejects),
    }


def _ids(ids: Sequence[str]) -> dict[str, Any]:
    return {"count": len(ids), "first": list(ids[:_MOST_IDS])}


def _histogram(distances: Sequence[int]) -> dict[str, Any]:
    """In doubling steps: 0, 1, 2–3, 4–7, …; 0 is a change that only moves text from field to field."""
    if not distances:
        return {"labels": [], "counts": []}
    steps = [one.bit_length() for one in distances]
    counts = [steps.count(step) for step in range(max(steps) + 1)]
    labels = [f"{2 ** (n - 1):,}–{2**n - 1:,}" if n > 1 else str(n) for n in range(len(counts))]
    return {"labels": labels, "counts": counts}


def _missing(config: CompareConfig, after: Side) -> list[dict[str, str]]:
    """The parts that are not there, and which option brings them."""
    parts = [
        (
            config.check is None,
            "Detectors before and after",
            "leave out --no-detectors",
        ),
        (
            config.rated_before is None and config.score_before is None,
            "Ratings before and after",
            "--rated-before FOLDER --rated-after FOLDER (of tunewright rate), or --score-before COLUMN",
        ),
        (config.judge is None, "Win rate of the revised version in both orders", "--judge SPEC"),
        (config.student is None, "A student tuned on either set", "--student SPEC --heldout FILE"),
        (
            after.manifest is None or after.manifest["stage"] != "revise",
            "What became of each record, and what a revision cost",
            "name the folder of tunewright revise as AFTER",
        ),
    ]
    return [{"part": part, "option": option} for is_missing, part, option in parts if is_missing]


def _extra(work: _Work, judged: Judged | None) -> dict[str, Any]:
    extra: dict[str, Any] = {"before": work.joined.before.source, "after": work.joined.after.source}
    if judged is not None:
        totals = judged.totals
        extra |= {"model": judged.model, "revision": judged.revision}
        extra |= {"prompt_tokens": totals.prompt_tokens, "output_tokens": totals.output_tokens}
        extra["cost"] = totals.cost
    return extra


def _json(value: Any, *, without: Sequence[str] = ()) -> Any:
    """A dataclass as JSON-like data. What is left out is large and lies in `pairs.jsonl`."""
    if value is None:
        return None
    assert is_dataclass(value)
    kept = {one.name: getattr(value, one.name) for one in fields(value) if one.name not in without}
    return {name: _plain(one) for name, one in kept.items()}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if hasattr(value, "items"):
        return {str(key): _plain(one) for key, one in value.items()}
    return value
