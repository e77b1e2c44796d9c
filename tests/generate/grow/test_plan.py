"""The plan: rounds ask for exactly what is missing, evenly, and the same each time."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.generate.grow.cells import Cell, Group
from tunewright.generate.grow.plan import Plan

NOTICE = Group("reading", "A1", "notice", "choice")
ESSAY = Group("writing", "C1", "essay", "open")


def plan(notice: int = 6, essay: int = 3) -> Plan:
    targets = {Cell(NOTICE, "food"): notice, Cell(NOTICE, "travel"): notice, Cell(ESSAY, "work"): essay}
    return Plan(targets, seed=1)


def asked(found: Plan, round: int, **given: int) -> Counter[Cell]:
    orders = found.next_round(round, **({"num_calls": 100, "per_call": 4} | given))
    return Counter(Cell(order.group, topic) for order in orders for topic in order.topics)


def test_a_round_asks_for_exactly_what_is_missing() -> None:
    found = plan()
    found.accept(Cell(NOTICE, "food"))
    assert asked(found, 0) == {Cell(NOTICE, "food"): 5, Cell(NOTICE, "travel"): 6, Cell(ESSAY, "work"): 3}


def test_one_call_holds_one_group_with_its_topics_in_turn() -> None:
    for order in plan().next_round(0, num_calls=3, per_call=2):
        assert len(order.topics) == 2
        assert order.group == ESSAY or set(order.topics) == {"food", "travel"}


def test_calls_go_round_the_groups_by_their_size() -> None:
    """12 notices and 3 essays in calls of one: of the first five calls four are notices, one an essay."""
    orders = plan().next_round(0, num_calls=5, per_call=1)
    assert Counter(order.group.task for order in orders) == {"notice": 4, "essay": 1}


def test_a_hopeless_group_does_not_take_all_calls() -> None:
    """Notices are always rejected: with 12 against 3 missing they still get no more than their share."""
    found = plan()
    orders = [found.next_round(round, num_calls=5, per_call=1) for round in range(2)]
    assert [Counter(one.group.task for one in some) for some in orders] == [{"notice": 4, "essay": 1}] * 2


def test_the_number_of_calls_is_known_without_making_them() -> None:
    """12 notices and 3 essays, four in a call: three calls and one."""
    assert plan().num_calls(4) == len(plan().next_round(0, num_calls=99, per_call=4)) == 4
    assert plan(notice=10**9, essay=1).num_calls(4) == 5 * 10**8 + 1


def test_a_plan_of_a_billion_items_is_asked_for_as_it_is_taken() -> None:
    orders = plan(notice=10**9).next_round(0, num_calls=3, per_call=2)
    assert [len(order.topics) for order in orders] == [2, 2, 2]


def test_the_same_history_gives_the_same_orders() -> None:
    assert plan().next_round(3, num_calls=4, per_call=3) == plan().next_round(3, num_calls=4, per_call=3)


def test_a_full_plan_asks_for_nothing() -> None:
    found = Plan({Cell(ESSAY, "work"): 1}, seed=0)
    found.accept(Cell(ESSAY, "work"))
    assert (found.num_filled, found.next_round(1, num_calls=9, per_call=9)) == (1, [])
    with pytest.raises(AssertionError, match="full"):
        found.accept(Cell(ESSAY, "work"))


@given(st.data(), st.integers(1, 9), st.integers(1, 5))
def test_a_plan_is_filled_whatever_is_rejected(data: st.DataObject, num_calls: int, per_call: int) -> None:
    found = plan(notice=4, essay=2)
    for round in range(200):
        orders = found.next_round(round, num_calls=num_calls, per_call=per_call)
        if not orders:
            break
        for order in orders:
            assert 1 <= len(order.topics) <= per_call
            for number, topic in enumerate(order.topics):
                if data.draw(st.booleans()) or round > 20 or (number == 0 and round > 10):
                    found.accept(Cell(order.group, topic))
    assert found.num_accepted == found.n == 10
