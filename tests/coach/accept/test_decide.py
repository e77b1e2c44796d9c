"""All policies of the table must agree; one decision per proposal, in order; nothing is asked twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.accept.proposed import accept, again, revision, script
from tunewright.coach.accept import Decision, accept_inputs, decide, requests_estimate
from tunewright.errors import ModelError, RecipeError
from tunewright.llm.reply import Answer
from tunewright.llm.request import Request
from tunewright.llm.scripted import ScriptedBackend

RATINGS = """\
  - contains: "lovely ripe pear"
    reply: {reason: "Good.", score: 5}
  - contains: "a brick"
    reply: {reason: "Wrong.", score: 1}
  - contains: "mumble"
    reply: "I like it."
  - reply: {reason: "Fine.", score: 3}
"""
# The better text is known by the word "ripe", wherever it is shown.
VERDICTS = """\
  - matches: '(?s)of A [0-9a-f]{12}>\\n[^<]*ripe'
    reply: {reason: "A is riper.", verdict: "A"}
  - matches: '(?s)of B [0-9a-f]{12}>\\n[^<]*ripe'
    reply: {reason: "B is riper.", verdict: "B"}
  - reply: {reason: "The same.", verdict: "tie"}
"""


class Counting:
    """A backend that counts its calls, and is killed (as far as it can tell) after `most` of them."""

    batch_size = 1
    max_concurrency = 1

    def __init__(self, inner: ScriptedBackend, *, most: int | None = None) -> None:
        self.inner, self.most, self.num_calls = inner, most, 0
        self.model, self.revision = inner.model, inner.revision

    async def answer(self, requests: Sequence[Request]) -> list[Answer]:
        if self.most is not None and self.num_calls >= self.most:
            raise ModelError("killed")
        self.num_calls += len(requests)
        return await self.inner.answer(requests)

    async def close(self) -> None:
        await self.inner.close()


def test_a_revision_is_accepted_when_its_rating_rises_enough(tmp_path: Path) -> None:
    config = accept(rating={"ask": script(tmp_path / "r.yaml", RATINGS), "least_gain": 2})
    proposals = [
        revision("up", "Pear.", "A lovely ripe pear."),  # 3 -> 5
        revision("level", "Pear.", "A pear."),  # 3 -> 3
        revision("down", "Pear.", "It is a brick."),  # 3 -> 1
    ]
    assert list(decide(config, again(proposals), tmp_path)) == [
        Decision("up", True, "", {"rating.before": 3, "rating.after": 5}),
        Decision("level", False, "rating gain too small", {"rating.before": 3, "rating.after": 3}),
        Decision("down", False, "rating gain too small", {"rating.before": 3, "rating.after": 1}),
    ]


def test_by_default_a_rating_must_not_fall(tmp_path: Path) -> None:
    config = accept(rating={"ask": script(tmp_path / "r.yaml", RATINGS)})
    proposals = [revision("level", "Pear.", "A pear."), revision("down", "Pear.", "It is a brick.")]
    assert [one.accepted for one in decide(config, again(proposals), tmp_path)] == [True, False]


def test_a_rating_that_cannot_be_read_is_a_failure_and_no_score(tmp_path: Path) -> None:
    config = accept(rating={"ask": script(tmp_path / "r.yaml", RATINGS)})
    found = list(decide(config, again([revision("odd", "Pear.", "mumble")]), tmp_path))
    assert found == [Decision("odd", False, "rating failed", {"rating.before": 3})]


def test_a_rating_without_a_reply_is_told_apart_from_one_that_failed(tmp_path: Path) -> None:
    config = accept(rating={"ask": script(tmp_path / "r.yaml", RATINGS) | {"calls": False}})
    found = list(decide(config, again([revision("a", "Pear.", "A pear.")]), tmp_path))
    assert found == [Decision("a", False, "rating unanswered", {})]


def test_a_single_criterion_can_be_the_score_that_is_compared(tmp_path: Path) -> None:
    table = {"criteria": "coachlm", "score": "instruction.readability"}
    asked = '  - reply: {reason: "Fine.", score: 80}\n'
    config = accept(rating=table | {"ask": script(tmp_path / "r.yaml", asked)})
    assert requests_estimate(config, again([revision("a", "x", "y")]), tmp_path)["rating"].num_requests == 2
    (found,) = decide(config, again([revision("a", "x", "y", to="Name one fruit.")]), tmp_path)
    assert found.scores == {"rating.before": 80, "rating.after": 80}


def test_a_score_that_the_criteria_do_not_have_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    config = accept(rating={"score": "charm", "ask": script(tmp_path / "r.yaml", RATINGS)})
    with pytest.raises(RecipeError, match=r"score 'charm' is none of 'accuracy', which has response, resp"):
        decide(config, again([revision("a", "x", "y")]), tmp_path)


def test_two_policies_must_both_agree_and_the_second_sees_only_what_the_first_left(tmp_path: Path) -> None:
    config = accept(
        rating={"ask": script(tmp_path / "r.yaml", RATINGS), "least_gain": 1},
        preference={"ask": script(tmp_path / "p.yaml", VERDICTS), "length_control": False},
    )
    proposals = [
        revision("both", "Pear.", "A lovely ripe pear."),
        revision("neither", "Pear.", "It is a brick."),
        revision("rated only", "It is a brick.", "A pear."),  # 1 -> 3, but a tie for the judge
        revision("preferred only", "Pear.", "Ripe, a ripe one."),
    ]
    backend = Counting(ScriptedBackend(tmp_path / "p.yaml"))
    found = list(decide(config, again(proposals), tmp_path, backends={"preference": backend}))
    assert [(one.id, one.accepted, one.reason) for one in found] == [
        ("both", True, ""),
        ("neither", False, "rating gain too small"),
        ("rated only", False, "not preferred"),
        ("preferred only", False, "rating gain too small"),
    ]
    assert backend.num_calls == 4  # two records in two orders
    assert [sorted(one.scores) for one in found[:2]] == [
        [
            "preference.longer_by_chars",
            "preference.shown_first",
            "preference.shown_second",
            "rating.after",
            "rating.before",
        ],
        ["rating.after", "rating.before"],
    ]


@pytest.mark.parametrize("most", [0, 1, 7, 12])
def test_a_killed_run_goes_on_where_it_stopped_and_decides_the_same(tmp_path: Path, most: int) -> None:
    """12 ratings, one of which is asked three times, and 8 comparisons: 22 calls, however they are cut."""
    config = accept(
        rating={"ask": script(tmp_path / "r.yaml", RATINGS) | {"concurrency": 1}},
        preference={"ask": script(tmp_path / "p.yaml", VERDICTS) | {"concurrency": 1}},
    )
    texts = ["A lovely ripe pear.", "It is a brick.", "mumble", "Ripe.", "A pear.", "An apple, or so."]
    proposals = again(revision(f"r{n}", f"Pear {n}.", text) for n, text in enumerate(texts))

    def counted(most: int | None = None) -> dict[str, Counting]:
        return {
            "rating": Counting(ScriptedBackend(tmp_path / "r.yaml"), most=most),
            "preference": Counting(ScriptedBackend(tmp_path / "p.yaml")),
        }

    whole = counted()
    expected = list(decide(config, proposals, tmp_path / "whole", backends=whole))
    killed, resumed = counted(most), counted()
    with pytest.raises(ModelError, match="killed"):
        decide(config, proposals, tmp_path / "cut", backends=killed)
    assert list(decide(config, proposals, tmp_path / "cut", backends=resumed)) == expected
    assert [one.num_calls for one in whole.values()] == [14, 8]
    assert killed["rating"].num_calls + resumed["rating"].num_calls == 14
    third = counted()
    assert list(decide(config, proposals, tmp_path / "cut", backends=third)) == expected
    assert [one.num_calls for one in third.values()] == [0, 0]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text("abcdefgh ", min_size=1, max_size=12), max_size=8))
def test_every_proposal_has_one_decision_in_its_place(words: list[str]) -> None:
    proposals = [revision(f"r{n}", "pear", f"pear {word}.") for n, word in enumerate(words)]
    found = list(decide(accept(meaning={"response": 0.5}), again(proposals), Path("unused")))
    assert [one.id for one in found] == [one.id for one in proposals]
    assert all(one.accepted == (one.reason == "") for one in found)
    assert all(one.accepted == (one.scores["meaning.response"] >= 0.5) for one in found)


def test_no_proposals_need_no_model_and_no_folder(tmp_path: Path) -> None:
    config = accept(rating={"ask": script(tmp_path / "r.yaml", RATINGS)}, meaning={})
    assert list(decide(config, again([]), tmp_path / "none")) == []
    assert not (tmp_path / "none").exists()


def test_an_empty_table_is_refused_in_words() -> None:
    with pytest.raises(RecipeError, match="nothing to accept by: give rating, student, meaning or pref"):
        accept()


def test_a_model_that_does_not_say_who_answers_is_refused_before_the_first_policy_works(
    tmp_path: Path,
) -> None:
    config = accept(rating={"ask": {"model": "gpt-x"}}, meaning={})
    with pytest.raises(ModelError, match="does not say who answers"):
        decide(config, again([revision("a", "x", "y")]), tmp_path)


def test_the_estimate_counts_both_versions_and_both_orders_and_not_what_is_in_the_journal(
    tmp_path: Path,
) -> None:
    config = accept(
        rating={"ask": script(tmp_path / "r.yaml", RATINGS)},
        preference={"ask": script(tmp_path / "p.yaml", VERDICTS)},
    )
    proposals = again([revision("a", "Pear.", "Ripe."), revision("b", "Pear.", "A ripe pear.")])
    before = requests_estimate(config, proposals, tmp_path / "out")
    # the original is the same in both, so it is rated once
    assert {name: (one.num_requests, one.num_to_ask) for name, one in before.items()} == {
        "rating": (4, 3),
        "preference": (4, 4),
    }
    assert not (tmp_path / "out").exists()
    list(decide(config, proposals, tmp_path / "out"))
    after = requests_estimate(config, proposals, tmp_path / "out")
    assert [one.num_to_ask for one in after.values()] == [0, 0]


def test_what_decisions_depend_on_is_hashed_by_name(tmp_path: Path) -> None:
    config = accept(
        rating={"ask": script(tmp_path / "r.yaml", RATINGS)},
        preference={"ask": script(tmp_path / "p.yaml", VERDICTS)},
    )
    first = accept_inputs(config)
    assert sorted(first) == [
        "accept.preference.model",
        "accept.preference.prompts",
        "accept.rating.criteria",
        "accept.rating.model",
        "accept.rating.prompts",
    ]
    script(tmp_path / "r.yaml", VERDICTS)  # another rater behind the same name
    second = accept_inputs(config)
    assert {name for name in first if first[name] != second[name]} == {"accept.rating.model"}


def test_decisions_say_what_each_policy_has_used(tmp_path: Path) -> None:
    """What is in the journal counts, also when nothing is asked any more; n-grams use nothing."""
    config = accept(rating={"ask": script(tmp_path / "r.yaml", RATINGS)}, meaning={})
    proposals = again([revision("up", "Pear.", "A lovely ripe pear.")])
    first = decide(config, proposals, tmp_path / "out")
    assert list(first.used) == ["rating"]
    assert first.used["rating"].output_tokens > 0
    assert decide(config, proposals, tmp_path / "out").used == first.used
    assert decide(config, again([]), tmp_path / "none").used == {}
    assert list(first) == list(first), "they can be read more than once"
