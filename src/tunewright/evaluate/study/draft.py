"""Drawing up a study: blind codes, the shown items, the key to them, each rater's list."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunewright.evaluate.study.design import (
    balanced_orders,
    order_of_rater,
    raters_of_prompts,
    repeated_places,
)
from tunewright.evaluate.study.materials import Answer, Known, Materials
from tunewright.evaluate.study.questions import TIE

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike, since people read codes out
_CODE_CHARS = 8


@dataclass
class Draft:
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


def treatments_of(systems: list[str], pairwise: bool, against: str | None) -> list[tuple[str, ...]]:
    if not pairwise:
        return [(system,) for system in systems]
    pairs = itertools.combinations(systems, 2)
    return [pair for pair in pairs if against is None or against in pair]


def assign(
    draft: Draft,
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


def _add_repeats(draft: Draft, rows: list[dict[str, Any]], places: Sequence[int]) -> None:
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


def _add_known(draft: Draft, kind: str, known: Known) -> str:
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


def _shuffled(draft: Draft, item: str) -> list[str]:
    codes = list(draft.key[item]["answers"])
    draft.rng.shuffle(codes)
    return codes
