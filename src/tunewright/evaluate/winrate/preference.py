"""One judged pair of answers, and what a verdict or two say about it.

The columns are AlpacaEval's: answer 1 is the baseline's, answer 2 the model's, and the preference lies in
[1, 2]: 1 baseline wins, 2 model wins, 1.5 draw. What could not be read is kept with its reason and has no
preference: it is counted, and never becomes a draw.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal

from tunewright.errors import DataError

Verdict = Literal["a", "b", "tie", "unparsed", "error"]  # of the answers as they were shown
Status = Literal["judged", "unparsed", "error", "missing"]
DRAW = 1.5


class MergeRule(StrEnum):
    """How the verdicts of both orders become one."""

    BOTH = "both"  # a win needs both orders to name the same answer
    MAJORITY = "majority"  # a win and a tie are a win (CoachLM, ICDE 2024)


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """A judged pair. `preference` is None where `status` is not "judged".

    `verdicts` are those with answer 1 shown first and with answer 2 shown first, None where it was not asked.
    Lengths are in characters. `index` is the instruction's number in its prompt set and `question` what turns
    of one dialogue share, where the file says so; `more` holds the columns that are not ours, so that writing
    loses nothing.
    """

    instruction: str
    generator_1: str
    generator_2: str
    preference: float | None
    status: Status = "judged"
    output_1: str | None = None
    output_2: str | None = None
    len_1: int | None = None
    len_2: int | None = None
    annotator: str = ""
    index: int | None = None
    question: str = ""
    turn: int = 1
    verdicts: tuple[Verdict | None, Verdict | None] = (None, None)
    more: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert (self.preference is None) == (self.status != "judged"), "a preference or a reason for none"
        assert self.preference is None or 1 <= self.preference <= 2, "preferences lie in [1, 2]"

    @property
    def unit(self) -> str:
        """What is drawn as one when instructions are: all turns of a question belong together."""
        return self.question or self.instruction

    @property
    def gain(self) -> float:
        """The preference as the model's share of the win, in [0, 1]; only of a judged pair."""
        assert self.preference is not None
        return self.preference - 1

    @property
    def is_draw(self) -> bool:
        """Exactly 1.5: a weighted judge that hesitates at 1.49 has chosen."""
        return self.preference == DRAW


def turned(one: Annotation) -> Annotation:
    """The same judgement with baseline and model exchanged."""
    return replace(
        one,
        generator_1=one.generator_2,
        generator_2=one.generator_1,
        output_1=one.output_2,
        output_2=one.output_1,
        len_1=one.len_2,
        len_2=one.len_1,
        preference=None if one.preference is None else 3 - one.preference,
        verdicts=(one.verdicts[1], one.verdicts[0]),
    )


def read_preference(value: Any, *, where: str) -> float | None:
    """A preference as files hold it: 0 is the old sign of a draw, None, NaN and "" are missing (None).

    Anything else outside [1, 2] is a DataError that begins with `where`.
    """
    if value is None or value == "":
        return None
    try:
        number = math.inf if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.inf
    if math.isnan(number):
        return None
    if number == 0:
        return DRAW
    if not 1 <= number <= 2:
        raise DataError(
            f"{where}: the preference is {value!r}; it must lie in [1, 2] (0: an old file's draw)"
        )
    return number


def merge_verdicts(
    answer_1_first: Verdict | None, answer_2_first: Verdict | None, rule: MergeRule = MergeRule.BOTH
) -> tuple[float | None, Status]:
    """The preference that both orders give, and its status.

    Where either verdict is an error or cannot be read there is none, whatever the other says. Where only one
    order was asked, it decides; where none was, the pair is missing.
    """
    asked = [one for one in (answer_1_first, answer_2_first) if one is not None]
    if not asked:
        return None, "missing"
    if "error" in asked:
        return None, "error"
    if "unparsed" in asked:
        return None, "unparsed"
    # the model's points: it is b where the baseline was shown first, and a where it was itself
    points = []
    if answer_1_first is not None:
        points.append({"a": -1, "tie": 0, "b": 1}[answer_1_first])
    if answer_2_first is not None:
        points.append({"a": 1, "tie": 0, "b": -1}[answer_2_first])
    if rule is MergeRule.BOTH and len(set(points)) > 1:
        return DRAW, "judged"
    total = sum(points)
    return DRAW + 0.5 * ((total > 0) - (total < 0)), "judged"


def merged(one: Annotation, rule: MergeRule) -> Annotation:
    """The annotation with the preference of its verdicts under `rule`; without verdicts as it was."""
    if one.verdicts == (None, None):
        return one
    preference, status = merge_verdicts(*one.verdicts, rule)
    return replace(one, preference=preference, status=status)


def verdict_of_scores(shown_first: float | None, shown_second: float | None) -> Verdict:
    """The verdict of a judge that scores both answers: the higher one, equal is a tie, a score that is not
    there makes it unparsed."""
    if shown_first is None or shown_second is None:
        return "unparsed"
    return "a" if shown_first > shown_second else "b" if shown_second > shown_first else "tie"


def seen_from(annotations: Sequence[Annotation], baseline: str | None) -> list[Annotation]:
    """Every judgement of the baseline against another model, with the baseline as answer 1.

    Without a name it is the generator that is answer 1 everywhere; where there are several, DataError asks
    for one. Comparisons that the baseline has no part in are left out.
    """
    if not annotations:
        raise DataError("there is no comparison in what was given")
    firsts = sorted({one.generator_1 for one in annotations})
    if baseline is None:
        if len(firsts) > 1:
            raise DataError(
                f"{len(firsts)} models stand as answer 1 ({_some(firsts)}): say which is the baseline "
                "with --baseline"
            )
        return list(annotations)
    found = [
        one if one.generator_1 == baseline else turned(one)
        for one in annotations
        if baseline in (one.generator_1, one.generator_2)
    ]
    if not found:
        names = sorted({name for one in annotations for name in (one.generator_1, one.generator_2)})
        raise DataError(f"no comparison has the baseline {baseline!r}; there are {_some(names)}")
    return found


def _some(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
