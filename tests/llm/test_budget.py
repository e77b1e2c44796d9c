"""A budget is never overrun, however many calls are under way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.llm.budget import Budget, Prices, likely_prompt_tokens, most_tokens
from tunewright.llm.reply import Usage
from tunewright.llm.request import Message, Request


def test_a_token_has_at_least_a_byte() -> None:
    request = Request(messages=(Message("user", "héé"), Message("user", "")), max_tokens=7)
    assert most_tokens(request) == (5 + 2 * 16, 7)
    assert likely_prompt_tokens(request) == 10


def test_prices_are_per_million_tokens() -> None:
    assert Prices(input=2.0, output=10.0).of(500_000, 100_000) == pytest.approx(2.0)


def test_what_is_reserved_counts_until_it_is_settled() -> None:
    budget = Budget(tokens=100)
    assert budget.lacks(40, 20) == ""
    budget.reserve(40, 20)
    assert "budget of 100 tokens: 0 are used, the next call may need 60" in budget.lacks(40, 20)
    budget.settle(40, 20, Usage(10, 5))
    assert budget.lacks(40, 20) == ""
    assert (budget.prompt_tokens, budget.output_tokens) == (10, 5)


def test_money_is_counted_with_prices_and_with_what_was_spent_before() -> None:
    budget = Budget(
        money=1.0, prices=Prices(1.0, 1.0), spent_prompt_tokens=600_000, spent_output_tokens=300_000
    )
    assert budget.cost == pytest.approx(0.9)
    assert budget.lacks(50_000, 50_000) == ""
    assert "the budget of 1: 0.9 is spent, the next call may cost 0.101" in budget.lacks(50_000, 51_000)


def test_without_limits_nothing_is_lacking_and_without_prices_nothing_is_said_of_cost() -> None:
    budget = Budget()
    assert budget.lacks(10**12, 10**12) == ""
    assert budget.cost is None


@given(st.integers(0, 5_000), st.lists(st.tuples(st.integers(1, 900), st.integers(1, 900), st.floats(0, 1))))
def test_it_is_never_overrun(most: int, calls: list[tuple[int, int, float]]) -> None:
    budget, under_way = Budget(tokens=most), []
    for prompt, output, share in calls:
        if under_way and share > 0.5:
            p, o, used = under_way.pop()
            budget.settle(p, o, Usage(int(p * used), int(o * used)))
        if not budget.lacks(prompt, output):
            budget.reserve(prompt, output)
            under_way.append((prompt, output, share))
    for p, o, used in under_way:
        budget.settle(p, o, Usage(int(p * used), int(o * used)))
    assert budget.prompt_tokens + budget.output_tokens <= most
