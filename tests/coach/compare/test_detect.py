"""Detectors before and after, and whether what went and came can be chance."""

from __future__ import annotations

from tunewright.coach.compare.detect import detect
from tunewright.coach.revision import Revision
from tunewright.rate.check import CheckConfig
from tunewright.records.record import Record

LETTERS = ["amber", "birch", "cedar", "daisy", "elder"]


def records(outputs: list[str]) -> list[Record]:
    return [
        Record(id=str(n), instruction=f"Tell me something of the {LETTERS[n]}.", output=text)
        for n, text in enumerate(outputs)
    ]


def pairs(before: list[str], after: list[str]) -> list[Revision]:
    return [Revision(old, new) for old, new in zip(records(before), records(after), strict=True)]


def test_what_went_and_what_came_is_counted_per_detector() -> None:
    fine = "It grows beside the river."
    found = detect(
        pairs(["2 + 2 = 5", "N/A", fine, fine], [fine, fine, "3 + 4 = 9", fine]), CheckConfig(), None
    )
    rows = {row.name: (row.before, row.after, row.gone, row.new, row.p) for row in found.detectors}
    assert rows["wrong-arithmetic"] == (1, 1, 1, 1, 1.0)
    assert rows["placeholder-output"] == (1, 0, 1, 0, 1.0)
    errors = found.groups[0]
    assert (errors.name, errors.before, errors.after, errors.gone, errors.new) == ("any error", 2, 1, 2, 1)
    assert found.before[0] == {"wrong-arithmetic"}
    assert "refusal" in found.silent
    assert set(found.off) == {"wrong-language", "after-cutoff"}


def test_near_duplicates_are_looked_for_within_each_side() -> None:
    questions = ("Which tree bears acorns in autumn?", "Name a river that freezes every winter.")
    answers = ("a fine answer", "another fine answer")
    before = [Record(id=str(n), instruction=questions[n], output=answers[n]) for n in range(2)]
    after = [before[0], Record(id="1", instruction=before[0].instruction, output="another fine answer")]
    found = detect([Revision(old, new) for old, new in zip(before, after, strict=True)], CheckConfig(), None)
    assert found.after[1] == {"near-duplicate"}
    assert found.before == (frozenset(), frozenset())
