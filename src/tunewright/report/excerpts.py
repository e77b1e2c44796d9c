"""Texts of the run that are shown as they are: training records, token masks, prompts with their answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from tunewright.evaluate.answer import is_exact
from tunewright.report import grids
from tunewright.report.data import Source, record_of
from tunewright.report.gather import Run
from tunewright.tune.colours import visible

EXAMPLES = 3
SAMPLES = 4  # prompts shown per held-out set
MOST_CHARS = 2000  # of a text on the page
FOLD_CHARS, SHOWN_CHARS = 420, 320  # longer texts are folded, and this much of them is in sight
MASK_HEAD, MASK_TAIL = 220, 160  # tokens shown at the start and end of a long example
FIELDS = ("system", "instruction", "input", "output", "explanation")


@dataclass(frozen=True, slots=True)
class Text:
    """A text to show: `head` alone, or in sight with `whole` folded; `num_cut` characters are left out."""

    head: str
    whole: str = ""
    num_cut: int = 0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring tokens of one role: [(text, weight)]."""

    role: str
    tokens: Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Mask:
    """One training example as an arm saw it; `num_cut` tokens in its middle are left out."""

    arm: str
    stretches: Sequence[Stretch]
    num_weighted: int
    num_tokens: int
    num_cut: int


@dataclass(frozen=True, slots=True)
class Reply:
    """One arm's answer to a prompt."""

    arm: str
    text: Text
    stopped: bool
    exact: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """A held-out prompt with the expected answer and each arm's."""

    title: str
    record_id: str
    prompt: Text | None
    expected: Text
    replies: Sequence[Reply]


@dataclass(frozen=True, slots=True)
class Example:
    """A training record, field by field."""

    record_id: str
    fields: Sequence[tuple[str, Text]]


def examples(run: Run, sources: Sequence[Source]) -> list[Example]:
    """Training records spread over the file; where it is gone, those kept with the masks."""
    records = list(sources[0].records.values()) if sources else []
    if records:
        num_shown = min(EXAMPLES, len(records))
        chosen = [records[index * len(records) // num_shown] for index in range(num_shown)]
        return [Example(r.id, [(n, fold(getattr(r, n))) for n in FIELDS if getattr(r, n)]) for r in chosen]
    previews = run.arms[0].masks[:EXAMPLES] if run.arms else []
    return [Example(str(preview["id"]), _texts_of_roles(preview["tokens"])) for preview in previews]


def masks(run: Run) -> list[Mask]:
    """The first example of each arm's preview: the same record in all."""
    masks = []
    for name in run.arm_names():
        previews = run.of_arm(name)[0].masks
        if previews:
            masks.append(_mask(name, previews[0]["tokens"]))
    return masks


def samples(run: Run, sources: Sequence[Source]) -> list[Sample]:
    """Prompts at even distances, the first seed's answers of every arm."""
    samples = []
    seed_of = {name: run.of_arm(name)[0].seed for name in run.arm_names()}
    for set_name in run.heldout_names():
        by_record: dict[str, list[Mapping[str, Any]]] = {}
        for row in run.answers:
            if row["set"] == set_name and row["seed"] == seed_of.get(row["arm"]):
                by_record.setdefault(row["record_id"], []).append(row)
        ids = list(by_record)
        num_shown = min(SAMPLES, len(ids))
        for record_id in [ids[index * len(ids) // num_shown] for index in range(num_shown)]:
            samples.append(_sample(set_name, record_id, by_record[record_id], list(sources)))
    return samples


def fold(text: str) -> Text:
    """A text cut to what a page can bear: its beginning in sight, more folded, the rest counted."""
    num_cut = max(len(text) - MOST_CHARS, 0)
    kept = text[:MOST_CHARS]
    if len(kept) <= FOLD_CHARS and not num_cut:
        return Text(kept)
    in_sight = re.sub(r"\n{3,}", "\n\n", kept[:SHOWN_CHARS])
    return Text(in_sight.rsplit(" ", 1)[0], kept, num_cut)


def _texts_of_roles(tokens: Sequence[Sequence[Any]]) -> list[tuple[str, Text]]:
    return [
        (str(role), fold("".join(str(token[0]) for token in group).strip()))
        for role, group in groupby(tokens, key=lambda token: token[1])
        if role in FIELDS
    ]


def _mask(arm: str, tokens: Sequence[Sequence[Any]]) -> Mask:
    num_cut = max(len(tokens) - MASK_HEAD - MASK_TAIL, 0)
    seen = [(visible(str(text)), str(role), float(weight)) for text, role, weight in tokens]
    seen[-1:] = [(text.rstrip("\n"), role, weight) for text, role, weight in seen[-1:]]  # no empty last line
    shown = [*seen[:MASK_HEAD], *([("", "cut", 0.0)] if num_cut else []), *seen[MASK_HEAD + num_cut :]]
    stretches = [
        Stretch(role, [(text, weight) for text, _, weight in group])
        for role, group in groupby(shown, key=lambda token: token[1])
    ]
    return Mask(arm, stretches, sum(token[2] != 0 for token in tokens), len(tokens), num_cut)


def _sample(
    set_name: str, record_id: str, rows: Sequence[Mapping[str, Any]], sources: list[Source]
) -> Sample:
    record = record_of(sources, set_name, record_id)
    prompt = None
    if record is not None:
        prompt = fold("\n\n".join(text for text in (record.instruction, record.input) if text))
    expected = str(rows[0]["expected"])
    output = record.output if record is not None else expected
    replies = [
        Reply(
            str(row["arm"]),
            fold(str(row["text"])),
            bool(row["stopped"]),
            is_exact(str(row["text"]), output, explained=output != expected),
        )
        for row in rows
    ]
    return Sample(grids.set_title(set_name), record_id, prompt, fold(expected), replies)
