"""Potato: a project folder that its server starts on (`potato_results` reads what annotators left in it).

config.yaml                                 one `text_edit` scheme for each text, a decision, a reason
data/items.jsonl                            the items, with the texts under our names and our note
annotation_output/PERSON/user_state.json    one person's answers, in the structure of Potato 2's own state
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import yaml

from tunewright.review.exchange.result import (
    NOTE,
    Result,
    note_of,
    shown_draft_of,
)
from tunewright.review.exchange.views import draft_fields, findings_text, history_text
from tunewright.review.model import TEXT_FIELDS, Decision, Item

REVISED, SHOWN = "revised_", "shown_"
ITEMS_FILE, OUTPUT, STATE_FILE = "data/items.jsonl", "annotation_output", "user_state.json"
LABELS, BEHAVIOUR = "instance_id_to_label_to_value", "instance_id_to_behavioral_data"
_UNSAFE = re.compile(r"[^\w.@-]")


def config(title: str, overlap: int) -> str:
    """`config.yaml`."""
    schemes: list[dict[str, Any]] = [
        {
            "annotation_type": "text_edit",
            "name": REVISED + name,
            "description": name.capitalize(),
            "source_field": SHOWN + name,
            "show_diff": True,
        }
        for name in TEXT_FIELDS
    ]
    schemes.append(
        {
            "annotation_type": "radio",
            "name": "decision",
            "description": "What is to become of the pair?",
            "labels": [decision.value for decision in Decision],
        }
    )
    schemes.append({"annotation_type": "text", "name": "reason", "description": "Reason"})
    settings = {
        "annotation_task_name": title,
        "task_dir": ".",
        "output_annotation_dir": OUTPUT,
        "output_annotation_format": "json",
        "data_files": [ITEMS_FILE],
        "item_properties": {"id_key": "id", "text_key": "text"},
        "max_annotations_per_item": overlap,
        "annotation_schemes": schemes,
    }
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)


def instance(item: Item, results: Sequence[Result]) -> dict[str, Any]:
    """The row of an item in `data/items.jsonl`. What is edited stands in `shown_…`."""
    draft = shown_draft_of(item)
    shown = item.original if draft is None else draft
    parts = [history_text(item.history), item.original.get("instruction", ""), item.original.get("input", "")]
    return {
        "id": item.key,
        "text": "\n\n".join(part for part in parts if part),
        **{name: item.original.get(name, "") for name in TEXT_FIELDS},
        **draft_fields(draft),
        **{SHOWN + name: shown.get(name, "") for name in TEXT_FIELDS},
        "findings": findings_text(item.as_shown().findings),
        NOTE: note_of(item, results),
    }


def folder_name(person: str) -> str:
    """A folder's name for a person; the state inside has the name itself."""
    return _UNSAFE.sub("_", person) or "_"


def state(person: str, said: Sequence[tuple[Item, Result]]) -> dict[str, Any]:
    """One person's `user_state.json`, from all they said."""
    keys = [item.key for item, _ in said]
    return {
        "user_id": person,
        "instance_id_ordering": keys,
        "current_instance_index": max(len(keys) - 1, 0),
        "max_assignments": -1,
        BEHAVIOUR: {item.key: _behaviour(item, result) for item, result in said},
        LABELS: {item.key: _labels(item, result) for item, result in said},
    }


def _behaviour(item: Item, result: Result) -> dict[str, Any]:
    open_seconds = result.seconds_open if result.seconds_open is not None else result.seconds
    end = result.at
    return {
        "instance_id": item.key,
        "session_start": (end - (open_seconds or 0.0)) if end is not None else 0,
        "session_end": end,
        "total_time_ms": round(1000 * (result.seconds or 0.0)),
    }


def _labels(item: Item, result: Result) -> list[list[Any]]:
    draft = shown_draft_of(item)
    shown = item.original if draft is None else draft
    pairs: list[list[Any]] = []
    for name in TEXT_FIELDS:
        text = result.texts.get(name, "")
        value = json.dumps({"edited_text": text, "original_text": shown.get(name, "")}, ensure_ascii=False)
        pairs.append([{"schema": REVISED + name, "name": REVISED + name}, value])
    pairs.append([{"schema": "decision", "name": result.decision.value}, result.decision.value])
    if result.reason:
        pairs.append([{"schema": "reason", "name": "text_box"}, result.reason])
    return pairs
