"""One decision per proposed revision: all policies that the config gives must accept it.

The policies come in the order of `POLICIES`, which is that of their usual cost; what one has rejected is not
shown to the later ones. So a decision has the scores up to the policy that rejected it, and its reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from tunewright.coach.accept.config import AcceptConfig
from tunewright.coach.accept.finding import Finding, Proposals
from tunewright.coach.accept.meaning import by_meaning
from tunewright.coach.accept.preference import by_preference, requests_of
from tunewright.coach.accept.rating import Rater, by_rating
from tunewright.coach.accept.student import PROMPTS as STUDENT_PROMPTS
from tunewright.coach.accept.student_losses import by_student, student_revision
from tunewright.coach.judge import parse as parse_verdict
from tunewright.coach.judge import prompt_hashes as judge_prompt_hashes
from tunewright.coach.revision import Revision
from tunewright.llm.ask import Asker, Estimate, Totals, estimate
from tunewright.llm.backend import Backend
from tunewright.llm.config import AskConfig
from tunewright.llm.journal import JOURNAL_FILE
from tunewright.llm.open import open_backend
from tunewright.llm.request import Request
from tunewright.llm.structured import Parser
from tunewright.rate.rater import prompt_hashes as rater_prompt_hashes
from tunewright.run.files import file_sha256
from tunewright.run.fingerprint import canonical_json
from tunewright.run.progress import Progress

T = TypeVar("T")
Policy = Literal["meaning", "student", "rating", "preference"]
POLICIES: tuple[Policy, ...] = get_args(Policy)


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of one proposal. `reason` is empty when it was accepted, else one of few fixed sentences;
    `scores` are by policy and name, such as `rating.before`."""

    id: str
    accepted: bool
    reason: str
    scores: Mapping[str, float]


@dataclass(slots=True)
class _State:
    """What is known so far about a proposal: all that is kept of it."""

    id: str
    reason: str = ""
    scores: dict[str, float] = field(default_factory=dict)


class Decisions:
    """A decision per proposal, in their order. `used` says by policy what the journals of those that asked
    a model have used, with what an earlier process asked."""

    def __init__(self, states: Sequence[_State], used: Mapping[str, Totals]) -> None:
        self._states = states
        self.used = used

    def __iter__(self) -> Iterator[Decision]:
        return (Decision(one.id, not one.reason, one.reason, one.scores) for one in self._states)


def decide(
    config: AcceptConfig,
    proposals: Proposals,
    folder: Path,
    *,
    progress: Progress | None = None,
    backends: Mapping[str, Backend] | None = None,
) -> Decisions:
    """A decision per proposal, in their order, and what it took.

    `proposals` is called several times and must give the same revisions each time, only changed ones.
    `folder`, that of the run, gets a folder `accept-POLICY` for each policy that asks or measures, so that a
    killed run repeats nothing that was answered. `backends`, by policy, answer instead of the models that the
    config names.

    All of the work is done before this returns. Raises RecipeError, DataError and ModelError as its parts
    do; ModelError too when requests got no answer and the policy's `ask` does not allow that.
    """
    progress = progress or Progress()
    backends = backends or {}
    _check(config, backends)
    states: list[_State] = []
    used: dict[str, Totals] = {}
    for revision in proposals():
        assert revision.changed, "only changed records are proposed"
        states.append(_State(revision.id))
    for policy in POLICIES:
        if getattr(config, policy) is None:
            continue
        is_open = [not state.reason for state in states]
        if not any(is_open):
            break
        found = _findings(
            config,
            policy,
            _only(proposals, is_open),
            folder,
            num_proposals=sum(is_open),
            progress=progress,
            backend=backends.get(policy),
            used=used,
        )
        for state, finding in zip(compress(states, is_open), found, strict=True):
            state.reason = finding.reason
            state.scores |= {f"{policy}.{name}": score for name, score in finding.scores.items()}
    return Decisions(states, used)


def requests_estimate(
    config: AcceptConfig,
    proposals: Proposals,
    folder: Path,
    *,
    backends: Mapping[str, Backend] | None = None,
) -> dict[str, Estimate]:
    """What each policy that asks would ask, by its name, and the most it could cost. Asks and writes nothing.

    An upper bound: every proposal is counted for every policy. Replies in the folder's journals are not
    counted again.
    """
    _check(config, backends or {})
    found: dict[str, Estimate] = {}
    if config.rating is not None:
        rater = Rater.of(config.rating)
        found["rating"] = _estimate(
            config.rating.ask,
            (request for revision in proposals() for request in rater.requests(revision)),
            rater.parser(),
            _folder_of(folder, "rating"),
            (backends or {}).get("rating"),
        )
    if (preference := config.preference) is not None:
        found["preference"] = _estimate(
            preference.ask,
            (request for revision in proposals() for request in requests_of(revision, preference)),
            parse_verdict,
            _folder_of(folder, "preference"),
            (backends or {}).get("preference"),
        )
    return found


