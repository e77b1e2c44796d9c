"""Strengths of systems from paired comparisons with ties: Davidson's form of the Bradley–Terry model.

P(i beats j) : P(tie) : P(j beats i) = πᵢ : ν√(πᵢπⱼ) : πⱼ  (Davidson 1970). Of the two usual forms, Rao and
Kupper's (1967) has a threshold below which raters see no difference; Davidson's is taken here because its
sufficient statistic is wins plus half the ties, the very number the win rate counts, so that a balanced
comparison ranks alike by both, and because its log-likelihood is concave, so the maximum is found and is the
only one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tunewright.errors import DataError
from tunewright.evaluate.finite_strengths import refuse_endless_ties, refuse_groups
from tunewright.rate.agreement.resample import student_point
from tunewright.rate.summary import Interval

Floats = NDArray[np.float64]
_STEPS = 200
_CLOSE = 1e-10


@dataclass(frozen=True, slots=True)
class Game:
    """One comparison; `cluster` names what belongs together, such as the prompt."""

    first: str
    second: str
    winner: Literal["first", "second", "tie"]
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class Strength:
    """`log_strength` is log π, centred so that the systems' mean is 0; `win_rate` is the model's chance to
    beat the average of the other systems, ties counted half."""

    name: str
    log_strength: float
    interval: Interval
    win_rate: float
    num_games: int
    num_wins: int
    num_ties: int


@dataclass(frozen=True, slots=True)
class Ranking:
    """Systems from the strongest to the weakest. `tie` is ν: 0 without ties, 2 where equals tie half the
    time.
    """

    strengths: tuple[Strength, ...]
    tie: float
    num_games: int
    num_clusters: int
    covariance: tuple[tuple[float, ...], ...]  # of the log strengths, in the order of `strengths`

    def difference(self, first: str, second: str) -> tuple[float, Interval]:
        """The difference of two log strengths with its interval, which two separate intervals do not give."""
        names = [strength.name for strength in self.strengths]
        i, j = names.index(first), names.index(second)
        gap = self.strengths[i].log_strength - self.strengths[j].log_strength
        variance = self.covariance[i][i] + self.covariance[j][j] - 2 * self.covariance[i][j]
        half = student_point(self.num_clusters - 1) * math.sqrt(max(0.0, variance))
        return gap, Interval(gap - half, gap + half)


def bradley_terry(games: Iterable[Game], *, where: str = "the comparisons") -> Ranking:
    """Maximum-likelihood strengths with cluster-robust 95 % intervals.

    The intervals are from the sandwich covariance over clusters (a game without cluster is its own), so
    several raters of one prompt do not count as independent, with Student's points for clusters − 1.
    DataError when there is no game or one cluster only, when the systems fall into groups that were never
    compared, when one group wins every game against the rest (Ford 1957), or when ties leave no finite
    strengths (`finite_strengths`).
    """
    played = list(games)
    if not played:
        raise DataError(f"{where}: no comparison; Bradley–Terry needs some")
    names = sorted({name for game in played for name in (game.first, game.second)})
    refuse_groups(names, played, where)
    refuse_endless_ties(names, played, where)
    place = {name: number for number, name in enumerate(names)}
    first = np.array([place[game.first] for game in played])
    second = np.array([place[game.second] for game in played])
    score = np.array([{"first": 1.0, "tie": 0.5, "second": 0.0}[game.winner] for game in played])
    tied = score == 0.5
    clusters = {name: number for number, name in enumerate(dict.fromkeys(_cluster_names(played)))}
    if len(clusters) < 2:
        raise DataError(f"{where}: all comparisons are of one prompt, which says nothing about others")
    cluster = np.array([clusters[name] for name in _cluster_names(played)])

    design = np.zeros((len(played), len(names) + 1))  # log strengths, then log ν
    rows = np.arange(len(played))
    design[rows, first] += 1
    design[rows, second] -= 1
    free = [*range(1, len(names)), *([len(names)] if tied.any() else [])]  # the first system is held at 0
    values = np.zeros(len(names) + 1)
    values[-1] = 0.0 if tied.any() else -math.inf
    hessian = _maximise(values, free, design, score, tied)

    gradients = _gradients(values, design, score, tied)[:, free]
    summed = np.zeros((len(clusters), len(free)))
    np.add.at(summed, cluster, gradients)
    bread = np.linalg.inv(hessian)
    spare = len(clusters) / (len(clusters) - 1)
    covariance = np.zeros((len(names), len(names)))
    inner = spare * bread @ (summed.T @ summed) @ bread
    covariance[1:, 1:] = inner[: len(names) - 1, : len(names) - 1]
    centre = np.eye(len(names)) - 1 / len(names)
    logs, covariance = centre @ values[:-1], centre @ covariance @ centre
    half = student_point(len(clusters) - 1) * np.sqrt(np.maximum(0.0, np.diag(covariance)))
    tie = math.exp(values[-1])
    order = sorted(range(len(names)), key=lambda number: (-logs[number], names[number]))
    return Ranking(
        strengths=tuple(_strength(number, names, logs, half, tie, first, second, score) for number in order),
        tie=tie,
        num_games=len(played),
        num_clusters=len(clusters),
        covariance=tuple(tuple(covariance[i, order].tolist()) for i in order),
    )


def _chances(values: Floats, design: Floats) -> tuple[Floats, Floats]:
    """P(first wins) and P(tie) of every game."""
    half = design[:, :-1] @ values[:-1] / 2  # half the log odds
    tie = np.full(len(half), values[-1])
    most = np.maximum(np.abs(half), tie)
    win, draw, loss = np.exp(half - most), np.exp(tie - most), np.exp(-half - most)
    total = win + draw + loss
    return win / total, draw / total


def _gradients(values: Floats, design: Floats, score: Floats, tied: NDArray[np.bool_]) -> Floats:
    win, draw = _chances(values, design)
    gradients = design * (score - win - draw / 2)[:, None]
    gradients[:, -1] = tied - draw
    return gradients


def _maximise(
    values: Floats, free: Sequence[int], design: Floats, score: Floats, tied: NDArray[np.bool_]
) -> Floats:
    """Newton's method with halved steps where a full one goes too far; `values` are changed in place.
    Comes back with the negative Hessian of the free ones."""

    def log_likelihood(trial: Floats) -> float:
        win, draw = _chances(trial, design)
        chance = np.where(tied, draw, np.where(score == 1, win, 1 - win - draw))
        return float(np.log(np.maximum(chance, 1e-300)).sum())

    for _ in range(_STEPS):
        gradient = _gradients(values, design, score, tied)[:, free].sum(axis=0)
        hessian = _information(values, design)[np.ix_(free, free)]
        if np.abs(gradient).max() <= _CLOSE * len(score):
            return hessian
        step = np.linalg.solve(hessian, gradient)
        now, size = log_likelihood(values), 1.0
        while size > 1e-8:
            trial = values.copy()
            trial[list(free)] += size * step
            if log_likelihood(trial) >= now - 1e-9:
                break
            size /= 2
        values[list(free)] += size * step
    raise AssertionError("a concave likelihood with a finite maximum is found in fewer steps")


def _information(values: Floats, design: Floats) -> Floats:
    win, draw = _chances(values, design)
    mean = win + draw / 2
    spread = win + draw / 4 - mean**2
    strengths = design[:, :-1]
    information = np.zeros((design.shape[1], design.shape[1]))
    information[:-1, :-1] = strengths.T @ (strengths * spread[:, None])
    information[-1, -1] = (draw * (1 - draw)).sum()
    information[:-1, -1] = information[-1, :-1] = strengths.T @ (draw / 2 - mean * draw)
    return information


def _strength(
    number: int,
    names: Sequence[str],
    logs: Floats,
    half: Floats,
    tie: float,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    score: Floats,
) -> Strength:
    own = (first == number) | (second == number)
    won = ((first == number) & (score == 1)) | ((second == number) & (score == 0))
    rates = []
    for other in range(len(names)):
        if other != number:
            gap = (logs[number] - logs[other]) / 2
            win, draw, loss = math.exp(gap), tie, math.exp(-gap)
            rates.append((win + draw / 2) / (win + draw + loss))
    return Strength(
        name=names[number],
        log_strength=float(logs[number]),
        interval=Interval(float(logs[number] - half[number]), float(logs[number] + half[number])),
        win_rate=math.fsum(rates) / len(rates),
        num_games=int(own.sum()),
        num_wins=int(won.sum()),
        num_ties=int((own & (score == 0.5)).sum()),
    )


def _cluster_names(games: Sequence[Game]) -> list[tuple[str, int]]:
    """A game without a cluster is its own."""
    return [(game.cluster, -1) if game.cluster else ("", number) for number, game in enumerate(games)]
