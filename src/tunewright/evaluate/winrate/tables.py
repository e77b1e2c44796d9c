"""AlpacaEval's tables of numbers: leaderboards, difficulties, gamed rows and published weights."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tunewright.errors import DataError
from tunewright.evaluate.winrate.join import Difficulties
from tunewright.evaluate.winrate.length_controlled import Gamed, LengthControlled, Weights
from tunewright.evaluate.winrate.rates import Rates
from tunewright.evaluate.winrate.rows import count_of, number_of, read_rows
from tunewright.run.files import write_text_atomic

_WEIGHT_COLUMNS = ("np.tanh(std_delta_len)", "instruction_difficulty", "not_gamed_baseline.astype(float)")
LEADERBOARD_COLUMNS = (
    "win_rate",
    "standard_error",
    "n_wins",
    "n_wins_base",
    "n_draws",
    "n_total",
    "discrete_win_rate",
    "mode",
    "avg_length",
    "length_controlled_winrate",
    "lc_standard_error",
)


def read_leaderboard(path: str | Path) -> dict[str, dict[str, Any]]:
    """A leaderboard by model: numbers as floats, what is empty as None."""
    found = {}
    for number, row in enumerate(read_rows(path), start=1):
        name = row.pop("", None) or row.pop("model", None)
        if not name or "win_rate" not in row:
            raise DataError(f"{path}: row {number} is none of a leaderboard (a name and 'win_rate', …)")
        found[str(name)] = {
            column: value if column == "mode" else number_of(value, f"{path}: row {number}")
            for column, value in row.items()
        }
    return found


def write_leaderboard(
    rows: Sequence[tuple[Rates, LengthControlled | None]], path: str | Path, *, mode: str = "community"
) -> None:
    """AlpacaEval's CSV, best first (by the length-controlled win rate where all have one)."""
    by_length = all(lc is not None for _, lc in rows)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["", *LEADERBOARD_COLUMNS])
    for one, lc in sorted(
        rows, key=lambda row: -(row[1].win_rate if by_length and row[1] else row[0].win_rate)
    ):
        length = one.mean_length_chars
        writer.writerow(
            [
                one.generator,
                one.win_rate,
                one.standard_error,
                one.num_wins,
                one.num_losses,
                one.num_draws,
                one.num_judged,
                one.discrete_win_rate,
                mode,
                None if length is None else int(length),  # upstream cuts, it does not round
                None if lc is None else lc.win_rate,
                None if lc is None else lc.standard_error,
            ]
        )
    write_text_atomic(path, stream.getvalue())


def read_difficulties(path: str | Path) -> Difficulties:
    """γ by instruction: columns `index` and `instruction_difficulty`, and `instruction` where it is there."""
    by_number: dict[int, float] = {}
    numbers_of_text: dict[str, list[int]] = {}
    for place, row in enumerate(read_rows(path)):
        where = f"{path}: row {place + 1}"
        number = count_of(row.get("index", row.get("")), where)
        gamma = number_of(row.get("instruction_difficulty"), where)
        if number is None or gamma is None:
            raise DataError(f"{where} needs the columns 'index' and 'instruction_difficulty'")
        if number in by_number:
            raise DataError(f"{where}: instruction {number} stands here twice")
        by_number[number] = gamma
        if row.get("instruction"):
            numbers_of_text.setdefault(str(row["instruction"]), []).append(number)
    return Difficulties(by_number, numbers_of_text, str(path))


def read_gamed(path: str | Path) -> Gamed:
    """The rows of the baseline against verbose and concise versions of itself, in AlpacaEval's columns."""
    columns = []
    rows = read_rows(path)
    for name in ("preference", "std_delta_len", "instruction_difficulty"):
        values = [number_of(row.get(name), f"{path}: row {place}") for place, row in enumerate(rows, start=1)]
        if any(value is None for value in values):
            raise DataError(f"{path}: every row needs a number in '{name}'")
        columns.append(np.array(values, dtype=np.float64))
    if len(rows) == 0:
        raise DataError(f"{path} has no rows")
    return Gamed(*columns)


def read_weights(path: str | Path) -> dict[str, Weights]:
    """The three coefficients by model, in AlpacaEval's columns."""
    found = {}
    for place, row in enumerate(read_rows(path), start=1):
        values = [number_of(row.get(name), f"{path}: row {place}") for name in _WEIGHT_COLUMNS]
        name = row.get("") or row.get("model")
        length, difficulty, baseline = values
        if not name or length is None or difficulty is None or baseline is None:
            raise DataError(f"{path}: row {place} needs a model and {', '.join(_WEIGHT_COLUMNS)}")
        found[str(name)] = Weights(length, difficulty, baseline)
    return found
