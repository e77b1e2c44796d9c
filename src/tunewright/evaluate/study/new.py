"""Making a study: blind codes, each rater's list, the key, and what the number of prompts can show."""

from __future__ import annotations

import random
import re
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from tunewright.errors import RecipeError, RunFolderError
from tunewright.evaluate.power import POWER, preference_gap, preference_power, proportion_half_width
from tunewright.evaluate.study.draft import Draft, assign, treatments_of
from tunewright.evaluate.study.folder import FORMAT, StudyFolder, now, write_private
from tunewright.evaluate.study.materials import Materials
from tunewright.evaluate.study.questions import QuestionSet
from tunewright.run.files import file_sha256, write_json_atomic, write_text_atomic
from tunewright.run.seeds import derive_seed


def new_study(
    materials: Materials,
    out: str | Path,
    *,
    raters: Sequence[str],
    overlap: int,
    questions: QuestionSet,
    pairwise: bool = False,
    repeat: float = 0.0,
    against: str | None = None,
    instructions: str = "",
    seed: int = 1,
    salt: str | None = None,
    key: Path | None = None,
) -> StudyFolder:
    """A new study in the folder `out`, which must not hold anything yet.

    Every prompt goes to `overlap` raters, who rate all its answers (or, `pairwise`, all pairs of systems;
    with `against`, pairs with that system only). `repeat` is the share of a rater's items shown a second
    time. The seed and the secret `salt`, which only the key holds, decide every random choice: knowing the
    seed does not tell who is behind a code. RecipeError and RunFolderError say what does not fit.
    """
    _check(materials, raters, overlap, repeat, against, pairwise)
    _check_known(materials, questions)
    folder = StudyFolder(out, key=key)
    if folder.path.exists() and any(folder.path.iterdir()):
        raise RunFolderError(f"{folder.path}: not empty; a study is never written over, choose another --out")
    if folder.key_path.exists():
        raise RunFolderError(
            f"{folder.key_path}: there is a key already, and without it its study is lost; give another --key"
        )
    salt = salt if salt is not None else secrets.token_hex(16)
    draft = Draft(random.Random(derive_seed(seed, "study", salt)))
    treatments = treatments_of(list(materials.answers), pairwise, against)
    assignments = assign(draft, materials, treatments, raters, overlap, repeat)
    private = {
        "format": FORMAT,
        "note": "which system is behind which code; keep it from raters",
        "salt": salt,
        "systems": list(materials.answers),
        "items": draft.key,
    }
    folder.path.mkdir(parents=True, exist_ok=True)
    write_private(folder.key_path, private)
    _write_for_raters(folder, draft, assignments, materials, questions, instructions)
    design = {
        "format": FORMAT,
        "created": now(),
        "seed": seed,
        "pairwise": pairwise,
        "raters": list(raters),
        "overlap": overlap,
        "repeat": repeat,
        "num_prompts": len(materials.prompts),
        "num_systems": len(materials.answers),
        "num_treatments": len(treatments),
        "num_gold": len(materials.gold),
        "num_training": len(materials.training),
        "num_items": len(draft.items),
        "items_per_rater": {rater: len(rows) for rater, rows in assignments.items()},
        "instructions": instructions,
        "questions": questions.model_dump(mode="json")["questions"],
        "key_sha256": file_sha256(folder.key_path),
    }
    write_json_atomic(folder.path / "study.json", design)  # last: its presence means the study is whole
    return folder


def power_words(num_prompts: int, num_comparisons: int, *, pairwise: bool) -> list[str]:
    """What a study of so many prompts can and cannot show, to be read before rating starts.

    `num_comparisons` are all that Holm's correction is over; 0 for one system alone."""
    if num_prompts < 2:
        return ["one prompt shows nothing about others"]
    alpha = 0.05 / max(1, num_comparisons)
    corrected = f" (corrected for {num_comparisons} comparisons)" if num_comparisons > 1 else ""
    if pairwise:
        gaps = "; ".join(
            f"{100 * ties:.0f} % ties: {_found(num_prompts, ties, alpha)}" for ties in (0.0, 0.3, 0.6)
        )
        return [f"wins minus losses that 80 % of studies find, with one rating per prompt{corrected}: {gaps}"]
    half = proportion_half_width(num_prompts, share=0.6)
    alone = f"a share of 60 % is known to ±{100 * half:.1f} points from one rating per prompt"
    if num_comparisons == 0:
        return [alone]
    gaps = "; ".join(
        f"on {100 * share:.0f} % of prompts: {_found(num_prompts, 1 - share, alpha)}"
        for share in (0.2, 0.3, 0.5)
    )
    return [
        alone,
        f"difference of two shares that 80 % of studies find{corrected}, where the two are rated differently "
        + gaps,
    ]


