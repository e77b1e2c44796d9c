"""The judge stage: two models' answers compared, or each answer scored, by one judge or several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tunewright.errors import DataError
from tunewright.evaluate.judging import pairwise, single
from tunewright.evaluate.judging.config import JudgeConfig, is_offline
from tunewright.evaluate.judging.job import Job, fingerprint, open_judges, prepare
from tunewright.evaluate.judging.results import OrderResult, Result
from tunewright.evaluate.judging.write import JudgeRun, write_pairs, write_scores
from tunewright.llm.ask import Asker, Estimate, estimate
from tunewright.llm.backend import Backend
from tunewright.llm.config import AskConfig
from tunewright.llm.journal import JOURNAL_FILE, Journal
from tunewright.llm.request import Request
from tunewright.records.reject import RejectWriter
from tunewright.run.folder import RunFolder, read_manifest
from tunewright.run.progress import Progress
from tunewright.run.versions import environment


def judge(
    config: JudgeConfig,
    a: str | Path,
    b: str | Path | None,
    out: str | Path,
    *,
    progress: Progress | None = None,
    again: bool = False,
    backends: Sequence[Backend] | None = None,
    replies_of: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Judge the answers in `a` and `b` into the folder `out`; gives back its manifest.

    A pair gets `annotations.json` in AlpacaEval's columns (`a` is the baseline, `output_1`; a preference of
    2 is a win of `b`; of several judges it holds their vote, and `annotations-1.json`, … hold each one's),
    `verdicts.jsonl` (a row per question with the key of its reply), `summary.json`, `rejects.jsonl`; answers
    to MT-Bench's questions `mt_bench_pair.jsonl` too. With `mode: single` it is `scores.jsonl` instead, and
    `mt_bench_single.jsonl`. Identical answers are a tie without a call.

    Stopped, by a budget or a kill, and called again, it asks only what it has no reply to. Where requests
    may stay without a reply, all files are written but the manifest, and `finished` of what comes back is
    None. `replies_of` is the manifest of an earlier judging whose replies are read again.
    """
    progress = progress or Progress()
    job = prepare(config, a, b)
    backends = backends or open_judges(config)
    mark = fingerprint(job, backends)
    if replies_of is not None:
        _check_same_questions(mark.config, mark.inputs, replies_of)
    with RunFolder.open(out, fingerprint=mark, again=again) as folder:
        if not folder.is_done:
            unfinished = _judge(job, backends, folder, progress)
            if unfinished is not None:
                if replies_of is not None:
                    raise DataError(
                        f"{config.judges[0].replies}: has no reply to "
                        f"{unfinished['counts']['unanswered']:,} questions of that judging; put the whole "
                        "journal back, or judge again"
                    )
                return unfinished
    return read_manifest(out)


def estimate_judging(
    config: JudgeConfig, a: str | Path, b: str | Path | None, out: str | Path
) -> list[tuple[str, Estimate]]:
    """What each judge would be asked, without a call; judges that ask nobody are left out."""
    job = prepare(config, a, b)
    found = []
    for one, backend in zip(config.judges, open_judges(config), strict=True):
        if is_offline(one):
            continue
        journal = one.replies or Path(out) / JOURNAL_FILE
        if journal.is_file():
            with Asker.open(one, out, backend=backend) as asker:
                found.append((one.model, _estimate(asker, job)))
        else:
            found.append((one.model, estimate(one, _requests(job), backend=backend)))
    return found


def _estimate(asker: Asker, job: Job) -> Estimate:
    if job.config.mode == "single":
        return asker.estimate(_requests(job), single.parser(job.asking))
    return asker.estimate(_requests(job), pairwise.parser(job.asking))


def _requests(job: Job) -> Iterator[Request]:
    return _score_requests(job) if job.config.mode == "single" else _pair_requests(job)


def _pair_requests(job: Job) -> Iterator[Request]:
    for comparison in job.compared():
        for order in job.orders(comparison):
            yield pairwise.build(comparison, order, job.asking)


def _score_requests(job: Job) -> Iterator[Request]:
    for answered, turn, criterion in single.to_score(job.answered, job.asking.criteria or single.OVERALL):
        yield single.build(answered, turn, criterion, job.asking)


