"""Whether comparisons give strengths at all: what `bradley_terry` refuses, and who is to blame for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tunewright.errors import DataError

if TYPE_CHECKING:
    from tunewright.evaluate.bradley_terry import Game


def refuse_groups(names: Sequence[str], games: Sequence[Game], where: str) -> None:
    """DataError for a system against itself, groups that never met, and a group that won every comparison
    with the rest; a tie connects both ways."""
    if any(game.first == game.second for game in games):
        same = next(game.first for game in games if game.first == game.second)
        raise DataError(f"{where}: {same!r} is compared with itself; leave such rows out")
    met: dict[str, set[str]] = {name: set() for name in names}
    beaten: dict[str, set[str]] = {name: set() for name in names}  # beaten or tied with
    for game in games:
        met[game.first].add(game.second)
        met[game.second].add(game.first)
        if game.winner != "second":
            beaten[game.first].add(game.second)
        if game.winner != "first":
            beaten[game.second].add(game.first)
    together = _reached(names[0], met)
    if len(together) < len(names):
        raise DataError(
            f"{where}: {_group(together)} and {_group(set(names) - together)} were never compared with each "
            "other, so their strengths are on no common scale; add comparisons between the groups or rank "
            "each alone"
        )
    for name in names:
        below = _reached(name, beaten)
        if len(below) < len(names):
            raise DataError(
                f"{where}: {_group(set(names) - below)} won every comparison with {_group(below)}, so the "
                "gap between them has no finite estimate; give the win rates, or add comparisons"
            )


def refuse_endless_ties(names: Sequence[str], games: Sequence[Game], where: str) -> None:
    """Ties need enough wins beside them, or ν and the strengths grow without end: one win and five ties of
    two systems are fitted ever better by ever stronger ones.

    Scaled to log ν = 1, endless growth is possible where log strengths exist with a gap of 2 or more for each
    win and of 2 or less for each tie. Such constraints on differences can be met just when no cycle of them
    has a negative sum, wins counting −2 and ties 2 (Bellman 1958): no cycle with more wins than ties.
    """
    bound: dict[tuple[str, str], int] = {}  # (i, j): log strength j − log strength i is at most this
    for game in games:
        first, second = game.first, game.second
        if game.winner == "tie":
            for pair in ((first, second), (second, first)):
                bound[pair] = min(2, bound.get(pair, 2))
        else:
            bound[(first, second) if game.winner == "first" else (second, first)] = -2
    if all(game.winner != "tie" for game in games):
        return
    least = dict.fromkeys(names, 0)
    for _ in names:
        changed = False
        for (above, below), most in bound.items():
            if least[above] + most < least[below]:
                least[below] = least[above] + most
                changed = True
        if not changed:
            raise DataError(
                f"{where}: too few decided comparisons beside the ties: strengths have no finite estimate; "
                "give the win rates, or add comparisons"
            )


def _reached(start: str, edges: dict[str, set[str]]) -> set[str]:
    seen, waiting = {start}, [start]
    while waiting:
        for other in edges[waiting.pop()] - seen:
            seen.add(other)
            waiting.append(other)
    return seen


def _group(names: Iterable[str]) -> str:
    listed = sorted(names)
    return "{" + ", ".join(listed[:8]) + (", …" if len(listed) > 8 else "") + "}"
