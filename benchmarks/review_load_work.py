"""The two kinds of work of `review_load.py`: what there is to do, what people answer, and what must be in the
database afterwards, asked by SQL of its own."""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from tunewright.evaluate.study.folder import StudyFolder
from tunewright.evaluate.study.materials import Known, Materials
from tunewright.evaluate.study.new import new_study
from tunewright.evaluate.study.questions import load_questions
from tunewright.review import studies
from tunewright.review.model import Role
from tunewright.review.store import queues
from tunewright.review.store.database import Database

Cookies = Mapping[str, str]  # by a person's name
Sent = Mapping[tuple[str, str], Mapping[str, str]]  # by item and person: the fields of the form

PEOPLE_PER_PAIR = 2
RATERS_PER_ITEM = 3
NUM_SYSTEMS = 5
WORDS = [
    "the",
    "a",
    "of",
    "reading",
    "passage",
    "listen",
    "answer",
    "option",
    "key",
    "level",
    "text",
    "writer",
]


@dataclass(frozen=True)
class Work:
    """`start` leads to the next item, an item's address begins with `items`, `hidden` are the fields that are
    sent back as they came. `check` returns what it found in words, and fails when anything is wrong."""

    name: str
    role: Role
    start: str
    items: str
    hidden: tuple[str, ...]
    fill: Callable[[Database, Path, int, Sequence[str]], None]
    answer: Callable[[str, random.Random], dict[str, str]]
    check: Callable[[Database, Path, Sent], str]


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, f"the page has no field {name}"
    return found[1]


def add_pairs(db: Database, place: Path, num_items: int, names: Sequence[str]) -> None:
    rng = random.Random(1)
    items = [
        queues.NewItem(
            f"r{number}",
            {"instruction": _text(rng, 20), "output": _text(rng, 90)},
            {"output": _text(rng, 95)},
        )
        for number in range(num_items)
    ]
    queues.add_revise_queue(db, "load", items, overlap=PEOPLE_PER_PAIR)


def accept(page: str, rng: random.Random) -> dict[str, str]:
    return {"decision": "accept"}


def check_pairs(db: Database, place: Path, sent: Sent) -> str:
    with db.read() as connection:
        rows = connection.execute(
            text("SELECT item_id, name, decision FROM revisions JOIN people ON people.id = person_id")
        ).all()
    there = {(str(item), name) for item, name, decision in rows if decision == "accept"}
    at: dict[str, set[str]] = defaultdict(set)
    for item, name in there:
        at[item].add(name)
    missing, most = sent.keys() - there, max(map(len, at.values()), default=0)
    words = f"missing {len(missing)}; people at one pair: {most}"
    assert not missing, words
    assert most <= PEOPLE_PER_PAIR, words
    return words


def add_study(db: Database, place: Path, num_items: int, names: Sequence[str]) -> None:
    """Every item one answer of some 90 words; 10 gold and 2 training items and 5 % repeats come on top."""
    rng = random.Random(1)
    prompts = {f"p{number}": {"instruction": _text(rng, 20)} for number in range(num_items // NUM_SYSTEMS)}
    answers = {
        f"system-{letter}": {id: {"output": _text(rng, 60), "explanation": _text(rng, 30)} for id in prompts}
        for letter in "abcde"[:NUM_SYSTEMS]
    }
    known = [
        Known({"instruction": f"Known {number}."}, ({"output": "no key"},), {"validity": 0}, "It has no key.")
        for number in range(12)
    ]
    folder = new_study(
        Materials(prompts, answers, tuple(known[:10]), tuple(known[10:])),
        place / "study",
        raters=names,
        overlap=RATERS_PER_ITEM,
        questions=load_questions(None, pairwise=False),
        repeat=0.05,
        salt="salt",
    )
    studies.add_study(db, folder, name="load")


def answer_all(page: str, rng: random.Random) -> dict[str, str]:
    """A button of each group, by chance."""
    buttons: dict[str, list[str]] = defaultdict(list)
    for name, number in re.findall(r'type="radio" name="([^"]+)" value="([^"]+)"', page):
        buttons[name].append(number)
    assert buttons, "the page has no buttons"
    return {name: rng.choice(numbers) for name, numbers in buttons.items()} | {"seconds": "5"}


def check_ratings(db: Database, place: Path, sent: Sent) -> str:
    """Against the study's folder, which the server only reads: what was asked, who was assigned what."""
    folder = StudyFolder(place / "study")
    values = {one.id: one.scale() for one in folder.questions.questions if one.kind == "choice"}
    by_button = {one.id: [option.value for option in one.options] for one in folder.questions.questions}
    assert all(set(by_button[id]) == set(scale) for id, scale in values.items())
    with db.read() as connection:
        rows = connection.execute(text("SELECT item, rater, question, value FROM ratings")).all()
    there = {(item, rater, question): json.loads(value) for item, rater, question, value in rows}
    twice = len(rows) - len(there)
    wrong = [
        (item, rater, question)
        for (item, rater), fields in sent.items()
        for question in values
        if there.get((item, rater, question)) != by_button[question][int(fields[f"{question}.1"]) - 1]
    ]
    assigned = {(row["item"], rater) for rater, own in folder.assignments.items() for row in own}
    foreign = [place for place in there if place[:2] not in assigned]
    kinds, at = folder.kinds(), defaultdict(set)
    for item, rater, _ in there:
        at[item].add(rater)
    most = max((len(raters) for item, raters in at.items() if kinds[item] == "main"), default=0)
    words = (
        f"of {len(rows):,} ratings missing or other than sent {len(wrong)}, twice {twice}, "
        f"not assigned {len(foreign)}; raters at one item: {most}"
    )
    assert not wrong, words
    assert not twice, words
    assert not foreign, words
    assert most <= RATERS_PER_ITEM, words
    return words


def _text(rng: random.Random, num_words: int) -> str:
    return " ".join(rng.choices(WORDS, k=num_words))


WORK = {
    one.name: one
    for one in (
        Work(
            "revise",
            Role.EXPERT,
            "/revise/1",
            "/item/",
            ("csrf", "version", "opened"),
            add_pairs,
            accept,
            check_pairs,
        ),
        Work(
            "rate",
            Role.RATER,
            "/rate/1/next",
            "/rate/1/",
            ("csrf", "version"),
            add_study,
            answer_all,
            check_ratings,
        ),
    )
}
