"""One record's life on one page: the stages before, what each person did here, the models tuned on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from tunewright.review.lineage import Step, Tuned, models_of, steps_of
from tunewright.review.model import Arm, Event, Item, Queue, Revision, Texts
from tunewright.review.run_folders import ReportPage, RunFolders
from tunewright.review.store import look, people, queues, revisions
from tunewright.review.store.database import Database
from tunewright.review.web.changes import Change, changes, plain
from tunewright.review.web.pages import duration, when_iso

ORIGINAL, DRAFT = "the original", "the coach's draft"
_ACTIONS = {
    "take back verdict": "The owner's word taken back",
    "take": "Taken",
    "take again": "Taken again, to save",
    "give back": "Given back",
    "undo": "Undone",
    "import result": "Brought in from another tool",
    "choose": "Version chosen as final",
    "take over": "Taken over, to be mended",
}
_DECISIONS = {
    "accept": "Accepted as shown",
    "edit": "Edited",
    "reject": "Rejected",
    "skip": "Skipped",
    "flag": "Flagged for the owner",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened here. `fields` are the changes it made to what `against` names."""

    at: float
    person: str
    title: str
    reason: str
    facts: tuple[tuple[str, str], ...]
    fields: tuple[Change, ...]
    against: str


@dataclass(frozen=True, slots=True)
class StepView:
    """A stage before the review; `report` is its run's page, if there is one."""

    step: Step
    at: Markup | str
    fields: tuple[Change, ...]
    report: ReportPage | None


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model that met the record, with its run's page."""

    model: str
    run: str
    at: Markup | str
    report: ReportPage | None


@dataclass(frozen=True, slots=True)
class Models:
    """Models that met the record in the same way: with which text, and what that is known from."""

    was_held_out: bool
    text: str
    how: str
    rows: tuple[ModelRow, ...]


@dataclass(frozen=True, slots=True)
class RecordPage:
    """`draft` is empty where there is none, or where the experiment still hides it (`is_hidden`)."""

    item: Item
    queue: Queue
    others: tuple[tuple[Item, str], ...]
    steps: tuple[StepView, ...]
    lineage: tuple[tuple[str, str], ...]
    original: tuple[Change, ...]
    draft: tuple[Change, ...]
    is_hidden: bool
    imported: Event | None
    moments: tuple[Moment, ...]
    models: tuple[Models, ...]
    has_folders: bool


def record_page(db: Database, item_id: int, folders: RunFolders) -> RecordPage | None:
    """None when there is no such item."""
    item = queues.item(db, item_id)
    queue = queues.queue(db, item.queue_id) if item else None
    if item is None or queue is None:
        return None
    names = {person.id: person.name for person in people.people(db)}
    made = revisions.history(db, item_id)
    is_hidden = item.arm is Arm.WITHOUT_DRAFT and queue.is_open
    texts = _named_texts(item, made, names)
    reports = {page.name.rsplit("/", 1)[0]: page for page in folders.pages()}
    steps = tuple(
        StepView(
            step,
            when_iso(step.at),
            plain(step.texts) if step.texts and step.stage != "coach" else (),
            reports.get(step.source),
        )
        for step in steps_of(item.key, item.meta, folders)
        if not (is_hidden and step.stage == "coach")
    )
    has_draft = item.draft is not None and not is_hidden
    events = look.life(db, item_id)
    return RecordPage(
        item=item.as_shown() if is_hidden else item,
        queue=queue,
        others=_others(db, item),
        steps=steps,
        lineage=tuple((name, _short(value)) for name, value in item.lineage.items()) if not is_hidden else (),
        original=plain(item.original),
        draft=changes(item.original, item.draft) if has_draft and item.draft is not None else (),
        is_hidden=is_hidden,
        imported=next((event for event in events if event.action == "import"), None),
        moments=tuple(_moment(event, item, made, names) for event in events if event.action != "import"),
        models=_models(models_of(item.key, texts, folders), reports),
        has_folders=bool(folders.folders),
    )


