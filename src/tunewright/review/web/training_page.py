"""A training item after it was rated: what the rater said beside what was expected, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from tunewright.evaluate.study.questions import QuestionSet
from tunewright.review.model import Person, Task
from tunewright.review.store import ratings
from tunewright.review.store.database import Database
from tunewright.review.studies import Asking
from tunewright.review.web.asked import questions_asked
from tunewright.review.web.rate_page import (
    Progress,
    answers_of,
    codes_of,
    heading_of,
    home_of,
    previous_of,
    progress_of,
)
from tunewright.review.web.rating_texts import Part, ShownAnswer, laid_out, prompt_parts


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
    study: str
    home: str
    previous: str
    progress: Progress
    verdict: str
    rows: tuple[Lesson, ...]
    why: Markup | str
    prompt: tuple[Part, ...]
    answers: tuple[ShownAnswer, ...]


def training_page(db: Database, task: Task, asked: Asking, person: Person, *, study: str) -> TrainingPage:
    """Of a training item that `person` has rated."""
    expected = ratings.expected(db, task.queue_id, task.item, person)
    assert expected is not None
    codes = codes_of(task)
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
        heading=heading_of(task),
        study=study,
        home=home_of(task.queue_id),
        previous=previous_of(db, task, person),
        progress=progress_of(db, task.queue_id, person),
        verdict="As expected" if num_right == len(rows) else f"{num_right} of {len(rows)} as expected",
        rows=tuple(rows),
        why=laid_out(expected.feedback) if expected.feedback else "",
        prompt=prompt_parts(task.prompt),
        answers=answers_of(db, task),
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
