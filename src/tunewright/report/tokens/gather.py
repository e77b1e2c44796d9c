"""What several tuned arms said about the same tokens, read from their folders.

The seeds of an arm are averaged, token by token: colour is for looking, and one seed's noise is not worth
looking at. The tables behind the sentences keep the seeds apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tunewright.errors import DataError, RunFolderError
from tunewright.evaluate.loss_tables import Arm, Table, read_losses
from tunewright.evaluate.losses import best_epoch, describe_losses
from tunewright.run.folder import read_manifest
from tunewright.tune.token_losses import FOLDER, WatchedExample, read_token_losses

GROUPS = {
    "instruction": ("instruction", "input"),
    "output": ("output",),
    "explanation": ("explanation",),
    "eos": ("eos",),
}


@dataclass(frozen=True, slots=True)
class State:
    """A moment of every arm: what it is called, and which epoch that is in each arm."""

    name: str
    epoch_of: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Piece:
    """One shown token; the byte tokens of one character are one piece, their losses added.

    `losses` holds nats by arm and state, None where nothing predicts the token; `weights` by arm.
    """

    text: str
    ids: tuple[int, ...]
    role: str
    weights: tuple[float, ...]
    losses: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """One example with its pieces."""

    set: str
    id: str
    num_tokens: int
    pieces: tuple[Piece, ...]
    rows: tuple[tuple[WatchedExample, ...], ...]  # by arm and state, seeds averaged


@dataclass(frozen=True, slots=True)
class Tokens:
    """All that the page is made of. `tables` are per-example mean losses, by group of roles."""

    arms: tuple[str, ...]
    seeds: Mapping[str, tuple[int, ...]]
    states: tuple[State, ...]
    examples: tuple[Shown, ...]
    tables: Mapping[str, Sequence[Table]]
    has_weights: bool

    @property
    def noun(self) -> str:
        """What the columns are: arms that were watched while they were tuned, or models measured now."""
        return "arm" if len(self.states) > 1 else "model"

    def table(self, group: str, arm: str, set_name: str, epoch: int) -> Table | None:
        """One table of a group, where it was measured."""
        for table in self.tables.get(group, ()):
            if (table.arm, table.set, table.epoch) == (arm, set_name, epoch):
                return table
        return None

    def sets(self) -> list[str]:
        """The measured sets, training rows first."""
        names = [table.set for tables in self.tables.values() for table in tables]
        names = list(dict.fromkeys([*names, *(example.set for example in self.examples)]))
        return sorted(names, key=lambda name: name != "train")


def gather(folders: Sequence[str | Path]) -> Tokens:
    """Read arms from their folders, or from folders of runs that hold some.

    `RunFolderError` for a folder without any; `DataError` when arms cannot be laid side by side.
    """
    arms = [arm for folder in folders for arm in find_arms(Path(folder))]
    _each_once(arms)
    names = tuple(dict.fromkeys(arm.name for arm in arms))  # what the others are held against is the first
    tables = _tables(arms)
    epochs = {name: _epochs([arm for arm in arms if arm.name == name]) for name in names}
    states = _states(epochs, tables.get("output", []))
    rows = {
        name: [_mean_rows([arm for arm in arms if arm.name == name], s.epoch_of[name]) for s in states]
        for name in names
    }
    return Tokens(
        arms=names,
        seeds={name: tuple(sorted(arm.seed for arm in arms if arm.name == name)) for name in names},
        states=states,
        examples=side_by_side(rows),
        tables=tables,
        has_weights=True,
    )


def find_arms(folder: Path) -> list[Arm]:
    """The finished arms with token losses in a folder: itself, or up to two folders down, in order."""
    if not folder.is_dir():
        raise RunFolderError(f"{folder} is no folder; give that of a 'tunewright tune' or of a run with arms")
    if (folder / FOLDER).is_dir():
        return [_arm(folder)]
    found = sorted({*folder.glob(f"*/{FOLDER}"), *folder.glob(f"*/*/{FOLDER}")})
    arms = [_arm(path.parent) for path in found if (path.parent / "manifest.json").exists()]
    arms.sort(key=lambda arm: arm.name != "it")
    if not arms:
        raise RunFolderError(
            f"{folder} holds no finished arm with {FOLDER}/epoch-N.jsonl; arms tuned by an earlier version "
            "have none, so tune them again, or give models with --model and --data"
        )
    return arms


def _arm(folder: Path) -> Arm:
    """Named by its folder where that ends in a seed, as those of a run do, else by its objective."""
    config = read_manifest(folder)["config"]
    named = re.fullmatch(r"(.+)-seed\d+", folder.resolve().name)
    return Arm(named[1] if named else str(config["objective"]), int(config["seed"]), folder)


def _each_once(arms: Sequence[Arm]) -> None:
    seen: dict[tuple[str, int], Path] = {}
    for arm in arms:
        if (arm.name, arm.seed) in seen:
            raise DataError(
                f"{seen[arm.name, arm.seed]} and {arm.folder} are both arm {arm.name}, seed {arm.seed}; "
                f"give one of them, or call the second folder by another name: NAME-seed{arm.seed}"
            )
        seen[arm.name, arm.seed] = arm.folder


def _epochs(arms: Sequence[Arm]) -> list[int]:
    """The epochs that all seeds of an arm have tokens of."""
    found = [
        {int(file.stem.removeprefix("epoch-")) for file in (arm.folder / FOLDER).glob("epoch-*.jsonl")}
        for arm in arms
    ]
    shared = sorted(set.intersection(*found))
    if not shared:
        raise RunFolderError(f"{arms[0].folder / FOLDER} holds no epoch that all seeds have; tune it again")
    return shared


def _tables(arms: Sequence[Arm]) -> dict[str, list[Table]]:
    found = {group: [t for t in read_losses(arms, group=group) if t.ids] for group in GROUPS}
    return {group: tables for group, tables in found.items() if tables}


def _states(epochs: Mapping[str, Sequence[int]], tables: Sequence[Table]) -> tuple[State, ...]:
    """Before, best and last; no `best` where nothing held out was measured, or where it is the last."""
    last = {name: found[-1] for name, found in epochs.items()}
    held = [table for table in tables if table.set != "train"]
    first = held[0].set if held else ""
    best = {
        name: best_known(name, [t for t in held if t.epoch in found], first) for name, found in epochs.items()
    }
    states = [State("before", {name: found[0] for name, found in epochs.items()})]
    known = {name: epoch for name, epoch in best.items() if epoch is not None}
    if len(known) == len(epochs) and known != last:
        states.append(State("best", known))
    states.append(State("last", last))
    return tuple(states) if any(len(found) > 1 for found in epochs.values()) else (states[-1],)


def best_known(arm: str, tables: Sequence[Table], heldout: str) -> int | None:
    """The arm's `best_epoch` on a held-out set; None where it was not measured after training began."""
    mine = [table for table in tables if (table.arm, table.set) == (arm, heldout) and table.epoch > 0]
    return best_epoch(list(map(describe_losses, mine)), arm=arm, set=heldout).epoch if mine else None


