"""MT-Bench's judgement files: single scores and pairs, two turns a question (Zheng et al., 2023).

In a pair's file g1 is the verdict with model 1 shown first and g2 the one with model 2 shown first; both
already name models. FastChat counts two errors as a win of model 2, and a score of −1, its sign of a reply
without one, it leaves out; here both are unparsed and counted.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson

from tunewright.errors import DataError
from tunewright.evaluate.winrate.preference import (
    Annotation,
    MergeRule,
    Verdict,
    merge_verdicts,
    verdict_of_scores,
)
from tunewright.evaluate.winrate.rows import count_of, name_of, read_rows
from tunewright.run.files import write_text_atomic

Kind = Literal["scores", "pairs"]
_UNPARSED = -1
# of a winner as files have it: the verdict where model 1 is shown first, and where model 2 is
_FIRST: Mapping[str, Verdict] = {"model_1": "a", "model_2": "b", "tie": "tie", "error": "unparsed"}
_SECOND: Mapping[str, Verdict] = {"model_1": "b", "model_2": "a", "tie": "tie", "error": "unparsed"}
_SCORE_COLUMNS = frozenset(("question_id", "model", "judge", "score", "turn"))
_PAIR_COLUMNS = frozenset(("question_id", "model_1", "model_2", "g1_winner", "g2_winner", "judge", "turn"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One answer's score, None where the judge's reply has none. `more` holds prompt, reply and time."""

    question: str
    model: str
    judge: tuple[str, str]  # its name, and that of its prompt
    turn: int
    score: float | None
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MeanScore:
    """A model's mean over the readable scores, and per turn; None where a turn has none."""

    model: str
    num_scores: int
    num_unparsed: int
    mean: float
    first_turn: float | None
    second_turn: float | None


def kind_of(rows: Sequence[Mapping[str, Any]]) -> Kind | None:
    """Which of MT-Bench's two files these rows are of; None if neither."""
    if rows and "question_id" in rows[0]:
        if "g1_winner" in rows[0]:
            return "pairs"
        if "score" in rows[0]:
            return "scores"
    return None


def read_scores(path: str | Path) -> list[Score]:
    """The single scores of a file; DataError names a row that lacks a column or has an impossible score."""
    return scores_of(read_rows(path), path=path)


def scores_of(rows: Sequence[Mapping[str, Any]], *, path: str | Path) -> list[Score]:
    """The single scores that rows hold."""
    found = []
    for number, row in enumerate(rows, start=1):
        where = f"{path}: row {number}"
        _require(row, _SCORE_COLUMNS - {"judge", "turn"}, where)
        value = row["score"]
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise DataError(f"{where}: the score is {value!r}; it must be a number, or -1 for none")
        found.append(
            Score(
                question=name_of(row["question_id"], where, "question_id"),
                model=name_of(row["model"], where, "model"),
                judge=_judge(row.get("judge")),
                turn=count_of(row.get("turn"), where) or 1,
                score=None if value == _UNPARSED else float(value),
                more={name: one for name, one in row.items() if name not in _SCORE_COLUMNS},
            )
        )
    return found


def write_scores(scores: Iterable[Score], path: str | Path) -> None:
    """MT-Bench's JSON lines; a score that is not there is −1, as its readers expect."""
    _write(
        path,
        (
            {
                "question_id": _question(one.question),
                "model": one.model,
                "judge": list(one.judge),
                "score": _UNPARSED if one.score is None else one.score,
                "turn": one.turn,
                **one.more,
            }
            for one in scores
        ),
    )


def read_pairs(path: str | Path, *, rule: MergeRule = MergeRule.BOTH) -> list[Annotation]:
    """The pairs of a file, model_1 as answer 1, with both verdicts and the preference they give together."""
    return pairs_of(read_rows(path), path=path, rule=rule)


def pairs_of(
    rows: Sequence[Mapping[str, Any]], *, path: str | Path, rule: MergeRule = MergeRule.BOTH
) -> list[Annotation]:
    """The pairs that rows hold."""
    found = []
    for number, row in enumerate(rows, start=1):
        where = f"{path}: row {number}"
        _require(row, _PAIR_COLUMNS - {"judge", "turn"}, where)
        for column in ("g1_winner", "g2_winner"):
            if row[column] not in tuple(_FIRST):
                raise DataError(
                    f"{where}: '{column}' is {row[column]!r}; it must be one of {', '.join(_FIRST)}"
                )
        verdicts = (_FIRST[row["g1_winner"]], _SECOND[row["g2_winner"]])
        preference, status = merge_verdicts(*verdicts, rule)
        judge, prompt = _judge(row.get("judge"))
        found.append(
            Annotation(
                instruction=name_of(row["question_id"], where, "question_id"),
                generator_1=name_of(row["model_1"], where, "model_1"),
                generator_2=name_of(row["model_2"], where, "model_2"),
                annotator=judge,
                turn=count_of(row.get("turn"), where) or 1,
                verdicts=verdicts,
                preference=preference,
                status=status,
                more={"judge_prompt": prompt}
                | {name: one for name, one in row.items() if name not in _PAIR_COLUMNS},
            )
        )
    return found


