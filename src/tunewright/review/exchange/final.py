"""Which of several experts' versions of a pair is final.

1. An owner's own revision counts before anybody's (`owner`); of two the later.
2. An owner's verdict "not good" withholds the pair (`sent_back`), until somebody saves or an owner chooses
   after it.
3. Of different versions the one that an owner chose counts (`chosen`), while it still stands.
4. A flag that no owner has answered withholds it (`flagged`).
5. What more than half of the experts made of it counts: the same texts, or the same rejection (`agreement`;
   `only` where just one has worked on it). Of those the latest save.
6. Else the latest save (`latest`).
A skip is nobody's word. A text without instruction or output is no pair and withholds it (`empty`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tunewright.review.exchange.result import Result
from tunewright.review.model import TEXT_FIELDS, Decision

How = Literal["owner", "chosen", "only", "agreement", "latest", "open", "sent_back", "flagged", "empty"]
WITHHELD: tuple[How, ...] = ("open", "sent_back", "flagged", "empty")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the quality owner last said of an item as a whole."""

    is_good: bool
    at: float


@dataclass(frozen=True, slots=True)
class Chosen:
    """The version that an owner chose."""

    person: str
    version: int
    at: float


@dataclass(frozen=True, slots=True)
class Final:
    """The result that counts, None while none does, and how it was found."""

    result: Result | None
    how: How

    @property
    def is_rejected(self) -> bool:
        return self.result is not None and self.result.decision is Decision.REJECT


def final_of(
    results: Sequence[Result],
    *,
    owners: frozenset[str] = frozenset(),
    verdict: Verdict | None = None,
    chosen: Chosen | None = None,
    needs_instruction: bool = True,
) -> Final:
    """The final version of one item. `owners` are the names of those who answer for quality;
    `needs_instruction` is false where earlier turns ask."""
    said = [result for result in results if result.decision is not Decision.SKIP]
    if not said:
        return Final(None, "open")
    own = [result for result in said if result.person in owners and result.decision is not Decision.FLAG]
    if own:
        return _whole(Final(_latest(own), "owner"), needs_instruction)
    choice = None if chosen is None else _standing(chosen, said)
    newest = max(one.at or 0.0 for one in said)
    if chosen is not None and choice is not None:
        newest = max(newest, chosen.at)
    if verdict is not None and not verdict.is_good and newest <= verdict.at:
        return Final(None, "sent_back")
    if choice is not None:
        return _whole(Final(choice, "chosen"), needs_instruction)
    flagged = [result for result in said if result.decision is Decision.FLAG]
    if flagged and not (verdict is not None and verdict.is_good):
        return Final(None, "flagged")
    groups: dict[tuple[str, ...], list[Result]] = defaultdict(list)
    for result in said:
        groups[_content(result)].append(result)
    largest = max(groups.values(), key=len)
    if len(said) == 1:
        return _whole(Final(said[0], "only"), needs_instruction)
    if 2 * len(largest) > len(said):
        return _whole(Final(_latest(largest), "agreement"), needs_instruction)
    return _whole(Final(_latest(said), "latest"), needs_instruction)


def _standing(chosen: Chosen, said: Sequence[Result]) -> Result | None:
    """The version chosen, while it is still what its expert says."""
    return next((one for one in said if (one.person, one.version) == (chosen.person, chosen.version)), None)


def _content(result: Result) -> tuple[str, ...]:
    """What two results must share to be the same: accepted or typed, the texts are what counts."""
    if result.decision is Decision.REJECT:
        return ("reject",)
    return ("keep", *(result.texts.get(name, "") for name in TEXT_FIELDS))


def _latest(results: Sequence[Result]) -> Result:
    return max(results, key=lambda one: (one.at or 0.0, one.person))


def _whole(final: Final, needs_instruction: bool) -> Final:
    result = final.result
    assert result is not None
    needed = ("instruction", "output") if needs_instruction else ("output",)
    if final.is_rejected or all(result.texts.get(name, "").strip() for name in needed):
        return final
    return Final(None, "empty")
