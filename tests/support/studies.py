"""Small studies for the tests: materials in memory, and raters who answer by rule."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tunewright.evaluate.study.folder import StudyFolder
from tunewright.evaluate.study.materials import Known, Materials
from tunewright.evaluate.study.new import new_study
from tunewright.evaluate.study.questions import load_questions
from tunewright.evaluate.study.ratings import Rating, add_ratings

SYSTEMS = ("aardvark", "buffalo", "chameleon")
START = datetime(2026, 5, 4, 9, tzinfo=UTC)


def materials(
    num_prompts: int = 12, num_systems: int = 3, *, num_gold: int = 0, pairwise: bool = False
) -> Materials:
    prompts = {f"q{number}": {"instruction": f"Write item {number}."} for number in range(num_prompts)}
    answers = {
        system: {id: {"output": f"text {place} of {id}"} for id in prompts}
        for place, system in enumerate(SYSTEMS[:num_systems])
    }
    gold = tuple(
        Known(
            {"instruction": f"Known {number}."},
            ({"output": "right"}, {"output": "wrong"}) if pairwise else ({"output": "wrong"},),
            {"preference": "first"} if pairwise else {"validity": 0},
        )
        for number in range(num_gold)
    )
    return Materials(prompts, answers, gold)


def study(
    path: Path,
    *,
    num_prompts: int = 12,
    num_systems: int = 3,
    raters: Sequence[str] = ("ann", "bob", "eve"),
    overlap: int = 2,
    pairwise: bool = False,
    num_gold: int = 0,
    repeat: float = 0.0,
    seed: int = 1,
    salt: str = "salt",
) -> StudyFolder:
    return new_study(
        materials(num_prompts, num_systems, num_gold=num_gold, pairwise=pairwise),
        path,
        raters=raters,
        overlap=overlap,
        questions=load_questions(None, pairwise=pairwise),
        pairwise=pairwise,
        repeat=repeat,
        seed=seed,
        salt=salt,
    )


def key_of(folder: StudyFolder) -> dict[str, Any]:
    items: dict[str, Any] = json.loads(folder.key_path.read_text("utf-8"))["items"]
    return items


Rule = Callable[[str, str, dict[str, Any]], float]


def rate_all(folder: StudyFolder, rule: Rule, *, seconds: float = 30.0) -> None:
    """Every rater answers everything; `rule(rater, system, key entry)` is how good the answer is, 0 to 1."""
    key = key_of(folder)
    rows = []
    for rater in folder.raters:
        for row in folder.assignments[rater]:
            entry = key[row["item"]]
            time = (START + timedelta(minutes=row["place"])).isoformat()
            goodness = {code: rule(rater, system, entry) for code, system in entry["answers"].items()}
            if folder.is_pairwise:
                first, second = row["answers"]
                gap = goodness[first] - goodness[second]
                value = "tie" if gap == 0 else first if gap > 0 else second
                rows.append(Rating(row["item"], "", rater, "preference", value, time, seconds))
                continue
            [code] = row["answers"]
            good = goodness[code]
            for question, answer in (
                ("validity", float(good >= 0.5)),
                ("readiness", float(1 + round(3 * good))),
                ("explanation", float(1 + round(3 * good))),
            ):
                rows.append(Rating(row["item"], code, rater, question, answer, time, seconds))
    add_ratings(folder, rows)


def by_quality(seed: int = 0) -> Rule:
    """Chameleons are best, aardvarks worst, with noise per rater and prompt; gold is judged rightly."""
    rng = random.Random(seed)
    quality = {"aardvark": 0.35, "buffalo": 0.5, "chameleon": 0.8, "first": 0.9, "second": 0.1}

    def rule(rater: str, system: str, entry: dict[str, Any]) -> float:
        if entry["kind"] == "gold" and "validity" in entry["expected"]:
            return float(entry["expected"]["validity"])
        return min(1.0, max(0.0, quality[system] + rng.gauss(0, 0.15)))

    return rule
