"""Pairs that people have labelled, and how a judge does against them: PandaLM's files, and GPT-4's reviews.

PandaLM's labels are 0 tie, 1 answer 1, 2 answer 2, by three people each (Wang et al., ICLR 2024).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tunewright.errors import DataError
from tunewright.evaluate.winrate.preference import Annotation, MergeRule, merge_verdicts, verdict_of_scores
from tunewright.evaluate.winrate.rows import Row, read_rows, text_of

Label = TypeVar("Label", bound=Hashable)
_ANNOTATORS = ("annotator1", "annotator2", "annotator3")


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """Two answers to one instruction and its people's labels; 0 tie, 1, 2."""

    number: int
    instruction: str
    input: str
    response_1: str
    response_2: str
    generator_1: str
    generator_2: str
    labels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """`macro_f1` is the plain mean of the F1 of every label that occurs in truth or prediction."""

    num_pairs: int
    accuracy: float
    macro_f1: float


def read_labelled_pairs(path: str | Path) -> list[LabelledPair]:
    """PandaLM's test set; answers that the file holds as JSON's true are the text "true"."""
    found = []
    for place, row in enumerate(read_rows(path), start=1):
        missing = [name for name in ("idx", "response1", "response2", *_ANNOTATORS) if name not in row]
        if missing:
            raise DataError(f"{path}: row {place} lacks {', '.join(missing)}; is this PandaLM's test set?")
        first, _, second = str(row.get("cmp_key", "1_2")).partition("_")
        found.append(
            LabelledPair(
                number=int(row["idx"]),
                instruction=text_of(row.get("instruction", "")),
                input=text_of(row.get("input", "")),
                response_1=text_of(row["response1"]),
                response_2=text_of(row["response2"]),
                generator_1=first,
                generator_2=second,
                labels=tuple(int(row[name]) for name in _ANNOTATORS),
            )
        )
    return found


def read_predictions(path: str | Path, column: str = "pandalm_result") -> dict[int, int]:
    """A judge's labels by the number of the pair."""
    rows = read_rows(path)
    wrong = next((place for place, row in enumerate(rows, 1) if "idx" not in row or column not in row), None)
    if wrong is not None:
        raise DataError(f"{path}: row {wrong} lacks 'idx' or '{column}'")
    return {int(row["idx"]): int(row[column]) for row in rows}


def majority(labels: Sequence[Label]) -> Label | None:
    """The label that more than half of the people gave; None where there is none."""
    if not labels:
        return None
    label, count = Counter(labels).most_common(1)[0]
    return label if 2 * count > len(labels) else None


def agreement(truth: Sequence[Label], predicted: Sequence[Label]) -> Agreement:
    """Accuracy and macro-F1; nothing to compare is a DataError."""
    assert len(truth) == len(predicted), "one prediction per pair"
    if not truth:
        raise DataError("there is no pair with both a label and a prediction, so there is no agreement")
    right = Counter(t for t, p in zip(truth, predicted, strict=True) if t == p)
    true, said = Counter(truth), Counter(predicted)
    f1 = [2 * right[label] / (true[label] + said[label]) for label in true | said]
    return Agreement(len(truth), sum(right.values()) / len(truth), sum(f1) / len(f1))


def read_two_order_reviews(path: str | Path, *, rule: MergeRule = MergeRule.MAJORITY) -> list[Annotation]:
    """Reviews that score both answers, asked in both orders: columns `scores` and `scores_reverse`, each the
    score of the answer shown first and of the other. Answer 1 is the file's Answer1."""
    return reviews_of(read_rows(path), path=path, rule=rule)


def are_reviews(rows: Sequence[Row]) -> bool:
    """Whether these rows are reviews in two orders."""
    return bool(rows) and {"Answer1", "Answer2", "scores", "scores_reverse"} <= rows[0].keys()


def reviews_of(
    rows: Sequence[Row], *, path: str | Path, rule: MergeRule = MergeRule.MAJORITY
) -> list[Annotation]:
    """The reviews that rows hold."""
    found = []
    for place, row in enumerate(rows):
        missing = [name for name in ("prompt", "Answer1", "Answer2") if name not in row]
        if missing:
            raise DataError(f"{path}: row {place + 1} lacks {', '.join(missing)}; is this a file of reviews?")
        verdicts = (
            verdict_of_scores(*_scores(row, "scores")),
            verdict_of_scores(*_scores(row, "scores_reverse")),
        )
        preference, status = merge_verdicts(*verdicts, rule)
        answers = text_of(row["Answer1"]), text_of(row["Answer2"])
        found.append(
            Annotation(
                instruction=text_of(row["prompt"]),
                index=place,
                generator_1="Answer1",
                generator_2="Answer2",
                output_1=answers[0],
                output_2=answers[1],
                len_1=len(answers[0]),
                len_2=len(answers[1]),
                verdicts=verdicts,
                preference=preference,
                status=status,
            )
        )
    return found


def _scores(row: Row, column: str) -> tuple[float | None, float | None]:
    """Both scores; None where the review has none, which such files write as -1."""
    try:
        first, second = (float(value) for value in json.loads(row[column]))
    except (KeyError, TypeError, ValueError):
        return None, None
    return first if first >= 0 else None, second if second >= 0 else None
