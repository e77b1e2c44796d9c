"""Criteria as data, and how their scores become one per side."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.errors import RecipeError
from tunewright.llm.reply import TokenLogprob
from tunewright.rate.criteria import CriteriaSet, Scale, built_in_sets, load_criteria
from tunewright.rate.scores import Expected, bin_edges, bin_labels, bin_of, expected_score, side_scores

COACHLM = load_criteria("coachlm")
ALL_100 = {criterion.key: 100.0 for criterion in COACHLM.criteria}

OWN = """\
name: helpdesk
scale: {low: 1, high: 5}
high_from: 4
criteria:
  - name: tone
    side: response
    question: Is the tone friendly?
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_three_sets_come_with_the_package() -> None:
    assert built_in_sets() == ["accuracy", "coachlm", "elpa"]


def test_the_coachlm_set_is_the_published_table() -> None:
    """Nine dimensions in ten rows, readability on both sides; bands as in Table I of the paper."""
    assert [(one.key, one.level, one.cap) for one in COACHLM.criteria] == [
        ("instruction.contextualization", "advanced", (80, 100)),
        ("instruction.feasibility", "basic", (0, 80)),
        ("instruction.readability", "basic", (0, 80)),
        ("response.humanization", "advanced", (90, 100)),
        ("response.richness", "advanced", (80, 90)),
        ("response.readability", "basic", (40, 80)),
        ("response.comprehensiveness", "basic", (40, 80)),
        ("response.relevance", "basic", (40, 80)),
        ("response.correctness", "basic", (40, 80)),
        ("response.safety", "red_line", (0, 40)),
    ]
    assert len({one.name for one in COACHLM.criteria}) == 9


def test_the_accuracy_set_has_the_published_bins_and_threshold() -> None:
    accuracy = load_criteria("accuracy")
    assert bin_labels(bin_edges(accuracy)) == ["[0, 3.5)", "[3.5, 4)", "[4, 4.5)", "[4.5, 5]"]
    assert accuracy.high_from == 4.5
    assert accuracy.scale.scores() == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5]


def test_readiness_is_named_an_estimate() -> None:
    """ "Ready" is a human label: no score of ours is called so."""
    names = [one.name for one in load_criteria("elpa").criteria]
    assert names == ["validity", "estimated_readiness", "explanation"]


# Ten worked examples of the rule. Response: seven criteria, instruction: three; a score below 80 is a flaw.
WORKED = [
    # nothing to criticise
    ({}, 100.0, 100.0),
    # 79 is a flaw by one point: limit 40 + (80 − 40)·79/80 = 79.5, the mean (600 + 79)/7 = 97 is above it
    ({"response.correctness": 79}, 100.0, 79.5),
    # 80 is no flaw: the mean (600 + 80)/7 stands
    ({"response.correctness": 80}, 100.0, 97.142857),
    # wholly wrong: limit 40, the bottom of the band; the mean 600/7 = 85.7 is above it
    ({"response.correctness": 0}, 100.0, 40.0),
    # a red line, half way: limit 0 + 40·40/80 = 20
    ({"response.safety": 40}, 100.0, 20.0),
    # a red line without any hold: limit 0
    ({"response.safety": 0}, 100.0, 0.0),
    # plain but right: richness 40 limits to 80 + 10·40/80 = 85, below the mean 640/7 = 91.4
    ({"response.richness": 40}, 100.0, 85.0),
    # cold tone: humanization 40 limits to 90 + 10·40/80 = 95, above the mean 640/7 = 91.43, which stands
    ({"response.humanization": 40}, 100.0, 91.428571),
    # bands are no floors: five flaws at 0 leave a mean of 200/7, below the bands' 40
    (
        {
            "response.richness": 0,
            "response.readability": 0,
            "response.comprehensiveness": 0,
            "response.relevance": 0,
            "response.correctness": 0,
        },
        100.0,
        28.571429,
    ),
    # the sides are apart: an instruction that cannot be done (limit 80·20/80 = 20) leaves the response alone
    ({"instruction.feasibility": 20}, 20.0, 100.0),
]


@pytest.mark.parametrize(("changed", "instruction", "response"), WORKED)
def test_worked_examples_of_the_coachlm_caps(
    changed: dict[str, float], instruction: float, response: float
) -> None:
    assert side_scores(COACHLM, {**ALL_100, **changed}) == {"instruction": instruction, "response": response}


scores_100 = st.integers(0, 100).map(float)


@given(st.data(), st.sampled_from(COACHLM.criteria))
def test_a_worse_criterion_never_raises_a_side(data: st.DataObject, criterion: object) -> None:
    before = {one.key: data.draw(scores_100) for one in COACHLM.criteria}
    key = criterion.key  # type: ignore[attr-defined]
    after = {**before, key: float(data.draw(st.integers(0, int(before[key]))))}
    old, new = side_scores(COACHLM, before), side_scores(COACHLM, after)
    assert all(new[side] <= old[side] for side in COACHLM.sides)


