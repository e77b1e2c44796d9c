"""What can be wrong with the gaps of a cloze: too few answers, options without one key, an output that says
something else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunewright.generate import validity

GAP = re.compile(r"(?:\(\d+\) ?)?_{3,}")  # "____" and "(2) ____"
_NUMBERED = re.compile(r"\(?(\d+)[.)]? (.+)")


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap: the texts that fill it, and the options to choose from, if any."""

    answers: tuple[str, ...]
    options: tuple[str, ...] = ()


def gaps_of(meta: Mapping[str, Any]) -> tuple[Gap, ...]:
    """The gaps that `meta` keeps in the layout of the item banks; none when it keeps them in no such way."""
    given = meta.get("gaps")
    if not isinstance(given, list | tuple) or not isinstance(meta.get("pieces"), list | tuple):
        return ()
    return tuple(_gap(one if isinstance(one, Mapping) else {}) for one in given)


def _gap(row: Mapping[str, Any]) -> Gap:
    options = [one for one in _list(row.get("options")) if isinstance(one, Mapping)]
    right = [str(one.get("text", "")) for one in options if one.get("correct") is True]
    written = [str(one) for one in _list(row.get("answers"))]
    return Gap(tuple(right if options else written), tuple(str(one.get("text", "")) for one in options))


def gap_faults(gaps: Sequence[Gap], *, num_shown: int, output: str) -> Iterator[str]:
    """Every gap that is shown has its answer; of options exactly one is right; the output says the same."""
    if num_shown != len(gaps):
        yield f"the text shows {num_shown} gaps, and there are keys for {len(gaps)}"
    for number, gap in enumerate(gaps, 1):
        if not any(answer.strip() for answer in gap.answers):
            yield f"gap {number} has no answer"
        elif gap.options and len(gap.answers) != 1:
            yield f"gap {number} has {len(gap.answers)} right options; one is expected"
        texts = [validity.normalised(option) for option in gap.options]
        if len(set(texts)) < len(texts):
            yield f"gap {number} has the same option twice"
    said = answers_in(output, len(gaps))
    for number, (gap, answer) in enumerate(zip(gaps, said, strict=False), 1):
        if gap.answers and answer not in gap.answers:
            yield f"the output fills gap {number} with {answer!r}, the key is {gap.answers[0]!r}"


def answers_in(output: str, num_gaps: int) -> list[str]:
    """What the output fills the gaps with, from its numbered lines; empty when it cannot be told."""
    lines = [line.strip() for line in output.strip().splitlines() if line.strip()]
    if num_gaps == 1 and len(lines) == 1:
        return [lines[0].partition(" (or: ")[0]]
    found = [match for line in lines if (match := _NUMBERED.fullmatch(line))]
    if [int(match[1]) for match in found] != list(range(1, num_gaps + 1)):
        return []
    return [match[2].partition(" (or: ")[0] for match in found]


def _list(given: Any) -> list[Any]:
    return list(given) if isinstance(given, list | tuple) else []
