"""Proof that evaluation data is unseen: no prompt near one of it, and no passage in common."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tunewright.duplicates import Tokens, near_duplicates
from tunewright.generate.validity import normalised
from tunewright.records.record import Record

PASSAGE_WORDS = 12  # of one line: shorter ones are in many texts


@dataclass(frozen=True, slots=True)
class Unseen:
    """What was compared, and which records share too much with the evaluation data, each with the reason.

    `num_near` records have an instruction with its input within the threshold of an evaluation one's;
     `num_shared` have a line of `PASSAGE_WORDS` words or more in common. Nothing else was looked at: a
    paraphrase is not found.
    """

    num_evaluation: int
    threshold: float
    seen_ids: dict[str, str]

    @property
    def num_near(self) -> int:
        return sum(reason.startswith("prompt") for reason in self.seen_ids.values())

    @property
    def num_shared(self) -> int:
        return len(self.seen_ids) - self.num_near


def unseen(records: Sequence[Record], evaluation: Sequence[Record], *, threshold: float = 0.7) -> Unseen:
    """Compare by the near-duplicate rule, instruction and input as one text, and by shared passages.

    A prompt's instruction alone would make all items of one task type alike; together with the input it
    is what a model is asked.
    """
    lines = {line: one.id for one in evaluation for line in _passage_lines(one)}
    prompts = [_prompt(record) for record in records]
    near = near_duplicates(
        prompts,
        threshold=threshold,
        tokens=Tokens.UNICODE,
        cells=list(range(len(prompts))),  # with the evaluation data only, not with each other
        against=[_prompt(one) for one in evaluation],
    )
    seen: dict[str, str] = {}
    for record, found in zip(records, near, strict=True):
        if found is not None:
            seen[record.id] = f"prompt like that of {evaluation[found.of].id} (ROUGE-L F1 {found.score:.3f})"
            continue
        shared = next((lines[line] for line in _passage_lines(record) if line in lines), None)
        if shared is not None:
            seen[record.id] = f"a passage in common with {shared}"
    return Unseen(len(evaluation), threshold, seen)


def _prompt(record: Record) -> str:
    return f"{record.instruction}\n{record.input}" if record.input else record.instruction


def _passage_lines(record: Record) -> Iterator[str]:
    """The long lines and sentences of input and output, as they are compared."""
    for text in (record.input, record.output):
        for line in re.split(r"\n+|(?<=[.!?])\s+", text):
            if line.count(" ") >= PASSAGE_WORDS - 1:
                yield normalised(line)
