"""AlpacaEval's files: annotations, leaderboards, difficulties, weights; as JSON, JSON lines or CSV, also .gz.

Annotations are read in both of the forms in use: with texts (`instruction`, `output_1`, `generator_1`, …),
and as tables of numbers (`model`, `instruction_index`, `len_1`, `len_2`, `preference`).
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from tunewright.errors import DataError
from tunewright.evaluate.winrate.join import Difficulties
from tunewright.evaluate.winrate.length_controlled import Gamed, LengthControlled, Weights
from tunewright.evaluate.winrate.preference import DRAW, Annotation, Status, Verdict, read_preference
from tunewright.evaluate.winrate.rates import Rates
from tunewright.run.files import write_json_atomic, write_text_atomic

Row = Mapping[str, Any]

# verdicts name models in files, whatever the order: a is answer 1's, b answer 2's
_AS_MODELS: Mapping[str, Verdict] = {name: name for name in get_args(Verdict)}
_TURNED: Mapping[str, Verdict] = {**_AS_MODELS, "a": "b", "b": "a"}
_OURS = frozenset(
    [
        *("instruction", "index", "instruction_index", "row", "question_id", "turn", "annotator"),
        *("generator_1", "generator_2", "model", "output_1", "output_2", "len_1", "len_2"),
        *("preference", "verdict", "verdict_ab", "verdict_ba"),
    ]
)
_BASELINE = "baseline"  # where a table names only the model
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


def read_rows(path: str | Path) -> list[dict[str, Any]]:
    """The rows of a JSON array, of JSON lines, or of a CSV file with a head; DataError if it is none of
    them."""
    path = Path(path)
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError, EOFError) as problem:
        raise DataError(f"{path} cannot be read: {problem}") from problem
    name = path.name.removesuffix(".gz")
    if name.endswith(".csv"):
        return list(csv.DictReader(io.StringIO(text)))
    return _json_rows(text, path)


def _json_rows(text: str, path: Path) -> list[dict[str, Any]]:
    try:
        rows = json.loads(text) if text.lstrip().startswith("[") else None
    except json.JSONDecodeError as problem:
        raise DataError(f"{path}:{problem.lineno}: not JSON ({problem.msg})") from problem
    if rows is None:
        rows = []
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                try:
                    rows.append(json.loads(line))
                except json.JSONDecodeError as problem:
                    raise DataError(f"{path}:{number}: not a JSON object ({problem.msg})") from problem
    wrong = next((place for place, row in enumerate(rows, start=1) if not isinstance(row, dict)), None)
    if wrong is not None:
        raise DataError(f"{path}: row {wrong} is not an object; annotations are rows of named columns")
    return rows


def read_annotations(path: str | Path) -> list[Annotation]:
    """The comparisons of an AlpacaEval file, in its order; DataError names the row of anything wrong."""
    return annotations_of(read_rows(path), path=path)


def annotations_of(rows: Sequence[Row], *, path: str | Path) -> list[Annotation]:
    """The comparisons that rows of AlpacaEval's columns hold."""
    return [_annotation(row, f"{path}: row {number}") for number, row in enumerate(rows, start=1)]


def _annotation(row: Row, where: str) -> Annotation:
    if "preference" not in row:
        raise DataError(f"{where} has no column 'preference'; is this a file of annotations?")
    index = _whole(row.get("instruction_index", row.get("index")), where)
    instruction = row.get("instruction")
    if instruction is None and index is None:
        raise DataError(f"{where} has neither 'instruction' nor 'instruction_index': what was answered?")
    model = row.get("generator_2") or row.get("model")
    if not model:
        raise DataError(f"{where} names no model; it needs 'generator_2' or 'model'")
    preference = read_preference(row["preference"], where=where)
    outputs = [text_of(row[name]) if row.get(name) is not None else None for name in ("output_1", "output_2")]
    lengths = [
        _whole(row.get(name), where) if row.get(name) is not None else None if text is None else len(text)
        for name, text in zip(("len_1", "len_2"), outputs, strict=True)
    ]
    return Annotation(
        instruction=text_of(instruction) if instruction is not None else f"#{index}",
        index=index,
        generator_1=str(row.get("generator_1") or _BASELINE),
        generator_2=str(model),
        output_1=outputs[0],
        output_2=outputs[1],
        len_1=lengths[0],
        len_2=lengths[1],
        annotator=str(row.get("annotator") or ""),
        preference=preference,
        status=_status(row, preference, where),
        verdicts=_verdicts(row, where),
        question=str(row.get("question_id") or ""),
        turn=_whole(row.get("turn"), where) or 1,
        more={name: value for name, value in row.items() if name not in _OURS},
    )