def write_pairs(annotations: Iterable[Annotation], path: str | Path) -> None:
    """MT-Bench's JSON lines of pairs. Both verdicts are needed (DataError); unparsed and error are
    "error"."""
    rows = []
    for one in annotations:
        first, second = one.verdicts
        if first is None or second is None:
            raise DataError(
                f"{one.generator_1} against {one.generator_2} on {one.instruction[:60]!r} was not asked "
                "in both orders; MT-Bench's pairs hold both"
            )
        more = dict(one.more)
        prompt = more.pop("judge_prompt", "pair-v2")
        rows.append(
            {
                "question_id": _question(one.instruction),
                "model_1": one.generator_1,
                "model_2": one.generator_2,
                "g1_winner": _winner(first, _FIRST),
                "g2_winner": _winner(second, _SECOND),
                "judge": [one.annotator, prompt],
                "turn": one.turn,
                **more,
            }
        )
    _write(path, rows)


def mean_scores(scores: Sequence[Score]) -> list[MeanScore]:
    """Each model's mean, best first. A model without any readable score is a DataError."""
    by_model: dict[str, list[Score]] = defaultdict(list)
    for one in scores:
        by_model[one.model].append(one)
    found = []
    for model, its in by_model.items():
        values = [one.score for one in its if one.score is not None]
        if not values:
            raise DataError(f"{model}: none of {len(its)} replies has a score, so there is no mean")
        turns = [[one.score for one in its if one.turn == turn and one.score is not None] for turn in (1, 2)]
        first, second = (sum(turn) / len(turn) if turn else None for turn in turns)
        found.append(
            MeanScore(model, len(values), len(its) - len(values), sum(values) / len(values), first, second)
        )
    return sorted(found, key=lambda one: -one.mean)


def scores_as_pairs(scores: Sequence[Score], baseline: str) -> list[Annotation]:
    """Each model against the baseline on the same question, turn and judge: the higher score wins, equal is a
    draw, a score that is not there makes the pair unparsed. DataError if the baseline was not scored, or an
    answer was twice by one judge."""
    counts = Counter((one.model, one.question, one.turn, one.judge) for one in scores)
    twice = next((key for key, count in counts.items() if count > 1), None)
    if twice is not None:
        raise DataError(f"{twice[0]}: question {twice[1]}, turn {twice[2]} was scored twice by {twice[3][0]}")
    reference = {(one.question, one.turn, one.judge): one for one in scores if one.model == baseline}
    if not reference:
        raise DataError(
            f"{baseline!r} has no scores; there are {', '.join(sorted({s.model for s in scores}))}"
        )
    found = []
    for one in scores:
        other = reference.get((one.question, one.turn, one.judge))
        if other is None or one.model == baseline:
            continue
        verdict = verdict_of_scores(other.score, one.score)
        preference, status = merge_verdicts(verdict, None)
        found.append(
            Annotation(
                instruction=one.question,
                generator_1=baseline,
                generator_2=one.model,
                annotator=one.judge[0],
                turn=one.turn,
                preference=preference,
                status=status,
            )
        )
    return found


def _require(row: Mapping[str, Any], columns: Iterable[str], where: str) -> None:
    missing = sorted(name for name in columns if name not in row)
    if missing:
        raise DataError(f"{where} lacks {', '.join(missing)}; is this a file of MT-Bench's judgements?")


def _judge(value: Any) -> tuple[str, str]:
    name, prompt = (*value, "", "")[:2] if isinstance(value, list) else (value or "", "")
    return str(name), str(prompt)


def _question(text: str) -> int | str:
    """MT-Bench's question ids are numbers."""
    return int(text) if text.isdecimal() and str(int(text)) == text else text


def _winner(verdict: Verdict, verdicts: Mapping[str, Verdict]) -> str:
    names = {shown: winner for winner, shown in verdicts.items()}
    return names.get(verdict, "error")


def _write(path: str | Path, rows: Iterable[Mapping[str, Any]]) -> None:
    write_text_atomic(path, "".join(orjson.dumps(row).decode() + "\n" for row in rows))
