"""What a study found: shares and means with intervals, paired tests, agreement, and how raters worked."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tunewright.errors import DataError, RunFolderError
from tunewright.evaluate.bradley_terry import Game, bradley_terry
from tunewright.evaluate.study.adjudicate import decisions
from tunewright.evaluate.study.behaviour import behaviour
from tunewright.evaluate.study.folder import Key, StudyFolder
from tunewright.evaluate.study.judgements import (
    SCORE_OF_PAIR,
    Judgement,
    adjudicated,
    by_prompt,
    judgements,
)
from tunewright.evaluate.study.paired import mean_interval, paired_difference, share_interval
from tunewright.evaluate.study.questions import Question
from tunewright.evaluate.study.ratings import counting_ratings, progress_of
from tunewright.rate.agreement import measure_agreement, rating_table
from tunewright.rate.paired_tests import holm
from tunewright.rate.summary import Interval
from tunewright.run.files import write_json_atomic

RESULTS_FILE = "results.json"
PAGE_FILE = "results.html"
_WINNER = {"win": "first", "tie": "tie", "loss": "second"}


def study_results(folder: StudyFolder, *, peek: bool = False, seed: int = 0) -> dict[str, Any]:
    """All results as JSON-like data. Needs the lock; with `peek` it does without, and says so for ever: the
    use of the key is written down and every later result counts it.

    p-values are corrected by Holm over all comparisons of all questions. RunFolderError without a lock,
    DataError without a rating.
    """
    if not peek:
        folder.verify_lock()
    elif folder.is_locked:
        raise RunFolderError(f"{folder.path}: the study is locked; leave out --peek")
    ratings = counting_ratings(folder)
    if not ratings:
        raise DataError(f"{folder.path}: no rating yet; import some or wait for the raters")
    key = folder.open_key("peek" if peek else "results")
    found = []
    for question in folder.questions.questions:
        if question.kind == "text":
            continue
        own = judgements(ratings, key, question)
        if own:
            found.append(_question(question, own, folder, key, seed))
    _correct(found)
    opened = folder.times_opened()
    return {
        "study": folder.path.name,
        "peek": peek,
        "opened_before_lock": sum(not one["locked"] for one in opened),
        "locked": None if peek else folder.verify_lock()["time"],
        "pairwise": folder.is_pairwise,
        "num_prompts": folder.design["num_prompts"],
        "num_raters": len(folder.raters),
        "overlap": folder.design["overlap"],
        "systems": sorted(key.systems),
        "num_ratings": len(ratings),
        "num_items_missing": sum(one.num_assigned - one.num_done for one in progress_of(folder)),
        "num_tests": sum(len(one["first"]["tests"]) for one in found),
        "questions": found,
        "raters": behaviour(folder, ratings, key),
        "comments": _comments(folder, ratings, key),
    }


def write_results(folder: StudyFolder, *, peek: bool = False) -> Path:
    """Compute the results and write `results.json` and `results.html`; the page's path."""
    from tunewright.evaluate.study.page import render
    from tunewright.run.files import write_text_atomic

    results = study_results(folder, peek=peek)
    write_json_atomic(folder.path / RESULTS_FILE, results)
    write_text_atomic(folder.path / PAGE_FILE, render(results))
    return folder.path / PAGE_FILE


def _question(
    question: Question, found: list[Judgement], folder: StudyFolder, key: Key, seed: int
) -> dict[str, Any]:
    decided = adjudicated(found, folder, key, question)
    changed = decided != found
    assigned = _assigned(folder, key)
    return {
        "id": question.id,
        "ask": question.ask,
        "kind": question.kind,
        "level": question.level,
        "good_means": question.good_means or ("good" if question.good else ""),
        "options": [option.model_dump(mode="json") for option in question.options],
        "first": _side(question, found, assigned, seed),
        "adjudicated": _side(question, decided, Counter(), seed) if changed else None,
        "num_after_unblinding": sum(
            row["after_unblinding"] for row in decisions(folder) if row["question"] == question.id
        ),
        "agreement": _agreement(question, found, seed),
    }


def _side(
    question: Question, found: Sequence[Judgement], assigned: Mapping[tuple[str, ...], int], seed: int
) -> dict[str, Any]:
    if question.kind == "preference":
        return _pairs(found, assigned, seed)
    systems = sorted({one.systems for one in found})
    tested = _score(question, "good" if question.good else "mean")
    rows = [_system(question, [one for one in found if one.systems == own], assigned[own]) for own in systems]
    tests = []
    if tested is not None:
        scores = by_prompt(found, tested)
        for a, b in itertools.combinations(systems, 2):
            shared = sorted(scores[a].keys() & scores[b].keys())
            if shared:
                gap = paired_difference([scores[a][one] - scores[b][one] for one in shared], seed=seed)
                tests.append({"a": " vs ".join(a), "b": " vs ".join(b), **asdict(gap)})
    measure = "share" if question.good else "mean"
    return {"measure": measure, "systems": rows, "tests": tests, "ranking": None, "problem": ""}


def _score(question: Question, measure: str) -> dict[Any, float] | None:
    """What each value counts for; None for names, which have no mean."""
    scale = question.scale()
    if measure == "good":
        return {value: float(value in question.good) for value in scale}
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
    if numbers is not None and question.level != "nominal":
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


def _agreement(question: Question, found: Sequence[Judgement], seed: int) -> dict[str, Any]:
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


def _correct(found: Sequence[dict[str, Any]]) -> None:
    """Put Holm's p beside each; the adjudicated tests are a second look, corrected alike."""
    for side in ("first", "adjudicated"):
        tests = [test for one in found if one[side] for test in one[side]["tests"]]
        for test, p in zip(tests, holm([test["p"] for test in tests]), strict=True):
            test["p_holm"] = p


def _assigned(folder: StudyFolder, key: Key) -> Counter[tuple[str, ...]]:
    """How many ratings of a question each system (or pair) was to get."""
    counts: Counter[tuple[str, ...]] = Counter()
    for rows in folder.assignments.values():
        for row in rows:
            entry = key.items[row["item"]]
            if entry["kind"] == "main":
                names = tuple(sorted(entry["answers"].values()))
                counts[names] += 1
                if len(names) > 1:
                    for name in names:
                        counts[(name,)] += 1
    return counts


def _comments(folder: StudyFolder, ratings: Iterable[Any], key: Key) -> list[dict[str, Any]]:
    texts = {question.id for question in folder.questions.questions if question.kind == "text"}
    return [
        {
            "rater": rating.rater,
            "prompt": key.items[rating.item].get("prompt", ""),
            "systems": sorted(key.items[rating.item]["answers"].values()),
            "text": rating.value,
        }
        for rating in ratings
        if rating.question in texts and rating.value.strip() and key.items[rating.item]["kind"] == "main"
    ]


def _ends(interval: Interval | None) -> dict[str, float] | None:
    return None if interval is None else {"low": interval.low, "high": interval.high}
