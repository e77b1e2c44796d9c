"""What a revising run says about itself: what became of every record, why, and what a revision cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tunewright.coach.compare.join import Side
from tunewright.coach.results import MEANINGS


@dataclass(frozen=True, slots=True)
class Used:
    """What one model of the run has used: the coach's, or that of a policy that accepts revisions."""

    by: str
    prompt_tokens: int
    output_tokens: int
    cost: float | None


@dataclass(frozen=True)
class Bookkeeping:
    """Of the `revise` run that AFTER is. `seconds` are of the process that finished it: where it was stopped
    in between, the earlier ones are not in it. Tokens and cost are of all models that were asked, one by one
    in `used`. Per-revision values are None when nothing was revised, and costs where a price is missing.
    `verified` counts checkable answers by kind and status, before and after, of all valid proposals, accepted
    or not.
    """

    coach: str
    model: str
    num_records: int
    statuses: Mapping[str, int]
    meanings: Mapping[str, str]
    reasons: Mapping[str, Mapping[str, int]]
    flags: Mapping[str, int]
    num_flagged: int
    verified: Mapping[str, Mapping[str, Mapping[str, int]]]
    seconds: float
    resumed: bool
    prompt_tokens: int
    output_tokens: int
    cost: float | None
    used: tuple[Used, ...]
    seconds_per_revision: float | None
    tokens_per_revision: float | None
    cost_per_revision: float | None


def bookkeeping(side: Side) -> Bookkeeping | None:
    """The books of a `revise` folder; None for anything else."""
    if side.folder is None or side.manifest is None or side.manifest["stage"] != "revise":
        return None
    file = side.folder / "summary.json"
    if not file.is_file():
        return None
    summary: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    extra = side.manifest["extra"]
    num_revised = summary["statuses"]["revised"]
    tokens = extra["prompt_tokens"] + extra["output_tokens"]
    return Bookkeeping(
        coach=str(summary["coach"]),
        model=str(summary["model"]),
        num_records=summary["num_records"],
        statuses=summary["statuses"],
        meanings={str(status): meaning for status, meaning in MEANINGS.items()},
        reasons=summary["reasons"],
        flags=summary["flags"],
        num_flagged=summary["num_flagged"],
        verified=summary["verified"],
        seconds=side.manifest["seconds"],
        resumed=side.manifest["resumed"],
        prompt_tokens=extra["prompt_tokens"],
        output_tokens=extra["output_tokens"],
        cost=extra["cost"],
        used=tuple(Used(by, **one) for by, one in extra["used"].items()),
        seconds_per_revision=_per(side.manifest["seconds"], num_revised),
        tokens_per_revision=_per(tokens, num_revised),
        cost_per_revision=None if extra["cost"] is None else _per(extra["cost"], num_revised),
    )


def _per(amount: float, number: int) -> float | None:
    return amount / number if number else None
