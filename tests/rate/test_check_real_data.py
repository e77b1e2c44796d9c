"""What the detectors say of real sets, held so that a change of a pattern shows what it does there."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tunewright.rate.check import find_all
from tunewright.rate.detectors import ALONE, CheckSettings
from tunewright.records import Record, read_records

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not SHARED.exists(), reason="the data beside the repository is not here")


def fired(records: list[Record]) -> Counter[str]:
    """Detector → records on which it fires."""
    return Counter(
        name
        for record in records
        for name in {finding.detector for finding in find_all(record, ALONE, CheckSettings())}
    )


def revisions(side: str) -> list[Record]:
    rows = json.loads((SHARED / "coachlm/expert_revisions.json").read_text(encoding="utf-8"))
    return [
        Record("r", row[f"{side} Instruction"], row[f"{side} Response"], row[f"{side} Input"]) for row in rows
    ]


@needs_data
def test_experts_removed_placeholders_and_merged_tasks_and_brought_in_their_own_voice() -> None:
    raw, revised = fired(revisions("Raw")), fired(revisions("Revised"))
    names = ("no-input-placeholder", "merged-instructions", "placeholder-output", "wrong-arithmetic")
    assert [raw[name] for name in names] == [36, 5, 3, 3]
    assert [revised[name] for name in names] == [5, 0, 0, 0]
    assert (raw["assistant-self"], revised["assistant-self"]) == (0, 13)


@needs_data
def test_dolly_has_three_errors_and_five_other_findings() -> None:
    records = list(read_records(SHARED / "instructions/dolly_3k.json", on_reject=lambda _: None))
    assert fired(records) == {
        "output-equals-prompt": 2,
        "cut-output": 1,
        "list-length": 1,
        "trailing-whitespace": 1,
        "email-address": 1,
        "phone-number": 1,
    }


@needs_data
def test_texts_in_many_scripts_raise_no_alarm_about_characters() -> None:
    """French is full of accents and quotation marks that a careless pattern takes for mojibake."""
    rows = json.loads((SHARED / "coachlm/french_revisions.json").read_text(encoding="utf-8"))
    texts = [text for row in rows for text in row.values() if isinstance(text, str) and text]
    found = fired([Record("r", "Écris.", text) for text in texts])
    assert len(texts) > 5_000
    assert not {"mojibake", "mixed-script", "stray-script"} & set(found), found
