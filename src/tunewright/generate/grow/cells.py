"""Cells: the kinds of items a set should hold, and how many of each.

A cell is skill × task type × CEFR level × topic (and whether the item has options). Which cells there are
follows from the seeds, or from rows of the user's own; each gets its share of `n` so that no cell, and no
skill or level as a whole, is further than one item from its ideal.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Literal, cast, get_args

from pydantic import AfterValidator, Field

from tunewright.errors import DataError, RecipeError
from tunewright.generate.cloze_rules import GAP, gaps_of
from tunewright.generate.item import Level, Skill
from tunewright.records.record import Record
from tunewright.run.config import Config
from tunewright.run.seeds import derive_seed

Form = Literal["choice", "multiple_response", "cloze", "open", "author", "general"]
LEVELS: tuple[Level, ...] = get_args(Level)
SKILLS: tuple[Skill, ...] = get_args(Skill)


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """Cells that differ in topic only: what one call asks for. All texts are empty for general data."""

    skill: str
    level: str
    task: str
    form: Form


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One kind of item."""

    group: Group
    topic: str

    def name(self) -> str:
        group = self.group
        return " / ".join(part for part in (group.skill, group.task, group.level, self.topic) if part)


GENERAL = Cell(Group("", "", "", "general"), "")


# Kinds that our seeds have no item of, and that belong to an assessment: which levels of which skill. They
# are written after seeds of the same skill and a near level.
_BESIDE_SEEDS: dict[tuple[Skill, str, Form], str] = {
    ("reading", "choose-two", "multiple_response"): "A2 B1 B2 C1 C2",
    ("reading", "grammar-cloze", "cloze"): "A1 A2 C1",
    ("reading", "vocabulary-cloze", "cloze"): "B1 C2",
    ("listening", "choose-two", "multiple_response"): "A2 B1 B2 C1 C2",
}
BESIDE_SEEDS = tuple(
    Group(skill, level, task, form)
    for (skill, task, form), levels in _BESIDE_SEEDS.items()
    for level in levels.split()
)
_MOST_GAP_CHARS = 80  # of an output's line that fills a gap, with its number and other right fillings
MOST_NAME_CHARS = 100  # of a topic or task: it is a name in a prompt, not a text


def _name(text: str) -> str:
    """A topic or a task: one line of text."""
    name = text.strip()
    if not name or len(name) > MOST_NAME_CHARS or len(name.splitlines()) > 1:
        fault = "it is empty" if not name else "it has a line break"
        if len(name) > MOST_NAME_CHARS:
            fault = f"it has {len(name):,} characters"
        raise ValueError(
            f"{fault}; give a name of one line and at most {MOST_NAME_CHARS} characters, such as 'travel'"
        )
    return name


Name = Annotated[str, AfterValidator(_name)]


class PlanRow(Config):
    """One row of a plan: these tasks of a skill, at these levels, about these topics."""

    skill: Skill
    tasks: tuple[Name, ...] = Field(min_length=1, description="names of task types, e.g. notice")
    levels: tuple[Level, ...] = Field(min_length=1)
    topics: tuple[Name, ...] | None = Field(
        None, min_length=1, description="default: all topics of the seeds"
    )
    form: Literal["choice", "multiple_response", "cloze", "open", "author"] | None = Field(
        None,
        description="choice: options with one key; multiple_response: several keys; cloze: a text with "
        "gaps; default: as the seeds of the task are",
    )
    weight: float = Field(1.0, gt=0, description="share of this row against the other rows")


def form_of(seed: Record) -> Form:
    """Author for a task of an author of items, whose answer is an item; by its options, with one key or
    several; cloze for gaps of which the output fills each; else the answer is written: open."""
    meta = seed.meta
    if meta.get("mode") == "author":
        return "author"
    if meta.get("options") and meta.get("key"):
        several = meta.get("kind") == "multiple_response" or (
            isinstance(meta["key"], list | tuple) and len(meta["key"]) > 1
        )
        return "multiple_response" if several else "choice"
    return "cloze" if gaps_of(meta) or _fills_gaps(seed) else "open"


