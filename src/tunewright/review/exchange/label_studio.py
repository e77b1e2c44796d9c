"""Label Studio's JSON tasks: an item as a task, and people's annotations as results.

The structure is that of its documented task format. A task's `data` holds the texts under our names and our
note; the draft (else the original) is a prediction, so that annotators begin with the text filled in. Label
Studio sets an annotation's time anew when it takes a file in and keeps the number we gave as `import_id`:
by it and the digest our own results are known again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tunewright.records.row import RowError, kind_of
from tunewright.review.exchange.foreign import texts_of_row
from tunewright.review.exchange.result import (
    NOTE,
    Note,
    Result,
    completed,
    decision_of,
    iso_time,
    note_of,
    parse_note,
    parse_seconds,
    parse_time,
    shown_draft_of,
)
from tunewright.review.exchange.views import draft_fields, findings_text, history_text, split_fields
from tunewright.review.model import TEXT_FIELDS, Decision, Item, Texts
from tunewright.review.store.queues import NewItem

REVISED = "revised_"  # control tags; the object tags are called as the fields
_DECISIONS = "\n".join(f'    <Choice value="{decision}"/>' for decision in Decision if decision != "skip")
_EDITORS = "\n".join(
    f'  <Header value="{name.capitalize()}"/>\n'
    f'  <Text name="{name}" value="${name}"/>\n'
    f'  <TextArea name="{REVISED}{name}" toName="{name}" editable="true" maxSubmissions="1" rows="4"/>'
    for name in TEXT_FIELDS
)
LABEL_CONFIG = f"""<View>
  <Header value="Earlier turns"/>
  <Text name="history" value="$history"/>
{_EDITORS}
  <Header value="Findings"/>
  <Text name="findings" value="$findings"/>
  <Choices name="decision" toName="output" choice="single-radio" required="true">
{_DECISIONS}
  </Choices>
  <Header value="Reason"/>
  <TextArea name="reason" toName="output" editable="true" maxSubmissions="1" rows="2"/>
</View>
"""


def task(item: Item, results: Sequence[Result], *, people: Mapping[str, str]) -> dict[str, Any]:
    """The task of an item. `people` maps names here to e-mail addresses there: without one, Label Studio
    gives the annotation to whoever imports it, and our note keeps the name."""
    draft = shown_draft_of(item)
    data = {
        **{name: item.original.get(name, "") for name in TEXT_FIELDS},
        **draft_fields(draft),
        "history": history_text(item.history),
        "findings": findings_text(item.as_shown().findings),
        NOTE: note_of(item, results),
    }
    shown = item.original if draft is None else draft
    model = "original" if draft is None else "draft"
    return {
        "id": item.id,
        "data": data,
        "annotations": [
            _annotation(number, result, people) for number, result in enumerate(results, start=1)
        ],
        "predictions": [{"model_version": model, "result": _text_regions(shown)}],
    }


def item_of(row: Mapping[str, Any]) -> tuple[NewItem, Note | None]:
    """The item in a task: ours from its note, any other by the columns of its data."""
    data = row.get("data")
    if not isinstance(data, dict):
        raise RowError("data", f"is {kind_of(data)}, not an object")
    note = parse_note(data.get(NOTE))
    if note is None:
        return texts_of_row(data, fallback_id=row.get("id")), None
    return split_fields(data, note), note


def results_of(
    row: Mapping[str, Any], item: NewItem, note: Note | None, *, people: Mapping[str, str]
) -> Iterator[Result]:
    """The results in a task's annotations. `people` maps e-mail addresses or ids there to names here."""
    annotations = row.get("annotations", row.get("completions", []))
    if not isinstance(annotations, list):
        raise RowError("annotations", f"is {kind_of(annotations)}, not a list")
    for place, annotation in enumerate(annotations):
        if not isinstance(annotation, dict) or not isinstance(annotation.get("result"), list):
            raise RowError(f"annotations[{place}]", "has no list 'result'")
        yield _result(annotation, f"annotations[{place}]", item, note, people)


