"""A pair's fields as an expert sees them: both versions in several views, the editor's text, what is known of
each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup

from tunewright.errors import RecipeError
from tunewright.rate.criteria import load_criteria
from tunewright.review.diff import Diff, Span, compare
from tunewright.review.marked import diff_html
from tunewright.review.model import FIELD_TITLES, TEXT_FIELDS, Finding, Queue, Texts, Work
from tunewright.review.text import looks_like_code, rendered, shown

VIEWS: Mapping[str, str] = {
    "differences": "Differences",
    "draft": "Draft only",
    "rendered": "Rendered",
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
                title=FIELD_TITLES[name],
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
