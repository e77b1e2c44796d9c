"""Published judge outputs give the published numbers; skipped where the data are not at hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tunewright.evaluate.winrate.files import read_annotations
from tunewright.evaluate.winrate.human_labels import (
    agreement,
    majority,
    read_labelled_pairs,
    read_predictions,
    read_two_order_reviews,
)
from tunewright.evaluate.winrate.join import JoinBy
from tunewright.evaluate.winrate.preference import Annotation, MergeRule, turned
from tunewright.evaluate.winrate.rates import rates
from tunewright.evaluate.winrate.summary import LengthControl, controlled_rate
from tunewright.evaluate.winrate.tables import (
    read_difficulties,
    read_gamed,
    read_leaderboard,
    read_weights,
)

EVAL = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "eval"
ALPACA = EVAL / "alpaca_eval_2"
pytestmark = pytest.mark.skipif(not EVAL.is_dir(), reason="the published judge outputs are not at hand")
# Two files lack rows, so the published join by position shifts them; the other four of the six are not here.
SHORT = {"phi-2", "alpaca-7b_concise"}
# Its published weights are not those of its published rate; a refit gives the rate (see below).
OTHER_WEIGHTS = {"NullModel"}


@pytest.fixture(scope="module")
def models() -> dict[str, list[Annotation]]:
    found: dict[str, list[Annotation]] = {}
    for one in read_annotations(ALPACA / "annotations.csv.gz"):
        found.setdefault(one.generator_2, []).append(one)
    return found


def test_win_rates_of_28_models_are_the_published_ones(models: dict[str, list[Annotation]]) -> None:
    published = read_leaderboard(ALPACA / "published_leaderboard.csv")
    assert len(models) == 28
    for name, its in models.items():
        found, known = rates(its), published[name]
        assert found.win_rate == pytest.approx(known["win_rate"], abs=1e-6), name
        assert found.standard_error == pytest.approx(known["standard_error"], abs=1e-6), name
        assert found.discrete_win_rate == pytest.approx(known["discrete_win_rate"], abs=1e-6), name
        counts = (found.num_wins, found.num_losses, found.num_draws, found.num_judged)
        assert counts == tuple(known[c] for c in ("n_wins", "n_wins_base", "n_draws", "n_total")), name


def test_published_weights_give_the_published_rates_at_equal_length(
    models: dict[str, list[Annotation]],
) -> None:
    """By position for all but one, whose weights are of another fit; by instruction only the short files
    differ: by 0.0007 and 0.011 points."""
    published = read_leaderboard(ALPACA / "published_leaderboard.csv")
    gamma = read_difficulties(ALPACA / "instruction_difficulty_recovered.csv")
    weights = read_weights(ALPACA / "published_glm_weights.csv")
    gaps = {}
    for name, its in models.items():
        known = published[name]
        by_position = LengthControl(difficulties=gamma, weights=weights, by=JoinBy.POSITION)
        found = controlled_rate(its, by_position)
        if name not in OTHER_WEIGHTS:
            assert found.win_rate == pytest.approx(known["length_controlled_winrate"], abs=1e-6), name
            if known["lc_standard_error"] is not None:
                assert found.standard_error == pytest.approx(known["lc_standard_error"], abs=1e-6), name
        by_instruction = controlled_rate(its, LengthControl(difficulties=gamma, weights=weights))
        gaps[name] = by_instruction.win_rate - known["length_controlled_winrate"]
    assert {name for name, gap in gaps.items() if abs(gap) > 1e-6} == SHORT | OTHER_WEIGHTS
    assert gaps["phi-2"] == pytest.approx(-0.0108, abs=1e-4)
    assert gaps["NullModel"] == pytest.approx(-0.1328, abs=1e-4)


@pytest.mark.parametrize("name", ["NullModel", "phi-2", "gemma-7b-it"])
def test_a_refit_is_within_a_fifth_of_a_point(models: dict[str, list[Annotation]], name: str) -> None:
    """All 28 are in benchmarks/alpaca_eval_replay.py."""
    published = read_leaderboard(ALPACA / "published_leaderboard.csv")[name]
    gamma = read_difficulties(ALPACA / "instruction_difficulty_recovered.csv")
    gamed = read_gamed(ALPACA / "df_gamed_equivalent.csv")
    control = LengthControl(difficulties=gamma, gamed=gamed, by=JoinBy.POSITION)
    found = controlled_rate(models[name], control)
    assert found.win_rate == pytest.approx(published["length_controlled_winrate"], abs=0.2)


def test_phi_2_by_instruction_is_half_a_point_lower(models: dict[str, list[Annotation]]) -> None:
    """Its difficulties are then its own, and count twice as much: the weight grows from 0.46 to 0.86."""
    control = LengthControl(
        difficulties=read_difficulties(ALPACA / "instruction_difficulty_recovered.csv"),
        gamed=read_gamed(ALPACA / "df_gamed_equivalent.csv"),
    )
    found = controlled_rate(models["phi-2"], control)
    assert found.win_rate == pytest.approx(4.3987 - 0.505, abs=0.05)
    assert found.weights.difficulty == pytest.approx(0.863, abs=0.02)


def test_pandalms_labels_and_its_judges_agreement() -> None:
    pairs = read_labelled_pairs(EVAL / "pandalm" / "testset-v1.json")
    assert len(pairs) == 999
    labels = [majority(pair.labels) for pair in pairs]
    assert Counter(labels) == {0: 105, 1: 422, 2: 472}
    said = read_predictions(EVAL / "pandalm" / "pandalm-7b-testset-v1.json")
    found = agreement(labels, [said[pair.number] for pair in pairs])
    assert (round(found.accuracy, 3), round(found.macro_f1, 3)) == (0.668, 0.574)
    booleans = [pair.number for pair in pairs if "true" in (pair.response_1, pair.response_2)]
    assert booleans == [157, 158, 159, 161, 162, 164]


def test_reviews_in_both_orders_are_merged_as_published() -> None:
    """Wins of answer 1, ties, losses: 85, 36, 59 where a win and a tie are a win; 77, 48, 55 where both
    orders must name the winner."""
    path = EVAL / "two_order_reviews" / "koala.json"
    found = rates([turned(one) for one in read_two_order_reviews(path)])
    assert (found.num_wins, found.num_draws, found.num_losses, found.num_dropped) == (85, 36, 59, 0)
    strict = rates([turned(one) for one in read_two_order_reviews(path, rule=MergeRule.BOTH)])
    assert (strict.num_wins, strict.num_draws, strict.num_losses) == (77, 48, 55)
