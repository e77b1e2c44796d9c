"""Ratings with their key: the values raters gave each system on each prompt, first or adjudicated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunewright.evaluate.study.adjudicate import decisions
from tunewright.evaluate.study.folder import Key, StudyFolder
from tunewright.evaluate.study.questions import TIE, Question
from tunewright.evaluate.study.ratings import Rating

# Of a pair: how the first system (by name) did. Half a win for a tie is the win rate's convention.
DECIDED = "adjudicated"  # stands for all raters
SCORE_OF_PAIR = {"win": 1.0, "tie": 0.5, "loss": 0.0}


@dataclass(frozen=True, slots=True)
class Judgement:
    """One rater's value for one system (or pair) on one prompt. Of a preference the value is win, tie or loss
    of the first system of `systems`, which are in alphabetical order."""

    item: str
    prompt: str
    systems: tuple[str, ...]
    rater: str
    value: Any


def judgements(ratings: Iterable[Rating], key: Key, question: Question) -> list[Judgement]:
    """The judgements on a question from main items; gold, repeats and training are for other purposes."""
    found = []
    for rating in ratings:
        entry = key.items[rating.item]
        if rating.question == question.id and entry["kind"] == "main":
            found.append(_judgement(rating.item, rating.system, rating.rater, rating.value, key))
    return found


def adjudicated(
    found: Sequence[Judgement], folder: StudyFolder, key: Key, question: Question
) -> list[Judgement]:
    """The judgements with each decided place's replaced by the one decision, as by a rater "adjudicated"."""
    decided = {}
    for row in decisions(folder):
        if row["question"] == question.id and key.items[row["item"]]["kind"] == "main":
            one = _judgement(row["item"], row["system"], DECIDED, row["value"], key)
            decided[one.item, one.systems] = one
    kept = [one for one in found if (one.item, one.systems) not in decided]
    return kept + list(decided.values())


def by_prompt(
    found: Iterable[Judgement], score: Mapping[Any, float]
) -> dict[tuple[str, ...], dict[str, float]]:
    """Per system (or pair) each prompt's mean score over its raters."""
    scores: dict[tuple[str, ...], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in found:
        scores[one.systems][one.prompt].append(score[one.value])
    return {
        systems: {prompt: sum(values) / len(values) for prompt, values in own.items()}
        for systems, own in scores.items()
    }


def paired_gaps(
    found: Iterable[Judgement], score: Mapping[Any, float], first: tuple[str, ...], second: tuple[str, ...]
) -> dict[str, float]:
    """Per prompt the first's mean score minus the second's, over the raters who rated both, so that a
    rater's severity falls out even where ratings are missing. A decision stands for all raters; a prompt
    without a common rater is left out."""
    scores: dict[str, dict[tuple[str, ...], dict[str, list[float]]]] = defaultdict(
        lambda: {first: defaultdict(list), second: defaultdict(list)}
    )
    for one in found:
        if one.systems in (first, second):
            scores[one.prompt][one.systems][one.rater].append(score[one.value])
    gaps = {}
    for prompt, own in scores.items():
        raters = [own[systems].keys() for systems in (first, second)]
        common = raters[0] & raters[1]
        if not common and all(raters) and any(DECIDED in one for one in raters):
            common = raters[0] | raters[1]
        means = [
            [sum(values) / len(values) for rater, values in own[systems].items() if rater in common]
            for systems in (first, second)
        ]
        if common:
            gaps[prompt] = sum(means[0]) / len(means[0]) - sum(means[1]) / len(means[1])
    return gaps


def _judgement(item: str, system: str, rater: str, value: Any, key: Key) -> Judgement:
    entry = key.items[item]
    names: Mapping[str, str] = entry["answers"]
    if system:
        return Judgement(item, entry["prompt"], (names[system],), rater, value)
    pair = tuple(sorted(names.values()))
    if value == TIE:
        value = "tie"
    elif value in names:
        value = "win" if names[value] == pair[0] else "loss"
    return Judgement(item, entry["prompt"], pair, rater, value)
