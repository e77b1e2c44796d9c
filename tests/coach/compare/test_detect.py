"""Detectors before and after, and whether what went and came can be chance."""

from __future__ import annotations

import pytest

from tunewright.coach.compare.detect import detect, holm, mcnemar
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


@pytest.mark.parametrize(
    ("gone", "new", "p"),
    [
        (0, 0, 1.0),
        (1, 1, 1.0),
        (5, 0, 2 / 32),
        (10, 2, 2 * (1 + 12 + 66) / 4096),
        (0, 13, 2 / 8192),
        (2, 11, 2 * (1 + 13 + 78) / 8192),
    ],
)
def test_mcnemars_exact_test(gone: int, new: int, p: float) -> None:
    assert mcnemar(gone, new) == pytest.approx(p, rel=1e-9)
    assert mcnemar(new, gone) == mcnemar(gone, new)


def test_mcnemars_test_takes_very_many_pairs() -> None:
    """10,000 against 10,200: z = 200/√20200 = 1.407, p = 0.159."""
    assert mcnemar(10_000, 10_200) == pytest.approx(0.161, abs=0.003)


def test_holms_adjustment() -> None:
    """Sorted .01, .03, .04 → 3·.01, 2·.03, 1·.04 and never less than the one before."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


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
