"""How each rater worked: pace, runs of the same answers, gold items, repeats, the side they prefer.

Nothing here removes a rater. A flag is a reason to look, and to talk with the person.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from tunewright.evaluate.study.folder import Key, StudyFolder
from tunewright.evaluate.study.questions import TIE
from tunewright.evaluate.study.ratings import Rating, progress_of
from tunewright.rate.summary import share_of

FAST = 0.2  # of the study's median time on an item
RARE = 0.01  # a longest run of equal answers less likely than this is flagged
MANY_FAST = 0.2


def behaviour(folder: StudyFolder, ratings: Sequence[Rating], key: Key) -> list[dict[str, Any]]:
    """One row per rater; what was not measured is None."""
    kinds = {question.id: question.kind for question in folder.questions.questions}
    counted = [rating for rating in ratings if kinds[rating.question] != "text"]
    by_item: dict[str, dict[str, dict[tuple[str, str], Rating]]] = defaultdict(lambda: defaultdict(dict))
    for rating in counted:
        by_item[rating.rater][rating.item][rating.question, rating.system] = rating
    times = {
        rater: {item: _seconds(list(given.values())) for item, given in items.items()}
        for rater, items in by_item.items()
    }
    known = [seconds for own in times.values() for seconds in own.values() if seconds is not None]
    usual = statistics.median(known) if known else None
    rows = []
    for progress in progress_of(folder):
        own = by_item[progress.rater]
        row: dict[str, Any] = {
            "rater": progress.rater,
            "assigned": progress.num_assigned,
            "done": progress.num_done,
            **_pace([value for value in times.get(progress.rater, {}).values() if value is not None], usual),
            **_runs(folder, progress.rater, own, key),
            "gold": _gold(own, key),
            "repeats": _repeats(own, key),
            "with_others": _with_others(by_item, progress.rater, key),
            "first_shown": _first_shown(folder, progress.rater, own),
        }
        row["flags"] = _flags(row)
        rows.append(row)
    return rows


def _seconds(ratings: Sequence[Rating]) -> float | None:
    measured = [rating.seconds for rating in ratings if rating.seconds is not None]
    return max(measured) if measured else None


def _pace(seconds: Sequence[float], usual: float | None) -> dict[str, Any]:
    if not seconds or not usual:
        return {"median_seconds": None, "fast": None}
    fast = sum(value < FAST * usual for value in seconds)
    return {"median_seconds": statistics.median(seconds), "fast": _share(fast, len(seconds))}


def _runs(
    folder: StudyFolder, rater: str, own: dict[str, dict[tuple[str, str], Rating]], key: Key
) -> dict[str, Any]:
    """The longest run of items answered alike in the order shown, and how likely one as long is by chance.

    With a share p of the commonest answers, about n(1−p)pᴸ runs of length L are expected.
    """
    answers = []
    for row in folder.assignments[rater]:
        given = own.get(row["item"])
        if given and key.items[row["item"]]["kind"] != "training":
            place = {code: number for number, code in enumerate(row["answers"])}
            answers.append(
                tuple(
                    sorted(
                        (question, place.get(system, -1), place.get(rating.value, rating.value))
                        for (question, system), rating in given.items()
                    )
                )
            )
    longest = length = 0
    for number, answer in enumerate(answers):
        length = length + 1 if number and answer == answers[number - 1] else 1
        longest = max(longest, length)
    common = max(Counter(answers).values()) / len(answers) if answers else 0.0
    chance = 1.0 if longest < 2 else len(answers) * (1 - common) * common**longest
    return {
        "longest_run": longest,
        "commonest": _share(round(common * len(answers)), len(answers)),
        "run_chance": min(1.0, chance) if common < 1 else (0.0 if longest >= 10 else 1.0),
    }


def _gold(own: dict[str, dict[tuple[str, str], Rating]], key: Key) -> dict[str, Any] | None:
    right = total = 0
    for item, given in own.items():
        if key.items[item]["kind"] == "gold":
            for (question, _), rating in given.items():
                if question in key.items[item]["expected"]:
                    total += 1
                    right += rating.value == key.items[item]["expected"][question]
    return _share(right, total)


def _repeats(own: dict[str, dict[tuple[str, str], Rating]], key: Key) -> dict[str, Any] | None:
    same = total = 0
    for item, given in own.items():
        entry = key.items[item]
        if entry["kind"] == "repeat" and entry["of"] in own:
            before = _by_name(own[entry["of"]], key.items[entry["of"]]["answers"])
            after = _by_name(given, entry["answers"])
            for place in before.keys() & after.keys():
                total += 1
                same += before[place] == after[place]
    return _share(same, total)


def _by_name(given: dict[tuple[str, str], Rating], names: dict[str, str]) -> dict[tuple[str, str], Any]:
    return {
        (question, names.get(system, "")): names.get(rating.value, rating.value)
        for (question, system), rating in given.items()
    }


def _with_others(
    by_item: dict[str, dict[str, dict[tuple[str, str], Rating]]], rater: str, key: Key
) -> dict[str, Any] | None:
    """How often this rater's value equals another rater's of the same thing."""
    equal = total = 0
    for item, given in by_item[rater].items():
        if key.items[item]["kind"] != "main":
            continue
        for other, items in by_item.items():
            if other != rater and item in items:
                for place, rating in given.items():
                    if place in items[item]:
                        total += 1
                        equal += rating.value == items[item][place].value
    return _share(equal, total)


def _first_shown(
    folder: StudyFolder, rater: str, own: dict[str, dict[tuple[str, str], Rating]]
) -> dict[str, Any] | None:
    """Of decided preferences, how often the answer shown first was preferred."""
    if not folder.is_pairwise:
        return None
    first = total = 0
    order = {row["item"]: row["answers"] for row in folder.assignments[rater]}
    kinds = {question.id: question.kind for question in folder.questions.questions}
    for item, given in own.items():
        for (question, _), rating in given.items():
            if kinds[question] == "preference" and rating.value != TIE:
                total += 1
                first += rating.value == order[item][0]
    return _share(first, total)


def _flags(row: dict[str, Any]) -> list[str]:
    flags = []
    if row["fast"] and row["fast"]["share"] > MANY_FAST:
        flags.append(f"{row['fast']['share']:.0%} of the items took less than a fifth of the usual time")
    if row["run_chance"] < RARE:
        flags.append(f"{row['longest_run']} items in a row were answered alike")
    if row["gold"] and row["gold"]["interval"]["high"] < 0.75:
        flags.append(f"{row['gold']['count']} of {row['gold']['of']} gold answers are right")
    if row["first_shown"]:
        interval = row["first_shown"]["interval"]
        if interval["low"] > 0.5 or interval["high"] < 0.5:
            side = "first" if interval["low"] > 0.5 else "second"
            flags.append(f"prefers the answer shown {side}")
    return flags


def _share(count: int, of: int) -> dict[str, Any] | None:
    """A share with Wilson's interval as JSON; None of nothing."""
    if of == 0:
        return None
    found = share_of(count, of)
    assert found.interval is not None
    return {
        "count": count,
        "of": of,
        "share": found.share,
        "interval": {"low": found.interval.low, "high": found.interval.high},
    }
