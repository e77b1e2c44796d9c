"""Which difficulty belongs to which comparison.

AlpacaEval's difficulties are numbered by instruction. Its own code takes the n-th for a file's n-th row,
which is another instruction's as soon as one row is missing before it; six published models are off by that,
by up to 2.8 points. Here the instruction decides; joining by position is there to reproduce the published
numbers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from tunewright.errors import DataError
from tunewright.evaluate.winrate.preference import Annotation


class JoinBy(StrEnum):
    """What tells the difficulty of a comparison."""

    INSTRUCTION = "instruction"
    POSITION = "position"


@dataclass(frozen=True, slots=True)
class Difficulties:
    """The difficulty γ of each instruction of a prompt set, by its number and, where known, by its text.

    A text that stands several times in the set has several numbers, in the set's order.
    """

    by_number: Mapping[int, float]
    numbers_of_text: Mapping[str, Sequence[int]] = field(default_factory=dict)
    path: str = "the difficulties"


def with_texts(difficulties: Difficulties, instructions: Sequence[str]) -> Difficulties:
    """The same difficulties, with the texts of the prompt set they are numbered by."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for number, text in enumerate(instructions):
        numbers[text].append(number)
    return Difficulties(difficulties.by_number, numbers, difficulties.path)


def difficulty_of_each(
    annotations: Sequence[Annotation], difficulties: Difficulties, *, by: JoinBy = JoinBy.INSTRUCTION
) -> NDArray[np.float64]:
    """The difficulty for each comparison [N]; give all rows of a file, also those without a preference.

    By instruction: its number where the file says one, else its text. DataError where neither leads anywhere.
    """
    numbers = _numbers(annotations, difficulties) if by is JoinBy.INSTRUCTION else range(len(annotations))
    found = []
    for one, number in zip(annotations, numbers, strict=True):
        if number not in difficulties.by_number:
            raise DataError(
                f"{difficulties.path} has no difficulty for instruction {number} ({one.instruction[:60]!r}), "
                f"one of {one.generator_2}; leave --gamma out for the form without difficulties"
            )
        found.append(difficulties.by_number[number])
    return np.array(found)


def _numbers(annotations: Sequence[Annotation], difficulties: Difficulties) -> list[int]:
    seen: dict[str, int] = defaultdict(int)
    numbers = []
    for one in annotations:
        if one.index is not None:
            numbers.append(one.index)
            continue
        known = difficulties.numbers_of_text.get(one.instruction)
        if known is None:
            raise DataError(
                f"{difficulties.path}: nothing says which difficulty belongs to {one.instruction[:60]!r} of "
                f"{one.generator_2}; give the numbered prompt set with --prompts, or an 'instruction_index' "
                "in the annotations, or take --join position"
            )
        # a text that the set has twice: its first comparison is the first, and so on; a further turn or
        # judge of the last stays there
        numbers.append(known[min(seen[one.instruction], len(known) - 1)])
        seen[one.instruction] += 1
    return numbers
