"""Potato's projects read: their items, and the results in `annotation_output`.

Exported rows of earlier versions (`id`, `label_annotations`) are read too, when their file names the person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from tunewright.records.row import RowError, decode_json, kind_of
from tunewright.review.exchange.foreign import texts_of_row
from tunewright.review.exchange.potato import BEHAVIOUR, LABELS, REVISED
from tunewright.review.exchange.result import NOTE, Note, Result, completed, decision_of, parse_note
from tunewright.review.exchange.views import split_fields
from tunewright.review.model import TEXT_FIELDS
from tunewright.review.store.queues import NewItem


def item_of(row: Mapping[str, Any]) -> tuple[NewItem, Note | None]:
    """The item in a row of the data: ours from its note, any other by its columns."""
    note = parse_note(row.get(NOTE))
    if note is None:
        found = texts_of_row({name: value for name, value in row.items() if name != "text"}, fallback_id=None)
        return found, None
    return split_fields(row, note), note


def states_results(
    state_row: Mapping[str, Any],
    items: Mapping[str, tuple[NewItem, Note | None]],
    *,
    people: Mapping[str, str],
) -> Iterator[Result | RowError]:
    """The results in a person's state, or why there is none, instance by instance."""
    person = str(state_row.get("user_id") or "")
    labels, behaviour = state_row.get(LABELS), state_row.get(BEHAVIOUR)
    if not person or not isinstance(labels, dict):
        raise RowError(LABELS, "is missing: this is no user_state.json of Potato")
    for key, pairs in labels.items():
        timing = behaviour.get(key) if isinstance(behaviour, dict) else None
        try:
            yield _result(person, str(key), _flat(pairs), timing, items, people)
        except RowError as error:
            yield RowError(f"{LABELS}.{key}{'.' if error.field else ''}{error.field}", error.reason)


def row_result(
    row: Mapping[str, Any], items: Mapping[str, tuple[NewItem, Note | None]], *, people: Mapping[str, str]
) -> Result:
    """The result in an exported row: user_id, instance_id (or id), annotations (or label_annotations)."""
    key, person = row.get("instance_id", row.get("id")), row.get("user_id") or row.get("user")
    given = row.get("annotations", row.get("label_annotations"))
    if key is None or not person or not isinstance(given, dict):
        raise RowError("", "is no row of annotations: it needs instance_id, user_id and annotations")
    flat = [
        ({"schema": schema, "name": name}, value)
        for schema, values in given.items()
        for name, value in (values.items() if isinstance(values, dict) else [(schema, values)])
    ]
    return _result(str(person), str(key), flat, row.get("behavioral_data"), items, people)


def _flat(pairs: Any) -> list[tuple[Mapping[str, Any], Any]]:
    good = isinstance(pairs, list) and all(
        isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], dict) for pair in pairs
    )
    if not good:
        raise RowError("", f"is {kind_of(pairs)}, not pairs of a label and its value")
    return [(pair[0], pair[1]) for pair in pairs]


def _result(
    user: str,
    key: str,
    pairs: Sequence[tuple[Mapping[str, Any], Any]],
    timing: Any,
    items: Mapping[str, tuple[NewItem, Note | None]],
    people: Mapping[str, str],
) -> Result:
    if key not in items:
        raise RowError("", "is no item of the data beside it; put the project's data files back")
    item, note = items[key]
    texts, reason, said = _given(pairs)
    person = people.get(user, user)
    ours = note.people() if note is not None else []
    if note is not None and person in ours and (known := note.known(ours.index(person), said, texts, reason)):
        return known
    shown = item.original if item.draft is None else item.draft
    whole = completed(texts, shown, absent_is_empty=False)
    at, seconds, seconds_open = _times(timing if isinstance(timing, dict) else {})
    return Result(
        item.key,
        person,
        decision_of(said, whole, shown),
        whole,
        reason,
        at,
        seconds,
        seconds_open,
        item.draft is not None,
    )


def _times(timing: Mapping[str, Any]) -> tuple[float | None, float | None, float | None]:
    """When an answer was given, its active seconds and all of them, from Potato's record of behaviour.

    The session's end is missing while its page is open, and comes before the last answers are saved.
    """
    changes = timing.get("annotation_changes")
    told = [change.get("timestamp") for change in changes or () if isinstance(change, dict)]
    times = [float(one) for one in (*told, timing.get("session_end")) if _is_number(one)]
    at = max(times, default=None)
    start, milliseconds = timing.get("session_start"), timing.get("total_time_ms")
    seconds = milliseconds / 1000 if _is_number(milliseconds) and milliseconds > 0 else None
    if at is None or not _is_number(start) or start <= 0:
        return at, seconds, seconds
    return at, seconds, max(seconds or 0.0, at - start)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _given(pairs: Sequence[tuple[Mapping[str, Any], Any]]) -> tuple[dict[str, str], str, str | None]:
    texts: dict[str, str] = {}
    reason, said = "", None
    for label, value in pairs:
        schema, name = str(label.get("schema", "")), str(label.get("name", ""))
        field = schema.removeprefix(REVISED)
        if schema == "reason":
            reason = str(value)
        elif schema == "decision" and value:
            said = name
        elif field in TEXT_FIELDS:
            texts[field] = _edited(value) if name == schema else str(value)
    return texts, reason, said


def _edited(value: Any) -> str:
    """The text in the value of a `text_edit` scheme: JSON with `edited_text`; older states hold the text."""
    try:
        decoded = decode_json(str(value).encode("utf-8", "surrogatepass"))
    except RowError:
        return str(value)
    is_edit = isinstance(decoded, dict) and isinstance(decoded.get("edited_text"), str)
    return decoded["edited_text"] if is_edit else str(value)
