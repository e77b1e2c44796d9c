"""Records to token examples, filtered once, so that every arm trains on the same rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunewright.errors import TemplateError
from tunewright.records.record import Record
from tunewright.tune.conversation import Role, conversation
from tunewright.tune.roles import Renderer


@dataclass(frozen=True, slots=True)
class Example:
    """One tokenised record: `ids` int64 and `roles` int8 of the same length."""

    id: str
    ids: NDArray[np.int64]
    roles: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.ids)

    def count(self, *roles: Role) -> int:
        """How many of its tokens have one of these roles."""
        return int(np.isin(self.roles, roles).sum())


@dataclass(frozen=True, slots=True)
class Dropped:
    """A record that no arm trains on, and why."""

    id: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Examples:
    """The examples in the order of their records, and the records left out."""

    kept: tuple[Example, ...]
    dropped: tuple[Dropped, ...]

    def reasons(self) -> dict[str, int]:
        """How many records were left out for each reason."""
        return dict(Counter(drop.reason for drop in self.dropped))


def make_examples(
    records: Iterable[Record], renderer: Renderer, *, max_tokens: int, explanation: bool
) -> Examples:
    """Render, prove and tokenise each record; drop what is too long or cannot be proved, with the reason.

    Nothing is cut: a cut example would lose its end of turn, and differently in every arm.
    """
    kept: list[Example] = []
    dropped: list[Dropped] = []
    # no token is longer than this, so longer texts cannot fit: they are dropped before they are rendered
    most_chars = max_tokens * renderer.longest_token_chars
    for record in records:
        messages = conversation(record, explanation=explanation)
        num_chars = sum(len(message.text) for message in messages)
        if num_chars > most_chars:
            detail = f"{num_chars:,} characters, more than {max_tokens} tokens can hold"
            dropped.append(Dropped(record.id, "too long", detail))
            continue
        try:
            roled = renderer(messages)
        except TemplateError as error:
            dropped.append(Dropped(record.id, "roles not proved", str(error)))
            continue
        if len(roled.ids) > max_tokens:
            dropped.append(Dropped(record.id, "too long", f"{len(roled.ids)} tokens, at most {max_tokens}"))
        elif not np.any(roled.roles[1:] == Role.OUTPUT):
            dropped.append(Dropped(record.id, "no output token", "nothing in the answer to learn"))
        else:
            kept.append(Example(record.id, roled.ids, roled.roles))
    return Examples(tuple(kept), tuple(dropped))


def role_counts(examples: Sequence[Example]) -> dict[str, int]:
    """Tokens of each role over all examples, by the role's lower-case name."""
    totals = np.zeros(len(Role), dtype=np.int64)
    for example in examples:
        totals += np.bincount(example.roles, minlength=len(Role))
    return {role.name.lower(): int(totals[role]) for role in Role if totals[role]}