def _status(row: Row, preference: float | None, where: str) -> Status:
    """Why there is no preference. AlpacaEval keeps the reply it could not read as raw_completion."""
    if preference is not None:
        return "judged"
    given = row.get("verdict")
    if given in ("unparsed", "error"):
        return given  # type: ignore[no-any-return]
    if given not in (None, ""):
        raise DataError(f"{where}: the verdict is {given!r}, but there is no preference")
    return "unparsed" if row.get("raw_completion") not in (None, "") else "missing"


def _verdicts(row: Row, where: str) -> tuple[Verdict | None, Verdict | None]:
    """What was shown first decides which verdict "a" is: files name models, `Annotation` places."""
    found = []
    for column, shown in (("verdict_ab", _AS_MODELS), ("verdict_ba", _TURNED)):
        value = row.get(column)
        if value not in (None, "") and value not in shown:
            raise DataError(
                f"{where}: '{column}' is {value!r}; it must be one of {', '.join(shown)}, or null"
            )
        found.append(shown[value] if value else None)
    return found[0], found[1]


def _whole(value: Any, where: str) -> int | None:
    if value is None or value == "":
        return None
    try:
        return int(value)
    except (TypeError, ValueError):
        raise DataError(f"{where}: {value!r} is no whole number") from None


def text_of(value: Any) -> str:
    """The text that a file holds. An answer "true" that some tool wrote as JSON's true is a text again."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def write_annotations(annotations: Iterable[Annotation], path: str | Path) -> None:
    """A JSON array in AlpacaEval's columns; what is None is left out, but for the preference. Reading it
    gives the same annotations."""
    write_json_atomic(path, [_row_of(one) for one in annotations])


def _row_of(one: Annotation) -> dict[str, Any]:
    first, second = one.verdicts
    row: dict[str, Any] = {
        "instruction": None if one.instruction == f"#{one.index}" else one.instruction,
        "instruction_index": one.index,
        "output_1": one.output_1,
        "generator_1": one.generator_1,
        "output_2": one.output_2,
        "generator_2": one.generator_2,
        "annotator": one.annotator or None,
        # where texts are written, their lengths need not be
        "len_1": one.len_1 if one.output_1 is None or len(one.output_1) != one.len_1 else None,
        "len_2": one.len_2 if one.output_2 is None or len(one.output_2) != one.len_2 else None,
        "turn": one.turn if one.turn != 1 else None,
        "question_id": one.question or None,
        "verdict": None if one.status == "missing" else _verdict_of(one),
        "verdict_ab": None if first is None else _AS_MODELS[first],
        "verdict_ba": None if second is None else _TURNED[second],
    }
    row = {name: value for name, value in row.items() if value is not None}
    return row | {"preference": one.preference} | dict(one.more)


def _verdict_of(one: Annotation) -> str:
    if one.preference is None:
        return one.status
    return "tie" if one.is_draw else "b" if one.preference > DRAW else "a"


def read_leaderboard(path: str | Path) -> dict[str, dict[str, Any]]:
    """A leaderboard by model: numbers as floats, what is empty as None."""
    found = {}
    for number, row in enumerate(read_rows(path), start=1):
        name = row.pop("", None) or row.pop("model", None)
        if not name or "win_rate" not in row:
            raise DataError(f"{path}: row {number} is none of a leaderboard (a name and 'win_rate', …)")
        found[str(name)] = {
            column: value if column == "mode" else _number(value, f"{path}: row {number}")
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
        number = _whole(row.get("index", row.get("")), where)
        gamma = _number(row.get("instruction_difficulty"), where)
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
        values = [_number(row.get(name), f"{path}: row {place}") for place, row in enumerate(rows, start=1)]
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
        values = [_number(row.get(name), f"{path}: row {place}") for name in _WEIGHT_COLUMNS]
        name = row.get("") or row.get("model")
        length, difficulty, baseline = values
        if not name or length is None or difficulty is None or baseline is None:
            raise DataError(f"{path}: row {place} needs a model and {', '.join(_WEIGHT_COLUMNS)}")
        found[str(name)] = Weights(length, difficulty, baseline)
    return found


def _number(value: Any, where: str) -> float | None:
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise DataError(f"{where}: {value!r} is no number") from None
    return None if math.isnan(number) else number
