"""The live table of growing, as a terminal of 80 columns shows it."""

from __future__ import annotations

import io
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from generate.grow.fake_model import FakeModel
from generate.grow.test_grow import config
from tunewright.cli.grow_table import GrowTable, table
from tunewright.errors import BudgetReached
from tunewright.generate.grow.growth import Growth, Pace
from tunewright.generate.grow.stage import grow
from tunewright.run.files import read_jsonl
from tunewright.run.folder import read_manifest
from tunewright.run.progress import Event, Progress

HALFWAY = Growth(
    accepted=4_120,
    wanted=17_000,
    from_before=1_000,
    candidates=5_600,
    reasons=(
        ("near-duplicate", "near_duplicate", 700),
        ("item", "evidence_in_passage", 400),
        ("level", "outside_level_band", 200),
        ("tuple", "cut", 100),
        ("item", "equal_options", 50),
        ("language", "wrong-language", 30),
    ),
    cells_filled=12,
    cells=2_400,
    rounds=35,
    prompt_tokens=4_200_000,
    output_tokens=1_800_000,
    cost=6.12345,
    per_second=0.5,
    eta_seconds=25_760.0,
)


def console(stream: io.StringIO | None = None) -> Console:
    return Console(file=stream or io.StringIO(), force_terminal=True, width=80, height=30, color_system=None)


def shown(growth: Growth, **more: str) -> list[str]:
    screen = console()
    with screen.capture() as capture:
        screen.print(table(growth, **more))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_the_table_fits_a_terminal_and_says_everything() -> None:
    lines = shown(HALFWAY, waits_for="tokens per minute")
    bar = lines.pop(2)
    assert lines == [
        "",
        "accepted          4,120  of 17,000, 1,000 of them from before",
        "rejected          1,480  of 5,600 candidates (26%) in round 36",
        "                    700  near-duplicate: near_duplicate",
        "                    400  item: evidence_in_passage",
        "                    200  level: outside_level_band",
        "                    100  tuple: cut",
        "                     80  2 other reasons",
        "cells filled         12  of 2,400",
        "tokens in     4,200,000  out 1,800,000   cost 6.123",
        "time left       7:09:20  30 a minute, waits for tokens per minute",
    ]
    assert bar.strip().startswith("━")


def test_on_a_narrow_terminal_no_word_is_lost() -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=50, color_system=None)
    with screen.capture() as capture:
        screen.print(table(HALFWAY, waits_for="tokens per minute"))
    text = capture.get()
    assert "…" not in text
    assert max(len(line) for line in text.splitlines()) <= 50
    for words in ("1,000 of them", "near_duplicate", "(26%)", "6.123", "tokens per minute"):
        assert words in text


def test_general_data_has_no_row_for_cells() -> None:
    assert not any(line.startswith("cells") for line in shown(replace(HALFWAY, cells=1)))


def test_the_time_left_follows_the_last_rounds_and_is_unknown_when_nothing_is_accepted() -> None:
    """Ten rounds of a second with 100 items each, then the hard cells: 1 a round, then none."""
    now = 0.0
    pace, accepted = Pace(lambda: now), 0
    for got in [100] * 10 + [1] * 4:
        pace.begins_round(accepted)
        pace.asked()
        now, accepted = now + 1.0, accepted + got
    assert pace.per_second(accepted) == 1.0
    for _ in range(4):
        pace.begins_round(accepted)
        pace.asked()
        now += 1.0
    assert pace.per_second(accepted) is None


def test_before_the_first_reply_nothing_is_claimed() -> None:
    first = replace(
        HALFWAY, accepted=0, from_before=0, candidates=0, reasons=(), rounds=0, cost=None, per_second=None
    )
    lines = shown(replace(first, eta_seconds=None))
    assert lines[1] == "accepted              0  of 17,000"
    assert lines[3] == "rejected              0  round 1: waiting for the first replies"
    assert lines[-1] == "time left             –"


