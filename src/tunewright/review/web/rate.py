"""Rating blind: one answer, or two side by side, with the study's questions; training first; pause; back.

What a rater gets is made of the task alone, which holds codes and texts. Gold and repeated items take the
same path as any other, so neither page nor timing tells them apart; no answer's code is in the page at all.
A save is answered after its commit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Never

from fastapi import APIRouter, Depends, HTTPException, Request
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from tunewright.errors import DataError
from tunewright.evaluate.study.questions import QuestionSet
from tunewright.review.model import Person, Queue, QueueKind, Session, Task
from tunewright.review.store import queues, ratings
from tunewright.review.store.database import Database
from tunewright.review.store.ratings import StaleTask
from tunewright.review.store.study_items import item_at, places_of, seconds_of, study_item
from tunewright.review.studies import Asking, asking
from tunewright.review.web.asked import Asked, questions_asked, read_answers
from tunewright.review.web.pages import render
from tunewright.review.web.rating_texts import Part, ShownAnswer, laid_out, prompt_parts, shown_answers
from tunewright.review.web.replies import go
from tunewright.review.web.security import EVERYBODY, allow, form_of

MOST_SECONDS = 4 * 3600.0  # on one item; more was measured wrongly
ENOUGH_FOR_PACE = 3
router = APIRouter()

Rater = Annotated[Session, Depends(allow(*EVERYBODY))]
Form = Annotated[Mapping[str, str], Depends(form_of)]


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

    heading: str
    home: str
    progress: Progress
    places: tuple[Place, ...]
    instructions: Markup | str
    guide: tuple[Asked, ...]
    ended: str = ""


@dataclass(frozen=True, slots=True)
class InstructionsPage:
    home: str
    instructions: Markup | str
    guide: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class PausePage:
    home: str


@dataclass(frozen=True, slots=True)
class RatePage:
    """One item. `was_missing` counts required questions that came back empty with the last try."""

    heading: str
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
class Lesson:
    """A question of a training item: what the rater said and what was expected."""

    ask: str
    about: str
    said: str
    expected: str
    anchor: str
    is_right: bool


@dataclass(frozen=True, slots=True)
class TrainingPage:
    heading: str
    home: str
    previous: str
    progress: Progress
    verdict: str
    rows: tuple[Lesson, ...]
    why: Markup | str
    prompt: tuple[Part, ...]
    answers: tuple[ShownAnswer, ...]


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


@router.get("/rate/{queue_id}")
def home(request: Request, queue_id: int, session: Rater) -> Response:
    """Instructions, progress, and every item of one's own by its number."""
    db, person = request.app.state.db, session.person
    queue, asked = _open_or_ended(db, queue_id, person)
    places = tuple(
        Place(one.place, one.item, one.is_done and queue.is_open) for one in places_of(db, queue_id, person)
    )
    page = HomePage(
        heading="Rating",
        home=_home(queue_id),
        progress=_progress(db, queue_id, person),
        places=places,
        instructions=_instructions(asked),
        guide=_guide(asked),
        ended="" if queue.is_open else "Rating has ended: the study is closed, and ratings are final.",
    )
    return render(request, "rate_home.html.j2", page)


@router.get("/rate/{queue_id}/next")
def next_item(request: Request, queue_id: int, session: Rater) -> Response:
    """The first item without a rating; the start page when there is none."""
    db, person = request.app.state.db, session.person
    _open_or_ended(db, queue_id, person)
    return RedirectResponse(_next_address(db, queue_id, person), 303)


@router.get("/rate/{queue_id}/instructions")
def instructions(request: Request, queue_id: int, session: Rater) -> Response:
    _, asked = _open_or_ended(request.app.state.db, queue_id, session.person)
    page = InstructionsPage(_home(queue_id), _instructions(asked), _guide(asked))
    return render(request, "rate_instructions.html.j2", page)


@router.get("/rate/{queue_id}/pause")
def pause(request: Request, queue_id: int, session: Rater) -> Response:
    _open_or_ended(request.app.state.db, queue_id, session.person)
    return render(request, "rate_pause.html.j2", PausePage(_home(queue_id)))


