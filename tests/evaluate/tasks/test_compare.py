"""Arms compared on the same documents."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.errors import DataError
from tunewright.evaluate.paired_values import shares_interval
from tunewright.evaluate.tasks.compare import corrected, paired_task
from tunewright.rate.paired_tests import mcnemar


def rows(values: list[float], *, text: str = "d") -> list[dict[str, Any]]:
    return [{"doc_id": n, "doc_hash": f"{text}{n}", "metrics": {"acc,none": v}} for n, v in enumerate(values)]


def compare(first: list[list[float]], second: list[list[float]]) -> Any:
    return paired_task(
        ("a", [rows(values) for values in first]),
        ("b", [rows(values) for values in second]),
        task="t",
        metric="acc,none",
        is_limited=False,
    )


def test_right_and_wrong_are_compared_by_mcnemar() -> None:
    """8 gained and 1 lost of 20: p = 2 · (1 + 9) / 2⁹ = .0390625."""
    first = [0.0] * 8 + [1.0] + [1.0] * 11
    second = [1.0] * 8 + [0.0] + [1.0] * 11
    found = compare([first], [second])
    assert (found.gained, found.lost, found.test) == (8, 1, "McNemar, exact")
    assert found.difference == pytest.approx(7 / 20)
    assert found.p == pytest.approx(0.0390625)
    assert found.interval.low > 0


def test_other_values_and_several_seeds_are_compared_by_the_paired_t() -> None:
    found = compare([[0.1, 0.4, 0.2]], [[0.3, 0.5, 0.5]])
    assert found.test == "paired t"
    assert found.gained is None
    assert found.difference == pytest.approx(0.2)
    seeds = compare([[0, 1, 0, 1], [0, 0, 0, 1]], [[1, 1, 1, 1], [1, 1, 0, 1]])
    assert (seeds.num_seeds, seeds.test) == (2, "paired t")
    assert seeds.difference == pytest.approx(4 / 8)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 200))
def test_the_interval_never_claims_what_the_test_does_not(gained: int, lost: int, alike: int) -> None:
    num = gained + lost + alike
    if num == 0:
        return
    interval = shares_interval(gained, lost, num)
    assert interval.low <= (gained - lost) / num <= interval.high
    if mcnemar(lost, gained) >= 0.05:
        assert not interval.excludes_zero()
    mirrored = shares_interval(lost, gained, num)
    assert mirrored.low == pytest.approx(-interval.high)


def test_the_interval_of_shares_covers_what_it_says() -> None:
    """1,000 simulated pairs of arms, 60 documents: 95 % of the intervals or more hold the difference."""
    rng = np.random.default_rng(0)
    draws = rng.multinomial(60, [0.2, 0.1, 0.7], size=1000)
    held = [(i := shares_interval(int(g), int(lo), 60)).low <= 0.1 <= i.high for g, lo, _ in draws]
    assert 0.945 <= np.mean(held) <= 0.995


def test_arms_on_other_documents_are_refused() -> None:
    with pytest.raises(DataError, match="not run on the same documents"):
        paired_task(
            ("a", [rows([1.0, 0.0])]),
            ("b", [rows([1.0, 0.0], text="other")]),
            task="t",
            metric="acc,none",
            is_limited=False,
        )
    with pytest.raises(DataError, match="not run on the same documents"):
        compare([[1.0, 0.0]], [[1.0]])
    with pytest.raises(DataError, match="1 seeds, b 2"):
        compare([[1.0, 0.0]], [[1.0, 0.0], [1.0, 0.0]])


def test_p_values_are_corrected_for_their_number() -> None:
    strong = compare([[0.0] * 8], [[1.0] * 8])  # p = 2/2⁸
    weak = compare([[0.0] * 4], [[1.0] * 4])  # p = 2/2⁴
    assert [one.p_holm for one in corrected([weak, strong])] == pytest.approx([0.125, 2 * 2 / 256])