def _fills_gaps(seed: Record) -> bool:
    num_gaps = len(GAP.findall(str(seed.meta.get("stem") or seed.input)))
    lines = [line for line in seed.output.splitlines() if line.strip()]
    return 0 < num_gaps == len(lines) and all(len(line) <= _MOST_GAP_CHARS for line in lines)


def group_of(seed: Record) -> Group:
    """The group a seed belongs to. DataError when it does not say its skill, level and task."""
    skill, level, task = (seed.meta.get(name) for name in ("skill", "level", "task"))
    if skill not in SKILLS or level not in LEVELS or not isinstance(task, str) or not task.strip():
        raise DataError(
            f"seed {seed.id}: an assessment seed needs skill ({', '.join(SKILLS)}), level "
            f"({', '.join(LEVELS)}) and task; found skill {skill!r}, level {level!r}, task {task!r}. Add the "
            "columns, or grow with --domain general, which needs none"
        )
    return Group(skill, level, _name_in(seed, "task"), form_of(seed))


def shares_of_seeds(
    seeds: Sequence[Record],
    *,
    skills: Sequence[str] | None = None,
    levels: Sequence[str] | None = None,
    topics: Sequence[str] | None = None,
    author_tasks: bool = False,
    beside: Iterable[Group] = (),
) -> dict[Cell, Fraction]:
    """Every combination of the seeds' groups and topics with its share; the shares add up to 1.

    Skills get equal shares; within a skill its levels do, then the tasks there, then the topics. Tasks for an
    author of items are left out unless `author_tasks`: their answers are whole items, on which no item rule
    can look and which no item bank takes. `beside` are groups that no seed has and that are
    wanted too. Raises RecipeError when skills and levels leave no cell.
    """
    groups = sorted(_groups(seeds, author_tasks=author_tasks))
    if not groups and seeds:
        raise RecipeError(
            "every seed is a task for an author of items (mode: author), and those are left out: set "
            "author_tasks (--author-tasks) to grow them, or add seeds that a learner answers"
        )
    groups = sorted({*groups, *beside})
    groups = [g for g in groups if (not skills or g.skill in skills) and (not levels or g.level in levels)]
    if not groups:
        raise RecipeError(f"no seed has a skill of {skills} at a level of {levels}; ask for others")
    all_topics = tuple(dict.fromkeys(topics or topics_of(seeds)))
    by_skill: dict[str, dict[str, list[Group]]] = {}
    for group in groups:
        by_skill.setdefault(group.skill, {}).setdefault(group.level, []).append(group)
    return {
        Cell(group, topic): Fraction(1, len(by_skill) * len(by_level) * len(tasks) * len(all_topics))
        for by_level in by_skill.values()
        for tasks in by_level.values()
        for group in tasks
        for topic in all_topics
    }


def shares_of_rows(
    rows: Iterable[PlanRow], seeds: Sequence[Record], *, author_tasks: bool = False
) -> dict[Cell, Fraction]:
    """The cells of a user's own plan with their shares, each row's spread evenly over its cells.

    A row gets the form author when it says so, or with `author_tasks` where all seeds of its task have it.
    Raises RecipeError for a plan without rows.
    """
    groups = _groups(seeds, author_tasks=author_tasks)

    rows = list(rows)
    shares: dict[Cell, Fraction] = {}
    for row, weight in zip(rows, weights_of(rows), strict=True):
        cells = [
            Cell(Group(row.skill, level, task, row.form or _form(row.skill, task, groups)), topic)
            for level in row.levels
            for task in row.tasks
            for topic in row.topics or topics_of(seeds)
        ]
        for cell in cells:
            shares[cell] = shares.get(cell, Fraction(0)) + weight / len(cells)
    if not shares:
        raise RecipeError(
            "the plan has no rows: give it at least one with skill, tasks and levels, or leave plan out to "
            "have the kinds of items that the seeds are"
        )
    total = sum(shares.values())
    return {cell: share / total for cell, share in shares.items()}