@router.get("/rate/{queue_id}/{item}")
def show(request: Request, queue_id: int, item: str, session: Rater) -> Response:
    """The item with what was given so far; a rated training item with what was expected."""
    db, person = request.app.state.db, session.person
    asked = _rating_is_open(db, queue_id, person)
    task = _own_task(db, queue_id, item, person)
    if task.part == "training" and task.is_done:
        return render(request, "training.html.j2", _training_page(db, task, asked, person))
    return render(request, "rate.html.j2", _rate_page(db, task, asked, person, task.given))


@router.post("/rate/{queue_id}/{item}")
def save(request: Request, queue_id: int, item: str, session: Rater, form: Form) -> Response:
    """Keep the rating and go on. 422 with the form when an answer is missing, 409 when saved meanwhile.

    A script (Accept: application/json) gets the next address, and errors as the page that tells them.
    """
    db, person = request.app.state.db, session.person
    asked = _rating_is_open(db, queue_id, person)
    task = _own_task(db, queue_id, item, person)
    if task.part == "training" and task.is_done:
        return go(request, f"{_home(queue_id)}/{item}")  # its expected answer was shown: said once is said
    codes = _codes(task)
    values, missing = read_answers(asked.questions, codes, form)
    values = {place: value for place, value in values.items() if value != "" or place in task.given}
    if missing:
        page = _rate_page(db, task, asked, person, values, missing=tuple(missing))
        return render(request, "rate.html.j2", page, status=422)
    try:
        saved = ratings.rate(
            db,
            queue_id,
            item,
            person,
            version=_version(form),
            values=values,
            seconds=_seconds(form),
        )
    except StaleTask as stale:
        page_of_both = _stale_page(stale.current, asked, form, values)
        return render(request, "rate_stale.html.j2", page_of_both, status=409)
    except DataError as error:
        raise HTTPException(409, str(error)) from None
    return go(request, _after(db, saved, person))


def _rate_page(
    db: Database,
    task: Task,
    asked: Asking,
    person: Person,
    given: Mapping[tuple[str, str], Any],
    *,
    missing: tuple[str, ...] = (),
) -> RatePage:
    return RatePage(
        heading=_heading(task),
        home=_home(task.queue_id),
        item=task.item,
        previous=_previous(db, task, person),
        progress=_progress(db, task.queue_id, person),
        prompt=prompt_parts(task.prompt),
        answers=_shown_answers(db, task),
        asked=questions_asked(asked.questions, _codes(task), given, missing=missing),
        instructions=_instructions(asked),
        guide=_guide(asked),
        version=task.version,
        save_words="Save the change" if task.is_done else "Save and go on",
        was_missing=len(missing),
    )


def _training_page(db: Database, task: Task, asked: Asking, person: Person) -> TrainingPage:
    expected = ratings.expected(db, task.queue_id, task.item, person)
    assert expected is not None
    codes = _codes(task)
    rows = []
    said_of = questions_asked(asked.questions, codes, task.given)
    expected_of = questions_asked(asked.questions, codes, _by_place(asked.questions, codes, expected.values))
    for said, wanted in zip(said_of, expected_of, strict=True):
        if wanted.choices and wanted.chosen:
            anchor = next(choice.anchor for choice in wanted.choices if choice.is_chosen)
            rows.append(
                Lesson(said.ask, said.about, said.chosen, wanted.chosen, anchor, said.chosen == wanted.chosen)
            )
    num_right = sum(row.is_right for row in rows)
    return TrainingPage(
        heading=_heading(task),
        home=_home(task.queue_id),
        previous=_previous(db, task, person),
        progress=_progress(db, task.queue_id, person),
        verdict="As expected" if num_right == len(rows) else f"{num_right} of {len(rows)} as expected",
        rows=tuple(rows),
        why=laid_out(expected.feedback) if expected.feedback else "",
        prompt=prompt_parts(task.prompt),
        answers=_shown_answers(db, task),
    )


def _stale_page(task: Task, asked: Asking, form: Mapping[str, str], values: Mapping[Any, Any]) -> StalePage:
    saved = questions_asked(asked.questions, _codes(task), task.given)
    chosen = questions_asked(asked.questions, _codes(task), values)
    names = [one.name for one in chosen]
    return StalePage(
        heading=_heading(task),
        home=_home(task.queue_id),
        item=task.item,
        version=task.version,
        seconds=form.get("seconds", ""),
        fields=tuple((name, form[name]) for name in names if name in form),
        rows=tuple(
            Row(old.ask, old.about, old.chosen, new.chosen) for old, new in zip(saved, chosen, strict=True)
        ),
    )


