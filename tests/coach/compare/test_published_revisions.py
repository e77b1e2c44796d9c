"""The published expert revisions, raw against revised: the known numbers come out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunewright.coach.compare.config import CompareConfig
from tunewright.coach.compare.stage import compare_sets
from tunewright.rate.check import CheckConfig

FILE = Path(__file__).resolve().parents[3].parent / "shared/data/coachlm/expert_revisions.json"


@pytest.mark.skipif(not FILE.is_file(), reason="the published revisions are not here")
def test_the_known_numbers_come_out(tmp_path: Path) -> None:
    """One revised response is empty and cannot be read, so 2,300 of 2,301 are compared. With it the mean of
    the revised responses is 88.3 words, without it 88.4."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))
    for side in ("Raw", "Revised"):
        records = [
            {
                "id": str(n),
                "instruction": row[f"{side} Instruction"],
                "input": row[f"{side} Input"],
                "output": row[f"{side} Response"],
            }
            for n, row in enumerate(rows)
        ]
        (tmp_path / f"{side}.json").write_text(json.dumps(records))
    check = CheckConfig(skip=("near-duplicate",))
    compare_sets(
        CompareConfig(check=check), tmp_path / "Raw.json", tmp_path / "Revised.json", tmp_path / "out"
    )
    found = json.loads((tmp_path / "out/comparison.json").read_text())
    assert found["about"]["after"]["rejects"] == {"'output' is empty": 1}
    assert found["about"]["only_before"] == {"count": 1, "first": ["1662"]}
    edits = found["edits"]
    fields = {one["field"]: one for one in edits["fields"]}
    assert edits["instruction_side"]["count"] == 671
    assert (fields["input"]["num_removed"], fields["input"]["num_added"]) == (44, 20)
    assert round(fields["output"]["words_before"], 1) == 46.5
    assert fields["output"]["words_after"] * 2300 / 2301 == pytest.approx(88.34, abs=0.005)
    assert round(edits["longer_chars"]["share"], 3) == 0.827
    assert len(edits["numbers_in_input"]) == 8
    changes = {row["name"]: (row["before"], row["after"]) for row in found["detectors"]["detectors"]}
    assert changes["no-input-placeholder"] == (36, 5)
    assert changes["merged-instructions"] == (5, 0)
    assert changes["assistant-self"] == (0, 13)
    assert changes["word-count"] == (11, 3)