def accept_settings(config: AcceptConfig) -> dict[str, Any]:
    """The settings for a run folder's fingerprint: vectors by what they hold (`accept_inputs`), not by where
    they lie."""
    settings = config.settings()
    if config.meaning is not None and config.meaning.embeddings is not None:
        settings["meaning"]["embeddings"] |= {"before": "given", "after": "given"}
    return settings


def accept_inputs(config: AcceptConfig, *, backends: Mapping[str, Backend] | None = None) -> dict[str, str]:
    """Hashes, by name, of all that decisions depend on beside the settings and the proposals: prompts,
    criteria, vectors, the student's weights and who answers. For a run folder's fingerprint."""
    _check(config, backends or {})
    found: dict[str, str] = {}
    if config.meaning is not None and config.meaning.embeddings is not None:
        vectors = config.meaning.embeddings
        found["accept.meaning.before"] = file_sha256(vectors.before)
        found["accept.meaning.after"] = file_sha256(vectors.after)
    if config.student is not None:
        found["accept.student"] = student_revision(config.student)
        found["accept.student.prompt"] = _digest(STUDENT_PROMPTS.hashes())
    for policy, ask in _asking(config).items():
        backend = (backends or {}).get(policy) or open_backend(ask)
        found[f"accept.{policy}.model"] = f"{backend.model} {ask.revision or backend.revision}".strip()
    if config.rating is not None:
        found["accept.rating.criteria"] = _digest(Rater.of(config.rating).criteria.settings())
        found["accept.rating.prompts"] = _digest(rater_prompt_hashes())
    if config.preference is not None:
        found["accept.preference.prompts"] = _digest(judge_prompt_hashes())
    return found


def _only(proposals: Proposals, is_open: Sequence[bool]) -> Proposals:
    """The proposals that no policy has rejected so far."""

    def chosen() -> Iterator[Revision]:
        return compress(proposals(), is_open)

    return chosen


def _check(config: AcceptConfig, backends: Mapping[str, Backend]) -> None:
    """Whatever can be known to be wrong before the first policy does any work."""
    if config.rating is not None:
        Rater.of(config.rating)
    if config.student is not None:
        student_revision(config.student)
    for policy, ask in _asking(config).items():
        if policy not in backends:
            open_backend(ask)


def _asking(config: AcceptConfig) -> dict[str, AskConfig]:
    found = {"rating": config.rating, "preference": config.preference}
    return {name: one.ask for name, one in found.items() if one is not None}


def _findings(
    config: AcceptConfig,
    policy: Policy,
    proposals: Proposals,
    folder: Path,
    *,
    num_proposals: int,
    progress: Progress,
    backend: Backend | None,
    used: dict[str, Totals],
) -> Iterator[Finding]:
    """What one policy finds about each of the proposals it is shown, in their order. What it has asked goes
    into `used`."""
    if policy == "meaning":
        assert config.meaning is not None
        yield from by_meaning(config.meaning, proposals, num_proposals=num_proposals)
        return
    own = _folder_of(folder, policy)
    own.mkdir(parents=True, exist_ok=True)
    if policy == "student":
        assert config.student is not None
        yield from by_student(
            config.student, proposals, own, run=folder, num_proposals=num_proposals, progress=progress
        )
        return
    with Asker.open(_asking(config)[policy], own, run=folder, progress=progress, backend=backend) as asker:
        if policy == "rating":
            assert config.rating is not None
            rater = Rater.of(config.rating)
            yield from by_rating(rater, proposals, asker, num_proposals=num_proposals)
        else:
            assert config.preference is not None
            yield from by_preference(
                config.preference, proposals, asker, num_proposals=num_proposals, progress=progress
            )
        used[policy] = asker.used


def _folder_of(folder: Path, policy: Policy) -> Path:
    return folder / f"accept-{policy}"


def _estimate(
    ask: AskConfig, requests: Iterator[Request], parse: Parser[T], folder: Path, backend: Backend | None
) -> Estimate:
    if not (ask.replies or folder / JOURNAL_FILE).is_file():
        return estimate(ask, requests, parse, backend=backend)
    with Asker.open(ask, folder, backend=backend) as asker:
        return asker.estimate(requests, parse)


def _digest(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json(data).encode("utf-8")).hexdigest()
