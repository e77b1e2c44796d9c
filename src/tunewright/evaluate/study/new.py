"""Making a study: blind codes, each rater's list, the key, and what the number of prompts can show."""

from __future__ import annotations

import itertools
import random
import re
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tunewright.errors import RecipeError, RunFolderError
from tunewright.evaluate.power import mcnemar_gap, preference_gap, proportion_half_width
from tunewright.evaluate.study.design import (
    balanced_orders,
    order_of_rater,
    raters_of_prompts,
    repeated_places,
)
from tunewright.evaluate.study.folder import FORMAT, StudyFolder, now, write_private
from tunewright.evaluate.study.materials import Answer, Known, Materials
from tunewright.evaluate.study.questions import TIE, QuestionSet
from tunewright.run.files import file_sha256, write_json_atomic, write_text_atomic
from tunewright.run.seeds import derive_seed

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike, since people read codes out
_CODE_CHARS = 8


@dataclass
class _Draft:
    """What grows while a study is drawn up: shown items, the key to them, each rater's list."""

    rng: random.Random
    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    key: dict[str, dict[str, Any]] = field(default_factory=dict)
    codes: set[str] = field(default_factory=set)

    def code(self) -> str:
        while True:
            code = "".join(self.rng.choices(_LETTERS, k=_CODE_CHARS))
            if code not in self.codes:
                self.codes.add(code)
                return code

    def add(
        self,
        kind: str,
        shown_prompt: Mapping[str, Any],
        answers: Sequence[tuple[str, Answer]],
        known: Mapping[str, Any],
    ) -> str:
        """Show these (system, answer) under new codes; `known` goes into the key."""
        item = self.code()
        coded = [(self.code(), system, answer) for system, answer in answers]
        self.key[item] = {"kind": kind, "answers": {code: system for code, system, _ in coded}, **known}
        shown = sorted(
            ({"answer": code, **answer} for code, _, answer in coded), key=lambda one: one["answer"]
        )
        self.items[item] = {"item": item, "prompt": dict(shown_prompt), "answers": shown}
        return item


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
    folder = StudyFolder(out, key=key)
    if folder.path.exists() and any(folder.path.iterdir()):
        raise RunFolderError(f"{folder.path}: not empty; a study is never written over, choose another --out")
    salt = salt if salt is not None else secrets.token_hex(16)
    draft = _Draft(random.Random(derive_seed(seed, "study", salt)))
    treatments = _treatments(list(materials.answers), pairwise, against)
    assignments = _assign(draft, materials, treatments, raters, overlap, repeat)
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
    """What a study of so many prompts can and cannot show, to be read before rating starts."""
    if num_prompts < 2:
        return ["one prompt shows nothing about others"]
    alpha = 0.05 / num_comparisons
    corrected = f" (corrected for {num_comparisons} comparisons)" if num_comparisons > 1 else ""
    if pairwise:
        gaps = [preference_gap(num_prompts, ties=ties, alpha=alpha) for ties in (0.0, 0.3, 0.6)]
        return [
            f"with one rating per prompt, wins minus losses of {100 * gaps[0]:.0f} points are found in "
            f"80 % of studies without ties, {100 * gaps[1]:.0f} with 30 % and {100 * gaps[2]:.0f} with 60 % "
            f"ties{corrected}"
        ]
    half = proportion_half_width(num_prompts, share=0.6)
    low, high = (mcnemar_gap(num_prompts, differing=share, alpha=alpha) for share in (0.2, 0.3))
    return [
        f"a share of 60 % is known to ±{100 * half:.1f} points from one rating per prompt",
        "two systems that differ on 20–30 % of the prompts are told apart in 80 % of studies if their "
        f"shares are {100 * low:.1f}–{100 * high:.1f} points apart{corrected}",
    ]


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
    bad = [rater for rater in raters if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", rater)]
    if bad:
        raise RecipeError(
            f"rater {bad[0]!r}: a name is letters, digits, '.', '_' and '-', for it names a file"
        )
    if not 1 <= overlap <= len(raters):
        raise RecipeError(f"--overlap {overlap} with {len(raters)} raters: give from 1 to {len(raters)}")
    if not 0 <= repeat <= 0.5:
        raise RecipeError(f"--repeat {repeat:g}: the share shown twice is from 0 to .5")
    if not materials.prompts:
        raise RecipeError("a study needs a prompt")
    if against is not None and (not pairwise or against not in materials.answers):
        raise RecipeError(f"--against {against}: name one of the systems of a --pairwise study")


def _treatments(systems: list[str], pairwise: bool, against: str | None) -> list[tuple[str, ...]]:
    if not pairwise:
        return [(system,) for system in systems]
    pairs = itertools.combinations(systems, 2)
    return [pair for pair in pairs if against is None or against in pair]


def _assign(
    draft: _Draft,
    materials: Materials,
    treatments: Sequence[tuple[str, ...]],
    raters: Sequence[str],
    overlap: int,
    repeat: float,
) -> dict[str, list[dict[str, Any]]]:
    """Each rater's rows: training items first, then everything else mixed."""
    ids = list(materials.prompts)
    rng = draft.rng
    main = {
        (prompt, number): draft.add(
            "main",
            materials.prompts[id],
            [(system, materials.answers[system][id]) for system in systems],
            {"prompt": id},
        )
        for prompt, id in enumerate(ids)
        for number, systems in enumerate(treatments)
    }
    training = [_add_known(draft, "training", known) for known in materials.training]
    gold = [_add_known(draft, "gold", known) for known in materials.gold]
    raters_of = raters_of_prompts(len(ids), len(raters), overlap, rng)
    edges = [(rater, prompt) for prompt, chosen in enumerate(raters_of) for rater in chosen]
    turned = [dict(zip(edges, balanced_orders(edges, rng), strict=True)) for _ in treatments]
    assignments = {}
    for number, rater in enumerate(raters):
        order = order_of_rater([p for r, p in edges if r == number], len(treatments), rng)
        rows = []
        for prompt, treatment in order:
            item = main[prompt, treatment]
            codes = list(draft.key[item]["answers"])
            if turned[treatment][number, prompt]:
                codes.reverse()
            rows.append({"item": item, "answers": codes, "part": "main"})
        _add_repeats(draft, rows, repeated_places(order, repeat, len(treatments), rng))
        for place, item in enumerate(gold):  # spread over the whole list
            at = round((place + rng.random()) * (len(rows) - place) / len(gold)) + place
            rows.insert(at, {"item": item, "answers": _shuffled(draft, item), "part": "main"})
        first = [{"item": item, "answers": _shuffled(draft, item), "part": "training"} for item in training]
        assignments[rater] = [{"place": place, **row} for place, row in enumerate(first + rows, start=1)]
    return assignments


def _add_repeats(draft: _Draft, rows: list[dict[str, Any]], places: Sequence[int]) -> None:
    """Show these rows again, under new codes, a third of the list or more later; pairs turned."""
    later = max(1, len(rows) // 3)
    for row, place in [(rows[place], place) for place in places]:
        again = draft.key[row["item"]]
        shown = {answer["answer"]: answer for answer in draft.items[row["item"]]["answers"]}
        answers = [
            (again["answers"][code], {k: v for k, v in shown[code].items() if k != "answer"})
            for code in row["answers"]
        ]
        item = draft.add(
            "repeat",
            draft.items[row["item"]]["prompt"],
            answers,
            {"prompt": again["prompt"], "of": row["item"]},
        )
        codes = list(draft.key[item]["answers"])
        at = draft.rng.randint(min(place + later + 1, len(rows)), len(rows))
        rows.insert(at, {"item": item, "answers": codes[::-1], "part": "main"})


def _add_known(draft: _Draft, kind: str, known: Known) -> str:
    names = ("first", "second")
    item = draft.add(
        kind,
        known.prompt,
        [(names[place], answer) for place, answer in enumerate(known.answers)],
        {"feedback": known.feedback},
    )
    code_of = {name: code for code, name in draft.key[item]["answers"].items()} | {TIE: TIE}
    draft.key[item]["expected"] = {
        question: code_of.get(value, value) if isinstance(value, str) else value
        for question, value in known.expected.items()
    }
    return item


def _shuffled(draft: _Draft, item: str) -> list[str]:
    codes = list(draft.key[item]["answers"])
    draft.rng.shuffle(codes)
    return codes


def _write_for_raters(
    folder: StudyFolder,
    draft: _Draft,
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
