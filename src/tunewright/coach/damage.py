"""Damage in files of revisions, found by rule: repaired where the text is proved, else refused or named.

The release of CoachLM was made by splitting flat lines again, and the split was at the first "input" of any
case. So "Given the input, explain … Input: Gender equality" became the instruction "Given the" and the input
"explain … Input: Gender equality": the word is gone, and so is a comma after it. 22 of 2,301 records are cut
like that. The stored distance was computed before the cut, which checks a repair; the French file was
translated after it, and there the word can't be put back. Elsewhere an input may well begin with "Input:": a
revision that is not of the release is only named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Literal

from rapidfuzz.distance import Levenshtein

from tunewright.coach.forms.flat import flat_text
from tunewright.coach.revision import Revision, with_texts
from tunewright.records.record import Record

DISTANCE = "Distance"
# "Input:" as the label of the release, and what translators made of it. A cut puts it into the input field.
_LABEL = re.compile(
    r"(?:^|(?<=\s)|(?<=[.\'’]))(?P<label>Input: |(?i:input|entrée|eingabe|entrada|ingresso)\s?: ?)"
)
# Where only a noun can follow: what the instructions of cut English records end in.
_OPEN = re.compile(
    r"(?:\A|\b(?:an?|the|this|that|these|those|given|following|provided|above|below|each|your))\s*\Z",
    re.IGNORECASE,
)
_CLOSED = re.compile(r"[.?!:;…。？！：\"'”’»)\]]\s*\Z")  # how an instruction ends that was not cut
_SEPARATORS = (" ", ", ")  # what may have stood between "input" and the words after it
_NOT_LETTERS = re.compile(r"[\W_]+")
Outcome = Literal["repaired", "refused", "named"]


class Damage(StrEnum):
    """The kinds of damage."""

    SPLIT = "split at 'input'"
    EMPTY = "empty field"


@dataclass(frozen=True, slots=True)
class Finding:
    """A damaged revision, or one that looks so. `repaired` is the restored one, or None; `reason` says why.

    One that is not repaired is refused, unless it `may_be_sound`: then it is used as it is, and named.
    `kinds` holds more than one when a cut also emptied a field. `comma_unknown`: all words are restored, but
    whether a comma stood after "input" cannot be told; then there is none.
    """

    revision: Revision
    kinds: tuple[Damage, ...]
    fields: tuple[str, ...]  # such as "original.instruction"
    repaired: Revision | None
    reason: str
    comma_unknown: bool = False
    may_be_sound: bool = False

    @property
    def outcome(self) -> Outcome:
        if self.repaired is not None:
            return "repaired"
        return "named" if self.may_be_sound else "refused"

    def row(self) -> dict[str, Any]:
        """What is told of it beside the revisions themselves."""
        return {
            "id": self.revision.id,
            "kind": " and ".join(self.kinds),
            "fields": list(self.fields),
            "reason": self.reason,
            "comma_unknown": self.comma_unknown,
        }


def find_damage(revision: Revision, originals: Mapping[str, Record] | None = None) -> Finding | None:
    """What is wrong with a revision as its file has it; None when nothing is.

    A record is cut when its instruction is not closed by punctuation and its input holds a label: after words
    that go on in lower case, or at once when the instruction ends in a word such as "the". A revision without
    a stored distance is not of the release, and there the instruction must end in such a word in any case. A
    cut is repaired when the texts put back give the stored distance, or when `originals` (see
    `known_originals`) holds a record with the same letters. Not repaired, it is refused in the release, and
    may be sound elsewhere. A revision that leaves the instruction or the output empty is refused; one that
    fills them is good.
    """
    is_published = DISTANCE in revision.meta
    cut = [name for name, record in _sides(revision) if _split(record, is_published) is not None]
    left_empty = _empty_fields("revised", revision.revised)
    if not cut:
        return _refused_empty(revision, (Damage.EMPTY,), left_empty) if left_empty else None
    is_empty = left_empty or _empty_fields("original", revision.original)
    kinds = (Damage.SPLIT, Damage.EMPTY) if is_empty else (Damage.SPLIT,)
    repaired, reason, comma_unknown = _repair(revision, originals or {})
    left_empty = _empty_fields("revised", (repaired or revision).revised)
    if left_empty and (repaired is not None or not is_published):
        return _refused_empty(revision, kinds, left_empty)
    fields = tuple(f"{name}.{field}" for name in cut for field in ("instruction", "input"))
    return Finding(
        revision, kinds, fields, repaired, reason, comma_unknown and repaired is not None, not is_published
    )


def _refused_empty(revision: Revision, kinds: tuple[Damage, ...], fields: tuple[str, ...]) -> Finding:
    reason = f"{' and '.join(fields)} is empty; nothing says what it was"
    return Finding(revision, kinds, fields, None, reason)


def known_originals(records: Iterable[Record]) -> dict[str, Record]:
    """Records by the letters of their instruction and input, to look up what a cut has left of them."""
    return {_letters(record.instruction, record.input): record for record in records}


def _repair(revision: Revision, originals: Mapping[str, Record]) -> tuple[Revision | None, str, bool]:
    """The repaired revision with its proof, or None with the reason; and whether a comma is unknown."""
    pairs = list(_candidates(revision))
    if not pairs:
        return None, "the text was translated after the cut, so the lost word cannot be put back", False
    known = originals.get(_letters(pairs[0].original.instruction, pairs[0].original.input))
    if known is not None:
        told = [pair for pair in pairs if _same_question(pair.original, known)]
        alike = [pair for pair in told if _cut_alike(revision, pair)] or told
        if alike:
            return alike[0], "the original is known, word for word", len(alike) > 1
    stored = revision.meta.get(DISTANCE)
    if type(stored) is not int:
        return None, "no stored distance proves what was lost", False
    proved = [pair for pair in pairs if _distance(pair) == stored]
    if not proved:
        return None, f"no text that could be put back gives the stored distance {stored}", False
    reason = f"the texts put back give the stored distance {stored}"
    if _distance(revision) == stored:
        reason += ", as the cut ones do: both sides were cut alike"
    return proved[0], reason, len(proved) > 1


def _candidates(revision: Revision) -> Iterator[Revision]:
    """Every way to put the texts together, plain ones first; none when the cut is not the English one."""
    is_published = DISTANCE in revision.meta
    for original in _restored(revision.original, is_published):
        for revised in _restored(revision.revised, is_published):
            yield replace(revision, original=original, revised=revised)


def _restored(record: Record, is_published: bool) -> Iterator[Record]:
    """The record as it may have been before the cut; itself when it was not cut."""
    label = _split(record, is_published)
    if label is None:
        yield record
        return
    if label["label"] != "Input: " or not _OPEN.search(record.instruction):
        return
    head, tail = record.instruction, record.input[: label.start()].rstrip()
    word = f"{head} input" if head else "Input"
    # Full stops and colons were left in place, so what begins with one follows at once.
    separators = ("",) if not tail or not tail[0].isalnum() else _SEPARATORS
    for separator in separators:
        yield with_texts(
            record, {"instruction": word + separator + tail, "input": record.input[label.end() :]}
        )


def _split(record: Record, is_published: bool) -> re.Match[str] | None:
    """The label that a cut has left in the input, if there was a cut."""
    label = _LABEL.search(record.input)
    if label is None or record.history or _CLOSED.search(record.instruction):
        return None
    is_open = _OPEN.search(record.instruction) is not None
    tail = record.input[: label.start()].rstrip()
    goes_on = tail[0].islower() or tail[0] in ".,:;" if tail else is_open or label["label"] != "Input: "
    return label if goes_on and (is_open or is_published) else None


def _cut_alike(damaged: Revision, pair: Revision) -> bool:
    """Whether an instruction that the expert left alone was put back to the same text on both sides."""
    was_same = damaged.original.instruction == damaged.revised.instruction
    return not was_same or pair.original.instruction == pair.revised.instruction


def _same_question(one: Record, other: Record) -> bool:
    return (one.instruction, one.input) == (other.instruction, other.input)


def _empty_fields(name: str, record: Record) -> tuple[str, ...]:
    """The output without text, and the instruction without text where no earlier turn asks."""
    return tuple(
        f"{name}.{field}"
        for field in ("instruction", "output")
        if not getattr(record, field).strip() and not (field == "instruction" and record.history)
    )


def _sides(revision: Revision) -> tuple[tuple[str, Record], tuple[str, Record]]:
    return ("original", revision.original), ("revised", revision.revised)


def _distance(revision: Revision) -> int:
    return Levenshtein.distance(flat_text(revision.original), flat_text(revision.revised))


def _letters(instruction: str, input: str) -> str:
    return _NOT_LETTERS.sub("", f"{instruction} {input}").casefold()