def _annotation(number: int, result: Result, people: Mapping[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": number,
        "result": _regions(result),
        "was_cancelled": result.decision is Decision.SKIP,
        "ground_truth": False,
        "created_at": iso_time(result.at),
        "updated_at": iso_time(result.at),
        "lead_time": result.seconds,
    }
    if result.person in people:
        row["completed_by"] = {"email": people[result.person]}
    return row


def _regions(result: Result) -> list[dict[str, Any]]:
    regions = _text_regions(result.texts)
    if result.decision is not Decision.SKIP:  # which is `was_cancelled`, and no choice
        regions.append(_region("decision", "output", "choices", {"choices": [result.decision.value]}))
    if result.reason:
        regions.append(_region("reason", "output", "textarea", {"text": [result.reason]}))
    return regions


def _text_regions(texts: Texts) -> list[dict[str, Any]]:
    return [
        _region(REVISED + name, name, "textarea", {"text": [texts[name]]})
        for name in TEXT_FIELDS
        if texts.get(name)
    ]


def _region(control: str, shown: str, kind: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"id": control, "from_name": control, "to_name": shown, "type": kind, "value": value}


def _result(
    annotation: dict[str, Any], where: str, item: NewItem, note: Note | None, people: Mapping[str, str]
) -> Result:
    texts, reason, said = _given(annotation["result"], where, is_ours=note is not None)
    number = annotation.get("import_id") if "import_id" in annotation else annotation.get("id")
    if (
        note is not None
        and isinstance(number, int)
        and (known := note.known(number - 1, said, texts, reason))
    ):
        return known
    shown = item.original if item.draft is None else item.draft
    whole = completed(texts, shown, absent_is_empty=note is not None)
    if annotation.get("was_cancelled"):
        said = Decision.SKIP
    at = parse_time(annotation.get("updated_at") or annotation.get("created_at"), f"{where}.updated_at")
    seconds = parse_seconds(annotation.get("lead_time"), f"{where}.lead_time")
    return Result(
        item.key,
        _person(annotation, where, people),
        decision_of(said, whole, shown),
        whole,
        reason,
        at,
        seconds,
        seconds,
        item.draft is not None,
    )


def _given(regions: list[Any], where: str, *, is_ours: bool) -> tuple[dict[str, str], str, str | None]:
    """The texts, the reason and the decision in an annotation's regions.

    In a project that is not of ours a control counts when it is called as a field, with or without
    `revised_`; the only text area of a project is the output, whatever it is called.
    """
    areas: dict[str, str] = {}
    said = None
    for region in regions:
        value = region.get("value") if isinstance(region, dict) else None
        if not isinstance(value, dict):
            raise RowError(f"{where}.result", "holds a region without a value")
        name = str(region.get("from_name", ""))
        if region.get("type") == "textarea":
            text = value.get("text", "")
            areas[name] = text if isinstance(text, str) else "\n".join(str(one) for one in text)
        elif region.get("type") == "choices" and name == "decision":
            said = str((value.get("choices") or [""])[0])
    reason = areas.pop("reason", "")
    texts = {
        name.removeprefix(REVISED): text
        for name, text in areas.items()
        if name.removeprefix(REVISED) in TEXT_FIELDS
    }
    if not texts and len(areas) == 1 and not is_ours:
        texts = {"output": next(iter(areas.values()))}
    return texts, reason, said


def _person(annotation: Mapping[str, Any], where: str, people: Mapping[str, str]) -> str:
    by = annotation.get("completed_by")
    names = [by.get("email"), by.get("id")] if isinstance(by, dict) else [by]
    names.append(annotation.get("created_username"))
    there = [str(name) for name in names if name not in (None, "")]
    if not there:
        raise RowError(f"{where}.completed_by", "is missing: nobody can tell who wrote this")
    return next((people[name] for name in there if name in people), there[0])