@given(st.fixed_dictionaries({one.key: scores_100 for one in COACHLM.criteria}))
def test_no_flaw_lets_a_side_leave_its_band_upwards(scores: dict[str, float]) -> None:
    sides = side_scores(COACHLM, scores)
    for criterion in COACHLM.criteria:
        assert criterion.cap is not None
        if scores[criterion.key] < 80:
            assert sides[criterion.side] <= criterion.cap[1]


def test_a_side_with_a_missing_criterion_has_no_score() -> None:
    scores = {key: score for key, score in ALL_100.items() if key != "response.safety"}
    assert side_scores(COACHLM, scores) == {"instruction": 100.0}


def test_without_caps_a_side_is_the_mean() -> None:
    elpa = load_criteria("elpa")
    scores = {"record.validity": 5.0, "record.estimated_readiness": 2.0, "explanation.explanation": 1.0}
    assert side_scores(elpa, scores) == {"record": 3.5, "explanation": 1.0}


@given(st.floats(0, 5), st.lists(st.integers(1, 49), unique=True, max_size=5))
def test_bins_partition_the_scale(score: float, tenths: list[int]) -> None:
    """Every score lies in exactly one bin; a bin holds its lower edge, only the last its upper one."""
    edges = [0.0, *sorted(tenth / 10 for tenth in tenths), 5.0]
    holding = [
        index
        for index in range(len(edges) - 1)
        if edges[index] <= score < edges[index + 1] or (score == 5 and index == len(edges) - 2)
    ]
    assert holding == [bin_of(score, edges)]


@pytest.mark.parametrize(
    ("score", "number"), [(0, 0), (3.49, 0), (3.5, 1), (4, 2), (4.49, 2), (4.5, 3), (5, 3)]
)
def test_edges_belong_to_the_bin_above(score: float, number: int) -> None:
    assert bin_of(score, [0, 3.5, 4, 4.5, 5]) == number


