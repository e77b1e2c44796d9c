"""The judge must prefer the revision in both orders, and for something other than its length."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from coach.accept.proposed import accept, again, revision, script
from tunewright.coach.accept import decide
from tunewright.coach.accept.preference import Compared, judge
from tunewright.coach.revision import Revision
from tunewright.llm.reply import Answer, Reply, Usage
from tunewright.llm.request import Request
from tunewright.llm.scripted import question_of
from tunewright.run.progress import Event, Progress


class LikesLength:
    """Takes the longer text, whatever it says; for equal lengths a tie."""

    model, revision, batch_size, max_concurrency = "scripted:likes-length", "", 1, None

    async def answer(self, requests: Sequence[Request]) -> list[Answer]:
        return [Reply(self._verdict(one), "stop", Usage(1, 1), 0.0) for one in requests]

    async def close(self) -> None:
        """Nothing is open."""

    def _verdict(self, request: Request) -> str:
        shown, _ = question_of(request)
        texts = re.findall(r"<response of [AB] (\w+)>\n(.*?)\n</response", shown, re.DOTALL)
        assert len(texts) == 2, shown
        a, b = (len(text) for _, text in texts)
        better = "A" if a > b else "B" if b > a else "tie"
        return f'{{"reason": "longer", "verdict": "{better}"}}'


def of_lengths(seed: int, *, num: int, shorter: float) -> list[Revision]:
    rng = random.Random(seed)
    found = []
    for number in range(num):
        before, more = rng.randint(50, 400), rng.randint(1, 300)
        after = max(1, before - more) if rng.random() < shorter else before + more
        found.append(revision(f"r{number}", "x" * before, "y" * after))
    return found


@pytest.mark.parametrize("shorter", [0.0, 0.2, 0.5])
@pytest.mark.parametrize("num", [1, 10, 100])
def test_a_judge_that_only_likes_length_makes_no_revision_accepted(
    tmp_path: Path, num: int, shorter: float
) -> None:
    proposals = of_lengths(num, num=num, shorter=shorter)
    table = {"ask": {"model": "openai:judge"}}
    for control in (True, False):
        found = list(
            decide(
                accept(preference=table | {"length_control": control}),
                again(proposals),
                tmp_path / str(control),
                backends={"preference": LikesLength()},
            )
        )
        is_longer = [one.scores["preference.longer_by_chars"] > 0 for one in found]
        if control:
            assert [one.accepted for one in found] == [False] * num
            assert [one.reason == "preferred for its length" for one in found] == is_longer
        else:
            assert [one.accepted for one in found] == is_longer


# The verdict with the revised version as B, then as A; what the two say together.
@pytest.mark.parametrize(
    ("as_b", "as_a", "reason"),
    [
        ("b", "a", ""),  # win + win
        ("b", "tie", ""),  # win + tie
        ("tie", "a", ""),
        ("tie", "tie", "not preferred"),
        ("b", "b", "not preferred"),  # win + loss: the judge likes B
        ("a", "a", "not preferred"),
        ("a", "tie", "not preferred"),
        ("a", "b", "not preferred"),
    ],
)
def test_both_orders_are_merged(as_b: str, as_a: str, reason: str) -> None:
    compared = Compared("", (as_b, as_a), 10)  # type: ignore[arg-type]
    assert judge(compared, None, least=0.6).reason == reason


def test_a_judge_that_always_takes_the_first_accepts_nothing(tmp_path: Path) -> None:
    ask = script(tmp_path / "p.yaml", '  - reply: {reason: "First.", verdict: "A"}\n')
    config = accept(preference={"ask": ask, "length_control": False})
    (found,) = decide(config, again([revision("a", "Pear.", "Plum.")]), tmp_path)
    assert found.reason == "not preferred"
    assert found.scores == {
        "preference.shown_first": 1,
        "preference.shown_second": 0,
        "preference.longer_by_chars": 0,
    }


def test_one_verdict_that_cannot_be_read_is_a_failure_and_no_tie(tmp_path: Path) -> None:
    rules = """\
  - matches: 'of A \\w+>\\n(?=Plum)'
    reply: {reason: "A.", verdict: "A"}
  - reply: "Hard to say."
"""
    config = accept(preference={"ask": script(tmp_path / "p.yaml", rules)})
    (found,) = decide(config, again([revision("a", "Pear.", "Plum.")]), tmp_path)
    assert (found.accepted, found.reason, found.scores) == (False, "preference failed", {})


def test_a_failed_comparison_does_not_change_the_fit_of_the_others(tmp_path: Path) -> None:
    class Mute(LikesLength):
        def _verdict(self, request: Request) -> str:
            return "…" if "zzz" in question_of(request)[0] else super()._verdict(request)

    proposals = of_lengths(3, num=20, shorter=0.4)
    odd = revision("odd", "zzz", "zzz" * 500)
    config = accept(preference={"ask": {"model": "openai:judge"}})
    alone = list(decide(config, again(proposals), tmp_path / "a", backends={"preference": Mute()}))
    with_odd = list(decide(config, again([*proposals, odd]), tmp_path / "b", backends={"preference": Mute()}))
    assert with_odd[:-1] == alone
    assert with_odd[-1].reason == "preference failed"


def test_the_note_says_how_much_length_counts_and_how_many_are_no_longer(tmp_path: Path) -> None:
    notes: list[Event] = []
    decide(
        accept(preference={"ask": {"model": "openai:judge"}}),
        again(of_lengths(0, num=50, shorter=0.5)),
        tmp_path,
        backends={"preference": LikesLength()},
        progress=Progress(notes.append),
    )
    (note,) = [event.message for event in notes if event.kind == "note"]
    assert re.fullmatch(
        r"length makes a preference of 0\.99 for a revision \d+ characters longer; 17 of 50 are no longer",
        note,
    ), note
