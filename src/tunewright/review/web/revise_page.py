"""What the pages of an expert show, as plain values made of a `Work`; the templates only lay them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from markupsafe import Markup

from tunewright.errors import RecipeError
from tunewright.rate.criteria import load_criteria
from tunewright.review.diff import Diff, Span, compare
from tunewright.review.marked import diff_html
from tunewright.review.model import TEXT_FIELDS, Finding, Queue, Revision, Texts, Work
from tunewright.review.text import looks_like_code, rendered, shown
from tunewright.review.web import reasons

View = Literal["differences", "draft", "rendered"]
VIEWS: Mapping[str, str] = {
    "differences": "Differences",
    "draft": "Draft only",
    "rendered": "Rendered",
}
TITLES = {
    "system": "System message",
    "instruction": "Instruction",
    "input": "Input",
    "output": "Response",
    "explanation": "Explanation",
}
_ALWAYS = ("instruction", "input", "output")
_SIDES = {"instruction": "instruction", "response": "output", "explanation": "explanation", "record": ""}
# With all views in the page the switch is instant; beyond this only the one asked for is sent.
_MOST_CHARS_OF_ALL_VIEWS = 150_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A criterion beside the field that it is about."""

    name: str
    question: str


@dataclass(frozen=True, slots=True)
class Pane:
    """One version of a field, in the views that are in the page (the others None)."""

    differences: Markup | None
    draft: Markup | None
    rendered: Markup | None


@dataclass(frozen=True, slots=True)
class FieldView:
    """A field of the pair: both versions, the editor's text, and what is known of it.

    `draft` is None where no draft is shown. `is_unchanged`: the draft is the original; `is_changed`: the
    editor holds another text than accepting would save. `findings` come with their numbers. `is_editing`: the
    editor is open from the start.
    """

    name: str
    title: str
    original: Pane
    draft: Pane | None
    text: str
    edited: Diff
    is_editing: bool
    is_changed: bool
    is_unchanged: bool
    is_empty: bool
    is_code: bool
    is_coarse: bool
    findings: tuple[tuple[int, Finding], ...]
    criteria: tuple[Asked, ...]

    @property
    def is_single(self) -> bool:
        """One pane is enough: both would show the same."""
        return self.is_unchanged or self.is_empty

    @property
    def num_rows(self) -> int:
        return num_rows(self.text)

    @property
    def own_after(self) -> Markup:
        """The editor's text with what it adds."""
        return diff_html(self.edited.after)


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

    @property
    def has_draft(self) -> bool:
        return self.work.item.draft is not None

    @property
    def num_reasons(self) -> int:
        return len(self.picked) + bool(self.own_words)

    @property
    def views(self) -> Mapping[str, str]:
        """The views to switch between; without a draft there is nothing to see of it alone."""
        return VIEWS if self.has_draft else {"differences": "As written", "rendered": "Rendered"}


@dataclass(frozen=True, slots=True)
class MergeField:
    """A field whose three versions differ: the original, what was saved meanwhile, what was typed here."""

    name: str
    title: str
    original: Markup
    theirs: Markup
    yours: Markup
    text: str

    @property
    def num_rows(self) -> int:
        return num_rows(self.text)


@dataclass(frozen=True, slots=True)
class MergePage:
    """Two saves of one pair: somebody (the same person in another window) was quicker.

    `version` is the one to save over; `saved` is None where the other window took its save back.
    """

    item_id: int
    queue_id: int
    key: str
    version: int
    saved: Revision | None
    decision: str
    groups: tuple[reasons.Group, ...]
    reason_picked: frozenset[str]
    own_words: str
    fields: tuple[MergeField, ...]
    hidden: Texts
    seconds: str
    opened: str


@dataclass(frozen=True, slots=True)
class LostPage:
    """The item is somebody else's by now, or was never theirs; what was typed is shown, to be copied."""

    title: str
    message: str
    queue_id: int
    texts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class DonePage:
    """Nothing more in this queue for this person now."""

    queue: Queue
    num_done: int
    num_left: int
    last: int
    last_words: str


def texts_shown(work: Work) -> Texts:
    """What `accept` is about: the draft, or the original where no draft is shown."""
    return work.item.original if work.item.draft is None else work.item.draft


def texts_in_editor(work: Work) -> Texts:
    """The newest of what was typed, saved, drafted and imported."""
    if work.autosaved is not None:
        return {**texts_shown(work), **work.autosaved}
    if work.saved is not None:
        return {**texts_shown(work), **work.saved.texts}
    return texts_shown(work)


