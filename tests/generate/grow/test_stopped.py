"""A run that is stopped, or goes on with other replies: what was paid for is judged, and never replaced."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from generate.grow.fake_model import FakeModel
from generate.grow.test_grow import FILES, config, rows
from tunewright.errors import BudgetReached, ModelError, RunFolderError
from tunewright.generate.grow.replayed import RowsDiffer
from tunewright.generate.grow.stage import grow
from tunewright.llm.reply import Answer, Broken, Refused
from tunewright.llm.request import Request
from tunewright.run.progress import Event, Progress

ONE_ROUND = 12  # calls; every item of the plan is asked for at once
LEFT = ("records.jsonl", "rejects.jsonl", "metrics.jsonl")


def budget(tokens: int | None) -> dict[str, int | None]:
    return {"budget_tokens": tokens, "concurrency": 1}


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in LEFT}


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A folder whose budget ended inside the second round."""
    out = tmp_path / "stopped"
    with pytest.raises(BudgetReached):
        grow(config(60, ask=budget(60_000)), out, backend=FakeModel())
    assert len(rows(out, "metrics.jsonl")) == 1
    assert len(rows(out, "records.jsonl")) > 4
    return out


def test_a_budget_spent_in_the_first_round_leaves_the_items_it_paid_for(tmp_path: Path) -> None:
    """One round of twelve calls, of which seven can be paid: their replies are judged all the same."""
    out, events = tmp_path / "out", list[Event]()
    with pytest.raises(BudgetReached):
        grow(
            config(40, ask=budget(45_000), calls_per_round=ONE_ROUND),
            out,
            backend=FakeModel(),
            progress=Progress(events.append),
        )
    kept = (out / "records.jsonl").read_bytes()
    assert kept.count(b"\n") >= 5
    assert rows(out, "metrics.jsonl") == []
    assert not (out / "manifest.json").exists()
    said = [event.message for event in events if event.kind == "note"][-1]
    num = kept.count(b"\n")
    assert said.startswith(
        f"stopped in round 1: {num} of 40 items are accepted and in {out / 'records.jsonl'}"
    )
    whole = grow(config(40, calls_per_round=ONE_ROUND), tmp_path / "whole", backend=FakeModel())
    grow(config(40, calls_per_round=ONE_ROUND), out, backend=FakeModel())
    assert (out / "records.jsonl").read_bytes().startswith(kept)
    for name in FILES:
        assert (out / name).read_bytes() == (whole / name).read_bytes(), name


class Interrupted(FakeModel):
    """In its seventh call somebody presses Ctrl-C."""

    async def answer(self, requests: Sequence[Request]) -> list[Answer]:
        if self.num_calls == 6:
            os.kill(os.getpid(), signal.SIGINT)
        return await super().answer(requests)


def test_ctrl_c_leaves_the_items_whose_replies_came(tmp_path: Path) -> None:
    settings = config(40, ask={"concurrency": 1}, calls_per_round=ONE_ROUND)
    with pytest.raises(KeyboardInterrupt):
        grow(settings, tmp_path / "out", backend=Interrupted(seconds=0.05))
    assert len(rows(tmp_path / "out", "records.jsonl")) > 2


class Fails(FakeModel):
    """Breaks off on every call whose number can be divided by five."""

    async def answer(self, requests: Sequence[Request]) -> list[Answer]:
        found = await super().answer(requests)
        return [Broken("no reply") if self.num_calls % 5 == 0 else one for one in found]


def test_an_endpoint_that_fails_leaves_the_items_before_its_first_gap_and_counts_the_replies_behind(
    tmp_path: Path,
) -> None:
    out, events = tmp_path / "out", list[Event]()
    settings = config(40, ask={"concurrency": 1, "max_attempts": 1}, calls_per_round=ONE_ROUND)
    with pytest.raises(ModelError, match="got no answer"):
        grow(settings, out, backend=Fails(), progress=Progress(events.append))
    assert rows(out, "records.jsonl")
    notes = [event.message for event in events if event.kind == "note"]
    assert any("more replies are kept, to be judged when the same command" in note for note in notes)


def test_a_lost_journal_is_an_error_before_anything_is_asked_and_changes_nothing(stopped: Path) -> None:
    before = bytes_of(stopped)
    for name in stopped.glob("replies.sqlite*"):
        name.unlink()
    model = FakeModel()
    with pytest.raises(RunFolderError, match=r"(records|rejects)\.jsonl has \d+ rows, and row 1 is not what"):
        grow(config(60), stopped, backend=model)
    assert model.num_calls == 0
    assert bytes_of(stopped) == before


