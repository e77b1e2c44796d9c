"""Progress: counts, rates and times left, by a clock the test moves."""

from __future__ import annotations

import pytest

from tunewright.run import Event, NullSink, Progress


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def progress(clock: Clock, events: list[Event]) -> Progress:
    return Progress(events.append, clock=clock)


def test_a_stage_is_told_from_start_to_finish(progress: Progress, clock: Clock, events: list[Event]) -> None:
    progress.start("tune", 4, "steps")
    clock.seconds += 2
    progress.advance(loss=1.5)
    clock.seconds += 2
    progress.note("saving")
    progress.finish("saved")
    assert events == [
        Event("start", "tune", total=4, unit="steps"),
        Event("advance", "tune", "", 1, 4, "steps", 2.0, 0.5, 6.0, {"loss": 1.5}),
        Event("note", "tune", "saving", 1, 4, "steps", 4.0, 0.5, 6.0, {"loss": 1.5}),
        # the mean over all 4 seconds, one step
        Event("finish", "tune", "saved", 1, 4, "steps", 4.0, 0.25, 12.0, {"loss": 1.5}),
    ]


def test_advances_are_thinned_but_first_last_and_fields_are_kept(
    progress: Progress, clock: Clock, events: list[Event]
) -> None:
    progress.start("rate", 1000, "records")
    for n in range(1000):
        clock.seconds += 0.001
        progress.advance(last=n)
        if n == 500:
            progress.advance(0, seen="yes")
    sent = [event for event in events if event.kind == "advance"]
    assert sent[0].done == 1
    assert sent[-1].done == 1000
    assert sent[-1].fields == {"last": 999, "seen": "yes"}
    assert 10 <= len(sent) <= 12, "one second, at most ten a second, and first and last"


def test_a_steady_pace_is_exact_from_the_first_event_on(
    progress: Progress, clock: Clock, events: list[Event]
) -> None:
    progress.start("ask", 100, "calls")
    for _ in range(50):
        clock.seconds += 0.5
        progress.advance()
    assert [event.rate for event in events[1:]] == [pytest.approx(2.0)] * 50
    assert events[-1].eta_seconds == pytest.approx(25.0)


def test_the_rate_follows_a_server_that_slows_down(
    progress: Progress, clock: Clock, events: list[Event]
) -> None:
    progress.start("ask")
    for seconds in [0.1] * 1000 + [1.0] * 100:
        clock.seconds += seconds
        progress.advance()
    assert events[-1].rate == pytest.approx(1.0, rel=0.5), "mean over all would be 5.5"
    assert events[-1].eta_seconds is None, "no total, no time left"


def test_work_done_by_an_earlier_process_counts_but_not_as_speed(
    progress: Progress, clock: Clock, events: list[Event]
) -> None:
    progress.start("ask", 100, "calls", done=90)
    clock.seconds += 5
    progress.advance()
    progress.finish()
    assert [event.done for event in events] == [90, 91, 91]
    assert [event.rate for event in events] == [None, 0.2, 0.2]


def test_a_new_stage_starts_from_nothing(progress: Progress, clock: Clock, events: list[Event]) -> None:
    progress.start("one", 2)
    clock.seconds += 1
    progress.advance(2, loss=1.0)
    progress.start("two", 3)
    assert events[-1] == Event("start", "two", total=3)


def test_without_a_sink_nothing_happens() -> None:
    progress = Progress()
    progress.start("x", 1)
    progress.advance()
    progress.finish()
    NullSink()(Event("note", "x"))