def fields_of(work: Work, queue: Queue, texts: Texts, *, view: str, all_views: bool) -> tuple[FieldView, ...]:
    """The fields that hold a text anywhere, and always instruction, input and output."""
    item = work.item
    numbered = tuple(enumerate(item.findings, start=1))
    views = tuple(VIEWS) if all_views else (view,)
    found = []
    for name in TEXT_FIELDS:
        original, draft, text = (side.get(name, "") for side in (item.original, texts_shown(work), texts))
        if not (original or draft or text or name in _ALWAYS):
            continue
        findings = tuple((number, one) for number, one in numbered if one.field == name)
        diff = compare(original, draft)
        found.append(
            FieldView(
                name=name,
                title=TITLES[name],
                original=_pane(diff.before, original, views, findings),
                draft=None if item.draft is None else _pane(diff.after, draft, views),
                text=text,
                edited=diff if text == draft else compare(original, text),
                is_editing=text != draft or (item.draft is None and bool(draft)),
                is_changed=text != draft,
                is_unchanged=diff.is_equal and item.draft is not None,
                is_empty=not (original or draft or text),
                is_code=looks_like_code(original) or looks_like_code(draft),
                is_coarse=diff.is_coarse,
                findings=findings,
                criteria=tuple(one for field, one in criteria_of(queue.criteria) if field == name),
            )
        )
    return tuple(found)


def general_findings(work: Work) -> tuple[tuple[int, Finding], ...]:
    """Those about the pair as a whole, numbered as all others are."""
    return tuple(one for one in enumerate(work.item.findings, start=1) if one[1].field not in TEXT_FIELDS)


def general_criteria(queue: Queue) -> tuple[Asked, ...]:
    return tuple(one for field, one in criteria_of(queue.criteria) if not field)


def num_rows(text: str) -> int:
    """Rows of a text area that does not grow by itself (older browsers without JavaScript)."""
    return max(3, min(24, text.count("\n") + len(text) // 80 + 1))


def wants_all_views(work: Work, texts: Texts) -> bool:
    sides = (work.item.original, texts_shown(work), texts)
    return sum(len(text) for side in sides for text in side.values()) <= _MOST_CHARS_OF_ALL_VIEWS


@lru_cache(maxsize=64)
def criteria_of(names: tuple[str, ...]) -> tuple[tuple[str, Asked], ...]:
    """(field or "" for the whole pair, criterion) of a queue's criteria: names of built-in sets or files of
    criteria, else sentences of the lead's own, which are shown as they are."""
    found: list[tuple[str, Asked]] = []
    for name in names:
        try:
            criteria = load_criteria(name).criteria
        except (RecipeError, OSError, ValueError):
            found.append(("", Asked("", name)))
            continue
        found += [(_SIDES[one.side], Asked(one.name, one.question)) for one in criteria]
    return tuple(found)


def merge_page(
    work: Work, saved: Revision | None, version: int, yours: Texts, *, decision: str, entered: Entered,
    seconds: str, opened: str,
) -> MergePage:  # fmt: skip
    """The merge of `yours` with what is saved (where it was taken back: with what is shown)."""
    theirs = texts_shown(work) if saved is None else {**texts_shown(work), **saved.texts}
    fields, hidden = [], {}
    for name in TEXT_FIELDS:
        original, other, own = (side.get(name, "") for side in (work.item.original, theirs, yours))
        if not (original or other or own):
            continue
        if other == own:
            hidden[name] = own
            continue
        fields.append(
            MergeField(
                name=name,
                title=TITLES[name],
                original=shown(original),
                theirs=diff_html(compare(original, other).spans),
                yours=diff_html(compare(original, own).spans),
                text=own,
            )
        )
    return MergePage(
        item_id=work.item.id,
        queue_id=work.item.queue_id,
        key=work.item.key,
        version=version,
        saved=saved,
        decision=decision,
        groups=reasons.groups(with_draft=work.item.draft is not None),
        reason_picked=entered.picked,
        own_words=entered.own_words,
        fields=tuple(fields),
        hidden=hidden,
        seconds=seconds,
        opened=opened,
    )


def _pane(
    spans: Sequence[Span], text: str, views: Sequence[str], findings: Sequence[tuple[int, Finding]] = ()
) -> Pane:
    return Pane(
        differences=diff_html(spans, findings) if "differences" in views else None,
        draft=shown(text) if "draft" in views else None,
        rendered=_rendered(text) if "rendered" in views else None,
    )


def _rendered(text: str) -> Markup:
    laid_out = rendered(text)
    if laid_out is not None:
        return laid_out
    return Markup(
        '<p class="note info">Too long to be laid out; as written:</p><div class="text">{}</div>'
    ).format(shown(text))
