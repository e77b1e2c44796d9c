"""What the ratings of one question say: shares, means, paired tests, wins, strengths, agreement."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tunewright.errors import DataError
from tunewright.evaluate.bradley_terry import Game, bradley_terry
from tunewright.evaluate.study.judgements import SCORE_OF_PAIR, Judgement, by_prompt, paired_gaps
from tunewright.evaluate.study.paired import mean_interval, paired_difference, share_interval
from tunewright.evaluate.study.questions import Question
from tunewright.rate.agreement import measure_agreement, rating_table
from tunewright.rate.summary import Interval

_WINNER = {"win": "first", "tie": "tie", "loss": "second"}


def measures(
    question: Question, found: Sequence[Judgement], assigned: Mapping[tuple[str, ...], int], seed: int
) -> dict[str, Any]:
    if question.kind == "preference":
        return _pairs(found, assigned, seed)
    systems = sorted({one.systems for one in found})
    tested = _score(question, "good" if question.good else "mean")
    rows = [_system(question, [one for one in found if one.systems == own], assigned[own]) for own in systems]
    tests = []
    if tested is not None:
        for a, b in itertools.combinations(systems, 2):
            gaps = paired_gaps(found, tested, a, b)
            if gaps:
                gap = paired_difference([gaps[prompt] for prompt in sorted(gaps)], seed=seed)
                tests.append({"a": " vs ".join(a), "b": " vs ".join(b), **asdict(gap)})
    measure = "share" if question.good else "mean"
    return {"measure": measure, "systems": rows, "tests": tests, "ranking": None, "problem": ""}


def _score(question: Question, measure: str) -> dict[Any, float] | None:
    """What each value counts for; None for names, which have no mean, also when they are numbers."""
    scale = question.scale()
    if measure == "good":
        return {value: float(value in question.good) for value in scale}
    if question.level == "nominal":
        return None
    numbers = {value: value for value in scale if not isinstance(value, str)}
    return {value: float(number) for value, number in numbers.items()} or None


def _system(question: Question, found: Sequence[Judgement], num_assigned: int) -> dict[str, Any]:
    counts = Counter(one.value for one in found)
    row: dict[str, Any] = {
        "name": " vs ".join(found[0].systems),
        "num_ratings": len(found),
        "num_missing": max(0, num_assigned - len(found)),
        "num_prompts": len({one.prompt for one in found}),
        "counts": [{"value": value, "count": counts[value]} for value in question.scale()],
        "mean": None,
        "mean_interval": None,
        "share": None,
        "share_interval": None,
    }
    numbers = _score(question, "mean")
    if numbers is not None:
        values = list(by_prompt(found, numbers)[found[0].systems].values())
        row["mean"] = sum(values) / len(values)
        row["mean_interval"] = _ends(mean_interval(values))
    if question.good:
        good = _score(question, "good")
        assert good is not None
        values = list(by_prompt(found, good)[found[0].systems].values())
        row["share"] = sum(values) / len(values)
        row["share_interval"] = _ends(share_interval(values, len(found)))
    return row


def _pairs(found: Sequence[Judgement], assigned: Mapping[tuple[str, ...], int], seed: int) -> dict[str, Any]:
    """Wins, ties and losses of each pair's first system, the win rate over prompts, strengths over all."""
    tests = []
    for systems, scores in sorted(by_prompt(found, SCORE_OF_PAIR).items()):
        values = list(scores.values())
        counts = Counter(one.value for one in found if one.systems == systems)
        gap = paired_difference([2 * (value - 0.5) for value in values], seed=seed)
        num = sum(counts.values())
        tests.append(
            {
                "a": systems[0],
                "b": systems[1],
                "wins": counts["win"],
                "ties": counts["tie"],
                "losses": counts["loss"],
                "num_missing": max(0, assigned[systems] - num),
                "win_rate": sum(values) / len(values),
                "win_rate_interval": _ends(share_interval(values, num)),
                **asdict(gap),
            }
        )
    ranking, problem = _ranking(found)
    return {"measure": "wins", "systems": [], "tests": tests, "ranking": ranking, "problem": problem}


def _ranking(found: Sequence[Judgement]) -> tuple[dict[str, Any] | None, str]:
    games = [Game(one.systems[0], one.systems[1], _WINNER[one.value], one.prompt) for one in found]  # type: ignore[arg-type]
    try:
        ranking = bradley_terry(games, where="Bradley–Terry")
    except DataError as error:
        return None, str(error)
    plain = asdict(ranking)
    return {"tie": ranking.tie, "strengths": list(plain["strengths"])}, ""


def agreement(question: Question, found: Sequence[Judgement], seed: int) -> dict[str, Any]:
    """Agreement on first ratings, prompts drawn as a whole; only the coefficients that fit the question's
    level.
    """
    triples = [(" ".join((one.item, *one.systems)), one.rater, one.value) for one in found]
    cluster_of = {" ".join((one.item, *one.systems)): one.prompt for one in found}
    scale = question.scale() if question.kind == "choice" else ("win", "tie", "loss")
    try:
        table = rating_table(triples, scale=scale, cluster_of=cluster_of)
        measured = measure_agreement(table, seed=seed, where=question.id)
    except DataError as error:
        return {"problem": str(error)}
    wanted = {
        "nominal": {"percent nominal", "cohen nominal", "fleiss nominal", "alpha nominal", "ac1 nominal"},
        "ordinal": {"percent nominal", "cohen quadratic", "alpha ordinal", "ac1 nominal", "ac2 quadratic"},
        "interval": {"percent nominal", "cohen quadratic", "alpha interval", "ac1 nominal", "ac2 quadratic"},
    }[question.level]
    kept = [one for one in measured.coefficients if f"{one.name} {one.weighting}" in wanted]
    return {
        "problem": "",
        "num_items": measured.num_items,
        "num_pairable": measured.num_pairable,
        "coefficients": [asdict(one) for one in kept],
        "prevalence": [
            {"value": value, "share": share}
            for value, share in zip(measured.categories, measured.prevalence, strict=True)
        ],
        "notes": list(measured.notes),
    }


def _ends(interval: Interval | None) -> dict[str, float] | None:
    return None if interval is None else {"low": interval.low, "high": interval.high}