def test_the_table_updates_in_place_and_is_gone_at_the_end_while_notes_stay() -> None:
    stream = io.StringIO()
    with GrowTable(stream, console=console(stream)) as sink:
        sink(Event("start", "generate", total=17_000, unit="items"))
        sink.show(HALFWAY)
        assert sink._live is not None
        sink._live.refresh()
        sink(Event("note", "generate", "the endpoint [asked] to wait"))
        sink(Event("finish", "generate", "", 17_000, 17_000, "items", 3_600.0, 4.7, 0.0, {"rejected": "9"}))
    screen = Screen(80)
    screen.write(stream.getvalue())
    assert screen.text() == [
        "generate: the endpoint [asked] to wait",
        "generate: 17,000 items in 1:00:00",
    ]


def test_an_error_gives_the_terminal_back(tmp_path: Path) -> None:
    stream = io.StringIO()
    settings = config(40, ask={"budget_tokens": 60_000})
    with (
        pytest.raises(BudgetReached),
        GrowTable(stream, console=console(stream)) as sink,
    ):
        grow(settings, tmp_path / "out", progress=Progress(sink), show=sink.show, backend=FakeModel())
    assert sink._live is None
    assert stream.getvalue().endswith("\x1b[?25h") or "\x1b[?25h" in stream.getvalue()  # the cursor is back


def test_its_numbers_are_those_of_the_run_and_a_resumed_one_shows_what_is_there(tmp_path: Path) -> None:
    looks: list[Growth] = []
    out = tmp_path / "out"
    with pytest.raises(BudgetReached):
        grow(config(40, ask={"budget_tokens": 60_000}), out, backend=FakeModel(), show=looks.append)
    there = sum(1 for _ in read_jsonl(out / "records.jsonl"))
    assert (looks[0].accepted, looks[0].wanted, looks[0].cells) == (0, 40, 40)
    assert looks[0].eta_seconds is None
    looks.clear()
    events: list[Event] = []
    # with a pause in each call there is time for a look in every round
    model = FakeModel(seconds=0.15)
    grow(config(40), out, backend=model, show=looks.append, progress=Progress(events.append))
    notes = [event.message for event in events if event.kind == "note"]
    assert notes == [f"{there} items are there already; it goes on from them"]
    last = looks[-1]
    assert 0 < last.from_before <= there
    assert last.per_second is not None
    assert last.rejected == sum(number for _, _, number in last.reasons)
    counts = read_manifest(out)["counts"]
    assert last.accepted <= counts["records"]
    assert last.candidates <= counts["candidates"]
    assert [one.accepted for one in looks] == sorted(one.accepted for one in looks)


def test_replies_of_an_earlier_process_do_not_count_as_pace() -> None:
    now = 100.0
    pace = Pace(lambda: now)
    pace.begins_round(0)
    assert (pace.per_second(50), pace.from_before) == (None, None)
    now = 110.0
    pace.begins_round(50)
    pace.asked()
    now = 120.0
    assert pace.per_second(50) is None
    assert (pace.per_second(70), pace.from_before) == (2.0, 50)


def test_a_warning_is_printed_above_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with GrowTable(stream, console=console(stream)) as sink, warnings.catch_warnings():
        warnings.simplefilter("always")
        sink(Event("start", "generate", total=3, unit="items"))
        sink.show(HALFWAY)
        sys.stderr.write("a library says something\n")
        sink(Event("finish", "generate", "", 3, 3, "items", 1.0))
    screen = Screen(80)
    screen.write(stream.getvalue())
    assert screen.text() == ["a library says something", "generate: 3 items in 0:01"]


class Screen:
    """As much of a terminal as the table uses: line feeds, carriage returns, up one line, erase the line."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.lines = [""]
        self.row = 0

    def write(self, text: str) -> None:
        place = column = 0
        while place < len(text):
            if text[place] == "\x1b":
                end = place + 2
                while not text[end].isalpha():
                    end += 1
                if text[end] == "A":
                    self.row -= int(text[place + 2 : end] or 1)
                elif text[end] == "K":
                    self.lines[self.row] = ""
                else:
                    assert text[end] in "lhm", text[place : end + 1]
                place = end + 1
                continue
            if text[place] == "\n":
                self.row, column = self.row + 1, 0
                if self.row == len(self.lines):
                    self.lines.append("")
            elif text[place] == "\r":
                column = 0
            else:
                line = self.lines[self.row].ljust(column)
                self.lines[self.row] = line[:column] + text[place] + line[column + 1 :]
                column += 1
                assert column <= self.width
            place += 1

    def text(self) -> list[str]:
        return [line.rstrip() for line in self.lines if line.strip()]