def _models(found: Sequence[Tuned], reports: Mapping[str, ReportPage]) -> tuple[Models, ...]:
    alike: dict[tuple[bool, str, str], list[ModelRow]] = {}
    for one in found:
        report = reports.get(one.run) or reports.get(one.run.split("/", 1)[0])
        row = ModelRow(one.model, one.run, when_iso(one.at), report)
        alike.setdefault((one.was_held_out, one.text, one.how), []).append(row)
    return tuple(Models(*known, tuple(rows)) for known, rows in alike.items())


def _named_texts(item: Item, made: list[Revision], names: Mapping[int, str]) -> dict[str, Texts]:
    texts: dict[str, Texts] = {ORIGINAL: item.original}
    if item.draft is not None:
        texts[DRAFT] = item.draft
    for revision in made:
        name = names.get(revision.person_id, "somebody")
        texts[f"{name}'s version {revision.version}"] = revision.texts
    return texts


def _others(db: Database, item: Item) -> tuple[tuple[Item, str], ...]:
    """The same record in other queues, with their names."""
    by_id = {queue.id: queue.name for queue in queues.queues(db)}
    return tuple(
        (other, by_id.get(other.queue_id, ""))
        for other in queues.items_with_key(db, item.key)
        if other.id != item.id
    )


def _moment(event: Event, item: Item, made: list[Revision], names: Mapping[int, str]) -> Moment:
    detail = event.detail
    reason = str(detail.get("reason", ""))
    revision = _revision(event, made, names)
    if revision is not None:
        return _saved(event, revision, item, made)
    if event.action == "verdict":
        title = "The owner finds it good" if detail.get("ok") else "The owner finds it not good"
        return Moment(event.at, event.person, title, reason, (), (), "")
    told = [(name, detail[name]) for name in detail if name not in ("reason", "of")]
    if event.action == "undo":
        told = [("version taken back", detail["of"])]
    facts = tuple((name, _short(value)) for name, value in told)
    return Moment(event.at, event.person, _ACTIONS.get(event.action, event.action), reason, facts, (), "")


def _saved(event: Event, revision: Revision, item: Item, made: list[Revision]) -> Moment:
    """A revision, made here or brought in from another tool; then its expert is the one who is named."""
    against, before = _before(revision, item, made)
    fields = changes(before, revision.texts) if before != revision.texts else ()
    facts = [("active time", duration(revision.seconds)), ("version", str(revision.version))]
    facts.append(("shown", DRAFT if revision.shown_draft else ORIGINAL))
    if "tool" in event.detail:
        facts.append(("brought in from", str(event.detail["tool"])))
    return Moment(
        event.at,
        _expert(event),
        _DECISIONS[revision.decision.value],
        revision.reason,
        tuple(facts),
        tuple(one for one in fields if one.is_changed),
        against,
    )


def _revision(event: Event, made: list[Revision], names: Mapping[int, str]) -> Revision | None:
    if event.action not in ("save", "import result"):
        return None
    who, version = _expert(event), event.detail.get("version")
    return next((one for one in made if names.get(one.person_id) == who and one.version == version), None)


def _expert(event: Event) -> str:
    """Whose revision it is: `import result` notes who brought it in, and `of` whom it is."""
    return str(event.detail.get("of", "")) if event.action == "import result" else event.person


def _before(revision: Revision, item: Item, made: list[Revision]) -> tuple[str, Texts]:
    """What the revision changed: its person's version before, else what they were shown."""
    own = [one for one in made if one.person_id == revision.person_id and one.version < revision.version]
    if own:
        last = max(own, key=lambda one: one.version)
        return f"their version {last.version}", last.texts
    if revision.shown_draft and item.draft is not None:
        return DRAFT, item.draft
    return ORIGINAL, item.original


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= 300 else text[:300] + "…"
