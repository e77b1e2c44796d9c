"""Which of several experts' versions of a pair is final.

1. An owner's last word "not good" withholds the pair (`sent_back`) until somebody saves it again.
2. A flag that no owner has answered withholds it (`flagged`), and so does a save after "not good"
   (`saved_again`) until an owner has looked at it anew.
3. Of different versions the one that an owner chose counts (`chosen`), while it still stands.
4. What more than half of the experts made of it counts: the same texts, or the same rejection (`agreement`;
   `only` where just one has worked on it). Of those the latest save.
5. Else the latest save (`latest`).
A skip is nobody's word. A text without instruction or output is no pair and withholds it (`empty`). Nobody's
role counts: an owner's own version is one like any other, and final when it is chosen. So no export of past
work changes when somebody becomes an owner.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from tunewright.review.exchange.result import Result
from tunewright.review.model import TEXT_FIELDS, Decision

How = Literal["chosen", "only", "agreement", "latest", "open", "sent_back", "saved_again", "flagged", "empty"]
WITHHELD: tuple[How, ...] = ("sent_back", "saved_again", "flagged", "empty")  # from all that is trained on


class Word(Enum):
    """What the owners last said of a pair as a whole. A flag set after their word takes it back."""

    GOOD = "good"
    NOT_GOOD = "not good"
    AWAITED = "awaited"  # not good, and saved again since


@dataclass(frozen=True, slots=True)
class Chosen:
    """The version that an owner chose."""

    person: str
    version: int


@dataclass(frozen=True, slots=True)
class Final:
    """The result that counts, None while none does, and how it was found."""

    result: Result | None
    how: How

    @property
    def is_rejected(self) -> bool:
        return self.result is not None and self.result.decision is Decision.REJECT

    @property
    def is_withheld(self) -> bool:
        """Whether somebody worked on it and it must not go on yet; not so where nobody has decided."""
        return self.how in WITHHELD


def final_of(
    results: Sequence[Result],
    *,
    word: Word | None = None,
    chosen: Chosen | None = None,
    needs_instruction: bool = True,
    now: float = math.inf,
) -> Final:
    """The final version of one item; `needs_instruction` is false where earlier turns ask. A save that
    another tool dates after `now` is the latest of nothing: its time cannot be true."""
    said = [result for result in results if result.decision is not Decision.SKIP]
    if word is Word.NOT_GOOD:  # also where its expert took the version back
        return Final(None, "sent_back")
    if word is not Word.GOOD and any(result.decision is Decision.FLAG for result in said):
        return Final(None, "flagged")
    if word is Word.AWAITED:
        return Final(None, "saved_again")
    if not said:
        return Final(None, "open")
    choice = None if chosen is None else _standing(chosen, said)
    if choice is not None:
        return _whole(Final(choice, "chosen"), needs_instruction)
    groups: dict[tuple[str, ...], list[Result]] = defaultdict(list)
    for result in said:
        groups[_content(result)].append(result)
    largest = max(groups.values(), key=len)
    if len(said) == 1:
        return _whole(Final(said[0], "only"), needs_instruction)
    if 2 * len(largest) > len(said):
        return _whole(Final(_latest(largest, now), "agreement"), needs_instruction)
    return _whole(Final(_latest(said, now), "latest"), needs_instruction)


def _standing(chosen: Chosen, said: Sequence[Result]) -> Result | None:
    """The version chosen, while it is still what its expert says."""
    return next((one for one in said if (one.person, one.version) == (chosen.person, chosen.version)), None)


def _content(result: Result) -> tuple[str, ...]:
    """What two results must share to be the same: accepted or typed, the texts are what counts."""
    if result.decision is Decision.REJECT:
        return ("reject",)
    return ("keep", *(result.texts.get(name, "") for name in TEXT_FIELDS))


def _latest(results: Sequence[Result], now: float) -> Result:
    def time(result: Result) -> float:
        return result.at if result.at is not None and result.at <= now else 0.0

    return max(results, key=lambda one: (time(one), one.person))


def _whole(final: Final, needs_instruction: bool) -> Final:
    result = final.result
    assert result is not None
    needed = ("instruction", "output") if needs_instruction else ("output",)
    if final.is_rejected or all(result.texts.get(name, "").strip() for name in needed):
        return final
    return Final(None, "empty")