def _found(num_prompts: int, ties: float, alpha: float) -> str:
    gap = preference_gap(num_prompts, ties=ties, alpha=alpha)
    enough = preference_power(num_prompts, gap=gap, ties=ties, alpha=alpha) >= POWER
    return f"{100 * gap:.1f} points" if enough else "none, too few prompts"


def _check(
    materials: Materials,
    raters: Sequence[str],
    overlap: int,
    repeat: float,
    against: str | None,
    pairwise: bool,
) -> None:
    if not raters or len(set(raters)) != len(raters):
        raise RecipeError(f"--raters {','.join(raters)!r}: give each rater once, at least one")
    if len({rater.casefold() for rater in raters}) != len(raters):
        raise RecipeError(
            f"--raters {','.join(raters)}: two names differ in capitals only, and some disks have one "
            "file for both; rename one"
        )
    bad = [rater for rater in raters if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", rater)]
    if bad:
        raise RecipeError(
            f"rater {bad[0]!r}: a name is letters, digits, '.', '_' and '-', for it names a file"
        )
    if not 1 <= overlap <= len(raters):
        raise RecipeError(f"--overlap {overlap} with {len(raters)} raters: give from 1 to {len(raters)}")
    if not 0 <= repeat <= 0.5:
        raise RecipeError(f"--repeat {repeat:g}: the share shown twice is from 0 to .5")
    if not materials.answers:
        raise RecipeError("a study needs a system")
    if not materials.prompts:
        raise RecipeError("a study needs a prompt")
    if against is not None and (not pairwise or against not in materials.answers):
        raise RecipeError(f"--against {against}: name one of the systems of a --pairwise study")


def _check_known(materials: Materials, questions: QuestionSet) -> None:
    """What is expected of gold and training items must be possible answers, or every rater would fail."""
    for known in (*materials.gold, *materials.training):
        names = ("first", "second")[: len(known.answers)]
        for id, value in known.expected.items():
            question = questions.get(id)
            refusal = question.refusal(value, names) if question else "there is no such question"
            if refusal:
                refusal = refusal.replace("an answer's code", "'first' or 'second'")
                raise RecipeError(
                    f"the item {known.prompt['instruction'][:60]!r} expects {id}: {value!r}; {refusal}"
                )


def num_comparisons(num_systems: int, questions: QuestionSet, *, against: bool = False) -> int:
    """How many tests Holm's correction will be over: pairs of systems times questions that are tested."""
    pairs = num_systems - 1 if against else num_systems * (num_systems - 1) // 2
    tested = [
        question
        for question in questions.questions
        if question.kind == "preference" or question.good or question.level != "nominal"
    ]
    return pairs * sum(question.kind != "text" for question in tested)


def _write_for_raters(
    folder: StudyFolder,
    draft: Draft,
    assignments: Mapping[str, Sequence[Mapping[str, Any]]],
    materials: Materials,
    questions: QuestionSet,
    instructions: str,
) -> None:
    (folder.for_raters / "assignments").mkdir(parents=True)
    (folder.path / "ratings").mkdir()
    # sorted by code, which is random: the order of the file says nothing about systems or kinds
    _write_rows(folder.for_raters / "items.jsonl", [draft.items[item] for item in sorted(draft.items)])
    for rater, rows in assignments.items():
        _write_rows(folder.for_raters / "assignments" / f"{rater}.jsonl", rows)
    training = [
        {"item": item, "expected": entry["expected"], "feedback": entry["feedback"]}
        for item, entry in draft.key.items()
        if entry["kind"] == "training"
    ]
    _write_rows(folder.for_raters / "training.jsonl", training)
    asked = {"instructions": instructions, **questions.model_dump(mode="json")}
    write_json_atomic(folder.for_raters / "questions.json", asked)
    assert len(training) == len(materials.training)


def _write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    write_text_atomic(path, "".join(orjson.dumps(row).decode() + "\n" for row in rows))


def shown_counts(folder: StudyFolder) -> Counter[str]:
    """How many raters each item is assigned to."""
    return Counter(row["item"] for rows in folder.assignments.values() for row in rows)
