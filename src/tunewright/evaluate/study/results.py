"""What a study found: shares and means with intervals, paired tests, agreement, and how raters worked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import tunewright
from tunewright.errors import DataError, RunFolderError
from tunewright.evaluate.study.adjudicate import decisions
from tunewright.evaluate.study.behaviour import behaviour
from tunewright.evaluate.study.folder import Key, StudyFolder
from tunewright.evaluate.study.judgements import Judgement, adjudicated, judgements
from tunewright.evaluate.study.measures import agreement, measures
from tunewright.evaluate.study.questions import Question
from tunewright.evaluate.study.ratings import counting_ratings, progress_of
from tunewright.rate.paired_tests import holm
from tunewright.run.files import file_sha256, write_json_atomic

RESULTS_FILE = "results.json"
PAGE_FILE = "results.html"


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
    lock = None if peek else folder.verify_lock()
    # both, since the list of openings can be deleted and the lock cannot
    opened = max(
        sum(not one["locked"] for one in folder.times_opened()), lock["opened_before"] if lock else 0
    )
    return {
        "study": folder.path.name,
        "peek": peek,
        "opened_before_lock": opened,
        "locked": lock["time"] if lock else None,
        "lock_sha256": file_sha256(folder.lock_path) if lock else None,
        "design": {
            name: folder.design[name]
            for name in ("seed", "repeat", "num_gold", "num_training", "items_per_rater", "instructions")
        },
        "version": tunewright.__version__,
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
        "first": measures(question, found, assigned, seed),
        "adjudicated": measures(question, decided, Counter(), seed) if changed else None,
        "num_after_unblinding": sum(
            row["after_unblinding"] for row in decisions(folder) if row["question"] == question.id
        ),
        "agreement": agreement(question, found, seed),
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