def _mean_rows(arms: Sequence[Arm], epoch: int) -> list[WatchedExample]:
    """The examples at one epoch, each token's loss averaged over the seeds."""
    by_seed = [read_token_losses(arm.folder / FOLDER / f"epoch-{epoch}.jsonl") for arm in arms]
    first = by_seed[0]
    for arm, rows in zip(arms, by_seed, strict=True):
        if [(row.set, row.id, row.ids) for row in rows] != [(row.set, row.id, row.ids) for row in first]:
            raise DataError(
                f"{arms[0].folder} and {arm.folder} kept the tokens of different examples; "
                "tune both on the same data with the same model and chat template"
            )
    return [_mean(rows) for rows in zip(*by_seed, strict=True)]


def _mean(rows: Sequence[WatchedExample]) -> WatchedExample:
    nll: Any = [
        None if None in values else float(np.mean(values))
        for values in zip(*(r.nll for r in rows), strict=True)
    ]
    first = rows[0]
    return WatchedExample(first.set, first.id, first.texts, first.ids, first.roles, first.weights, nll)


def side_by_side(rows: Mapping[str, Sequence[Sequence[WatchedExample]]]) -> tuple[Shown, ...]:
    """The examples that every arm has, in the first arm's order, token beside token. `rows`: arm → states.

    `DataError` when there is none, or when an example has other tokens in another arm.
    """
    by_key = {
        arm: [{(row.set, row.id): row for row in state} for state in states] for arm, states in rows.items()
    }
    states = [state for found in by_key.values() for state in found]
    shared = [key for key in states[0] if all(key in state for state in states)]
    if not shared:
        raise DataError(
            f"arms {', '.join(rows)} kept the tokens of different examples; tune them on the same data"
        )
    shown = []
    for key in shared:
        mine = tuple(tuple(state[key] for state in found) for found in by_key.values())
        for arm, found in zip(rows, mine, strict=True):
            if any(row.ids != mine[0][0].ids for row in found):
                raise DataError(
                    f"example {key[1]} has other tokens in {arm} than in {next(iter(rows))}: they have other "
                    "tokenizers or chat templates and cannot be laid side by side"
                )
        shown.append(Shown(*key, len(mine[0][0].ids), pieces_of(mine), mine))
    return tuple(shown)


def pieces_of(rows: Sequence[Sequence[WatchedExample]]) -> tuple[Piece, ...]:
    """The tokens of one example; one without text of its own (a later byte) joins the one before it."""
    first = rows[0][0]
    starts = [
        i for i, text in enumerate(first.texts) if i == 0 or text or first.roles[i] != first.roles[i - 1]
    ]
    return tuple(
        Piece(
            "".join(first.texts[start:end]),
            tuple(first.ids[start:end]),
            first.roles[start],
            tuple(states[0].weights[start] for states in rows),
            tuple(tuple(_sum(state.nll[start:end]) for state in states) for states in rows),
        )
        for start, end in zip(starts, [*starts[1:], len(first.texts)], strict=True)
    )


def _sum(losses: Sequence[float | None]) -> float | None:
    known = [loss for loss in losses if loss is not None]
    return sum(known) if known else None


def mean_loss(row: WatchedExample, group: str) -> float | None:
    """The example's mean loss over its tokens of a group, nats per token; None without any."""
    found = [nll for role, nll in zip(row.roles, row.nll, strict=True) if role in GROUPS[group]]
    known = [nll for nll in found if nll is not None]
    return float(np.mean(known)) if known else None
