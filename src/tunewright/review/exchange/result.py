"""What one person made of one item, here or in another tool, and the note that travels with an item.

Other tools keep the texts, but not all we know: none keeps our times to the second when it takes a file in,
Argilla knows people by ids alone, Potato by a folder's name. So every item that goes out carries a note of
what it was and who said what. On the way back a result that is still what the note says (same place, same
digest) is ours, with its person and time; any other is new, and the tool says whose it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tunewright.records.row import RowError, decode_json, kind_of
from tunewright.review.model import TEXT_FIELDS, Arm, Decision, Finding, Item, Texts

NOTE = "tunewright_note"  # the name that the note has in every tool
FORM = 1
_STORED = {"person", "decision", "at", "seconds", "seconds_open", "shown_draft", "version", "digest"}


@dataclass(frozen=True, slots=True)
class Result:
    """One person's word on the item `key`. `texts` are the final ones, whatever the decision.

    `at` (seconds since 1970) and the seconds are None where the tool does not say; `version` counts saves.
    `arm` and `active_seconds` (of all this person's saves of the item together) are of the experiment: what
    was made elsewhere has no active time.
    """

    key: str
    person: str
    decision: Decision
    texts: Texts
    reason: str = ""
    at: float | None = None
    seconds: float | None = None
    seconds_open: float | None = None
    shown_draft: bool = False
    version: int = 1
    arm: Arm | None = field(default=None, compare=False)
    active_seconds: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Note:
    """An item's note, read again. `results` are what was known of each result, with its digest."""

    key: str
    has_draft: bool
    draft_reason: str
    findings: tuple[Finding, ...]
    history: tuple[tuple[str, str], ...]
    meta: Mapping[str, Any]
    lineage: Mapping[str, Any]
    results: tuple[Mapping[str, Any], ...]

    def people(self) -> list[str]:
        return [str(one["person"]) for one in self.results]

    def known(self, number: int, said: str | None, given: Texts, reason: str) -> Result | None:
        """The result of that number (from 0) when it is still what the note says; None when it was changed
        since. `said` is the decision in the tool, None where it can't hold ours; an absent text is empty."""
        if not 0 <= number < len(self.results):
            return None
        stored = self.results[number]
        decision = Decision(stored["decision"])
        if said not in (None, decision.value) or stored["digest"] != digest_of(decision, given, reason):
            return None
        return Result(
            self.key,
            str(stored["person"]),
            decision,
            {name: given.get(name, "") for name in TEXT_FIELDS},
            reason,
            stored["at"],
            stored["seconds"],
            stored["seconds_open"],
            stored["shown_draft"],
            stored["version"],
        )


def note_of(item: Item, results: Sequence[Result]) -> dict[str, Any]:
    """The note of an item, as JSON values. The item's texts are not in it: they have fields of their own."""
    item = item.as_shown()
    return {
        "form": FORM,
        "key": item.key,
        "has_draft": item.draft is not None,
        "draft_reason": item.draft_reason if item.draft is not None else "",
        "findings": [finding.row() for finding in item.findings],
        "history": [list(turn) for turn in item.history],
        "meta": dict(item.meta),
        "lineage": dict(item.lineage),
        "results": [
            {
                "person": result.person,
                "decision": result.decision.value,
                "at": result.at,
                "seconds": result.seconds,
                "seconds_open": result.seconds_open,
                "shown_draft": result.shown_draft,
                "version": result.version,
                "digest": digest_of(result.decision, result.texts, result.reason),
            }
            for result in results
        ],
    }


def parse_note(value: Any) -> Note | None:
    """The note in a value or in its JSON text; None where there is none. RowError when it is damaged."""
    if value in (None, "", {}):
        return None
    if isinstance(value, str):
        value = decode_json(value.encode("utf-8", "surrogatepass"))
    if not isinstance(value, dict):
        raise RowError(NOTE, f"is {kind_of(value)}, not an object")
    if value.get("form") != FORM:
        raise RowError(NOTE, f"has the form {value.get('form')!r}; this version reads {FORM}")
    try:
        note = Note(
            str(value["key"]),
            bool(value["has_draft"]),
            str(value["draft_reason"]),
            tuple(Finding(**finding) for finding in value["findings"]),
            tuple((str(speaker), str(text)) for speaker, text in value["history"]),
            dict(value["meta"]),
            dict(value["lineage"]),
            tuple(dict(result) for result in value["results"]),
        )
        for result in note.results:
            Decision(result["decision"])
            if not set(result) >= _STORED:
                raise KeyError(*sorted(_STORED - set(result)))
    except (KeyError, TypeError, ValueError) as error:
        raise RowError(NOTE, f"is damaged ({error!r}); export the items again") from None
    return note


def digest_of(decision: Decision, texts: Texts, reason: str) -> str:
    """16 hexadecimal digits of SHA-256 over a result's own words, each with its length."""
    digest = hashlib.sha256()
    for text in (decision.value, reason, *(texts.get(name, "") for name in TEXT_FIELDS)):
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.hexdigest()[:16]


def shown_draft_of(item: Item) -> Texts | None:
    """The draft that may be shown: none in the arm of an experiment that works without."""
    return item.as_shown().draft


def same_texts(one: Texts, other: Texts) -> bool:
    return all(one.get(name, "") == other.get(name, "") for name in TEXT_FIELDS)


def decision_of(said: str | None, texts: Texts, shown: Texts) -> Decision:
    """What somebody did, from what they said (None: nothing) and what became of the texts.

    Who says accept and changes the texts has edited: the texts are what was done. RowError for a word that is
    no decision.
    """
    changed = not same_texts(texts, shown)
    if said is None:
        return Decision.EDIT if changed else Decision.ACCEPT
    try:
        decision = Decision(said.strip().lower())
    except ValueError:
        raise RowError("decision", f"is {said!r}, not one of {', '.join(Decision)}") from None
    return Decision.EDIT if decision is Decision.ACCEPT and changed else decision


def completed(given: Texts, shown: Texts, *, absent_is_empty: bool) -> dict[str, str]:
    """All texts of a result, of which a tool gives some.

    A tool that shows every text filled in leaves out those that were emptied (`absent_is_empty`); but only
    where instruction and output are both there can we be sure that it did. Else the absent are as shown.
    """
    is_whole = absent_is_empty and {"instruction", "output"} <= set(given)
    return {name: given.get(name, "" if is_whole else shown.get(name, "")) for name in TEXT_FIELDS}


def iso_time(at: float | None) -> str:
    """A time as ISO 8601 in UTC to the microsecond; "" for none."""
    return "" if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")


def parse_time(value: Any, field: str) -> float | None:
    """Seconds since 1970 of an ISO time (without a zone: UTC) or a number; None for "" and null."""
    if value is None or value == "":
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        raise RowError(field, f"is {value!r}; write it as 2026-05-04T09:30:00+00:00") from None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def parse_seconds(value: Any, field: str) -> float | None:
    """A duration; None for "" and null, RowError for what is no number from 0 on."""
    if value is None or value == "":
        return None
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        raise RowError(field, f"is {value!r}, not a number of seconds") from None
    if not 0 <= seconds < float("inf"):
        raise RowError(field, f"is {value!r}; seconds are from 0 on")
    return seconds
