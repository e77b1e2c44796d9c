"""Which examples a prompt shows: seeds and a share of accepted machine items, of the same or a near kind."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from tunewright.generate.grow.cells import LEVELS, Group
from tunewright.records.record import Record


@dataclass(frozen=True, slots=True)
class Example:
    """The texts of one record, without what else it carries: thousands of these are kept."""

    id: str
    instruction: str
    input: str
    output: str
    explanation: str

    @classmethod
    def of(cls, record: Record) -> Example:
        return cls(record.id, record.instruction, record.input, record.output, record.explanation)


@dataclass
class Shelf:
    """Examples to choose from, sorted by how near they are to a group."""

    _by_task: dict[tuple[str, str, str], list[Example]] = field(default_factory=dict)
    _by_level: dict[tuple[str, str], list[Example]] = field(default_factory=dict)
    _all: list[Example] = field(default_factory=list)

    def add(self, example: Example, group: Group) -> None:
        self._by_task.setdefault((group.skill, group.task, group.form), []).append(example)
        self._by_level.setdefault((group.skill, group.level), []).append(example)
        self._all.append(example)

    def draw(self, group: Group, num: int, rng: random.Random) -> list[Example]:
        """At most `num` different ones: half of the same task, the rest of the same skill and a level at
        most one away, then any. In general data all are alike."""
        same = self._by_task.get((group.skill, group.task, group.form), [])
        chosen: dict[str, Example] = {}
        for examples, most in ((same, (num + 1) // 2), (self._near(group), num), (self._all, num)):
            _draw(examples, most, chosen, rng)
        return list(chosen.values())

    def _near(self, group: Group) -> Sequence[Example]:
        if group.level not in LEVELS:
            return []
        place = LEVELS.index(group.level)
        near = LEVELS[max(0, place - 1) : place + 2]
        return [one for level in near for one in self._by_level.get((group.skill, level), [])]


def _draw(examples: Sequence[Example], most: int, chosen: dict[str, Example], rng: random.Random) -> None:
    """Add examples until `most` are chosen; the sample is large enough to skip those chosen before."""
    if len(chosen) >= most:
        return
    for place in rng.sample(range(len(examples)), min(len(examples), most)):
        if len(chosen) < most:
            chosen.setdefault(examples[place].id, examples[place])
