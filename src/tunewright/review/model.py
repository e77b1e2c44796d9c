"""The nouns of the review page, as plain values: the store gives them, the pages show them.

Times are seconds since 1970 (UTC) as floats. A *queue* is what was imported at once: pairs to revise, or the
items of one rating study. A *place* is one of the `overlap` seats at an item of a revise queue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

TEXT_FIELDS = ("system", "instruction", "input", "output", "explanation")

FIELD_TITLES: Mapping[str, str] = {
    "system": "System message",
    "instruction": "Instruction",
    "input": "Input",
    "output": "Response",
    "explanation": "Explanation",
}  # as every page calls them

Texts = Mapping[str, str]  # of the fields above; an absent one is ""


class Role(StrEnum):
    """What a person may do; each may do what stands above it as well, but a rater never revises."""

    RATER = "rater"  # rates blind, sees only what is assigned
    EXPERT = "expert"  # revises pairs; rates where a study names them
    OWNER = "owner"  # answers for quality: samples finished work, adjudicates, looks records up
    LEAD = "lead"  # makes queues, people and assignments, locks and unblinds


class QueueKind(StrEnum):
    REVISE = "revise"
    RATE = "rate"


class Decision(StrEnum):
    """What an expert did with a pair."""

    ACCEPT = "accept"  # what was shown as draft (without a draft: the original) is good as it is
    EDIT = "edit"  # the texts that the expert wrote
    REJECT = "reject"  # nothing to be saved here: the pair is not to be trained on
    SKIP = "skip"  # not for me: the place goes to somebody else
    FLAG = "flag"  # the quality owner must look


class Arm(StrEnum):
    """Of the efficiency experiment: whether the coach's draft is shown."""

    WITH_DRAFT = "with_draft"
    WITHOUT_DRAFT = "without_draft"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may log in. `password_hash` is "" where only the link of the start is good."""

    id: int
    name: str
    role: Role
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Session:
    """A login. `csrf` is the secret that every form of this session carries."""

    person: Person
    csrf: str
    expires: float


@dataclass(frozen=True, slots=True)
class Queue:
    """`study` is the folder of a rate queue; `experiment` says that drafts are shown to a random half."""

    id: int
    name: str
    kind: QueueKind
    overlap: int
    num_items: int
    study: str = ""
    experiment: bool = False
    criteria: tuple[str, ...] = ()
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """What a detector or a rater found in a text. `start` and `end` count characters; both 0: the whole.

    `of_draft`: it is about the coach's draft, and is shown only where that is."""

    field: str
    label: str
    message: str
    start: int = 0
    end: int = 0
    of_draft: bool = False

    def row(self) -> dict[str, Any]:
        """As it is kept: without `of_draft` where it is not, as before there was one."""
        values = asdict(self)
        if not self.of_draft:
            del values["of_draft"]
        return values


@dataclass(frozen=True, slots=True)
class Item:
    """One pair to revise. `draft` is the coach's; None where there is none (or the experiment hides it, in
    what `Work` holds). `meta` is the record's own; `lineage` what earlier stages said of it."""

    id: int
    queue_id: int
    key: str  # the record's id
    original: Texts
    draft: Texts | None = None
    draft_reason: str = ""
    findings: tuple[Finding, ...] = ()
    history: tuple[tuple[str, str], ...] = ()  # (speaker, text) of earlier turns, read only
    meta: Mapping[str, Any] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)
    arm: Arm | None = None

    def as_shown(self) -> Item:
        """The item as an expert may see it: in the arm without a draft, without all that tells of it."""
        if self.arm is not Arm.WITHOUT_DRAFT:
            return self
        findings = tuple(one for one in self.findings if not one.of_draft)
        lineage = {name: self.lineage[name] for name in ("origin",) if name in self.lineage}
        return replace(self, draft=None, draft_reason="", findings=findings, lineage=lineage)


@dataclass(frozen=True, slots=True)
class Revision:
    """An expert's word on an item. `version` counts the saves of this (item, person) from 1; `texts` are the
    final ones, whatever the decision; `seconds` is active time, `seconds_open` all of it. `source` is the
    tool that it was brought in from, "" where it was made here: only then its time is measured."""

    item_id: int
    person_id: int
    version: int
    decision: Decision
    texts: Texts
    reason: str
    seconds: float
    seconds_open: float
    at: float
    shown_draft: bool
    source: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """An item as its expert sees it: their lease, what is saved, and what was typed since (`autosaved`).

    `item.draft` is None here where the experiment hides it. `version` goes back with the save (0: none yet).
    """

    item: Item
    saved: Revision | None
    autosaved: Texts | None
    version: int
    lease_until: float
    place: int


@dataclass(frozen=True, slots=True)
class Task:
    """One item of a rating study as its rater sees it; codes only, no system.

    `answers` is (code, text) in the order drawn for this rater. `part` is training or main: gold and repeated
    items are not told apart. `given` maps (question, code or "") to the value that counts.
    """

    queue_id: int
    item: str
    place: int
    num_places: int
    part: str
    prompt: Mapping[str, Any]
    answers: tuple[tuple[str, str], ...]
    given: Mapping[tuple[str, str], Any]
    comment: str
    version: int
    is_done: bool


@dataclass(frozen=True, slots=True)
class Pace:
    """One person's progress in one queue. `per_hour` is items an hour of active time, None before any; the
    `num_outside` that came from other tools are no part of it, nor is their time."""

    person: Person
    num_assigned: int
    num_done: int
    num_flagged: int
    active_seconds: float
    last_at: float | None
    num_outside: int = 0

    @property
    def per_hour(self) -> float | None:
        num_here = self.num_done - self.num_outside
        return 3600 * num_here / self.active_seconds if self.active_seconds else None


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the audit, which is only ever added to."""

    id: int
    at: float
    person: str
    action: str
    subject: str  # "item:17", "person:ann", "queue:3"
    detail: Mapping[str, Any]
