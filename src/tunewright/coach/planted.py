"""Planted faults: assessment items broken in one known way, to measure what a coach repairs and harms.

An item of an item model is right by construction, so after one labelled fault is planted it is known what a
reviser should do: take the fault out and touch nothing else. On items without a fault it should do nothing.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal, get_args

from rapidfuzz.distance import Levenshtein

from tunewright.coach.revision import FIELDS, Revision, with_texts
from tunewright.generate.render import MODEL_ANSWER_CHARS
from tunewright.records.record import Record

Fault = Literal[
    "wrong_key", "duplicate_option", "agreement", "missing_explanation", "explanation_defends_other"
]
FAULTS: tuple[Fault, ...] = get_args(Fault)

_NAMED = re.compile(r"[Tt]he answer is (?:option )?\(?([A-H])\b")
_DEFENDED = re.compile(r"(?<=\AThe answer is )[A-H](?=\.)")
_SINGULAR = {
    "is": "are",
    "was": "were",
    "has": "have",
    "does": "do",
    "goes": "go",
    "says": "say",
    "wants": "want",
}
_SINGULAR |= {"needs": "need", "works": "work", "lives": "live", "likes": "like", "thinks": "think"}
_PLURAL = {"are": "is", "were": "was", "have": "has", "do": "does"}
_AGREEMENT = re.compile(
    rf"\b(?i:(?P<one>he|she|it|this|that|there) (?P<singular>{'|'.join(_SINGULAR)})"
    rf"|(?P<many>they|we|you) (?P<plural>{'|'.join(_PLURAL)}))\b"
)
_ABOUT_ERRORS = re.compile(r"error|mistake|correct|order|punctuat|formal|rewrite", re.IGNORECASE)


def plant(record: Record, fault: Fault, rng: random.Random) -> Record | None:
    """The item with the fault, or None where an item of this kind cannot have it."""
    broken = _PLANTERS[fault](record, rng)
    return None if broken is None or broken == record else broken


def planted(
    records: Sequence[Record], *, seed: int, faulty_share: float
) -> Iterator[tuple[Revision, Fault | None]]:
    """Each record once, as a revision back to what it was, with the fault that was planted in it.

    About `faulty_share` of them are broken, each by one fault, the kinds in equal numbers as far as the items
    allow; the rest stay as they are (None).
    """
    rng = random.Random(f"planted faults of {seed}")
    num_of = dict.fromkeys(FAULTS, 0)
    for record in records:
        broken, kind = None, None
        if rng.random() < faulty_share:
            for fault in sorted(FAULTS, key=lambda name: (num_of[name], rng.random())):
                broken = plant(record, fault, rng)
                if broken is not None:
                    kind = fault
                    num_of[fault] += 1
                    break
        yield Revision(broken or record, record, {"fault": kind}), kind


def is_repaired(good: Record, fault: Fault, proposal: Record) -> bool:
    """Whether the fault is gone and nothing else has changed.

    Every field must be that of the good item again; an explanation that was missing may be in other words if
    it names the right option and only that one, or holds the short answer.
    """
    if fault == "missing_explanation":
        rest = with_texts(proposal, {"explanation": good.explanation})
        return _same(rest, good) and _defends(proposal.explanation, good)
    return _same(proposal, good)


def is_worse(good: Record, original: Record, proposal: Record) -> bool:
    """Whether the proposal is further from the good item than the original was, in any field (characters,
    Levenshtein), or its explanation names a wrong option that the original's did not."""
    for name in FIELDS:
        before, now, best = (getattr(record, name) for record in (original, proposal, good))
        if now != before and Levenshtein.distance(now, best) > Levenshtein.distance(before, best):
            return True
    return bool(_wrong_letters(proposal, good) - _wrong_letters(original, good))


def _same(one: Record, other: Record) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in FIELDS)


def _defends(explanation: str, good: Record) -> bool:
    if explanation == good.explanation:
        return True
    if not good.meta["options"]:
        answer = good.meta["answer"]
        return len(answer) <= MODEL_ANSWER_CHARS and answer in explanation and len(explanation) > len(answer)
    named = _NAMED.findall(explanation)
    return named == [good.meta["key"]] and len(explanation) > len("The answer is A.")


def _wrong_letters(record: Record, good: Record) -> set[str]:
    return set(_NAMED.findall(record.explanation)) - {good.meta["key"]}


def _wrong_key(record: Record, rng: random.Random) -> Record | None:
    wrong = [option for option in record.meta["options"] if not option["correct"]]
    if not wrong:
        return None
    option = rng.choice(wrong)
    return replace(record, output=f"{option['letter']}) {option['text']}")


def _duplicate_option(record: Record, rng: random.Random) -> Record | None:
    """A wrong option reads like another option: the explanation still has what it was."""
    options = record.meta["options"]
    wrong = [option for option in options if not option["correct"]]
    if not wrong:
        return None
    victim = rng.choice(wrong)
    other = rng.choice([option for option in options if option is not victim])
    lines = record.input.split("\n")
    place = lines.index(f"{victim['letter']}) {victim['text']}")
    lines[place] = f"{victim['letter']}) {other['text']}"
    return replace(record, input="\n".join(lines))


def _agreement(record: Record, rng: random.Random) -> Record | None:
    """One verb no longer agrees with its pronoun, outside the options and away from any gap."""
    if _ABOUT_ERRORS.search(record.meta["task"]) or _ABOUT_ERRORS.search(record.meta["item_model"]):
        return None
    num_options = len(record.meta["options"])
    lines = record.input.split("\n")
    shown = lines[: len(lines) - num_options] if num_options else lines
    places = [
        (number, match)
        for number, line in enumerate(shown)
        if "__" not in line
        for match in _AGREEMENT.finditer(line)
    ]
    if not places:
        return None
    number, match = rng.choice(places)
    group = "singular" if match["singular"] else "plural"
    verb = match[group]
    other = {**_SINGULAR, **_PLURAL}[verb.lower()]
    start, stop = match.span(group)
    lines[number] = lines[number][:start] + other + lines[number][stop:]
    return replace(record, input="\n".join(lines))


def _missing_explanation(record: Record, rng: random.Random) -> Record | None:
    return replace(record, explanation="")


def _explanation_defends_other(record: Record, rng: random.Random) -> Record | None:
    options = record.meta["options"]
    if not options or not _DEFENDED.search(record.explanation):
        return None
    letter = rng.choice([option["letter"] for option in options if not option["correct"]])
    return replace(record, explanation=_DEFENDED.sub(letter, record.explanation, count=1))


_PLANTERS: Mapping[Fault, Callable[[Record, random.Random], Record | None]] = {
    "wrong_key": _wrong_key,
    "duplicate_option": _duplicate_option,
    "agreement": _agreement,
    "missing_explanation": _missing_explanation,
    "explanation_defends_other": _explanation_defends_other,
}
