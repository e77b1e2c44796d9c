"""AlpacaEval's annotations, as they are published and as we write them.

Both of the forms in use are read: with texts (`instruction`, `output_1`, `generator_1`, …), and as tables of
numbers (`model`, `instruction_index`, `len_1`, `len_2`, `preference`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from tunewright.errors import DataError
from tunewright.evaluate.winrate.preference import DRAW, Annotation, Status, Verdict, read_preference
from tunewright.evaluate.winrate.rows import Row, count_of, name_of, read_rows, text_of
from tunewright.run.files import write_json_atomic

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


def read_annotations(path: str | Path) -> list[Annotation]:
    """The comparisons of an AlpacaEval file, in its order; DataError names the row of anything wrong."""
    return annotations_of(read_rows(path), path=path)


def annotations_of(rows: Sequence[Row], *, path: str | Path) -> list[Annotation]:
    """The comparisons that rows of AlpacaEval's columns hold."""
    return [_annotation(row, f"{path}: row {number}") for number, row in enumerate(rows, start=1)]


def _annotation(row: Row, where: str) -> Annotation:
    if "preference" not in row:
        raise DataError(f"{where} has no column 'preference'; is this a file of annotations?")
    index = count_of(row.get("instruction_index", row.get("index")), where)
    instruction = row.get("instruction")
    if instruction is None and index is None:
        raise DataError(f"{where} has neither 'instruction' nor 'instruction_index': what was answered?")
    model = name_of(row.get("generator_2") or row.get("model"), where, "generator_2")
    if not model:
        raise DataError(f"{where} names no model; it needs 'generator_2' or 'model'")
    preference = read_preference(row["preference"], where=where)
    outputs = [text_of(row[name]) if row.get(name) is not None else None for name in ("output_1", "output_2")]
    lengths = [
        count_of(row.get(name), where) if row.get(name) is not None else None if text is None else len(text)
        for name, text in zip(("len_1", "len_2"), outputs, strict=True)
    ]
    return Annotation(
        instruction=text_of(instruction) if instruction is not None else f"#{index}",
        index=index,
        generator_1=name_of(row.get("generator_1"), where, "generator_1") or _BASELINE,
        generator_2=model,
        output_1=outputs[0],
        output_2=outputs[1],
        len_1=lengths[0],
        len_2=lengths[1],
        annotator=name_of(row.get("annotator"), where, "annotator"),
        preference=preference,
        status=_status(row, preference, where),
        verdicts=_verdicts(row, where),
        question=name_of(row.get("question_id"), where, "question_id"),
        turn=count_of(row.get("turn"), where) or 1,
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
        if value not in (None, "", *shown):
            raise DataError(
                f"{where}: '{column}' is {value!r}; it must be one of {', '.join(shown)}, or null"
            )
        found.append(shown[value] if value else None)
    return found[0], found[1]


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
