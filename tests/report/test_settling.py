"""What would settle a comparison, in words."""

from __future__ import annotations

import pytest

from tunewright.evaluate.settle import Needed
from tunewright.report.settling import needed_text, settling_sentence


@pytest.mark.parametrize(
    ("needed", "num_seeds", "text"),
    [
        (Needed(7, 1234), 3, "≈ 7 seeds or 1,300 prompts"),
        (Needed(7, None), 3, "≈ 7 seeds (no number of prompts)"),
        (Needed(None, 61), 3, "≈ 61 prompts (no number of seeds)"),
        (Needed(None, 1000), 1, "≈ 1,000 prompts, and for other seeds at least 3 of them"),
        (Needed(None, None), 3, "more than 100 seeds with as many times more prompts"),
        (Needed(None, None, (12, 481)), 3, "≈ 12 seeds and 490 prompts, neither alone"),
        (Needed(None, None), 1, "at least 3 seeds, and more than 1,000,000 prompts with this one"),
    ],
)
def test_what_is_needed_is_said_with_two_digits(needed: Needed, num_seeds: int, text: str) -> None:
    assert needed_text(needed, num_seeds, units="prompts") == text


def test_the_nearest_comparisons_are_named_first_and_three_at_most() -> None:
    named = {name: (Needed(seeds, None), 3) for name, seeds in (("a", 40), ("b", 5), ("c", None), ("d", 9))}
    (said,) = settling_sentence({**named, "e": (Needed(30, 50), 3)}, units="prompts")
    assert said.startswith("If these differences are as large as they look, showing them in 80 % of repeats")
    assert (
        said.index("for b about 5 seeds") < said.index("for d about 9 seeds") < said.index("for e about 30")
    )
    assert "for a" not in said
    assert said.endswith("; the table has the rest.")


def test_what_is_out_of_reach_is_called_equal_within_the_intervals() -> None:
    (said,) = settling_sentence({"a": (Needed(None, None), 3)}, units="prompts")
    assert said.endswith("take the arms as equal within the intervals.")


def test_where_all_is_settled_nothing_is_said() -> None:
    assert settling_sentence({}, units="prompts") == []