def _by_place(
    questions: QuestionSet, codes: tuple[str, ...], expected: Mapping[str, Any]
) -> dict[tuple[str, str], Any]:
    """Expected values as if given: what is expected of a question is expected of each answer shown."""
    return {
        (question.id, code): expected[question.id]
        for question in questions.questions
        if question.id in expected
        for code in (codes if question.about == "answer" else ("",))
    }


def _open_or_ended(db: Database, queue_id: int, person: Person) -> tuple[Queue, Asking]:
    """The queue if this person rates in it; else 404, whether or not there is such a queue."""
    queue = queues.queue(db, queue_id)
    if queue is None or queue.kind is not QueueKind.RATE or item_at(db, queue_id, person, 1) is None:
        _nothing_here()
    return queue, asking(db, queue)


def _rating_is_open(db: Database, queue_id: int, person: Person) -> Asking:
    queue, asked = _open_or_ended(db, queue_id, person)
    if not queue.is_open:
        raise HTTPException(409, "Rating has ended: the study is closed. What you saved before counts.")
    return asked


def _own_task(db: Database, queue_id: int, item: str, person: Person) -> Task:
    return ratings.task(db, queue_id, item, person) or _nothing_here()


def _nothing_here() -> Never:
    raise HTTPException(404, "There is nothing to rate for you here.")


def _after(db: Database, task: Task, person: Person) -> str:
    """Where to go after a save: a training item's expected answer, else on."""
    if task.part == "training":
        return f"{_home(task.queue_id)}/{task.item}"
    return _next_address(db, task.queue_id, person)


def _next_address(db: Database, queue_id: int, person: Person) -> str:
    task = ratings.next_task(db, queue_id, person)
    return f"{_home(queue_id)}/{task.item}" if task else _home(queue_id)


def _previous(db: Database, task: Task, person: Person) -> str:
    """The item before this one in the rater's list; "" at the first."""
    before = item_at(db, task.queue_id, person, task.place - 1)
    return f"{_home(task.queue_id)}/{before}" if before else ""


def _progress(db: Database, queue_id: int, person: Person) -> Progress:
    done, total, _ = ratings.tasks_of(db, queue_id, person)
    seconds, num_timed = seconds_of(db, queue_id, person)
    left = (total - done) * seconds / num_timed if num_timed >= ENOUGH_FOR_PACE else None
    return Progress(done, total, left)


def _instructions(asked: Asking) -> Markup | str:
    return laid_out(asked.instructions) if asked.instructions else ""


def _guide(asked: Asking) -> tuple[Asked, ...]:
    """Every question once, with its anchors, for the instructions."""
    has_pair = any(question.about == "pair" for question in asked.questions.questions)
    codes = ("1", "2") if has_pair else ("1",)
    found: dict[str, Asked] = {}
    for one in questions_asked(asked.questions, codes, {}):
        found.setdefault(one.name.rpartition(".")[0], one)
    return tuple(found.values())


def _heading(task: Task) -> str:
    kind = "Training item" if task.part == "training" else "Item"
    return f"{kind} {task.place:,} of {task.num_places:,}"


def _shown_answers(db: Database, task: Task) -> tuple[ShownAnswer, ...]:
    """In the order drawn for this rater; the task has each explanation joined to its answer."""
    item = study_item(db, task.queue_id, task.item)
    assert item is not None
    return shown_answers([item.answers[code] for code in _codes(task)])


def _codes(task: Task) -> tuple[str, ...]:
    return tuple(code for code, _ in task.answers)


def _home(queue_id: int) -> str:
    return f"/rate/{queue_id}"


def _version(form: Mapping[str, str]) -> int:
    text = form.get("version", "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise HTTPException(422, "This form is not from here; load the page again. Nothing was saved.")
    return int(text)


def _seconds(form: Mapping[str, str]) -> float:
    """The active time that the script measured; 0 without one, or for a number that cannot be."""
    try:
        seconds = float(form.get("seconds", ""))
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) and 0 <= seconds <= MOST_SECONDS else 0.0


def _about(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    if minutes < 90:
        return f"{minutes} min"
    half_hours = round(minutes / 30)
    return f"{half_hours / 2:g} h"
