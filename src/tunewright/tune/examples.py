"""Records to token examples, filtered once, so that every arm trains on the same rows.

What is kept never depends on the objective: an arm without loss on a row sees the same rows as the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tunewright.errors import TemplateError
from tunewright.records.record import Record
from tunewright.tune.conversation import Role, conversation
from tunewright.tune.roles import Renderer


@dataclass(frozen=True, slots=True)
class Example:
    """One tokenised record: `ids` int64 and `roles` int8 of the same length. `weight` multiplies its loss."""

    id: str
    ids: NDArray[np.int64]
    roles: NDArray[np.int8]
    weight: float = 1.0

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
    """The examples in the order of their records, the records left out, and how many of the kept were cut.

    A cut example has lost the end of its last answer: it teaches no stopping.
    """

    kept: tuple[Example, ...]
    dropped: tuple[Dropped, ...]
    num_cut: int = 0

    def reasons(self) -> dict[str, int]:
        """How many records were left out for each reason."""
        return dict(Counter(drop.reason for drop in self.dropped))


def make_examples(
    records: Iterable[Record],
    renderer: Renderer,
    *,
    max_tokens: int,
    explanation: bool,
    too_long: Literal["drop", "cut"] = "drop",
    weight_column: str | None = None,
) -> Examples:
    """Render, prove and tokenise each record; drop what is too long or cannot be proved, with the reason.

    `too_long="cut"` keeps the first `max_tokens` tokens, as the published runs did, and drops the row only
    where no output token is left. `weight_column` names the column of `meta` that holds a record's weight.
    """
    kept: list[Example] = []
    dropped: list[Dropped] = []
    num_cut = 0
    # no token is longer than this, so longer texts cannot fit: they are dropped before they are rendered
    most_chars = max_tokens * renderer.longest_token_chars
    for record in records:
        messages = conversation(record, explanation=explanation)
        num_chars = sum(len(message.text) for message in messages)
        if num_chars > most_chars and too_long == "drop":
            detail = f"{num_chars:,} characters, more than {max_tokens} tokens can hold"
            dropped.append(Dropped(record.id, "too long", detail))
            continue
        try:
            weight = 1.0 if weight_column is None else _weight_of(record, weight_column)
            roled = renderer(messages)
        except TemplateError as error:
            dropped.append(Dropped(record.id, "roles not proved", str(error)))
            continue
        except _NoWeightError as error:
            dropped.append(Dropped(record.id, "no weight", str(error)))
            continue
        is_cut = len(roled.ids) > max_tokens
        ids, roles = roled.ids[:max_tokens], roled.roles[:max_tokens]
        if is_cut and too_long == "drop":
            dropped.append(Dropped(record.id, "too long", f"{len(roled.ids)} tokens, at most {max_tokens}"))
        elif not np.any(roles[1:] == Role.OUTPUT):
            why = f"the first {max_tokens} tokens are prompt" if is_cut else "nothing in the answer to learn"
            dropped.append(Dropped(record.id, "no output token", why))
        else:
            num_cut += is_cut
            kept.append(Example(record.id, ids, roles, weight))
    return Examples(tuple(kept), tuple(dropped), num_cut)


class _NoWeightError(Exception):
    """A record's weight is absent or is no weight."""


def _weight_of(record: Record, column: str) -> float:
    value = record.meta.get(column)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise _NoWeightError(f"column {column!r} holds {value!r}, not a number ≥ 0")
    return float(value)


def role_counts(examples: Sequence[Example]) -> dict[str, int]:
    """Tokens of each role over all examples, by the role's lower-case name."""
    totals = np.zeros(len(Role), dtype=np.int64)
    for example in examples:
        totals += np.bincount(example.roles, minlength=len(Role))
    return {role.name.lower(): int(totals[role]) for role in Role if totals[role]}
