"""From an item to a record: what the learner sees, the answer, and an explanation.

The options are shuffled with the item's own stored seed, so the same item always has the same letters.
The input is passage, stem and lettered options; the output is the answer alone; the explanation says why
it is right and what mistake each other option catches, and never becomes part of the output.
"""

from __future__ import annotations

import random
from typing import Any

from tunewright.errors import ItemError
from tunewright.generate.hard_rules import defended_letters
from tunewright.generate.item import Distractor, Item, ItemModel
from tunewright.generate.validity import Finding, check_item
from tunewright.records.record import Record, content_id

LETTERS = "ABCDEFGH"

MODEL_ANSWER_CHARS = 60  # a longer written answer is one of several good ones


def render(item: Item, *, model: ItemModel, seed: int) -> Record:
    """The record of an item drawn by `model` with `seed`; the seed also decides the order of its options."""
    options = shuffled_options(item, seed=seed)
    key = next((option["letter"] for option in options if option["correct"]), "")
    parts = [item.passage, item.stem, "\n".join(f"{o['letter']}) {o['text']}" for o in options)]
    shown = "\n\n".join(part for part in parts if part)
    output = f"{key}) {item.key}" if key else item.key
    explanation = explain(item, options)
    meta: dict[str, Any] = {
        "skill": model.skill,
        "level": item.level,
        "task": item.task,
        "topic": item.topic,
        "item_model": model.name,
        "construct": model.construct,
        "key": key,
        "options": options,
        "passage": item.passage,
        "stem": item.stem,
        "answer": item.key,
        "why": item.why,
        "evidence": item.evidence,
        "seed": seed,
    }
    return Record(
        id=content_id(
            instruction=item.instruction,
            input=shown,
            output=output,
            explanation=explanation,
            system="",
            turns="",
        ),
        instruction=item.instruction,
        input=shown,
        output=output,
        explanation=explanation,
        meta=meta,
    )


def shuffled_options(item: Item, *, seed: int) -> list[dict[str, Any]]:
    """The lettered options in the order the seed gives; empty for an item answered in writing."""
    if not item.distractors:
        return []
    options = [(item.key, True, ""), *((d.text, False, d.misconception) for d in item.distractors)]
    random.Random(f"options of {seed}").shuffle(options)
    return [
        {"letter": letter, "text": text, "correct": correct, "misconception": misconception}
        for letter, (text, correct, misconception) in zip(LETTERS, options, strict=False)
    ]


def explain(item: Item, options: list[dict[str, Any]]) -> str:
    """Why the key is right, then one line for each other option and the mistake behind it."""
    if not options and len(item.key) > MODEL_ANSWER_CHARS:
        return item.why  # a model answer: repeating it whole explains nothing
    if not options:
        return f"The answer is: {item.key}\n{item.why}"
    key = next(option["letter"] for option in options if option["correct"])
    lines = [f"The answer is {key}. {item.why}", "Why the other options are wrong:"]
    lines += [
        f"{o['letter']}) {o['text']}: {_stopped(o['misconception'])}" for o in options if not o["correct"]
    ]
    return "\n".join(lines)


def item_of(record: Record) -> Item:
    """The item a rendered record was made from. ItemError if its `meta` does not hold one."""
    meta = record.meta
    try:
        wrong = tuple(Distractor(o["text"], o["misconception"]) for o in meta["options"] if not o["correct"])
        return Item(
            task=meta["task"],
            level=meta["level"],
            topic=meta["topic"],
            instruction=record.instruction,
            stem=meta["stem"],
            key=meta["answer"],
            why=meta["why"],
            distractors=wrong,
            passage=meta["passage"],
            evidence=meta["evidence"],
        )
    except (KeyError, TypeError) as error:
        raise ItemError(
            f"record {record.id}: meta does not hold an assessment item ({error}); only records made by "
            "item models can be checked as items"
        ) from error


def check_record(record: Record) -> list[Finding]:
    """Everything wrong with a rendered item: its own faults, and texts that disagree with its key.

    The record may have been edited since it was made, so output, explanation and options are read again.
    """
    findings = check_item(item_of(record))
    options = record.meta["options"]
    correct = [option for option in options if option["correct"]]
    if options and len(correct) != 1:
        findings.append(Finding("key_is_one_option", f"{len(correct)} options are marked correct, not one"))
        return findings
    expected = f"{correct[0]['letter']}) {correct[0]['text']}" if correct else record.meta["answer"]
    if record.output != expected or (correct and record.meta["key"] != correct[0]["letter"]):
        findings.append(Finding("key_is_one_option", f"the output {record.output!r} is not {expected!r}"))
    letters = {option["letter"] for option in options}
    for letter in defended_letters(record.explanation):
        if letter in letters and letter != correct[0]["letter"]:
            reason = f"the explanation defends {letter}, the key is {correct[0]['letter']}"
            findings.append(Finding("explanation_defends_key", reason))
    if not record.explanation.strip():
        findings.append(Finding("empty_explanation", "the explanation is empty"))
    elif record.explanation in record.output:
        findings.append(Finding("explanation_in_output", "the output contains the explanation"))
    return findings


def _stopped(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?", '."', ".”")) else sentence + "."
