"""Records to token examples, filtered once, so that every arm trains on the same rows.

What is kept never depends on the objective: an arm without loss on a row sees the same rows as the others.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tunewright.errors import TemplateError
from tunewright.records.record import Record
from tunewright.tune.conversation import Message, Role, conversation
from tunewright.tune.objective import is_weight
from tunewright.tune.roles import Renderer, RoledTokens


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
    """The examples in the order of their records, the records left out, and how many of the kept lost an end.

    `num_cut` examples were cut before the end of their last answer: there they teach no stopping.
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
    # no token is longer than this, so longer texts cannot fit: they are dropped before they are rendered
    chars_per_token = renderer.longest_token_chars if too_long == "drop" else math.inf
    candidates = [
        _candidate(record, explanation, max_tokens, chars_per_token, weight_column) for record in records
    ]
    roled = renderer.many(row.messages for row in candidates if isinstance(row, _Candidate))
    kept: list[Example] = []
    dropped: list[Dropped] = []
    num_cut = 0
    for row in candidates:
        made = row if isinstance(row, Dropped) else _example(row, next(roled), max_tokens, too_long)
        if isinstance(made, Dropped):
            dropped.append(made)
        else:
            kept.append(made[0])
            num_cut += made[1]
    return Examples(tuple(kept), tuple(dropped), num_cut)


@dataclass(frozen=True, slots=True)
class _Candidate:
    id: str
    weight: float
    messages: list[Message]


def _candidate(
    record: Record,
    explanation: bool,
    max_tokens: int,
    chars_per_token: float,
    weight_column: str | None,
) -> _Candidate | Dropped:
    """What can be said of a record before it is rendered."""
    held = 1.0 if weight_column is None else record.meta.get(weight_column)
    weight = _number(held)
    if weight is None or not is_weight(weight):
        detail = f"column {weight_column!r} holds {held!r}, not 0 or a number from 1e-6 to 1e6"
        return Dropped(record.id, "no weight", detail)
    messages = conversation(record, explanation=explanation)
    num_chars = sum(len(message.text) for message in messages)
    if num_chars > max_tokens * chars_per_token:
        detail = f"{num_chars:,} characters, more than {max_tokens} tokens can hold"
        return Dropped(record.id, "too long", detail)
    return _Candidate(record.id, weight, messages)


def _number(value: Any) -> float | None:
    """The number in a column; a CSV file's are texts."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _example(
    row: _Candidate, roled: RoledTokens | TemplateError, max_tokens: int, too_long: Literal["drop", "cut"]
) -> tuple[Example, bool] | Dropped:
    """The example and whether it lost the end of an answer, or why it is left out."""
    if isinstance(roled, TemplateError):
        return Dropped(row.id, "roles not proved", str(roled))
    is_cut = len(roled.ids) > max_tokens
    if is_cut and too_long == "drop":
        return Dropped(row.id, "too long", f"{len(roled.ids)} tokens, at most {max_tokens}")
    ids, roles = roled.ids[:max_tokens], roled.roles[:max_tokens]
    if not np.any(roles[1:] == Role.OUTPUT):
        why = f"the first {max_tokens} tokens are prompt" if is_cut else "nothing in the answer to learn"
        return Dropped(row.id, "no output token", why)
    lost_end = bool(np.any(roled.roles[max_tokens:] == Role.EOS))
    return Example(row.id, ids, roles, row.weight), lost_end


def role_counts(examples: Sequence[Example]) -> dict[str, int]:
    """Tokens of each role over all examples, by the role's lower-case name."""
    totals = np.zeros(len(Role), dtype=np.int64)
    for example in examples:
        totals += np.bincount(example.roles, minlength=len(Role))
    return {role.name.lower(): int(totals[role]) for role in Role if totals[role]}
