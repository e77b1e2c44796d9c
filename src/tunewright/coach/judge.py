"""Which of two versions of a record is the better one to train on: asked in both orders, read, and merged.

Judges favour a place (mostly the first) and length. So each pair is asked in both orders and the two
verdicts are merged; what length explains is taken out later, in numbers (`compare.win_rate`). A verdict
that cannot be read is no verdict, and never a tie.
"""

from __future__ import annotations

from typing import Literal

from tunewright.coach.revision import FIELDS, Field
from tunewright.llm.prompt_files import PromptFiles, frame_code
from tunewright.llm.request import Message, Request
from tunewright.rate.verdict import SCHEMA, Verdict, is_consistent, parse
from tunewright.records.record import Record

__all__ = [
    "PROMPTS",
    "Result",
    "Verdict",
    "both_orders",
    "build",
    "is_consistent",
    "is_same",
    "merge",
    "parse",
    "prompt_hashes",
]

Result = Literal["win", "tie", "loss"]  # of the record that is asked about: the revised one

PROMPTS = PromptFiles("tunewright.coach")
_FILES = ("judge.txt", "judge_system.txt")  # the folder holds the prompts of other steps too
_NAMES: dict[Field, str] = {"output": "response"}


def build(record_a: Record, record_b: Record, *, max_tokens: int = 512) -> Request:
    """The question which of two versions is better, `record_a` shown first as A.

    What both share is shown once: where only the response differs, the judge compares responses to one
    instruction. Ask it again with the records exchanged and `merge` the two verdicts.
    """
    versions = {"A": record_a, "B": record_b}
    shared = [name for name in FIELDS if getattr(record_a, name) == getattr(record_b, name)]
    apart = [name for name in FIELDS if name not in shared]
    turns = [(f"earlier {turn.speaker} message {n}", turn.text) for n, turn in enumerate(record_a.history, 1)]
    before = [("system message", record_a.system), *turns]
    shared_parts = [{"name": name, "text": text} for name, text in before if text.strip()]
    shared_parts += _parts(record_a, shared, keep_empty=False)
    text = PROMPTS.render(
        "judge.txt",
        shared=shared_parts,
        # an empty text of one version is shown as empty: that the other has one is the difference
        versions=[
            {"name": name, "parts": _parts(one, apart, keep_empty=True)} for name, one in versions.items()
        ],
        code=frame_code(
            [text for _, text in before] + [getattr(one, f) for one in versions.values() for f in FIELDS]
        ),
    )
    return Request(
        messages=(Message("system", PROMPTS.render("judge_system.txt")), Message("user", text)),
        schema=SCHEMA,
        subject=f"{record_a.id} A against B",
        max_tokens=max_tokens,
    )


def both_orders(before: Record, after: Record, *, max_tokens: int = 512) -> tuple[Request, Request]:
    """The two questions of a pair: `after` shown as B, then as A. Pass their verdicts to `merge` so."""
    return build(before, after, max_tokens=max_tokens), build(after, before, max_tokens=max_tokens)


def is_same(before: Record, after: Record) -> bool:
    """Whether there is nothing to judge: a tie without a question."""
    return all(getattr(before, name) == getattr(after, name) for name in FIELDS)


def merge(first: Verdict | None, second: Verdict | None) -> Result | None:
    """What two verdicts say of the revised record: `first` saw it as B, `second` as A.

    Liu et al. (CoachLM, ICDE 2024): win = win+win or win+tie; tie = tie+tie or win+loss; loss = loss+loss or
    loss+tie. None where either verdict is missing (None): a verdict that cannot be read is never a tie.
    """
    if first is None or second is None:
        return None
    points = {"a": -1, "tie": 0, "b": 1}[first] + {"a": 1, "tie": 0, "b": -1}[second]
    return "win" if points > 0 else "loss" if points < 0 else "tie"


def prompt_hashes() -> dict[str, str]:
    """SHA-256 of the judge's prompt files: part of a fingerprint of what uses it."""
    hashes = PROMPTS.hashes()
    return {name: hashes[name] for name in _FILES}


def _parts(record: Record, names: list[Field], *, keep_empty: bool) -> list[dict[str, str]]:
    found = []
    for name in names:
        text = getattr(record, name)
        if text.strip() or keep_empty:
            found.append({"name": _NAMES.get(name, name), "text": text or "(empty)"})
    return found