def weights_of(rows: Sequence[PlanRow]) -> list[Fraction]:
    """The rows' weights against the largest one. RecipeError for a weight that is none beside it."""
    largest = max((row.weight for row in rows), default=1.0)
    weights = [Fraction(row.weight / largest).limit_denominator(10**6) for row in rows]
    for number, (row, weight) in enumerate(zip(rows, weights, strict=True), 1):
        if not weight:
            raise RecipeError(
                f"row {number} of the plan ({row.skill}: {', '.join(row.tasks)}) has the weight "
                f"{row.weight:g}, which is nothing beside the largest, {largest:g}: it would get no item. "
                "Leave the row out, or give weights within a factor of a million"
            )
    return weights


def _groups(seeds: Iterable[Record], *, author_tasks: bool) -> set[Group]:
    return {group for group in map(group_of, seeds) if author_tasks or group.form != "author"}


def _form(skill: str, task: str, groups: set[Group]) -> Form:
    """Choice where a seed of the task is; else another form of a learner's item that a seed of it has; else
    author where all seeds of it are; else open."""
    known = [*groups, *BESIDE_SEEDS]
    forms = {group.form for group in known if (group.skill, group.task) == (skill, task)}
    of_learners: tuple[Form, ...] = ("choice", "multiple_response", "cloze", "open")
    found = next((form for form in of_learners if form in forms), None)
    return found or ("author" if forms == {"author"} else "open")


def topics_of(seeds: Sequence[Record]) -> tuple[str, ...]:
    """The seeds' topics in alphabetical order; one without a name when they have none. DataError, naming the
    seed, for one that could not be given as a topic either."""
    found = {_name_in(seed, "topic") for seed in seeds if seed.meta.get("topic") not in (None, "")}
    return tuple(sorted(found)) or ("",)


def _name_in(seed: Record, column: str) -> str:
    """The name that a seed has in this column; a number is one too."""
    value = seed.meta[column]
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise DataError(f"seed {seed.id}: {column} is {value!r}; give a name, such as 'travel'")
    try:
        return _name(str(value))
    except ValueError as fault:
        raise DataError(f"seed {seed.id}: {column}: {fault}") from None


def targets(shares: Mapping[Cell, Fraction], n: int, *, seed: int) -> dict[Cell, int]:
    """How many items each cell should get: they add up to `n`.

    The cells stand in a row, each as long as its share of `n`, and every whole number (shifted by a seeded
    offset) falls into one. So a cell is less than one item from its ideal, and so is every run of
    neighbours: a skill, a level of a skill, a task. Rounding cell by cell would not give that when n is
    smaller than the number of cells.
    """
    offset = Fraction(derive_seed(seed, "targets") % 10**6, 10**6)
    found: dict[Cell, int] = {}
    end = offset
    for cell in _row(shares, seed):
        begin, end = end, end + shares[cell] * n
        found[cell] = math.floor(end) - math.floor(begin)
    assert sum(found.values()) == n, "the shares add up to 1"
    return found


def _row(shares: Mapping[Cell, Fraction], seed: int) -> list[Cell]:
    """The cells by group; topics in an order of the group's own, so that a short run meets all of them."""
    by_group: dict[Group, list[Cell]] = {}
    for cell in sorted(shares):
        by_group.setdefault(cell.group, []).append(cell)
    for group, cells in by_group.items():
        random.Random(derive_seed(seed, "topics", *_names(group))).shuffle(cells)
    return [cell for cells in by_group.values() for cell in cells]


def _names(group: Group) -> tuple[str, ...]:
    return (group.skill, group.level, group.task, group.form)


def cell_of_meta(meta: Mapping[str, Any]) -> Cell:
    """The cell a grown record was made for; the general one where it says none."""
    if not meta.get("skill"):
        return GENERAL

    other = "author" if meta.get("mode") == "author" else "choice" if meta.get("options") else "open"
    form = cast(Form, meta.get("form") or ("cloze" if gaps_of(meta) else other))

    skill, level, task, topic = (str(meta.get(name) or "") for name in ("skill", "level", "task", "topic"))
    return Cell(Group(skill, level, task, form), topic)
