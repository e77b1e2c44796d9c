"""The pages of an expert as plain values: a pair, a pair that is somebody else's, a queue that is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from tunewright.review.model import Finding, Queue, Texts, Work
from tunewright.review.store.waiting import SentBack
from tunewright.review.web import reasons
from tunewright.review.web.revise_fields import VIEWS, Asked, FieldView


@dataclass(frozen=True, slots=True)
class Entered:
    """What came with a form that could not be saved, to be shown again; `problem` says why not.

    `may_force`: accept was chosen over changed texts; the page offers to accept without them.
    """

    texts: Texts
    picked: frozenset[str]
    own_words: str
    problem: str
    asks_reason: bool = False
    may_force: bool = False


@dataclass(frozen=True, slots=True)
class ItemPage:
    """One pair. `last` is the item saved before (0: none) and what was decided, for the undo."""

    work: Work
    queue: Queue
    view: str
    has_all_views: bool
    fields: tuple[FieldView, ...]
    history: tuple[tuple[str, Markup], ...]
    general_findings: tuple[tuple[int, Finding], ...]
    general_criteria: tuple[Asked, ...]
    groups: tuple[reasons.Group, ...]
    picked: frozenset[str]
    own_words: str
    entered: Entered | None
    num_done: int
    num_left: int
    opened: float
    person_id: int
    last: int
    last_words: str
    sent_back: SentBack | None = None  # by an owner, after it was saved last

    @property
    def has_draft(self) -> bool:
        return self.work.item.draft is not None

    @property
    def drafter(self) -> str:
        """What made the draft, as its lineage has it: a coach, or nobody that is known."""
        lineage = self.work.item.lineage
        run = lineage.get("run")
        is_of_run = isinstance(run, Mapping) and run.get("stage") == "revise"
        return "coach" if "coach" in lineage or is_of_run else "draft"

    @property
    def num_reasons(self) -> int:
        return len(self.picked) + bool(self.own_words)

    @property
    def views(self) -> Mapping[str, str]:
        """The views to switch between; without a draft there is nothing to see of it alone."""
        return VIEWS if self.has_draft else {"differences": "As written", "rendered": "Rendered"}


@dataclass(frozen=True, slots=True)
class LostPage:
    """The item is somebody else's by now, or was never theirs; what was typed is shown, to be copied."""

    title: str
    message: str
    queue_id: int
    texts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class DonePage:
    """Nothing more in this queue for this person now. `is_done`: nor for anybody."""

    queue: Queue
    num_done: int
    num_left: int
    last: int
    last_words: str
    is_done: bool = True
