"""Bradley–Terry with ties: by hand, recovered from simulated games, refusals with names."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tunewright.errors import DataError
from tunewright.evaluate.bradley_terry import Game, bradley_terry

Winner = Literal["first", "second", "tie"]
WINNERS: tuple[Winner, ...] = ("first", "second", "tie")
OUTCOMES = [Game(*pair, winner) for pair in (("a", "b"), ("b", "c"), ("a", "c")) for winner in WINNERS]


def games(first: str, second: str, won: int, tied: int, lost: int) -> list[Game]:
    counts: list[tuple[Winner, int]] = [("first", won), ("tie", tied), ("second", lost)]
    return [Game(first, second, winner) for winner, count in counts for _ in range(count)]


def simulated(rng: np.random.Generator, num: int, *, clusters: int = 0) -> list[Game]:
    """Log strengths a 0, b .5, c 1.2 and ν = .8; with clusters, games of one cluster have one outcome."""
    true, tie = {"a": 0.0, "b": 0.5, "c": 1.2}, 0.8
    pairs = [("a", "b"), ("b", "c"), ("a", "c")]
    winners: tuple[Winner, ...] = ("first", "tie", "second")
    found: list[Game] = []
    drawn: dict[tuple[int, int], Winner] = {}
    for number in range(num):
        cluster, pair = (number // 3 % clusters if clusters else number), number % 3
        if (cluster, pair) not in drawn:
            first, second = pairs[pair]
            gap = math.exp((true[first] - true[second]) / 2)
            chances = np.array([gap, tie, 1 / gap])
            drawn[cluster, pair] = winners[rng.choice(3, p=chances / chances.sum())]
        found.append(Game(*pairs[pair], drawn[cluster, pair], str(cluster) if clusters else ""))
    return found


def test_two_systems_without_ties_have_the_log_odds() -> None:
    """30 : 10 is log 3 apart, with variance 1/30 + 1/10."""
    ranking = bradley_terry(games("a", "b", 30, 0, 10))
    gap, interval = ranking.difference("a", "b")
    assert gap == pytest.approx(math.log(3))
    assert (ranking.tie, ranking.num_games) == (0.0, 40)
    # the robust variance has n/(n−1): 40/39 of 2/15; Student's point for 39 degrees of freedom
    assert (interval.high - gap) / 2.022691 == pytest.approx(math.sqrt(2 / 15 * 40 / 39), rel=1e-5)


def test_two_systems_with_ties_have_davidsons_closed_form() -> None:
    """Shares are fitted exactly: π₁/π₂ = 40/10, ν = 20/√(40·10) = 1."""
    ranking = bradley_terry(games("a", "b", 40, 20, 10))
    assert ranking.difference("a", "b")[0] == pytest.approx(math.log(4))
    assert ranking.tie == pytest.approx(1.0)
    assert ranking.strengths[0].win_rate == pytest.approx((40 + 10) / 70)


def test_a_balanced_tournament_is_ranked_as_by_win_rate() -> None:
    rows = games("a", "b", 6, 3, 1) + games("b", "c", 5, 3, 2) + games("a", "c", 7, 1, 2)
    names = [strength.name for strength in bradley_terry(rows).strengths]
    assert names == ["a", "b", "c"]


def test_turning_every_game_round_changes_nothing() -> None:
    rows = games("a", "b", 6, 3, 1) + games("b", "c", 5, 3, 2)
    other: dict[str, Winner] = {"first": "second", "second": "first", "tie": "tie"}
    turned = [Game(game.second, game.first, other[game.winner]) for game in rows]
    before, after = bradley_terry(rows), bradley_terry(turned)
    assert [s.log_strength for s in before.strengths] == pytest.approx(
        [s.log_strength for s in after.strengths]
    )


def test_simulated_strengths_are_found_again() -> None:
    ranking = bradley_terry(simulated(np.random.default_rng(1), 12_000))
    assert [strength.name for strength in ranking.strengths] == ["c", "b", "a"]
    assert ranking.difference("c", "a")[0] == pytest.approx(1.2, abs=0.1)
    assert ranking.tie == pytest.approx(0.8, abs=0.05)


def test_intervals_cover_with_and_without_clusters() -> None:
    """120 studies of 100 prompts; with three equal ratings each, plain intervals would cover some 74 %."""
    for clusters in (0, 100):
        rng = np.random.default_rng(2)
        covered = 0
        for _ in range(120):
            ranking = bradley_terry(simulated(rng, 900 if clusters else 300, clusters=clusters))
            _, interval = ranking.difference("c", "a")
            covered += interval.low <= 1.2 <= interval.high
        assert covered / 120 >= 0.87, (clusters, covered)


def test_groups_that_never_met_are_named() -> None:
    with pytest.raises(DataError, match=r"\{a, b\} and \{c, d\} were never compared"):
        bradley_terry(games("a", "b", 3, 1, 2) + games("c", "d", 1, 1, 1))


def test_a_group_that_always_wins_is_named() -> None:
    with pytest.raises(DataError, match=r"\{a\} won every comparison with \{b, c\}"):
        bradley_terry(games("a", "b", 3, 0, 0) + games("a", "c", 2, 0, 0) + games("b", "c", 1, 1, 1))


def test_a_tie_connects_where_wins_outnumber_ties_in_a_circle() -> None:
    rows = games("a", "b", 3, 0, 0) + games("b", "c", 3, 0, 0) + games("a", "c", 0, 1, 0)
    assert [strength.name for strength in bradley_terry(rows).strengths] == ["a", "b", "c"]


@pytest.mark.parametrize(("wins", "ties"), [(0, 5), (1, 5), (9, 1)])
def test_ties_without_a_loss_have_no_finite_strengths(wins: int, ties: int) -> None:
    """With x = √(πa/πb), wins : ties : losses = x : ν : 1/x, so no loss at all asks for x → ∞."""
    with pytest.raises(DataError, match="too few decided comparisons beside the ties"):
        bradley_terry(games("a", "b", wins, ties, 0))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=8))
def test_strengths_are_given_just_where_the_likelihood_has_a_maximum(rows: list[Game]) -> None:
    """It has none when some direction raises or keeps the score of every outcome seen: a linear program."""
    played = [*rows, *rows]  # two clusters or more
    names = sorted({name for game in played for name in (game.first, game.second)})
    constraints = []
    for game in rows:
        half = np.zeros(len(names) + 1)
        half[names.index(game.first)], half[names.index(game.second)] = 0.5, -0.5
        tie = np.eye(len(names) + 1)[-1]
        if all(one.winner != "tie" for one in rows):
            constraints += [half if game.winner == "first" else -half]
        else:
            seen = {"first": half, "tie": tie, "second": -half}
            constraints += [seen[game.winner] - other for name, other in seen.items() if name != game.winner]
    rises = -np.array(constraints)
    found = linprog(
        rises.sum(axis=0),
        A_ub=np.vstack([rises, -rises]),
        b_ub=[0.0] * len(rises) + [1.0] * len(rises),
        bounds=(None, None),
    )
    connected = np.linalg.matrix_rank(rises) == len(names) - all(one.winner != "tie" for one in rows)
    try:
        bradley_terry(played)
        assert connected
        assert found.fun > -1e-9
    except DataError:
        assert not connected or found.fun < -1e-9


def test_one_prompt_has_no_interval_and_says_so() -> None:
    with pytest.raises(DataError, match="all comparisons are of one prompt"):
        bradley_terry([Game("a", "b", "first", "p"), Game("a", "b", "second", "p")])


def test_no_game_and_a_game_with_oneself_are_errors() -> None:
    with pytest.raises(DataError, match="no comparison"):
        bradley_terry([])
    with pytest.raises(DataError, match="compared with itself"):
        bradley_terry(games("a", "a", 1, 0, 0))
