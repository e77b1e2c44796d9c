"""What a rater's pages show, as plain values made of the task alone, which holds codes and texts.

Gold and repeated items are made as any other, so no page tells them apart; no answer's code is in it at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from tunewright.review.model import Person, Task
from tunewright.review.store import ratings
from tunewright.review.store.database import Database
from tunewright.review.store.study_items import item_at, seconds_of, study_item
from tunewright.review.studies import Asking
from tunewright.review.web.asked import Asked, questions_asked
from tunewright.review.web.rating_texts import Part, ShownAnswer, laid_out, prompt_parts, shown_answers

ENOUGH_FOR_PACE = 3


@dataclass(frozen=True, slots=True)
class Progress:
    """How far this rater is. `seconds_left` is at their own pace, None before there is one."""

    num_done: int
    num_items: int
    seconds_left: float | None

    @property
    def words(self) -> str:
        """ "23 of 120 done, about 40 min left at your pace"."""
        done = f"{self.num_done:,} of {self.num_items:,} done"
        if self.seconds_left is None or self.num_done == self.num_items:
            return done
        return f"{done}, about {_about(self.seconds_left)} left at your pace"


@dataclass(frozen=True, slots=True)
class Place:
    """An item in the rater's own list, by its number there."""

    number: int
    item: str
    is_done: bool


@dataclass(frozen=True, slots=True)
class HomePage:
    """Where a rater begins and comes back to. `ended` says why nothing can be rated any more."""

    study: str
    home: str
    progress: Progress
    places: tuple[Place, ...]
    instructions: Markup | str
    guide: tuple[Asked, ...]
    ended: str = ""


@dataclass(frozen=True, slots=True)
class InstructionsPage:
    study: str
    home: str
    instructions: Markup | str
    guide: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class PausePage:
    home: str


@dataclass(frozen=True, slots=True)
class RatePage:
    """One item. `study` is the name that the lead gave the queue; `was_missing` counts required
    questions that came back empty with the last try."""

    heading: str
    study: str
    home: str
    item: str
    previous: str
    progress: Progress
    prompt: tuple[Part, ...]
    answers: tuple[ShownAnswer, ...]
    asked: tuple[Asked, ...]
    instructions: Markup | str
    guide: tuple[Asked, ...]
    version: int
    save_words: str
    was_missing: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A question answered twice, in two tabs."""

    ask: str
    about: str
    saved: str
    chosen: str


@dataclass(frozen=True, slots=True)
class StalePage:
    """A save that came too late; `fields` are sent again if what was chosen now shall count."""

    heading: str
    home: str
    item: str
    version: int
    seconds: str
    fields: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]


def rate_page(
    db: Database,
    task: Task,
    asked: Asking,
    person: Person,
    given: Mapping[tuple[str, str], Any],
    *,
    study: str,
    missing: tuple[str, ...] = (),
) -> RatePage:
    """The item with what was given, or was tried: `missing` are the names of questions left out."""
    return RatePage(
        heading=heading_of(task),
        study=study,
        home=home_of(task.queue_id),
        item=task.item,
        previous=previous_of(db, task, person),
        progress=progress_of(db, task.queue_id, person),
        prompt=prompt_parts(task.prompt),
        answers=answers_of(db, task),
        asked=questions_asked(asked.questions, codes_of(task), given, missing=missing),
        instructions=instructions_of(asked),
        guide=guide_of(asked),
        version=task.version,
        save_words="Save the change" if task.is_done else "Save and go on",
        was_missing=len(missing),
    )


def stale_page(task: Task, asked: Asking, form: Mapping[str, str], values: Mapping[Any, Any]) -> StalePage:
    """What another tab saved of the item beside what was chosen in this one."""
    saved = questions_asked(asked.questions, codes_of(task), task.given)
    chosen = questions_asked(asked.questions, codes_of(task), values)
    names = [one.name for one in chosen]
    return StalePage(
        heading=heading_of(task),
        home=home_of(task.queue_id),
        item=task.item,
        version=task.version,
        seconds=form.get("seconds", ""),
        fields=tuple((name, form[name]) for name in names if name in form),
        rows=tuple(
            Row(old.ask, old.about, old.chosen, new.chosen) for old, new in zip(saved, chosen, strict=True)
        ),
    )


def previous_of(db: Database, task: Task, person: Person) -> str:
    """The item before this one in the rater's list; "" at the first."""
    before = item_at(db, task.queue_id, person, task.place - 1)
    return f"{home_of(task.queue_id)}/{before}" if before else ""


def progress_of(db: Database, queue_id: int, person: Person) -> Progress:
    """The pace is the mean over the items whose time was measured, from three of them on."""
    done, total, _ = ratings.tasks_of(db, queue_id, person)
    seconds, num_timed = seconds_of(db, queue_id, person)
    left = (total - done) * seconds / num_timed if num_timed >= ENOUGH_FOR_PACE else None
    return Progress(done, total, left)


def instructions_of(asked: Asking) -> Markup | str:
    return laid_out(asked.instructions) if asked.instructions else ""


def guide_of(asked: Asking) -> tuple[Asked, ...]:
    """Every question once, with its anchors, for the instructions."""
    has_pair = any(question.about == "pair" for question in asked.questions.questions)
    codes = ("1", "2") if has_pair else ("1",)
    found: dict[str, Asked] = {}
    for one in questions_asked(asked.questions, codes, {}):
        found.setdefault(one.name.rpartition(".")[0], one)
    return tuple(found.values())


def heading_of(task: Task) -> str:
    kind = "Training: item" if task.part == "training" else "Item"
    return f"{kind} {task.place:,} of {task.num_places:,}"


def answers_of(db: Database, task: Task) -> tuple[ShownAnswer, ...]:
    """In the order drawn for this rater; the task has each explanation joined to its answer."""
    item = study_item(db, task.queue_id, task.item)
    assert item is not None
    return shown_answers([item.answers[code] for code in codes_of(task)])


def codes_of(task: Task) -> tuple[str, ...]:
    return tuple(code for code, _ in task.answers)


def home_of(queue_id: int) -> str:
    return f"/rate/{queue_id}"


def _about(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    if minutes < 90:
        return f"{minutes} min"
    half_hours = round(minutes / 30)
    return f"{half_hours / 2:g} h"