def test_another_journal_is_an_error_too(stopped: Path, tmp_path: Path) -> None:
    before = bytes_of(stopped)
    model = FakeModel()
    with pytest.raises(RowsDiffer, match="the same --replies"):
        grow(config(60, ask={"replies": str(tmp_path / "other.sqlite")}), stopped, backend=model)
    assert model.num_calls == 0
    assert bytes_of(stopped) == before


def test_again_moves_such_a_folder_aside(stopped: Path) -> None:
    before = bytes_of(stopped)
    for name in stopped.glob("replies.sqlite*"):
        name.unlink()
    out = grow(config(60), stopped, backend=FakeModel(), again=True)
    assert len(rows(out, "records.jsonl")) == 60
    assert bytes_of(stopped.with_name("stopped.old-1")) == before


def test_a_changed_row_is_an_error_and_moving_the_file_away_writes_it_anew(stopped: Path) -> None:
    path = stopped / "records.jsonl"
    right = path.read_bytes()
    path.write_bytes(right[:40] + b"x" + right[41:])
    with pytest.raises(RowsDiffer, match=r"records\.jsonl has .* rows, and row 1 "):
        grow(config(60), stopped, backend=FakeModel())
    path.unlink()
    out = grow(config(60), stopped, backend=FakeModel())
    assert path.read_bytes().startswith(right)
    assert len(rows(out, "records.jsonl")) == 60


@pytest.mark.parametrize("allow", [False, True])
def test_a_run_that_must_not_ask_never_counts_what_was_not_asked(stopped: Path, allow: bool) -> None:
    before = bytes_of(stopped)
    with pytest.raises(ModelError, match="kept replies end in round 2, and no calls are to be made"):
        grow(config(60, ask={"calls": False, "allow_unanswered": allow}), stopped, backend=FakeModel())
    assert bytes_of(stopped) == before
    assert not (stopped / "manifest.json").exists()


def test_with_all_replies_there_a_run_that_must_not_ask_ends_the_same(tmp_path: Path) -> None:
    whole = grow(config(20), tmp_path / "whole", backend=FakeModel())
    for name in (*FILES, "manifest.json"):
        shutil.copy(whole / name, tmp_path / name)
        (whole / name).unlink()
    grow(config(20, ask={"calls": False}), whole, backend=FakeModel())
    for name in FILES:
        assert (whole / name).read_bytes() == (tmp_path / name).read_bytes(), name


def test_calls_given_up_stay_counted_when_the_run_goes_on(tmp_path: Path) -> None:
    """A call without an answer is a reject; asked later it would change every round behind it."""
    out = tmp_path / "out"
    ask = {"concurrency": 1, "max_attempts": 1, "allow_unanswered": True}
    with pytest.raises(BudgetReached):
        grow(config(60, ask=ask | {"budget_tokens": 60_000}), out, backend=Fails())
    before = bytes_of(out)
    assert "unanswered" in {row["reason"] for row in rows(out, "rejects.jsonl")}
    grow(config(60, ask=ask), out, backend=FakeModel())
    for name, kept in before.items():
        assert (out / name).read_bytes().startswith(kept), name


class Refuses(FakeModel):
    async def answer(self, requests: Sequence[Request]) -> list[Answer]:
        found = await super().answer(requests)
        return [Refused("too long") if self.num_calls % 5 == 0 else one for one in found]


def test_refused_calls_are_not_asked_again_in_a_folder_that_counts_them(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(BudgetReached):
        grow(config(60, ask=budget(60_000)), out, backend=Refuses())
    with pytest.raises(RowsDiffer, match="leave --ask-refused out"):
        grow(config(60, ask={"ask_refused": True}), out, backend=FakeModel())
    grow(config(60, ask={"ask_refused": True}), out, backend=FakeModel(), again=True)
    assert "refused" not in {row["reason"] for row in rows(out, "rejects.jsonl")}
    assert (tmp_path / "out.old-1" / "records.jsonl").exists()


def test_a_damaged_manifest_is_told_apart_from_a_folder_to_delete(tmp_path: Path) -> None:
    out = grow(config(8), tmp_path / "out", backend=FakeModel())
    whole = (out / "records.jsonl").read_bytes()
    (out / "manifest.json").write_bytes(b"")
    with pytest.raises(
        RunFolderError, match=r"manifest\.json is damaged.* delete this one file, and nothing"
    ):
        grow(config(8), out, backend=FakeModel())
    (out / "manifest.json").unlink()
    model = FakeModel()
    grow(config(8), out, backend=model)
    assert model.num_calls == 0
    assert (out / "records.jsonl").read_bytes() == whole
