"""Tests of pairs, with values worked by hand."""

from __future__ import annotations

import pytest

from tunewright.rate.paired_tests import holm, mcnemar


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