def _judge(
    job: Job, backends: Sequence[Backend], folder: RunFolder, progress: Progress
) -> dict[str, Any] | None:
    """Ask every judge, write all files and finish; the manifest so far when questions have no reply."""
    runs = []
    for one, backend in zip(job.config.judges, backends, strict=True):
        with Asker.open(one, folder.path, progress=progress, backend=backend) as asker:
            runs.append(_ask(job, one, asker))
    with RejectWriter(folder.path / "rejects.jsonl") as write:
        for reject in job.rejects:
            write(reject)
    if job.config.mode == "single":
        counts = write_scores(folder.path, job, runs)
    else:
        counts = write_pairs(folder.path, job, runs)
    contents = {
        "versions": environment(),
        "counts": counts,
        "extra": {
            "judges": [
                _spent(one, run, folder.path) for one, run in zip(job.config.judges, runs, strict=True)
            ],
            "answers": list(job.paths),
            "config": _config_row(job.config),
        },
    }
    num_unanswered = sum(run.num_unanswered for run in runs)
    if not num_unanswered:
        folder.finish(**contents)
        return None
    counts["unanswered"] = num_unanswered
    return folder.unfinished(contents)


def _ask(job: Job, one: AskConfig, asker: Asker) -> JudgeRun:
    """Ask one judge, and read its replies at once: what another judge asks may forget refused ones."""
    stage = f"judge {asker.model}"
    if job.config.mode == "single":
        to_score = list(single.to_score(job.answered, job.asking.criteria or single.OVERALL))
        read = single.parser(job.asking)
        totals = asker.ask(lambda: _score_requests(job), read, total=len(to_score), stage=stage)
        outcomes = asker.outcomes(_score_requests(job), read)
        scores = [
            single.Score.of(answered, turn, criterion.name, outcome)
            for (answered, turn, criterion), outcome in zip(to_score, outcomes, strict=True)
        ]
        without = sum(score.is_unanswered for score in scores)
        return JudgeRun(asker.model, asker.revision, (), tuple(scores), max(without, totals.num_unanswered))
    compared, parse = job.compared(), pairwise.parser(job.asking)
    total = sum(len(job.orders(comparison)) for comparison in compared)
    totals = asker.ask(lambda: _pair_requests(job), parse, total=total, stage=stage)
    found = asker.outcomes(_pair_requests(job), parse)
    results = [
        Result.of(
            [OrderResult.of(order, next(found)) for order in job.orders(comparison)],
            probabilities=job.config.probabilities,
        )
        for comparison in compared
    ]
    without = sum(order.is_unanswered for result in results for order in result.orders)
    return JudgeRun(asker.model, asker.revision, tuple(results), (), max(without, totals.num_unanswered))


def _spent(one: AskConfig, run: JudgeRun, folder: Path) -> dict[str, Any]:
    """What the journal holds of this judge: calls, tokens, and their price where it is known."""
    with Journal(one.replies or folder / JOURNAL_FILE) as journal:
        spent = journal.spent_on(run.model)
    cost = None
    if one.price_input is not None and one.price_output is not None:
        cost = (spent.prompt_tokens * one.price_input + spent.output_tokens * one.price_output) / 1_000_000
    return {"model": run.model, "revision": run.revision, **asdict(spent), "cost": cost}


def _config_row(config: JudgeConfig) -> dict[str, Any]:
    """The settings with their paths, as `reparse` needs them."""
    return config.model_dump(mode="json")


def _check_same_questions(
    settings: Mapping[str, Any], inputs: Mapping[str, str], earlier: Mapping[str, Any]
) -> None:
    """Replies are found by what was asked: with anything else asked there would be none."""
    then = earlier["config"]
    changed = [
        said
        for said, has_changed in (
            ("the answers", inputs["answers"] != earlier["inputs"]["answers"]),
            ("the criteria", settings["criteria"] != then["criteria"]),
            ("your prompt", settings["prompt"] != then["prompt"]),
            ("the prompts of Tunewright", settings["prompts"] != then["prompts"]),
        )
        if has_changed
    ]
    if changed:
        raise DataError(
            f"since that judging {' and '.join(changed)} changed, so its replies are not to what would be "
            "asked now; put back what was there, or judge again"
        )
