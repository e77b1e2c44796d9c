"""From a tuple to a candidate: the record it would be, with all that is known of where it came from."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass
from typing import Any, cast

from tunewright.generate.grow.ask import Decoding
from tunewright.generate.grow.cells import Cell
from tunewright.generate.grow.rendered import Rendered, cloze, several
from tunewright.generate.grow.tuples import (
    ChoiceTuple,
    ClozeTuple,
    GeneralTuple,
    OpenTuple,
    SeveralTuple,
    Tuple,
)
from tunewright.generate.item import Distractor, Item, Level
from tunewright.generate.render import explain, shuffled_options
from tunewright.generate.validity import normalised
from tunewright.records.record import Record, content_id
from tunewright.run.seeds import derive_seed


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the tuples of one call came from; the same for all of them."""

    seed_ids: tuple[str, ...]
    example_ids: tuple[str, ...]
    prompt_hash: str
    model: str
    revision: str
    decoding: Decoding
    licence: str
    round: int
    call: str  # key of the reply in the journal

    def meta(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that may be accepted.

    Near-duplicates are alike in `content` (what is asked and answered) and in `whole` (the same with the
    passage); `whole` is also compared with the seeds. No two accepted ones share one of `identities`.
    """

    record: Record
    cell: Cell
    content: str
    whole: str
    identities: tuple[bytes, ...]
    passage: str  # the text whose level is estimated
    question: str = ""  # with its options, if it has any: its level is estimated, too


def candidate_of(given: Tuple, cell: Cell, provenance: Provenance, *, seed: int) -> Candidate:
    """The candidate. Options get an order drawn from a seed of the item's own, which is stored with it."""
    if isinstance(given, ChoiceTuple):
        return _choice(given, cell, provenance, seed)
    if isinstance(given, SeveralTuple):
        return _rendered(given.instruction, several(given, seed=seed), cell, provenance)
    if isinstance(given, ClozeTuple):
        return _rendered(given.instruction, cloze(given, seed=seed), cell, provenance)
    return _written(given, cell, provenance)


def _choice(given: ChoiceTuple, cell: Cell, provenance: Provenance, seed: int) -> Candidate:
    """What is compared is the question with its options and key, and the same with the passage: several
    questions on one passage are a set, and one question on several passages is not one item."""
    group = cell.group
    item = Item(
        task=group.task,
        level=cast(Level, group.level),
        topic=cell.topic,
        instruction=given.instruction,
        stem=given.question,
        key=given.answer,
        why=given.explanation,
        distractors=tuple(Distractor(one.text, one.mistake) for one in given.wrong_options),
        passage=given.passage,
        evidence=given.evidence,
    )
    # by content, so that the same item gets the same letters wherever in a reply it stands
    item_seed = derive_seed(seed, "options", given.passage, given.question, given.answer) % 2**48
    options = shuffled_options(item, seed=item_seed)
    key = next((option["letter"] for option in options if option["correct"]), "")
    lettered = "\n".join(f"{one['letter']}) {one['text']}" for one in options)
    shown = "\n\n".join(part for part in (given.passage, given.question, lettered) if part)
    output = f"{key}) {given.answer}" if key else given.answer

    content = "\n".join([given.question, *_options(given), given.answer])

    parts = {
        "options": options,
        "key": key,
        "passage": given.passage,
        "stem": given.question,
        "answer": given.answer,
        "why": given.explanation,
        "evidence": given.evidence,
        "seed": item_seed,
    }
    record = _record(given.instruction, shown, output, explain(item, options), cell, parts, provenance)
    return Candidate(
        record=record,
        cell=cell,
        content=content,
        whole=f"{given.passage}\n{content}" if given.passage else content,
        identities=_choice_identities(given),
        passage=given.passage or given.question,
        question="\n".join([given.question, *_options(given)]),
    )


def _rendered(instruction: str, item: Rendered, cell: Cell, provenance: Provenance) -> Candidate:
    passage = item.parts["passage"]
    record = _record(instruction, item.input, item.output, item.explanation, cell, item.parts, provenance)
    return Candidate(
        record=record,
        cell=cell,
        content=item.content,
        whole=f"{passage}\n{item.content}" if passage else item.content,
        identities=tuple(_digest(*texts) for texts in item.identities),
        passage=item.read,
        question=item.asked,
    )


def _choice_identities(given: ChoiceTuple) -> tuple[bytes, ...]:
    """The same passage, question and options; and, where there is a passage, the same question on it.
    Without one, "Which sentence is right?" is asked of many sets of options."""
    whole = _digest(given.passage, given.question, *_options(given))
    return (whole, _digest(given.passage, given.question)) if given.passage else (whole,)


def _options(given: ChoiceTuple) -> list[str]:
    return sorted([given.answer, *(one.text for one in given.wrong_options)])


def _digest(*texts: str) -> bytes:
    return hashlib.sha256("\x1f".join(map(normalised, texts)).encode("utf-8", "surrogatepass")).digest()[:12]


def _written(given: OpenTuple | GeneralTuple, cell: Cell, provenance: Provenance) -> Candidate:
    parts = {"evidence": given.evidence} if isinstance(given, OpenTuple) else {}
    record = _record(given.instruction, given.input, given.output, given.explanation, cell, parts, provenance)
    task = given.input or given.instruction
    if isinstance(given, GeneralTuple):  # the published rule looks at the instruction alone
        content, identity = given.instruction, (given.instruction, given.input)
    else:
        content, identity = f"{task}\n{given.output}", (task, given.output)
    return Candidate(
        record=record,
        cell=cell,
        content=content,
        whole=content,
        identities=(_digest(*identity),),
        passage=given.input or given.output,
    )


def _record(
    instruction: str,
    input: str,
    output: str,
    explanation: str,
    cell: Cell,
    parts: dict[str, Any],
    provenance: Provenance,
) -> Record:
    group = cell.group
    kind = {"skill": group.skill, "level": group.level, "task": group.task, "topic": cell.topic}

    kind["mode"] = "author" if group.form == "author" else "solve"
    if group.form == "general":
        kind = {}

    return Record(
        id=content_id(
            instruction=instruction,
            input=input,
            output=output,
            explanation=explanation,
            system="",
            turns="",
        ),
        instruction=instruction,
        input=input,
        output=output,
        explanation=explanation,
        meta={**kind, "form": group.form, **parts, "grown": provenance.meta()},
    )


_LETTERED = re.compile(
    r"\b(?i:options?|answers?|choices?|distractors?)\s+\(?[A-H]\b"
    r"|(?<!\w)\(?[A-H]\)(?!\w)"
    r"|\b(?i:first|second|third|fourth|last) (?i:option|choice|answer)\b"
)


def speaks_of_places(given: Tuple) -> str:
    """The words, if any, by which an explanation points at an option's place, which shuffling makes wrong.

    "Option A" and "the first option" count; "A good answer …", "vitamin C" and "plan B" do not.
    """
    texts: list[str] = []
    if isinstance(given, ChoiceTuple | SeveralTuple):
        texts = [given.explanation, *(one.mistake for one in given.wrong_options)]
    elif isinstance(given, ClozeTuple) and any(gap.wrong_options for gap in given.gaps):
        texts = [given.explanation]
    for text in texts:
        found = _LETTERED.search(text)
        if found is not None:
            return found.group()
    return ""
