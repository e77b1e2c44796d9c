"""How many calls at once, and when: written-out moments on a clock of our own."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.llm.limits import Limits, Ticket


class NoJitter(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return 1.0 if a < 1.0 < b else a


def limits(most_at_once: int = 8, **more: int) -> Limits:
    return Limits(most_at_once=most_at_once, jitter=NoJitter(), **more)


def begin(state: Limits, now: float, n: int) -> list[Ticket]:
    return [state.begin(now, 10) for _ in range(n)]


def test_calls_begin_at_once_up_to_the_limit() -> None:
    state = limits(2)
    tickets = begin(state, 0.0, 2)
    wait = state.wait(0.0, 10)
    assert wait is not None
    assert wait.seconds is None
    assert wait.why == "2 calls are under way"
    state.end(tickets[0])
    assert state.wait(0.1, 10) is None


def test_trouble_halves_the_limit_once_for_all_calls_that_were_under_way() -> None:
    state = limits(8)
    for ticket in begin(state, 0.0, 8):
        state.was_slow(1.0, ticket)
    assert state.at_once == 4.0


def test_later_trouble_halves_again_and_one_call_always_goes() -> None:
    state = limits(4)
    for now in (1.0, 2.0, 3.0, 4.0):
        ticket = state.begin(now - 0.5, 10)
        state.was_slow(now, ticket)
        state.end(ticket)
    assert state.at_once == 1.0
    assert state.wait(5.0, 10) is None


def test_the_limit_grows_by_one_for_a_round_of_replies_and_no_further_than_asked() -> None:
    state = limits(5)
    state.was_slow(1.0, begin(state, 0.0, 1)[0])
    assert state.at_once == 2.5
    for ticket in begin(state, 2.0, 40):
        state.replied(ticket)
    assert state.at_once == 5.0


def test_replies_to_calls_from_before_the_trouble_do_not_grow_it() -> None:
    state = limits(8)
    old = begin(state, 0.0, 8)
    state.was_slow(1.0, old[0])
    for ticket in old[1:]:
        state.replied(ticket)
    assert state.at_once == 4.0


def test_retry_after_stops_everybody_for_that_long() -> None:
    state = limits()
    state.was_busy(10.0, begin(state, 9.0, 1)[0], 20.0, "429: slow down")
    wait = state.wait(15.0, 10)
    assert wait is not None
    assert wait.seconds == pytest.approx(15.0)
    assert wait.why == "429: slow down"
    assert state.wait(30.001, 10) is None


def test_a_longer_retry_after_of_a_sibling_counts_a_shorter_one_does_not() -> None:
    state = limits()
    first, second, third = begin(state, 0.0, 3)
    state.was_busy(1.0, first, 10.0, "ten")
    state.was_busy(1.1, second, 2.0, "two")
    assert state.paused_until == pytest.approx(11.0)
    state.was_busy(1.2, third, 30.0, "thirty")
    assert state.paused_until == pytest.approx(31.2)


def test_pauses_without_retry_after_double_until_a_reply_comes() -> None:
    state = limits()
    now, pauses = 0.0, []
    for _ in range(8):
        ticket = state.begin(now, 10)
        pauses.append(state.was_busy(now + 0.1, ticket, None, "429"))
        state.end(ticket)
        now = state.paused_until + 0.1
    assert pauses == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60])
    state.replied(state.begin(now, 10))
    assert state.was_busy(now + 0.2, state.begin(now + 0.1, 10), None, "429") == pytest.approx(1.0)


def test_many_calls_told_to_wait_together_make_one_pause() -> None:
    state = limits()
    for ticket in begin(state, 0.0, 8):
        state.was_busy(0.5, ticket, None, "429")
    assert state.paused_until == pytest.approx(1.5)
    assert state.at_once == 4.0


def test_requests_per_minute_hold_for_every_minute() -> None:
    state = limits(100, requests_per_minute=3)
    for now in (0.0, 10.0, 20.0):
        assert state.wait(now, 1) is None
        state.end(state.begin(now, 1))
    wait = state.wait(30.0, 1)
    assert wait is not None
    assert wait.seconds == pytest.approx(30.0)
    assert wait.why == "3 requests a minute"
    assert state.wait(60.0, 1) is None


def test_tokens_per_minute_count_what_was_really_used() -> None:
    state = limits(100, tokens_per_minute=100)
    first = state.begin(0.0, 80)
    wait = state.wait(1.0, 40)
    assert wait is not None
    assert wait.seconds == pytest.approx(59.0)
    state.end(first, tokens=50)  # fewer than estimated
    assert state.wait(2.0, 40) is None


def test_a_call_larger_than_the_limit_goes_alone() -> None:
    state = limits(100, tokens_per_minute=100)
    assert state.wait(0.0, 500) is None
    state.end(state.begin(0.0, 500))
    wait = state.wait(1.0, 1)
    assert wait is not None
    assert wait.seconds == pytest.approx(59.0)
    assert state.wait(60.0, 500) is None


@given(
    st.lists(st.tuples(st.floats(0.0, 30.0), st.integers(1, 60)), min_size=1, max_size=40),
    st.integers(1, 10),
    st.integers(20, 100),
)
def test_no_window_of_a_minute_holds_more_than_the_limits(
    calls: list[tuple[float, int]], most_requests: int, most_tokens: int
) -> None:
    state = limits(1000, requests_per_minute=most_requests, tokens_per_minute=most_tokens)
    now, begun = 0.0, []
    for gap, tokens in calls:
        now += gap
        while (wait := state.wait(now, tokens)) is not None:
            assert wait.seconds is not None
            assert wait.seconds > 0
            now += wait.seconds
        state.begin(now, tokens)
        begun.append((now, tokens))
    for start, _ in begun:
        inside = [tokens for moment, tokens in begun if start <= moment < start + 59.999]
        assert len(inside) <= most_requests
        assert sum(inside) <= most_tokens or len(inside) == 1
