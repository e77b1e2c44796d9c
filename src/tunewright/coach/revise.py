"""The revise stage: a coach revises every record of a set; what is no good revision leaves it as it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunewright.coach.accept import (
    Decision,
    Decisions,
    accept_inputs,
    accept_settings,
    decide,
    requests_estimate,
)
from tunewright.coach.after import flags, verify
from tunewright.coach.asked_coach import AskedCoach, find_coach
from tunewright.coach.proposal import Proposal, by_length, proposal_of
from tunewright.coach.results import REVISIONS_FILE, Result, Status, Tally
from tunewright.coach.revise_config import ReviseConfig
from tunewright.coach.revision import Revision
from tunewright.llm.ask import Asker, Estimate, Totals, estimate
from tunewright.llm.backend import Backend
from tunewright.llm.journal import JOURNAL_FILE
from tunewright.llm.request import Request
from tunewright.records.digest import DataDigest
from tunewright.records.read import read_records
from tunewright.records.record import Record
from tunewright.records.reject import Reject, RejectWriter
from tunewright.records.write import write_records
from tunewright.run.files import JsonlLog, write_json_atomic
from tunewright.run.fingerprint import Fingerprint
from tunewright.run.folder import RunFolder, read_manifest
from tunewright.run.progress import Progress
from tunewright.run.versions import environment

SUMMARY_FILE = "summary.json"
META_KEY = "revision"


def revise(
    config: ReviseConfig,
    data: str | Path,
    out: str | Path,
    *,
    format: str | None = None,
    progress: Progress | None = None,
    again: bool = False,
    backend: Backend | None = None,
    accept_backends: Mapping[str, Backend] | None = None,
) -> dict[str, Any]:
    """Revise the records of `data` into the folder `out`; gives back its manifest.

    Writes `records.jsonl` (every record, in order, with what became of it in `meta` under the key that the
    manifest names), `revisions.jsonl` (per record the original, the proposal, the raw text of a reply that
    could not be used, the decision), `rejects.jsonl` (broken rows) and `summary.json`. Whatever the coach
    does, as many records come out as go in. Stopped and called again, it asks only what it has no reply to.

    Where the config lets requests go without a reply, all files are written but the manifest: the same call
    asks those again. What comes back is then the manifest as far as it goes: `finished` is None, and
    `counts` has `unanswered`.

    A `backend` given answers for the coach, `accept_backends` for the models of the policies.
    """
    progress = progress or Progress()
    work = _prepare(config, data, format, backend)
    with RunFolder.open(out, fingerprint=_fingerprint(work, accept_backends), again=again) as folder:
        if not folder.is_done:
            totals = _ask(work, folder.path, progress)
            tally, num_rejects, used = _write(work, folder.path, progress, accept_backends)
            summary = _summary(work, tally, num_rejects)
            write_json_atomic(folder.path / SUMMARY_FILE, summary)
            contents = _manifest(work, {"coach": totals, **used}, summary)
            num_unanswered = max(tally.num_unanswered, totals.num_unanswered)
            if num_unanswered:
                contents["counts"]["unanswered"] = num_unanswered
                return folder.unfinished(contents)
            folder.finish(**contents)
    return read_manifest(out)


def estimate_revising(
    config: ReviseConfig, data: str | Path, out: str | Path, *, format: str | None = None
) -> Estimate:
    """What `revise` would ask its coach and the most it could cost. Asks and writes nothing; replies that an
    earlier run has left in the journal are not counted again. Policies that ask models come on top
    (`estimate_accepting`)."""
    work = _prepare(config, data, format, None)
    ask = work.coach.ask
    if not _journal(work, out).is_file():
        return estimate(ask, work.requests(), backend=work.coach.backend)
    with Asker.open(ask, out, backend=work.coach.backend) as asker:
        return asker.estimate(work.requests(), work.coach.parser())


def estimate_accepting(
    config: ReviseConfig, data: str | Path, out: str | Path, *, format: str | None = None
) -> dict[str, Estimate]:
    """What each policy that asks a model would ask, by its name, and the most it could cost; empty where none
    asks. Asks and writes nothing.

    Where the coach's reply is in the journal its proposal counts; every other record as if it were changed
    and stayed as long as it is, so that requests are at most these, and tokens about these. A policy is not
    asked about what one before it rejects, which makes it less.
    """
    if config.accept is None:
        return {}
    work = _prepare(config, data, format, None)
    if not _journal(work, out).is_file():
        return requests_estimate(config.accept, lambda: _stand_ins(work, None), Path(out))
    with Asker.open(work.coach.ask, out, backend=work.coach.backend) as asker:
        return requests_estimate(config.accept, lambda: _stand_ins(work, asker), Path(out))


@dataclass(frozen=True)
class _Work:
    """A checked job: what is revised, by whom, and what one pass over the data has found."""

    config: ReviseConfig
    coach: AskedCoach
    data: str | Path
    format: str | None
    num_records: int
    num_requests: int
    digest: str  # of all records and broken rows
    meta_key: str

    def records(self, on_reject: Any = None) -> Iterator[Record]:
        return read_records(self.data, format=self.format, on_reject=on_reject or _ignore)

    def requests(self) -> Iterator[Request]:
        """One per record that the coach is asked about, in their order."""
        for record in self.records():
            if not self.coach.was_trained_on(record):
                yield self.coach.request(record)


def _journal(work: _Work, out: str | Path) -> Path:
    return work.coach.ask.replies or Path(out) / JOURNAL_FILE


def _stand_ins(work: _Work, asker: Asker | None) -> Iterator[Revision]:
    """The changes that are proposed in the journal, and one of about the same length for each record that the
    coach has still to be asked about."""
    for record in work.records():
        if work.coach.was_trained_on(record):
            continue
        proposal = None
        if asker is not None:
            (proposal,) = (one for _, one in _proposals(work, asker, [record]))
        if proposal is None or proposal.reason == "unanswered":
            yield Revision(record, replace(record, output=f"{record.output}."))
        elif proposal.is_change:
            assert proposal.revised is not None, "a change is a revised record"
            yield Revision(proposal.original, proposal.revised)


def _ignore(reject: Reject) -> None:
    """For every pass but the one that writes: a broken row is reported once."""


def _prepare(config: ReviseConfig, data: str | Path, format: str | None, backend: Backend | None) -> _Work:
    coach = find_coach(config, backend)
    digest = DataDigest()
    num_records = num_requests = 0
    names: set[str] = set()
    for record in read_records(data, format=format, on_reject=digest.reject):
        num_records += 1
        num_requests += not coach.was_trained_on(record)
        names.update(name for name in record.meta if name.startswith(META_KEY))
        digest.add(record)
    key = _free_key(META_KEY, names)
    return _Work(config, coach, data, format, num_records, num_requests, digest.hexdigest(), key)


def _free_key(name: str, taken: set[str]) -> str:
    """The name, or `name~2`, … when a record has a column of that name: an earlier note is not replaced."""
    key, number = name, 1
    while key in taken:
        number += 1
        key = f"{name}~{number}"
    return key


def _fingerprint(work: _Work, accept_backends: Mapping[str, Backend] | None) -> Fingerprint:
    config = work.config
    inputs = {"data": work.digest}
    if config.accept is not None:
        inputs |= accept_inputs(config.accept, backends=accept_backends)
    settings = work.coach.settings() | {
        "revise_trained": config.revise_trained,
        "after": config.after_settings.settings(),
        "accept": None if config.accept is None else accept_settings(config.accept),
    }
    return Fingerprint("revise", settings, inputs)


def _ask(work: _Work, folder: Path, progress: Progress) -> Totals:
    """Ask the coach what has no reply yet. It is closed before a policy loads models of its own.

    A backend that takes many requests at a time gets those of like length together: a batch is as slow as
    its longest.
    """
    coach = work.coach

    def requests() -> Iterator[Request]:
        return work.requests() if coach.backend.batch_size == 1 else by_length(work.requests())

    with Asker.open(coach.ask, folder, progress=progress, backend=coach.backend) as asker:
        return asker.ask(requests, coach.parser(), total=work.num_requests, stage="revise")


def _write(
    work: _Work, folder: Path, progress: Progress, accept_backends: Mapping[str, Backend] | None
) -> tuple[Tally, int, Mapping[str, Totals]]:
    """Write all files anew from the journal, the same however often that was begun; the counts, how many rows
    were broken, and by policy what its model has used."""
    tally = Tally()
    with (
        Asker.open(work.coach.ask, folder, backend=work.coach.backend) as asker,
        RejectWriter(folder / "rejects.jsonl") as rejects,
        JsonlLog(folder / REVISIONS_FILE) as revisions,
    ):
        revisions.keep(0)
        decided = _decisions(work, asker, folder, progress, accept_backends)
        decisions = iter(decided or ())
        records = _revised(work, asker, decisions, rejects, revisions, tally)
        write_records(records, folder / "records.jsonl", format="native")
        revisions.sync()
        assert next(decisions, None) is None, "a decision for every change, and no other"
    assert tally.num_records == work.num_records, "N in, N out"
    return tally, rejects.count, decided.used if decided is not None else {}


def _decisions(
    work: _Work,
    asker: Asker,
    folder: Path,
    progress: Progress,
    accept_backends: Mapping[str, Backend] | None,
) -> Decisions | None:
    """One per proposal that changes something, in order; None where every valid one is accepted."""
    policy = work.config.accept
    if policy is None:
        return None

    def changes() -> Iterable[Revision]:
        for _, proposal in _proposals(work, asker, work.records()):
            if proposal is not None and proposal.is_change:
                assert proposal.revised is not None, "a change is a revised record"
                yield Revision(proposal.original, proposal.revised)

    return decide(policy, changes, folder, progress=progress, backends=accept_backends)


def _proposals(
    work: _Work, asker: Asker, records: Iterable[Record]
) -> Iterator[tuple[Record, Proposal | None]]:
    """Every record with what the coach made of it, from the journal; None for one it was trained on."""
    parse, after = work.coach.parser(), work.config.after_settings
    for record in records:
        if work.coach.was_trained_on(record):
            yield record, None
            continue
        (outcome,) = asker.outcomes([work.coach.request(record)], parse)
        yield record, proposal_of(outcome, after)


def _revised(
    work: _Work,
    asker: Asker,
    decisions: Iterator[Decision],
    rejects: RejectWriter,
    revisions: JsonlLog,
    tally: Tally,
) -> Iterator[Record]:
    """Every record as it goes on, with its note; on the way its row is written and counted."""
    has_policy = work.config.accept is not None
    for record, proposal in _proposals(work, asker, work.records(rejects)):
        decision = None
        if has_policy and proposal is not None and proposal.is_change:
            decision = next(decisions)
            assert decision.id == record.id, "decisions come in the order of the records"
        result = _result(record, proposal, decision)
        revisions.append(result.to_row())
        tally.add(result)
        note = result.note(coach=work.coach.version)
        yield replace(result.record, meta={**record.meta, work.meta_key: note})


def _result(record: Record, proposal: Proposal | None, decision: Decision | None) -> Result:
    if proposal is None:
        return Result(record, "left_alone", "training_pair")
    if proposal.revised is None:
        status: Status = "too_long" if proposal.reason == "too_long" else "fell_back"
        return Result(record, status, proposal.reason, proposal.detail, proposal)
    if not proposal.is_change:
        return Result(record, "unchanged", proposal=proposal)
    result = Result(
        record,
        "revised",
        proposal=proposal,
        decision=decision,
        flags=flags(record, proposal.revised),
        verified_before=verify(record),
        verified_after=verify(proposal.revised),
    )
    if decision is not None and not decision.accepted:
        return replace(result, status="rejected", reason=decision.reason)
    return result


def _summary(work: _Work, tally: Tally, num_rejects: int) -> dict[str, Any]:
    coach = work.coach
    who = coach.settings()
    return {
        **tally.summary(),
        "num_rejected_rows": num_rejects,
        "data": str(work.data),
        "meta_key": work.meta_key,
        "model": coach.backend.model,
        **{name: who[name] for name in ("coach", "form", "style", "prompt", "decoding")},
        "model_revision": who["ask"]["revision"],
    }


def _manifest(work: _Work, used: Mapping[str, Totals], summary: dict[str, Any]) -> dict[str, Any]:
    """What the stage adds to its manifest. `used` has the coach and each policy that asked a model; the sum
    of all is what the run took."""
    named = ("meta_key", "model", "model_revision", "coach", "form", "style", "prompt", "decoding")
    return {
        "versions": environment(),
        "counts": {
            "records": work.num_records,
            "rejected_rows": summary["num_rejected_rows"],
            **summary["statuses"],
        },
        "extra": {
            **{name: summary[name] for name in named},
            "metrics": {"shares": summary["shares"], "reasons": summary["reasons"]},
            "prompt_tokens": sum(one.prompt_tokens for one in used.values()),
            "output_tokens": sum(one.output_tokens for one in used.values()),
            "cost": _cost(used.values()),
            "used": {
                name: {
                    "prompt_tokens": one.prompt_tokens,
                    "output_tokens": one.output_tokens,
                    "cost": one.cost,
                }
                for name, one in used.items()
            },
            "data": str(work.data),
            "format": work.format,
        },
    }


def _cost(used: Iterable[Totals]) -> float | None:
    """The price of all together; None where one of them has used tokens without a price."""
    costs = [one.cost for one in used if one.prompt_tokens or one.output_tokens or one.cost is not None]
    priced = [cost for cost in costs if cost is not None]
    return sum(priced) if costs and len(priced) == len(costs) else None