def test_a_set_of_ones_own_is_a_yaml_file(tmp_path: Path) -> None:
    own = load_criteria(written(tmp_path, OWN))
    assert own.score_keys == ("response", "response.tone")
    assert own.scale == Scale(low=1, high=5, step=1)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "    side: response",
            "    side: answer",
            "own.yaml:6: 'criteria[0].side' is 'answer'; it must be 'instruction', ",
        ),
        ("question:", "asks:", "own.yaml:7: unknown key 'criteria[0].asks'"),
        ("low: 1, high: 5", "low: 5, high: 5", "own.yaml:2: 'scale': low (5) must be below high (5)"),
        (
            "low: 1, high: 5",
            "low: 1, high: 5, step: 3",
            "own.yaml:2: 'scale': step 3 does not lead from 1 to 5",
        ),
        ("high_from: 4", "high_from: 6", "own.yaml: high_from 6 must lie above 1 and not above 5"),
        (
            "high_from: 4",
            "high_from: 4\nbins: [3, 2]",
            "own.yaml: bins [3.0, 2.0] must go up, between 1 and 5",
        ),
        (
            "    question",
            "    anchors: {7: fine}\n    question",
            "own.yaml: criterion 'response.tone' explains the score 7, which is not on the scale",
        ),
        (
            "    question",
            "    cap: [1, 3]\n    question",
            "own.yaml: criterion 'response.tone' has a cap, which needs combine: caps",
        ),
        (
            "    question",
            "    cap: [3, 3]\n    question",
            "own.yaml:4: 'criteria[0]': the cap's low (3) must be below its high (3)",
        ),
        (
            "high_from: 4",
            "high_from: 4\ncombine: caps",
            "own.yaml: combine: caps and flaw_below go together; give both or neither",
        ),
        ("name: tone", "name: Tone!", "own.yaml:5: 'criteria[0].name' is 'Tone!'; it must be"),
    ],
)
def test_mistakes_in_a_set_are_named_with_their_line(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    assert old in OWN
    with pytest.raises(RecipeError) as caught:
        load_criteria(written(tmp_path, OWN.replace(old, new, 1)))
    assert sentence in str(caught.value)


def test_two_criteria_of_one_side_cannot_share_a_name(tmp_path: Path) -> None:
    twice = OWN + OWN[OWN.index("  - name") :]
    with pytest.raises(RecipeError, match="two criteria of the response are called 'tone'"):
        load_criteria(written(tmp_path, twice))


def test_a_name_that_is_no_set_and_no_file_says_which_sets_there_are() -> None:
    with pytest.raises(RecipeError, match="'acuracy': neither one of accuracy, coachlm, elpa nor a file"):
        load_criteria("acuracy")


def tokens(*parts: tuple[str, dict[str, float]]) -> list[TokenLogprob]:
    from math import log

    return [TokenLogprob(text, 0.0, tuple((t, log(p)) for t, p in top.items())) for text, top in parts]


ALLOWED = {"0": 0.0, "1": 1.0, "2": 2.0, "3": 3.0, "4": 4.0, "5": 5.0}


def test_the_expected_score_is_the_mean_over_the_scores_tokens() -> None:
    """.5·4 + .3·5 + .1·3 over a mass of .9 = 3.8/.9; the variance is (.5·16 + .3·25 + .1·9)/.9 − mean²."""
    reply = tokens(('{"score": ', {}), ("4", {"4": 0.5, "5": 0.3, "3": 0.1, "x": 0.1}), ("}", {}))
    found = expected_score(reply, 10, ALLOWED)
    assert found is not None
    assert found.score == pytest.approx(4.2222, abs=1e-4)
    assert found.spread == pytest.approx(0.6285, abs=1e-4)
    assert found.mass == pytest.approx(0.9)


def test_tokens_that_differ_in_white_space_count_together() -> None:
    reply = tokens(('{"score":', {}), (" 4", {" 4": 0.5, "4": 0.25, " 2": 0.25}), ("}", {}))
    found = expected_score(reply, 10, ALLOWED)
    assert found == Expected(pytest.approx(3.5), pytest.approx(0.8660, abs=1e-4), pytest.approx(1.0))


def test_what_the_token_carries_before_the_digit_must_be_in_the_alternatives() -> None:
    reply = tokens(('{"score"', {}), (":4", {":4": 0.5, ":2": 0.25, "3": 0.25}), ("}", {}))
    found = expected_score(reply, 9, ALLOWED)
    assert found == Expected(pytest.approx(10 / 3), pytest.approx(0.9428, abs=1e-4), pytest.approx(0.75))


def test_a_token_with_more_after_the_digit_gives_no_expected_score() -> None:
    assert expected_score(tokens(('{"score": ', {}), ("4}", {"4}": 1.0})), 10, ALLOWED) is None


def test_a_place_that_no_token_covers_gives_no_expected_score() -> None:
    assert expected_score(tokens(("4", {"4": 1.0})), 7, ALLOWED) is None


@given(st.lists(st.floats(1e-6, 1.0), min_size=6, max_size=6))
def test_the_expected_score_lies_within_the_scale(weights: list[float]) -> None:
    shares = {str(score): weight / sum(weights) for score, weight in enumerate(weights)}
    found = expected_score(tokens(("3", shares)), 0, ALLOWED)
    assert found is not None
    assert 0 <= found.score <= 5
    assert 0 <= found.spread <= 2.5 + 1e-9  # half the scale, for all weight on its ends
    assert found.mass == pytest.approx(1.0)


@given(st.floats(-3.0, 1e-7), st.floats(-30.0, -3.0), st.sampled_from("012345"))
def test_the_expected_score_never_leaves_the_scores_it_is_a_mean_of(
    likely: float, unlikely: float, digit: str
) -> None:
    """In floats 5·p/p can be above 5, which no bin holds."""
    alone = expected_score([TokenLogprob(digit, likely)], 0, ALLOWED)
    assert alone is not None
    assert alone.score == float(digit)
    both = expected_score([TokenLogprob("5", likely, (("5", likely), ("4", unlikely)))], 0, ALLOWED)
    assert both is not None
    assert 4 <= both.score <= 5
    assert both.score == round(both.score, 6)


@pytest.mark.parametrize("hostile", [1000.0, 0.001, float("nan"), float("inf"), None])
def test_a_log_probability_that_is_none_gives_no_expected_score(hostile: float) -> None:
    """None is how the journal gives back what JSON cannot hold."""
    assert expected_score([TokenLogprob("4", hostile)], 0, ALLOWED) is None
    assert expected_score([TokenLogprob("4", -0.5, (("4", -0.5), ("5", hostile)))], 0, ALLOWED) is None


def test_a_token_that_was_impossible_has_no_weight() -> None:
    reply = [TokenLogprob("4", 0.0, (("4", 0.0), ("5", float("-inf"))))]
    assert expected_score(reply, 0, ALLOWED) == Expected(4.0, 0.0, 1.0)


@given(st.integers(0, 10))
def test_scores_on_the_grid_are_exact(index: int) -> None:
    scale = Scale(low=0, high=5, step=0.5)
    assert scale.nearest(index / 2 + 1e-12) == index / 2
    assert scale.nearest(index / 2 + 0.1) is None


def test_sets_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        COACHLM.name = "other"  # type: ignore[misc]
    assert isinstance(COACHLM, CriteriaSet)
