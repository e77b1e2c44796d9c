"""Which records hold a piece of the evaluation data: what is left out before evaluation data is "unseen".

Decontamination by runs of words, as published: GPT-3 looks for 13 words in a row in common (Brown et al.,
2020, appendix C), Tülu 3 for half of a text in runs of 8 (Lambert et al., 2024, section 3.2). Both are asked
here, and whether two prompts are near-duplicates. A paraphrase or a translation is not found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tunewright.duplicates import Tokens, near_duplicates
from tunewright.generate.grow.word_runs import KnownWords, RunIndex, words_compared
from tunewright.records.record import Record

LONG_RUN_WORDS = 13
RUN_WORDS = 8
SHARE = 0.5  # of a text's runs of `RUN_WORDS` words
SHORT_WORDS = 4  # from here to `RUN_WORDS` a text is compared as a whole; shorter ones are equal by chance
_BLOCK_RECORDS = 2048  # whose words are in memory at a time
_SHOWN_WORDS = 8


@dataclass(frozen=True, slots=True)
class Unseen:
    """What was compared, and which records share too much with the evaluation data, each with the reason.

    `num_near` records have an instruction with its input within the threshold of an evaluation one's;
    `num_shared` others have a text in common: see `unseen`. Nothing else was looked at.
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
    """Compare prompts by the near-duplicate rule, and all texts by the runs of words that they share.

    A record is seen when its prompt (instruction and input as one text, for an instruction alone would make
    all items of a task alike) has a ROUGE-L F1 above `threshold` with an evaluation prompt; or when one of
    its texts (instruction, input, output, each turn of its history) and one of an evaluation record have

    - `LONG_RUN_WORDS` words in a row in common, or
    - `SHARE` of the runs of `RUN_WORDS` words of the one stand in the other, or
    - are inputs of `SHORT_WORDS` to `RUN_WORDS` - 1 words and equal.

    Case, punctuation and line breaks do not count; a character of a script without spaces is half a word.
    Equal instructions make a task the same, not an item. So two instructions have no long run in common that
    counts, and the instruction of a record with an input is not compared by shares. Nor is an output that
    evaluation records with different prompts have: a refusal, a label.
    """
    prompts = [_prompt(record) for record in records]
    near = near_duplicates(
        prompts,
        threshold=threshold,
        tokens=Tokens.UNICODE,
        cells=list(range(len(prompts))),  # with the evaluation data only, not with each other
        against=[_prompt(one) for one in evaluation],
    )
    shared = _Shared(evaluation).reasons(records)
    seen: dict[str, str] = {}
    for record, found, reason in zip(records, near, shared, strict=True):
        if found is not None:
            seen[record.id] = f"prompt like that of {evaluation[found.of].id} (ROUGE-L F1 {found.score:.3f})"
        elif reason:
            seen[record.id] = reason
    return Unseen(len(evaluation), threshold, seen)


def _prompt(record: Record) -> str:
    return f"{record.instruction}\n{record.input}" if record.input else record.instruction


@dataclass(frozen=True, slots=True)
class _Text:
    """One text of a record. `is_task`: its instruction. `is_item`: all but the instruction of a record that
    has an input."""

    owner: Record
    name: str
    words: list[str]
    is_item: bool

    @property
    def is_task(self) -> bool:
        return self.name == "instruction"


def _texts(record: Record) -> Iterator[_Text]:
    is_alone = not record.input.strip() and not record.history
    yield _Text(record, "instruction", words_compared(record.instruction), is_alone)
    passage = record.meta.get("passage")
    for name, text in (
        ("input", record.input),
        *(("history", turn.text) for turn in record.history),
        ("passage", passage if isinstance(passage, str) and passage not in record.input else ""),
        ("output", record.output),
    ):
        if text:
            yield _Text(record, name, words_compared(text), True)


class _Shared:
    """The evaluation data's texts by the runs of words in them; asked for all records, a block at a time."""

    def __init__(self, evaluation: Sequence[Record]) -> None:
        prompts_of: dict[str, set[str]] = {}
        for one in evaluation:
            prompts_of.setdefault(one.output, set()).add(_prompt(one))
        texts = [text for one in evaluation for text in _texts(one)]
        texts = [text for text in texts if text.name != "output" or len(prompts_of[text.owner.output]) == 1]
        self._texts = texts
        self._known = KnownWords(text.words for text in texts)
        numbered = self._known.numbered([text.words for text in texts])
        is_task = np.array([text.is_task for text in texts], dtype=np.bool_)
        is_item = np.array([text.is_item for text in texts], dtype=np.bool_)
        self._long = RunIndex(numbered, LONG_RUN_WORDS)
        self._long_not_of_tasks = RunIndex(numbered, LONG_RUN_WORDS, of=~is_task)
        self._short = RunIndex(numbered, RUN_WORDS, of=is_item)
        self._inputs: dict[tuple[str, ...], str] = {}
        for text in texts:
            if text.name == "input":
                self._inputs.setdefault(tuple(text.words), text.owner.id)

    def reasons(self, records: Sequence[Record]) -> Iterator[str]:
        """For each record why it is seen, or ''."""
        for start in range(0, len(records), _BLOCK_RECORDS):
            block = records[start : start + _BLOCK_RECORDS]
            texts = [text for record in block for text in _texts(record)]
            found: dict[int, str] = {}
            for text, reason in self._found(texts):
                found.setdefault(id(text.owner), reason)
            yield from (found.get(id(record), "") for record in block)

    def _found(self, texts: Sequence[_Text]) -> Iterator[tuple[_Text, str]]:
        """The texts of a block that are shared, with the reason; the plainest reasons first."""
        numbered = self._known.numbered([text.words for text in texts])
        for text, half_words in zip(texts, numbered.half_words().tolist(), strict=True):
            is_short_input = text.name == "input" and 2 * SHORT_WORDS <= half_words < 2 * RUN_WORDS
            if is_short_input and (name := self._inputs.get(tuple(text.words))) is not None:
                yield text, f"the same input as {name}"
        is_task = np.array([text.is_task for text in texts], dtype=np.bool_)
        for index, asked in ((self._long, ~is_task), (self._long_not_of_tasks, is_task)):
            for found in index.matches(numbered, of=asked):
                text, other = texts[found.text], self._texts[found.others(0)[0]]
                start = " ".join(text.words[found.places[0] :][:_SHOWN_WORDS])
                yield text, f"{LONG_RUN_WORDS} words in a row in common with {other.owner.id}: {start} …"
        is_item = np.array([text.is_item for text in texts], dtype=np.bool_)
        for found in self._short.matches(numbered, of=is_item):
            text = texts[found.text]
            for at, of_this, of_other in found.shares():
                other = self._texts[at]
                theirs = f"the {other.name} of {other.owner.id}"
                if of_other >= SHARE:
                    yield text, f"{100 * of_other:.0f} % of {theirs} is in its {text.name}"
                elif of_this >= SHARE:
                    yield text, f"{100 * of_this:.0f} % of its {text.name} is in {theirs}"
