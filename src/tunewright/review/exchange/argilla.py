"""Argilla's records: an item as a record of a data set with text questions, and responses as results.

The structure is that of `dataset.records.to_json` of Argilla 2; with the settings beside it the folder is
one that `rg.Dataset.from_disk` opens. Argilla knows people by UUID and exports no time of a response; both
are in our note.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tunewright.records.row import RowError, encode_json, kind_of
from tunewright.review.exchange.foreign import texts_of_row
from tunewright.review.exchange.result import (
    NOTE,
    Note,
    Result,
    completed,
    decision_of,
    note_of,
    parse_note,
    shown_draft_of,
)
from tunewright.review.exchange.views import draft_fields, findings_text, history_text, split_fields
from tunewright.review.model import TEXT_FIELDS, Decision, Item
from tunewright.review.store.queues import NewItem

REVISED = "revised_"
_NAMESPACE = uuid.UUID("6f0b6c2e-8f0e-5c53-9a5e-0d1c1f1f9a11")  # ours, for people without an account there
_FIELDS = ("history", *TEXT_FIELDS, *(f"draft_{name}" for name in TEXT_FIELDS), "findings")


def user_id(person: str) -> str:
    """The UUID that stands for a person who has no account in Argilla that we know of."""
    return str(uuid.uuid5(_NAMESPACE, person))


def record(item: Item, results: Sequence[Result], *, people: Mapping[str, str]) -> dict[str, Any]:
    """The record of an item. `people` maps names here to user ids there."""
    draft = shown_draft_of(item)
    fields = {
        **{name: item.original.get(name, "") for name in TEXT_FIELDS},
        **draft_fields(draft),
        "history": history_text(item.history),
        "findings": findings_text(item.as_shown().findings),
    }
    shown = item.original if draft is None else draft
    agent = "original" if draft is None else "draft"
    responses: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        user = people.get(result.person) or user_id(result.person)
        said = {REVISED + name: result.texts.get(name, "") for name in TEXT_FIELDS}
        said |= {"decision": result.decision.value, "reason": result.reason}
        for question, value in said.items():
            if value:
                responses.setdefault(question, []).append({"value": value, "user_id": user})
    return {
        "id": item.key,
        "fields": {name: text for name, text in fields.items() if text or name in TEXT_FIELDS},
        "metadata": {NOTE: encode_json(note_of(item, results)).decode()},
        "suggestions": {
            REVISED + name: {"value": shown[name], "score": None, "agent": agent}
            for name in TEXT_FIELDS
            if shown.get(name)
        },
        "responses": responses,
        "vectors": {},
        "status": "completed" if results else "pending",
        "_server_id": None,
    }


def settings(title: str, overlap: int) -> str:
    """`.argilla/settings.json`: the fields, the questions, and how many people a record needs."""
    fields = [
        {**_named(name, name in ("instruction", "output")), "type": "text", "settings": _TEXT}
        for name in _FIELDS
    ]
    questions = [{**_named(REVISED + name), "type": "text", "settings": _TEXT} for name in TEXT_FIELDS]
    options = [{"text": decision.value, "value": decision.value} for decision in Decision]
    choice = {"type": "label_selection", "options": options, "visible_options": None}
    questions.append({**_named("decision", True), "type": "label_selection", "settings": choice})
    questions.append({**_named("reason"), "type": "text", "settings": _TEXT})
    return json.dumps(
        {
            "guidelines": f"{title}: revise the pair. Accept what is good; reject what cannot be saved.",
            "questions": questions,
            "fields": fields,
            "vectors": [],
            "metadata": [],
            "allow_extra_metadata": True,  # our note
            "distribution": {"strategy": "overlap", "min_submitted": overlap},
            "mapping": None,
        },
        indent=1,
    )


def dataset(name: str) -> str:
    """`.argilla/dataset.json`."""
    return json.dumps({"name": name, "status": "draft", "allow_extra_metadata": True})


def item_of(row: Mapping[str, Any]) -> tuple[NewItem, Note | None]:
    """The item in a record: ours from its note, any other by the names of its fields."""
    fields, metadata = row.get("fields"), row.get("metadata") or {}
    if not isinstance(fields, dict):
        raise RowError("fields", f"is {kind_of(fields)}, not an object")
    if not isinstance(metadata, dict):
        raise RowError("metadata", f"is {kind_of(metadata)}, not an object")
    note = parse_note(metadata.get(NOTE))
    if note is None:
        found = texts_of_row(fields, fallback_id=row.get("id"))
        return NewItem(
            found.key, found.original, history=found.history, meta={**metadata, **found.meta}
        ), None
    return split_fields(fields, note), note


def results_of(
    row: Mapping[str, Any], item: NewItem, note: Note | None, *, people: Mapping[str, str]
) -> Iterator[Result]:
    """The results in a record's responses. `people` maps user ids there to names here.

    Of people that we named there ourselves the name is known by their id. A draft response has no place in
    this file, and Argilla does not say when a response was given.
    """
    responses = row.get("responses") or {}
    if not isinstance(responses, dict):
        raise RowError("responses", f"is {kind_of(responses)}, not an object")
    by_user: dict[str, dict[str, Any]] = {}
    # the decision first: all who worked have one, so people come in the order in which we wrote them
    for question, values in sorted(responses.items(), key=lambda one: one[0] != "decision"):
        for value in values if isinstance(values, list) else [values]:
            if not isinstance(value, dict) or "value" not in value or not value.get("user_id"):
                raise RowError(f"responses.{question}", "holds a response without a value or a user_id")
            by_user.setdefault(str(value["user_id"]), {})[question] = value["value"]
    for user, given in by_user.items():
        yield _result(user, given, item, note, people)


def _result(
    user: str, given: dict[str, Any], item: NewItem, note: Note | None, people: Mapping[str, str]
) -> Result:
    texts = {name: str(given[REVISED + name]) for name in TEXT_FIELDS if REVISED + name in given}
    if note is None:
        texts |= {name: str(given[name]) for name in TEXT_FIELDS if name in given}
    reason, said = str(given.get("reason", "")), given.get("decision")
    said = None if said is None else str(said)
    ours = note.people() if note is not None else []
    person = people.get(user) or next((name for name in ours if user_id(name) == user), user)
    if note is not None and person in ours and (known := note.known(ours.index(person), said, texts, reason)):
        return known
    shown = item.original if item.draft is None else item.draft
    whole = completed(texts, shown, absent_is_empty=note is not None)
    decision = decision_of(said, whole, shown)
    return Result(item.key, person, decision, whole, reason, shown_draft=item.draft is not None)


_TEXT = {"type": "text", "use_markdown": False}


def _named(name: str, required: bool = False) -> dict[str, Any]:
    title = name.replace("_", " ").capitalize()
    return {"name": name, "title": title, "description": None, "required": required}
